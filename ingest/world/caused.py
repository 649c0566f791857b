"""Runs that other runs cause, and sensors that other runs let go on.

    what has happened so far  ->  runs triggered or fed by it;  ends that sensors wait for
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ingest.world.atlas import NEVER, Atlas, Ints
from ingest.world.company import Company
from ingest.world.drafts import SECOND
from ingest.world.due import ASSET, SCHEDULED, TRIGGERED, Due
from ingest.world.plan import SUCCESS, Plan
from ingest.world.story import Story

Place = tuple[int, int]     # a story's number, and an instance or a run in it


@dataclass(frozen=True, eq=False)
class Happened:
    """Some runs: when and why they were due, and their story."""

    story: Story
    due: Due


@dataclass(frozen=True, eq=False)
class Wires:
    """Who is wired to whom, by number.

    Attributes:
        triggers: task -> the DAG that it triggers.
        outlets: task -> the assets that it updates.
        inlets: DAG -> the assets that start it.
        waits: task -> the DAG it waits for, and the id of the task there; None: the whole run.
        task_ids: of all tasks.
    """

    triggers: dict[int, int]
    outlets: dict[int, list[tuple[str, str]]]
    inlets: dict[int, list[tuple[str, str]]]
    waits: dict[int, tuple[int, str | None]]
    task_ids: list[str]


@lru_cache(maxsize=4)
def wires(company: Company) -> Wires:
    """The wires of a company, looked up once."""
    numbers = {key: n for n, key in enumerate(company.dags.select("cluster", "dag_id").iter_rows())}
    found = Wires({}, {}, {}, {}, company.tasks["task_id"].to_list())
    columns = ("cluster", "trigger_dag_id", "outlet_assets", "external_dag_id", "external_task_id")
    for task, row in enumerate(company.tasks.select(columns).iter_rows()):
        cluster, triggered, outlets, external, external_task = row
        if triggered:
            found.triggers[task] = numbers[cluster, triggered]
        if outlets:
            found.outlets[task] = [(cluster, uri) for uri in outlets]
        if external:
            found.waits[task] = numbers[cluster, external], external_task
    for dag, (cluster, uris) in enumerate(company.dags.select("cluster", "asset_uris").iter_rows()):
        if uris:
            found.inlets[dag] = [(cluster, uri) for uri in uris]
    return found


def caused_runs(links: Wires, happened: list[Happened], dags: Ints,
                rng: np.random.Generator) -> Due:
    """The runs of these DAGs that what has happened causes; `cause` counts over all stories."""
    wanted = set(dags.tolist())
    rows: list[tuple[int, int, int, int]] = []
    updates: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    triggers = np.array(sorted(t for t, d in links.triggers.items() if d in wanted), dtype=np.int64)
    outlets = np.array(sorted(links.outlets), dtype=np.int64)
    base = 0
    for one in happened:
        story, task = one.story, one.story.plan.instance_task
        for who in np.flatnonzero(np.isin(task, triggers) & (story.state == SUCCESS)):
            at = _midway(story, int(who))
            rows.append((links.triggers[int(task[who])], at, TRIGGERED, base + int(who)))
        for who in np.flatnonzero(np.isin(task, outlets) & (story.state == SUCCESS)):
            for uri in links.outlets[int(task[who])]:
                updates[uri].append((int(story.done[who]), base + int(who)))
        base += len(task)
    for dag in sorted(wanted & set(links.inlets)):
        rows += [(dag, at, ASSET, who) for at, who in _complete(updates, links.inlets[dag])]
    rows.sort(key=lambda row: (row[1], row[0]))
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    lag = np.where(table[:, 2] == ASSET, 1 + rng.integers(0, 9 * SECOND, len(table)), 0)
    return Due(table[:, 0], table[:, 1] + lag, table[:, 2], table[:, 3],
               np.zeros(len(table), dtype=np.int64))


def _midway(story: Story, who: int) -> int:
    """A task makes a run while it runs."""
    number = int(story.tries[who]) - 1
    return int(story.started[who, number] + story.ended[who, number]) // 2


def _complete(updates: dict[tuple[str, str], list[Place]],
              uris: list[tuple[str, str]]) -> list[Place]:
    """When all of the assets have been updated since the run before, and by which task at last."""
    found: list[Place] = []
    fresh: set[tuple[str, str]] = set()
    events = sorted((at, who, uri) for uri in uris for at, who in updates.get(uri, []))
    for at, who, uri in events:
        fresh.add(uri)
        if fresh == set(uris):
            found.append((at, who))
            fresh = set()
    return found


def awaited_ends(world: Atlas, links: Wires, happened: list[Happened],
                 now: tuple[Plan, Due]) -> None:
    """Tells the sensors of a plan when the run of the same date had ended what they wait for."""
    p, due = now
    task, run = p.instance_task, p.instance_run
    for who in np.flatnonzero(world.task_waits[task]):
        dag, name = links.waits[int(task[who])]
        place = find_run(happened, dag, int(due.at[run[who]]))
        if place is not None:
            p.awaited[who] = _end_of(links, happened[place[0]].story, place[1], name)


def find_run(happened: list[Happened], dag: int, at: int) -> Place | None:
    """The scheduled run of a DAG that was due at an instant."""
    for number, one in enumerate(happened):
        hit = np.flatnonzero((one.due.dag == dag) & (one.due.at == at)
                             & (one.due.kind == SCHEDULED))
        if len(hit):
            return number, int(hit[0])
    return None


def _end_of(links: Wires, story: Story, run: int, name: str | None) -> int:
    """When a run, or a task of it, had succeeded; NEVER: it did not."""
    if name is None:
        return int(story.run_ended[run]) if story.run_state[run] == SUCCESS else NEVER
    p = story.plan
    mine = np.flatnonzero(p.instance_run == run)
    mine = mine[[links.task_ids[t] == name for t in p.instance_task[mine]]]
    if not len(mine) or (story.state[mine] != SUCCESS).any():
        return NEVER
    return int(story.done[mine].max())
