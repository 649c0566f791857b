"""Which pages there are, and links between them. Pure.

    to("run", cluster=…, dag_id=…, run_id=…)  ->  "run?cluster=…&dag_id=…&run_id=…"

Addresses are relative to the app's root, so that they hold behind a proxy's prefix too. The
navigator (components/) follows a link without loading the app anew; without it, or in a new tab,
it is a link like any other.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from dashboards import format as fmt
from dashboards.markup import Markup, write


@dataclass(frozen=True)
class Place:
    """A page: its title in the navigation, its group (empty: reached by links), its icon."""

    title: str
    group: str
    icon: str


PLACES: dict[str, Place] = {
    "discover": Place("Discover", "Find", "search"),
    "runs": Place("Runs", "Find", "checklist"),
    "dag": Place("DAG", "", "account_tree"),
    "run": Place("Run", "", "timeline"),
    "task": Place("Task", "", "task_alt"),
    "import_errors": Place("Import errors", "Understand", "error"),
    "limits": Place("Limits", "Understand", "speed"),
    "slowest": Place("Slowest", "Improve", "trending_up"),
    "platform": Place("Platform", "Operate", "monitor_heart"),
}
DEFAULT = "discover"


def to(page: str, **parameters: object) -> str:
    """The relative address of a page in a state; what is None or empty is left out.

    Raises:
        KeyError: there is no such page.
    """
    PLACES[page]
    path = "./" if page == DEFAULT else page        # the default page has no path of its own
    given = {k: str(v) for k, v in parameters.items() if v is not None and v != ""}
    return f"{path}?{urlencode(given)}" if given else path


def link(page: str, text: object, *, hint: str = "", is_id: bool = False,
         **parameters: object) -> Markup:
    """A link into a page; text of strangers is escaped, an id is set in the ids' type."""
    return write('<a class="{kind}" href="{href}" title="{hint}">{text}</a>',
                 kind="ws-link ws-id" if is_id else "ws-link",
                 href=Markup(fmt.escape(to(page, **parameters), limit=8000)), hint=hint, text=text)


def outside(address: str | None, text: str, *, hint: str = "") -> Markup:
    """A link to another site (Airflow) in a tab of its own; nothing when there is no address."""
    if not address:
        return Markup("")
    return write('<a class="ws-out" href="{href}" target="_blank" rel="noopener noreferrer" '
                 'title="{hint}">{text} ↗</a>',
                 href=Markup(fmt.escape(address, limit=8000)), hint=hint, text=text)


def crumbs(cluster: str, dag_id: str | None = None, run_id: str | None = None,
           task_id: str | None = None, map_index: int | None = None) -> Markup:
    """`cluster / dag / run / task`, each part but the last a link."""
    parts = [link("discover", cluster, is_id=True, cluster=cluster)]
    if dag_id is not None:
        parts.append(link("dag", dag_id, is_id=True, cluster=cluster, dag_id=dag_id))
    if run_id is not None:
        parts.append(link("run", run_id, is_id=True, cluster=cluster, dag_id=dag_id,
                          run_id=run_id))
    if task_id is not None:
        name = task_id if map_index is None or map_index < 0 else f"{task_id} [{map_index}]"
        parts.append(write('<span class="ws-id" aria-current="page">{name}</span>', name=name))
    inner = write('<span aria-hidden="true"> / </span>').join(parts)
    return write('<nav class="ws-crumbs" aria-label="Where you are">{inner}</nav>',
                 inner=Markup(inner))
