"""Brings the tables of the private build file up to what has landed.

    Builder(layout).build()   ->   dbt, when the models are new, everything is wanted or tests are
                              ->   else the plan that dbt compiled (`windsock.plan`), without dbt

dbt is imported, and the project parsed, only when dbt is needed.
"""

import gc
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from windsock import plan as plans
from windsock.errors import BuildError
from windsock.plan import Plan
from windsock.warehouse import Layout, open_build

PROJECT = Path(__file__).resolve().parents[1]
_PART = " in part"
_CODE = Path(__file__).with_name("model_path.py")       # the Python model calls it


@dataclass
class Builder:
    """What builds one warehouse.

    Attributes:
        layout: which warehouse.
        memory_limit: of DuckDB while models run.
    """

    layout: Layout
    memory_limit: str = "5GB"
    _manifest: Any = field(default=None, repr=False)

    def build(
        self, *, full_refresh: bool = False, with_tests: bool = False, select: str | None = None
    ) -> dict[str, float]:
        """Run the models (and their tests).

        Args:
            full_refresh: make every table anew.
            with_tests: run data tests and unit tests too.
            select: dbt's selection; None: everything.

        Returns:
            Node name -> seconds, of the nodes that had to run.

        Raises:
            BuildError: a model or a test failed; the published snapshot stays.
        """
        sources = _checksum()
        # A selection leaves tables out: only another selection may go on from there.
        is_known = self._built_from() in ((sources, sources + _PART) if select else (sources,))
        if with_tests and not is_known:
            self.build(full_refresh=True)   # unit tests of incremental models look at their tables
            full_refresh, is_known = False, True
        if is_known and not (full_refresh or with_tests or select):
            return self._run_plan(sources)
        return self._run_dbt(
            sources, full_refresh=full_refresh or not is_known, with_tests=with_tests,
            select=select)

    def _run_plan(self, sources: str) -> dict[str, float]:
        plan = Plan.read(self._plan_file)
        if plan is None or plan.made_by != _plan_mark(sources):
            plan = self._compile(sources)
        with self._opened() as con:
            seconds = plans.run(con, plan, PROJECT)
            con.execute("checkpoint")
        return seconds

    def _run_dbt(
        self, sources: str, *, full_refresh: bool, with_tests: bool, select: str | None
    ) -> dict[str, float]:
        arguments = ["build" if with_tests or full_refresh else "run"]
        if full_refresh:
            arguments += ["--full-refresh"]
            if not with_tests:      # a build is what loads seeds as well
                arguments += ["--resource-type", "model", "--resource-type", "seed"]
        arguments += ["--select", select] if select else []
        result = self._invoke(arguments)
        if not result.success:
            raise _failure(result)
        self._mark.write_text(sources + _PART if select else sources)
        if not select:
            with self._opened() as con:
                plans.begin_after(con, _plan_mark(sources))
        return {r.node.name: r.execution_time for r in result.result.results}

    def _compile(self, sources: str) -> Plan:
        """The SQL of a routine build; the tables must be there, for `is_incremental()`."""
        from windsock.planning import plan_of

        result = self._invoke(["compile", "--select", "resource_type:model"])
        if not result.success:
            raise _failure(result)
        plan = plan_of((r.node for r in result.result.results), self._manifest, _plan_mark(sources))
        plan.write(self._plan_file)
        return plan

    @contextmanager
    def _opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        con = open_build(self.layout, memory_limit=self.memory_limit)
        try:
            yield con
        finally:
            con.close()

    @property
    def _plan_file(self) -> Path:
        return self.layout.build_file.with_suffix(".plan.json")

    @property
    def _mark(self) -> Path:
        return self.layout.build_file.with_suffix(".models")

    def _built_from(self) -> str | None:
        """Checksum of the files that the tables were last made from; None: not known."""
        if not (self._mark.exists() and self.layout.build_file.exists()):
            return None
        return self._mark.read_text()

    def _invoke(self, arguments: list[str]) -> Any:
        # dbt reads its profile's env_var() from the process environment.
        os.environ["WINDSOCK_BUILD_FILE"] = str(self.layout.build_file)
        os.environ["WINDSOCK_MEMORY_LIMIT"] = self.memory_limit
        os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        if self._manifest is None:
            parsed = dbtRunner().invoke(["parse", *self._options()])
            if not parsed.success:
                raise _failure(parsed)
            self._manifest = parsed.result
        try:
            return dbtRunner(manifest=self._manifest).invoke([*arguments, *self._options()])
        finally:
            # The adapter keeps the file open for the next command of this process.
            DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
            gc.collect()    # a Python model's module holds the connection in a cycle

    def _options(self) -> list[str]:
        target = self.layout.root / "dbt"
        return [
            "--project-dir",
            str(PROJECT),
            "--profiles-dir",
            str(PROJECT),
            "--target-path",
            str(target),
            "--log-level",
            "error",
            "--log-level-file",
            "none",
            "--no-use-colors",
            "--no-version-check",
            "--no-write-json",
        ]


def _checksum() -> str:
    """Of every file that decides what a table holds: after a change all are made anew."""
    digest = hashlib.sha256()
    files = [p for folder in ("models", "macros", "seeds") for p in (PROJECT / folder).rglob("*")]
    for path in sorted(p for p in files if p.suffix in {".sql", ".csv", ".py"}):
        digest.update(path.relative_to(PROJECT).as_posix().encode() + path.read_bytes())
    digest.update(_CODE.read_bytes())
    return digest.hexdigest()


def _plan_mark(sources: str) -> str:
    """Of a plan: the models, and the code that made it of them."""
    digest = hashlib.sha256(sources.encode())
    for name in ("plan.py", "planning.py"):
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()


def _failure(result: Any) -> BuildError:
    if isinstance(result.exception, KeyboardInterrupt):     # dbt hands Ctrl-C back as a result
        raise result.exception
    if result.exception is not None:
        return BuildError(
            f"dbt stopped: {result.exception}",
            next_step="the last published snapshot stays; mend what is named here and build again",
        )
    bad = [
        r for r in result.result.results if r.status not in ("success", "pass", "warn", "skipped")
    ]
    texts = "; ".join(f"{r.node.name}: {r.message}" for r in bad[:5])
    return BuildError(
        f"{len(bad)} dbt nodes failed: {texts}",
        expected="every model and test to succeed",
        next_step="the last published snapshot stays; mend what is named here and build again",
    )
