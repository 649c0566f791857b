"""A routine build without dbt: the project's compiled SQL, in one transaction.

    dbt build, then dbt compile  ->  `Plan`  ->  build/warehouse.plan.json    (once models change)
    plan + what landed since     ->  `run`   ->  tables of the build file     (every minute)

dbt renders the same SQL every minute, nine statements and 70 ms of Python for a table of ten rows;
docs/decisions/0006-routine-builds-replay-the-plan.md has the measurements. A step runs when one of
its inputs changed in this build; what comes out equal to what was there counts as unchanged, so
that the change ends there.
"""

import importlib.util
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb

from windsock.errors import BuildError

_STATE = """
create schema if not exists plan;
create table if not exists plan.state (made_by varchar, load_number bigint, failed_count bigint);
create table if not exists plan.contents (name varchar, row_count bigint, hash_sum hugeint);
"""


INCOMING = "made"       # temporary: what a step is about to put into its table


@dataclass(frozen=True)
class Forgets:
    """Rows that leave a table first: with the keys of a worklist, or of the rows that come."""

    worklist: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One table of a build.

    Attributes:
        name: of the model.
        relation: quoted, with its schema.
        kind: `made` anew, `kept` (made anew, its table stays: marts), `appended`, `python`.
        text: its compiled SQL; of a Python model the file, relative to the project.
        inputs: tables and landing tables that it reads, through views or not.
        is_always_due: it reads what the build before left.
        forgets: of an appended table.
        variables: name -> expression over its rows; bounds that later steps read few blocks by.
    """

    name: str
    relation: str
    kind: str
    text: str
    inputs: tuple[str, ...]
    is_always_due: bool = False
    forgets: Forgets | None = None
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Plan:
    """Steps, each after its inputs, and the checksum of the models that they are from."""

    made_by: str
    steps: tuple[Step, ...]

    def write(self, path: Path) -> None:
        """Keep it beside the build file."""
        path.write_text(json.dumps(asdict(self)))

    @staticmethod
    def read(path: Path) -> "Plan | None":
        """The plan that is kept there; None when there is none."""
        if not path.exists():
            return None
        raw = json.loads(path.read_text())
        try:
            return Plan(raw["made_by"], tuple(_step(s) for s in raw["steps"]))
        except (KeyError, TypeError):       # of another version of Windsock
            return None


def _step(raw: dict[str, Any]) -> Step:
    forgets = raw.pop("forgets")
    if forgets:
        forgets = Forgets(forgets["worklist"], tuple(forgets["keys"]))
    variables = tuple((name, text) for name, text in raw.pop("variables"))
    return Step(**{**raw, "inputs": tuple(raw["inputs"])}, forgets=forgets, variables=variables)


def run(con: duckdb.DuckDBPyConnection, plan: Plan, project: Path) -> dict[str, float]:
    """Bring every table up to what has landed, all of them or none.

    Args:
        con: the build file, tables as the last build left them.
        plan: made from the models that made these tables.
        project: folder that Python models lie below.

    Returns:
        Step -> seconds, of the steps that ran.

    Raises:
        BuildError: a step failed; the file is as it was.
    """
    con.execute(_STATE)
    con.execute("begin")
    try:
        seconds = _Run(con, plan, project).all()
        con.execute("commit")
    except BaseException:
        _rollback(con)
        raise
    return seconds


def begin_after(con: duckdb.DuckDBPyConnection, made_by: str) -> None:
    """Note that dbt has just built everything from what has landed so far."""
    con.execute(_STATE)
    con.execute("begin")
    con.execute("delete from plan.contents")
    _note(con, made_by)
    con.execute("commit")


def _note(con: duckdb.DuckDBPyConnection, made_by: str) -> None:
    con.execute("delete from plan.state")
    con.execute(
        "insert into plan.state select $1, (select coalesce(max(load_number), 0) "
        "from landing.loads), (select count(*) from landing.failed_loads)", [made_by])


class _Run:
    def __init__(self, con: duckdb.DuckDBPyConnection, plan: Plan, project: Path) -> None:
        self.con, self.plan, self.project = con, plan, project
        self.changed: set[str] = set()
        self.contents: dict[str, tuple[int, int]] = {}
        self.has_new_loads = True

    def all(self) -> dict[str, float]:
        known = self._take_state()
        seconds = {}
        for step in self.plan.steps:
            due = self.has_new_loads and step.is_always_due
            if not known or due or not self.changed.isdisjoint(step.inputs):
                began = time.monotonic()
                if self._made(step):
                    self.changed.add(step.name)
                seconds[step.name] = time.monotonic() - began
            for name, expression in step.variables:
                self.con.execute(
                    f"set variable {name} = (select {expression} from {step.relation})")
        self._keep_state()
        return seconds

    # --- what changed outside -------------------------------------------------------------------

    def _take_state(self) -> bool:
        """What landed since the plan last ran here; whether anything is known of that run."""
        rows = self.con.execute("select * from plan.state").fetchall()
        if not rows or rows[0][0] != self.plan.made_by:
            self.con.execute("delete from plan.contents")
            return False
        [(_, load_number, failed_count)] = rows
        self.contents = {
            name: (count, total) for name, count, total in
            self.con.execute("select * from plan.contents").fetchall()}
        loads = self.con.execute(
            "select kind from landing.loads where load_number > $1", [load_number]).fetchall()
        self.has_new_loads = bool(loads)
        if any(kind not in _BRINGS for (kind,) in loads):
            return False
        if loads:
            self.changed |= {"loads", "batches", "quarantined_batches", "run_loads"}
            self.changed |= {
                f"{source}__{table}{suffix}"
                for source, table in self.con.execute(
                    "select distinct loads.source, batches.table_name from landing.batches "
                    "inner join landing.loads using (load_number) where load_number > $1",
                    [load_number]).fetchall()
                for suffix in ("", "__replaced")}
        if self._failed_count() != failed_count:
            self.changed.add("failed_loads")
        return True

    def _failed_count(self) -> int:
        [(count,)] = self.con.execute("select count(*) from landing.failed_loads").fetchall()
        return int(count)

    def _keep_state(self) -> None:
        _note(self.con, self.plan.made_by)
        if changed := sorted(self.changed & self.contents.keys()):
            self.con.execute(
                "delete from plan.contents where name in (select unnest($1))", [changed])
            self.con.executemany("insert into plan.contents values (?, ?, ?)",
                                 [(n, *self.contents[n]) for n in changed])

    # --- one step -------------------------------------------------------------------------------

    def _made(self, step: Step) -> bool:
        try:
            return self._make(step)
        except (duckdb.Error, ValueError) as error:
            raise BuildError(
                f"{step.name} could not be built: {error}",
                next_step="the last published snapshot stays; mend what is named here and "
                "build again") from error

    def _make(self, step: Step) -> bool:
        """Make one table; whether it holds anything else than before."""
        if step.kind == "made":
            self.con.execute(f"create or replace table {step.relation} as ({step.text}\n)")
            return self._is_other(step, step.relation)
        if step.kind == "python":
            self._make_python(step)
            return self._is_other(step, step.relation)
        self.con.execute(f"create or replace temp table {INCOMING} as ({step.text}\n)")
        is_changed = (self._replace(step) if step.forgets is None else
                      self._append(step.relation, step.forgets))
        self.con.execute(f"drop table {INCOMING}")
        return is_changed

    def _replace(self, step: Step) -> bool:
        if not self._is_other(step, INCOMING):
            return False
        self.con.execute(f"delete from {step.relation}")
        self.con.execute(f"insert into {step.relation} by name from {INCOMING}")
        return True

    def _append(self, relation: str, forgets: Forgets) -> bool:
        keys = ", ".join(forgets.keys)
        [(gone,)] = self.con.execute(
            f"delete from {relation} where ({keys}) in (select {keys} from {forgets.worklist})"
        ).fetchall()
        [(come,)] = self.con.execute(
            f"insert into {relation} by name from {INCOMING}").fetchall()
        return bool(gone or come)

    def _make_python(self, step: Step) -> None:
        path = self.project / step.text
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ValueError(f"{path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        schema = step.relation.rsplit(".", 1)[0]
        dbt = SimpleNamespace(
            config=lambda **_: None, ref=lambda name: self.con.sql(f'from {schema}."{name}"'))
        frame = module.model(dbt, self.con)
        self.con.register("python_model", frame)
        self.con.execute(f"create or replace table {step.relation} as from python_model")
        self.con.unregister("python_model")

    def _is_other(self, step: Step, relation: str) -> bool:
        [(count, total)] = self.con.execute(
            f"select count(*), coalesce(sum(hash(made)::hugeint), 0) from {relation} as made"
        ).fetchall()
        before = self.contents.get(step.name)
        self.contents[step.name] = (count, total)
        return before != (count, total)


# Loads that only bring rows; another kind (an expiry) may have taken some from any table.
_BRINGS = frozenset({"increment", "history", "reconcile", "replay"})


def _rollback(con: duckdb.DuckDBPyConnection) -> None:
    try:
        con.execute("rollback")
    except duckdb.Error:        # the disk was full: the connection is dead, the file is whole
        return


def ordered(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Steps after their inputs; among equals by name, so that a plan is always the same."""
    waiting = {s.name: s for s in sorted(steps, key=lambda s: s.name)}
    done: list[Step] = []
    while waiting:
        ready = [s for s in waiting.values() if not any(i in waiting for i in s.inputs)]
        if not ready:
            raise BuildError(f"models wait for each other: {', '.join(waiting)}",
                             next_step="break the circle")
        for step in ready:
            done.append(waiting.pop(step.name))
    return tuple(done)
