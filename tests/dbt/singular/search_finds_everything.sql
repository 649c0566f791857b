-- Every DAG and every task is found, and two routes to a DAG's last run agree: the newest of all landed
-- runs, and the list that is kept by the worklist.
with expected as (
    select
        cluster,
        dag_id,
        '' as task_id,
        last_run_id,
        least(run_count, 15) as shown_run_count
    from {{ ref('dim_dags') }}
    union all
    select
        cluster,
        dag_id,
        task_id,
        null as last_run_id,
        null as shown_run_count
    from {{ ref('dim_tasks') }}
),

found as (
    select
        cluster,
        dag_id,
        task_id,
        latest_runs[-1].run_id as last_run_id,
        len(latest_runs) as shown_run_count
    from {{ ref('dim_search_entries') }}
),

missing as (
    select * from expected
    except
    select * from found
),

unexpected as (
    select * from found
    except
    select * from expected
)

select * from missing
union all
select * from unexpected
