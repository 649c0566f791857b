"""The allow-list: every table and column of Airflow's database that Windsock copies.

What is not named here is never read: connections, variables, users, sessions, XCom, rendered
fields, pickles (`executor_config`, `conf` before 3.x), trigger arguments, callbacks, notes.
Columns of all releases stand side by side; a release lands those that it has.
"""

from ingest.contracts import Kind, Table

RUN_KEY = ("dag_id", "run_id")
INSTANCE_KEY = ("dag_id", "run_id", "task_id", "map_index")

FINAL_RUN_STATES = ("success", "failed")
FINAL_INSTANCE_STATES = ("success", "failed", "skipped", "upstream_failed", "removed")
RUN_STATES = frozenset({"queued", "running", *FINAL_RUN_STATES})
INSTANCE_STATES = frozenset({
    *FINAL_INSTANCE_STATES, "scheduled", "queued", "running", "restarting", "up_for_retry",
    "up_for_reschedule", "deferred", "awaiting_input", "sensing", "shutdown",
})


def _kinds(text: str = "", *, whole: str = "", real: str = "", flag: str = "",
           instant: str = "") -> dict[str, Kind]:
    """Columns by kind, each a blank-separated list of names."""
    columns: dict[str, Kind] = {}
    columns.update(dict.fromkeys(text.split(), "text"))
    columns.update(dict.fromkeys(whole.split(), "int"))
    columns.update(dict.fromkeys(real.split(), "float"))
    columns.update(dict.fromkeys(flag.split(), "bool"))
    columns.update(dict.fromkeys(instant.split(), "instant"))
    return columns


_INSTANCE = _kinds(
    "dag_id run_id task_id state hostname unixname pool queue operator custom_operator_name "
    "executor rendered_map_index external_executor_id next_method task_display_name "
    "dag_version_id retry_reason",
    whole="map_index try_number max_tries job_id pool_slots priority_weight queued_by_job_id pid "
    "trigger_id",
    real="duration retry_delay_override",
    instant="execution_date start_date end_date queued_dttm scheduled_dttm last_heartbeat_at "
    "trigger_timeout updated_at",
)

