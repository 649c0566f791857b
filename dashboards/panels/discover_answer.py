"""The sentence of Discover, what it is narrowed to, and what stands where nothing is found.

    row of search__answer + Narrowing  ->  Markup
"""

from typing import Any

from dashboards import format as fmt
from dashboards import links
from dashboards.markup import Markup, joined, write
from dashboards.panels.discover_filters import GONE, PAUSED, Narrowing


def shown(chosen: Narrowing, answer: dict[str, Any]) -> int:
    """How many hits there are in all."""
    if chosen.values.get("status") == GONE:
        return int(answer.get("gone_count") or 0)
    return int(answer.get("dag_count") or 0) + int(answer.get("task_count") or 0)


def sentence(chosen: Narrowing, answer: dict[str, Any]) -> Markup:
    """How many there are, and how many of the DAGs need a look."""
    if not shown(chosen, answer):
        return _nothing(chosen)
    return write("<b>{what}</b>{called} on {clusters}{health}.", what=_what(chosen, answer),
                 called=_called(chosen),
                 clusters=fmt.count(answer["cluster_count"], "cluster"),
                 health=_health(chosen, answer))


def _nothing(chosen: Narrowing) -> Markup:
    fits = " that fits the filters" if chosen.chosen else ""
    if not chosen.text:
        return write("<b>Nothing</b>{fits}.", fits=fits)
    return write("<b>Nothing</b>{fits} is called {text}.", fits=fits, text=_quoted(chosen.text))


def _what(chosen: Narrowing, answer: dict[str, Any]) -> str:
    if chosen.values.get("status") == GONE:
        return fmt.count(shown(chosen, answer), "DAG or task", "DAGs and tasks") + " gone"
    dags, tasks = int(answer["dag_count"] or 0), int(answer["task_count"] or 0)
    parts = [fmt.count(dags, "DAG")] if dags or not tasks else []
    return " and ".join([*parts, fmt.count(tasks, "task")] if tasks else parts)


def _called(chosen: Narrowing) -> Markup:
    return write(" called like {text}", text=_quoted(chosen.text)) if chosen.text else Markup("")


def _quoted(text: str) -> Markup:
    return write('<span class="ws-id">{text}</span>', text=text)


def _health(chosen: Narrowing, answer: dict[str, Any]) -> Markup:
    """Of the DAGs: failed, paused, not parsed; each a link that narrows to them."""
    if not answer["dag_count"]:
        return Markup("")
    failed, paused = (int(answer[f"{name}_count"] or 0) for name in ("failed", "paused"))
    kept: dict[str, Any] = {**chosen.values, "kind": "DAGs"}
    said = [
        write('<b class="{ink}">{link}</b> their last run',
              ink="ws-bad" if failed else "ws-good",
              link=_narrower(f"{fmt.count(failed)} failed", failed, {**kept, "last": "failed"})),
        write("{link}", link=_narrower(f"{fmt.count(paused, 'is', 'are')} paused", paused,
                                       {**kept, "status": PAUSED}))]
    opening = "; of the DAGs " if answer["task_count"] else ": "
    return write("{opening}{said}", opening=opening, said=joined(said))


def _narrower(text: str, number: int, values: dict[str, Any]) -> Markup:
    if not number:
        return write("{text}", text=text)
    return links.link("discover", text, **values)


def narrowed(chosen: Narrowing, sort: str) -> Markup:
    """What is chosen, each with a link that takes it back, and one for all of it."""
    rest: Any = chosen.values
    chips = [write(
        '<span class="ws-chip">{name} <b>{value}</b> {link}</span>', name=name, value=value,
        link=links.link("discover", "✕", hint=f"Without {name}", sort=sort,
                        **{k: v for k, v in rest.items() if k != name}))
        for name, value in chosen.chosen.items()]
    return write('<div class="ws-under">Narrowed to {chips} {all}</div>', chips=joined(chips, " "),
                 all=clear(chosen, sort))


def clear(chosen: Narrowing, sort: str) -> Markup:
    """A link to the same text without filters."""
    return links.link("discover", "clear filters", q=chosen.text, sort=sort)


def ways_on(chosen: Narrowing, answer: dict[str, Any], near_count: int) -> Markup:
    """What to do where nothing was found."""
    ways = []
    gone_ones: dict[str, Any] = {**chosen.values, "status": GONE}
    gone = int(answer.get("gone_count") or 0)
    if gone and chosen.values.get("status") != GONE:
        ways.append(links.link("discover", f"Show {fmt.count(gone)} gone from Airflow",
                               **gone_ones))
    if chosen.chosen:
        ways.append(links.link("discover", "Clear filters", q=chosen.text))
    if chosen.text:
        ways.append(links.link("discover", "Show all DAGs"))
    near = write("The nearest names are below. ") if near_count else Markup("")
    return write('<div class="ws-banner ws-info" role="status">{near}{ways}</div>', near=near,
                 ways=joined(ways, " · "))
