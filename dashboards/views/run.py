"""Why did this run take as long as it did?"""

from dashboards import frame
from dashboards.panels import (
    run_answer,
    run_chain,
    run_compare,
    run_graph,
    run_path,
    run_task,
    run_tasks,
    run_whatif,
)
from dashboards.panels.run_data import PATHS, Subject

VIEWS = {"path": "Critical path", "gantt": "Gantt", "graph": "Graph", "tasks": "Tasks",
         "chain": "Other DAGs", "whatif": "What if", "compare": "Compare"}
PATH_WORDS = {"finish": "What made it end when it did", "failure": "What led to its last failure"}


def draw(page: frame.Page) -> None:
    """The page: heading, sentence, bar, the chosen task, the chosen view."""
    cluster, dag_id, run_id = frame.state_of("cluster", "dag_id", "run_id")
    subject = Subject(page, cluster, dag_id, run_id)
    if not (cluster and dag_id and run_id) or not subject.run:
        frame.banner(page)
        run_answer.missing(page, cluster, dag_id, run_id)
        return
    run_answer.heading(subject)
    frame.banner(page)
    run_answer.draw(subject)
    view, task_id, index = frame.state_of("view", "task_id", "map_index")
    view = view if view in VIEWS else "path"
    chosen = (task_id, int(index) if index.isdecimal() else -1) if task_id else None
    frame.tabs("run", view, VIEWS, **subject.named)
    if chosen:
        run_task.draw(subject, *chosen, view)
    if view == "graph":
        run_graph.draw(page, cluster, dag_id, run_id, subject.version_key)
    elif view == "chain":
        run_chain.draw(subject)
    elif not subject.states:
        frame.say('<div class="ws-under">It has no task instances: Airflow makes them when a run '
                  "starts.</div>")
    else:
        _of_instances(subject, view, chosen)


def _of_instances(subject: Subject, view: str, chosen: tuple[str, int] | None) -> None:
    """The views that need task instances."""
    sort, shown, other = frame.state_of("sort", "shown", "other")
    if view == "gantt":
        run_tasks.gantt(subject, is_all=shown == "all")
    elif view == "tasks":
        run_tasks.table(subject, sort, chosen)
    elif view == "whatif":
        run_whatif.draw(subject)
    elif view == "compare":
        run_compare.draw(subject, other)
    else:
        _path(subject, chosen)


def _path(subject: Subject, chosen: tuple[str, int] | None) -> None:
    """The waterfall of one of its paths, and a way to the other."""
    (asked,) = frame.state_of("path")
    default = run_answer.told_path(subject)
    kind = asked if asked in PATHS and asked in subject.path_kinds else default
    if len(subject.path_kinds) > 1:
        frame.say("{choice}", choice=run_path.choice(subject, kind, PATH_WORDS))
    if not subject.steps(kind):
        frame.say('<div class="ws-under">No task of it has run, so it has no path: all of its '
                  "time is before a first task.</div>")
        return
    with frame.section("{words} <span>{note}; inside a step its waits stand before its running"
                       "</span>", words=PATH_WORDS[kind],
                       note=run_answer.path_note(subject, kind)):
        frame.say("{table}", table=run_path.waterfall(subject, kind, chosen))


frame.show("", draw)
