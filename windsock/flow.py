"""docs/FLOW.md: the flow of the whole project as pictures, drawn from dbt's manifest.

    Project -> one picture of rooms and topics, one of each topic, a table of staging -> flow_text

Alone: `make docs` (or `python -m windsock.flow`) writes the file; a test fails when it is stale.
"""

from collections import defaultdict
from pathlib import Path

from windsock.trace.load import load_project
from windsock.trace.project import ROOT, Project, Relation
from windsock.warehouse import Layout

FILE = ROOT / "docs" / "FLOW.md"
_HEAD = """# The flow

Made by `make docs` from dbt's manifest; a test fails when it is stale. What stands at the head of
an arrow reads what stands at its tail. `windsock trace marts.fct_dag_runs.running_seconds` walks
the same way back for one column.

| room | what happens there | |
|---|---|---|
"""
_WORDS = """Left out: the topic `changes`. Its worklist is read by nearly every model of runs, and
its watermark reads every mart that a build adds to (docs/decisions/0003). Arrows from marts back to
a topic are meant: history lives once, in marts."""
_WORKLIST = "topic_changes"
_ROOMS = {
    "landing": "as it arrived: the source's own names, instants in UTC, stamps",
    "staging": "where Airflow's releases meet: one source each, renamed, typed",
    "intermediate": "joins and computes, for the runs that changed",
    "marts": "the promise: contracts, grain, owner, words",
}
_COLOURS = {
    "landing": "#e8e8e8", "staging": "#d5dde4", "seeds": "#dcdcec", "intermediate": "#ecdfc6",
    "marts": "#cfe5d8", "pages": "#f3d9d4",
}


def flow_text(project: Project) -> str:
    """The content of docs/FLOW.md."""
    models = [r for r in project.relations.values() if r.kind == "model"]
    parts = [_HEAD + _room_rows(project), "## Rooms and topics", _WORDS, _overview(project, models)]
    topics = sorted({_topic(r) for r in models if r.room == "intermediate"})
    parts.append("## Topic by topic")
    for topic in topics:
        parts += [f"### {topic}", _topic_picture(project, topic)]
    parts += ["## From landing to staging", _staging_table(models)]
    return "\n\n".join(parts) + "\n"


def _room_rows(project: Project) -> str:
    rows = []
    for room, text in _ROOMS.items():
        count = sum(r.room == room and r.kind != "seed" for r in project.relations.values())
        rows.append(f"| {room} | {text} | {count} {'tables' if room == 'landing' else 'models'} |")
    return "\n".join(rows)


def _topic(relation: Relation) -> str:
    """`critical_path` of `models/intermediate/critical_path/…`."""
    return Path(relation.path).parts[2] if relation.kind == "model" else ""


def _overview(project: Project, models: list[Relation]) -> str:
    """Landing and staging as one node each, intermediate by topic, every mart, every page."""
    node = {r.name: _node(r) for r in project.relations.values()}
    pairs = {(node[parent], node[r.name]) for r in models for parent in r.parents}
    edges = {pair for pair in pairs if pair[0] != pair[1] and _WORKLIST not in pair}
    edges |= {(node[mart], f"page_{page}") for page, marts in project.pages.items()
              for mart in marts}
    counts: dict[str, int] = defaultdict(int)
    for relation in project.relations.values():
        counts[node[relation.name]] += 1
    lines = ["flowchart LR"]
    lines += _group("landing", [("landing", f"Airflow's tables ({counts['landing']})")])
    lines += _group("staging", [("staging", f"stg_airflow_db__… ({counts['staging']})")])
    lines += _group("seeds", [("seeds", f"seeds ({counts['seeds']})")])
    topics = sorted({n for n in node.values() if n.startswith("topic_")} - {_WORKLIST})
    lines += _group("intermediate", [
        (t, f"{t.removeprefix('topic_')} ({counts[t]})") for t in topics])
    lines += _group("marts", [(r.short_name, r.short_name) for r in models if r.room == "marts"])
    lines += _group("pages", [(f"page_{page}", page) for page in project.pages])
    return _fenced([*lines, *(f"  {a} --> {b}" for a, b in sorted(edges))])


def _node(relation: Relation) -> str:
    if relation.kind == "seed":
        return "seeds"
    if relation.room == "intermediate":
        return f"topic_{_topic(relation)}"
    return relation.short_name if relation.room == "marts" else relation.room


def _topic_picture(project: Project, topic: str) -> str:
    """The models of a topic, what each reads, and what reads them from outside."""
    inside = {r.name for r in project.relations.values()
              if r.room == "intermediate" and _topic(r) == topic}
    edges = {
        (parent, r.name) for r in project.relations.values() for parent in r.parents
        if parent in inside or r.name in inside
    }
    shown = sorted({name for edge in edges for name in edge} | inside)
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in shown:
        relation = project.relations[name]
        group = "seeds" if relation.kind == "seed" else relation.room
        groups[topic if name in inside else group].append(
            (relation.short_name, relation.short_name))
    lines = ["flowchart LR"]
    for group in ("seeds", "staging", "intermediate", topic, "marts"):
        if groups[group]:
            lines += _group(group, groups[group], colour=_COLOURS.get(group, "#ecdfc6"))
    return _fenced([*lines, *(
        f"  {project.relations[a].short_name} --> {project.relations[b].short_name}"
        for a, b in sorted(edges))])


def _staging_table(models: list[Relation]) -> str:
    rows = [
        f"| {', '.join(f'`{p}`' for p in r.parents)} | `{r.short_name}` | {r.description} |"
        for r in models if r.room == "staging"
    ]
    return "\n".join(["| landing table | staging model | |", "|---|---|---|", *rows])


def _group(name: str, nodes: list[tuple[str, str]], *, colour: str = "") -> list[str]:
    if not nodes:
        return []
    lines = [f"  subgraph room_{name}[{name}]"]
    lines += [f'    {node}["{text}"]' for node, text in sorted(nodes)]
    return [*lines, "  end", f"  style room_{name} fill:{colour or _COLOURS[name]},stroke:#888"]


def _fenced(lines: list[str]) -> str:
    return "\n".join(["```mermaid", *lines, "```"])


if __name__ == "__main__":
    FILE.write_text(flow_text(load_project(Layout(ROOT / "var"))))
