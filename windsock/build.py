"""Runs dbt inside this process, on the private build file.

    Builder(layout).build()   ->   dbt run on models/, then the tests where asked for

The manifest is kept between cycles and no `--vars` are passed, so that only the first build parses.
"""

import gc
import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from windsock.errors import BuildError
from windsock.warehouse import Layout

PROJECT = Path(__file__).resolve().parents[1]


@dataclass
class Builder:
    """dbt with its manifest in memory.

    Attributes:
        layout: which warehouse.
        memory_limit: of DuckDB while models run.
    """

    layout: Layout
    memory_limit: str = "5GB"
    _manifest: Any = field(default=None, repr=False)
    _views_in: int | None = field(default=None, repr=False)

    def build(
        self, *, full_refresh: bool = False, with_tests: bool = False, select: str | None = None
    ) -> dict[str, float]:
        """Run the models (and their tests).

        Args:
            full_refresh: make every table anew.
            with_tests: run data tests and unit tests too.
            select: dbt's selection; None: everything.

        Returns:
            Node name -> seconds.

        Raises:
            BuildError: a model or a test failed; the published snapshot stays.
        """
        if with_tests and self._built_from() is None:
            self.build(full_refresh=True)   # unit tests of incremental models look at their tables
        sources = _checksum()
        full_refresh = full_refresh or self._built_from() != sources
        arguments = ["build" if with_tests or full_refresh else "run"]
        if full_refresh:
            arguments += ["--full-refresh"]
            if not with_tests:      # a build is what loads seeds as well
                arguments += ["--resource-type", "model", "--resource-type", "seed"]
        arguments += ["--select", select] if select else []
        is_routine = not (full_refresh or with_tests or select)
        if is_routine and self._views_in == self._file():
            # This process has made the views in this very file; their text cannot have changed.
            arguments += ["--exclude", "config.materialized:view"]
        result = self._invoke(arguments)
        if not result.success:
            raise _failure(result)
        self._mark.write_text(sources)
        if not select:
            self._views_in = self._file()
        return {r.node.name: r.execution_time for r in result.result.results}

    def _file(self) -> int:
        return self.layout.build_file.stat().st_ino

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
    files.append(PROJECT / "windsock" / "model_path.py")     # the Python model calls it
    for path in sorted(p for p in files if p.suffix in {".sql", ".csv", ".py"}):
        digest.update(path.relative_to(PROJECT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _failure(result: Any) -> BuildError:
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