TABLES: dict[str, Table] = {t.name: t for t in (
    # --- with their DAG runs -------------------------------------------------------------------
    Table("dag_run", RUN_KEY, _kinds(
        "dag_id run_id state run_type triggered_by triggering_user_name conf dag_hash "
        "bundle_version span_status created_dag_version_id partition_key",
        whole="id creating_job_id log_template_id clear_number backfill_id scheduled_by_job_id",
        flag="external_trigger",
        instant="execution_date logical_date queued_at start_date end_date data_interval_start "
        "data_interval_end run_after last_scheduling_decision created_at updated_at "
        "partition_date",
    ), "run",
        observed=frozenset({"start_date", "clear_number", "dag_hash", "created_dag_version_id"}),
        volatile=frozenset({"last_scheduling_decision"})),
    Table("task_instance", INSTANCE_KEY, {"id": "text", **_INSTANCE}, "run",
        observed=frozenset({"try_number", "start_date"}),
        observed_when="old.start_date is not null",
        volatile=frozenset({"last_heartbeat_at"})),
    Table("task_instance_history", (*INSTANCE_KEY, "try_number"),
        {"id": "int", "task_instance_id": "text", **_INSTANCE}, "run"),
    Table("task_reschedule", (*INSTANCE_KEY, "id"), _kinds(
        "dag_id run_id task_id ti_id", whole="id map_index try_number", real="duration",
        instant="execution_date start_date end_date reschedule_date"), "run"),
    Table("task_fail", (*INSTANCE_KEY, "id"), _kinds(
        "dag_id run_id task_id", whole="id map_index", real="duration",
        instant="execution_date start_date end_date"), "run"),
    Table("task_map", INSTANCE_KEY, _kinds(
        "dag_id run_id task_id", whole="map_index length"), "run"),
    Table("backfill_dag_run", (*RUN_KEY, "id"), _kinds(
        "dag_id run_id exception_reason partition_key", whole="id backfill_id sort_ordinal",
        instant="logical_date"), "run"),
    Table("dagrun_dataset_event", (*RUN_KEY, "event_id"), _kinds(
        "dag_id run_id", whole="event_id"), "run"),
    Table("dagrun_asset_event", (*RUN_KEY, "event_id"), _kinds(
        "dag_id run_id", whole="event_id"), "run"),
    Table("deadline", (*RUN_KEY, "id"), _kinds(
        "dag_id run_id id deadline_alert_id", flag="missed",
        instant="created_at last_updated_at deadline_time"), "run"),
    Table("dag_run_note", RUN_KEY, _kinds(
        "dag_id run_id content", instant="created_at updated_at"), "run"),
    Table("task_instance_note", INSTANCE_KEY, _kinds(
        "dag_id run_id task_id content", whole="map_index",
        instant="created_at updated_at"), "run"),
    # --- read and compared whole ---------------------------------------------------------------
    Table("dag", ("dag_id",), _kinds(
        "dag_id root_dag_id fileloc processor_subdir relative_fileloc bundle_name bundle_version "
        "owners dag_display_name description schedule_interval timetable_type timetable_summary "
        "timetable_description dataset_expression asset_expression allowed_run_types "
        "next_dagrun_partition_key",
        whole="max_active_tasks max_active_runs max_consecutive_failed_dag_runs concurrency",
        real="last_parse_duration",
        flag="is_paused is_subdag is_active is_stale has_task_concurrency_limits "
        "has_import_errors exceeds_max_non_backfill fail_fast timetable_partitioned "
        "timetable_periodic",
        instant="last_scheduler_run last_parsed_time last_expired next_dagrun "
        "next_dagrun_data_interval_start next_dagrun_data_interval_end next_dagrun_create_after "
        "next_dagrun_partition_date"),
        "whole",
        observed=frozenset({
            "is_paused", "is_active", "is_stale", "next_dagrun", "next_dagrun_create_after",
            "max_active_tasks", "max_active_runs", "concurrency", "exceeds_max_non_backfill",
            "has_import_errors", "fileloc", "owners", "schedule_interval", "timetable_summary"}),
        volatile=frozenset({"last_parsed_time", "last_parse_duration", "last_scheduler_run"})),
    Table("dag_tag", ("dag_id", "name"), _kinds("dag_id name"), "whole"),
    Table("dag_owner_attributes", ("dag_id", "owner"), _kinds("dag_id owner link"), "whole"),
    Table("slot_pool", ("pool",), _kinds(
        "pool team_name", whole="id slots", flag="include_deferred"), "whole",
        observed=frozenset({"slots", "include_deferred"})),
    Table("import_error", ("filename", "bundle_name"), _kinds(
        "filename bundle_name processor_subdir stacktrace", whole="id", instant="timestamp"),
        "whole", observed=frozenset({"stacktrace"}), volatile=frozenset({"id", "timestamp"})),
    Table("dag_warning", ("dag_id", "warning_type"), _kinds(
        "dag_id warning_type message", instant="timestamp"), "whole",
        observed=frozenset({"message"}), volatile=frozenset({"timestamp"})),
    Table("dag_version", ("id",), _kinds(
        "id dag_id bundle_name bundle_version", whole="version_number",
        instant="created_at last_updated"), "whole", volatile=frozenset({"last_updated"})),
    Table("dag_bundle", ("name",), _kinds(
        "name version", flag="active", instant="last_refreshed"), "whole",
        observed=frozenset({"version"}), volatile=frozenset({"last_refreshed"})),
    Table("log_template", ("id",), _kinds(
        "filename elasticsearch_id", whole="id", instant="created_at"), "whole"),
    Table("backfill", ("id",), _kinds(
        "dag_id reprocess_behavior triggering_user_name", whole="id max_active_runs",
        flag="is_paused", instant="from_date to_date created_at completed_at updated_at"), "whole"),
    Table("trigger", ("id",), _kinds(
        "classpath queue team_name", whole="id triggerer_id", instant="created_date"), "whole"),
    Table("dataset", ("id",), _kinds(
        "uri", whole="id", flag="is_orphaned", instant="created_at updated_at"), "whole"),
    Table("dataset_alias", ("id",), _kinds("name", whole="id"), "whole"),
    Table("dataset_dag_run_queue", ("dataset_id", "target_dag_id"), _kinds(
        "target_dag_id", whole="dataset_id", instant="created_at"), "whole",
        observed=frozenset({"created_at"})),
    Table("dag_schedule_dataset_reference", ("dataset_id", "dag_id"), _kinds(
        "dag_id", whole="dataset_id", instant="created_at updated_at"), "whole"),
    Table("dag_schedule_dataset_alias_reference", ("alias_id", "dag_id"), _kinds(
        "dag_id", whole="alias_id", instant="created_at updated_at"), "whole"),
    Table("task_outlet_dataset_reference", ("dataset_id", "dag_id", "task_id"), _kinds(
        "dag_id task_id", whole="dataset_id", instant="created_at updated_at"), "whole"),
    Table("asset", ("id",), _kinds(
        "name uri group", whole="id", instant="created_at updated_at"), "whole"),
    Table("asset_active", ("name", "uri"), _kinds("name uri"), "whole"),
    Table("asset_alias", ("id",), _kinds("name group", whole="id"), "whole"),
    Table("asset_dag_run_queue", ("asset_id", "target_dag_id"), _kinds(
        "target_dag_id", whole="asset_id", instant="created_at"), "whole",
        observed=frozenset({"created_at"})),
    Table("asset_partition_dag_run", ("id",), _kinds(
        "target_dag_id partition_key", whole="id created_dag_run_id",
        instant="partition_date created_at updated_at"), "whole"),
    Table("dag_schedule_asset_reference", ("asset_id", "dag_id"), _kinds(
        "dag_id", whole="asset_id", instant="created_at updated_at"), "whole"),
    Table("dag_schedule_asset_alias_reference", ("alias_id", "dag_id"), _kinds(
        "dag_id", whole="alias_id", instant="created_at updated_at"), "whole"),
    Table("dag_schedule_asset_name_reference", ("name", "dag_id"), _kinds(
        "name dag_id", instant="created_at"), "whole"),
    Table("dag_schedule_asset_uri_reference", ("uri", "dag_id"), _kinds(
        "uri dag_id", instant="created_at"), "whole"),
    Table("task_outlet_asset_reference", ("asset_id", "dag_id", "task_id"), _kinds(
        "dag_id task_id", whole="asset_id", instant="created_at updated_at"), "whole"),
    Table("task_inlet_asset_reference", ("asset_id", "dag_id", "task_id"), _kinds(
        "dag_id task_id", whole="asset_id", instant="created_at updated_at"), "whole"),
    Table("team", ("name",), _kinds("name"), "whole"),
    Table("sla_miss", ("dag_id", "task_id", "execution_date"), _kinds(
        "dag_id task_id", flag="email_sent notification_sent",
        instant="execution_date timestamp"), "whole"),
    # --- by growing id -------------------------------------------------------------------------
    Table("log", ("id",), _kinds(
        "dag_id task_id run_id event owner owner_display_name extra",
        whole="id map_index try_number", instant="dttm execution_date logical_date"), "append"),
    Table("dataset_event", ("id",), _kinds(
        "source_task_id source_dag_id source_run_id", whole="id dataset_id source_map_index",
        instant="timestamp"), "append"),
    Table("asset_event", ("id",), _kinds(
        "source_task_id source_dag_id source_run_id partition_key",
        whole="id asset_id source_map_index", instant="timestamp"), "append"),
    # --- by heartbeat --------------------------------------------------------------------------
    Table("job", ("id",), _kinds(
        "dag_id state job_type executor_class hostname unixname", whole="id",
        instant="start_date end_date latest_heartbeat"), "recent",
        # 1.10 and 2.x have a LocalTaskJob per task execution: their beats are not worth keeping.
        observed=frozenset({"state", "latest_heartbeat"}),
        observed_when="old.job_type <> 'LocalTaskJob'"),
    # --- bodies only for what changed ----------------------------------------------------------
    Table("serialized_dag", ("dag_id", "dag_version_id"), _kinds(
        "dag_id dag_version_id dag_hash fileloc processor_subdir",
        instant="created_at last_updated"), "heavy",
        observed=frozenset({"dag_hash"}), volatile=frozenset({"last_updated"})),
    Table("dag_code", ("code_key",), _kinds(
        "code_key dag_id fileloc dag_version_id source_hash source_code",
        instant="last_updated"), "heavy", observed=frozenset({"source_hash"})),
)}
