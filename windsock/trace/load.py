"""The models as dbt compiles them, with the tests that stand on each.

    models/ + macros/ + seeds/  ->  dbt parse, dbt compile on an empty database  ->  Project

An empty database in memory, not the build file: no lock is taken, nothing needs to be built yet,
and an incremental model compiles to the statement that makes all of it. What was compiled is kept
beside dbt's own files until a file of the project changes.
"""

import dataclasses
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from windsock.build import Builder
from windsock.errors import BuildError
from windsock.trace.manifest import project_of
from windsock.trace.project import ROOT, Check, Project, Relation, with_parents
from windsock.warehouse import Layout

# Grows when `Relation` changes, so that an older copy is not read.
_FORMAT = 3
_FOLDERS = ("models", "macros", "seeds", "tests/dbt")
_FILES = ("dbt_project.yml", "profiles.yml")


def load_project(layout: Layout, wanted: str | None = None) -> Project:
    """The compiled project, from the copy beside the warehouse or made anew.

    Args:
        layout: which warehouse; its `dbt/trace` keeps what was compiled.
        wanted: a model: it and what it reads are enough; None: every model.

    Raises:
        BuildError: dbt could not parse or compile a file.
    """
    kept = layout.root / "dbt" / "trace" / "project.json"
    checksum = _checksum()
    known = _kept(kept, checksum)
    if known is not None and _has_compiled(known, wanted):
        return known
    project = _compile(layout, kept.parent, wanted, known)
    fresh = kept.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"checksum": checksum, **dataclasses.asdict(project)}))
    fresh.replace(kept)
    return project


def _has_compiled(project: Project, wanted: str | None) -> bool:
    """Whether all that is needed is compiled; a name that is no model needs nothing."""
    names = {r.name for r in project.relations.values() if wanted in (None, r.short_name)}
    return all(r.sql for r in with_parents(project, names) if r.language == "sql")


def _checksum() -> str:
    digest = hashlib.sha256(str(_FORMAT).encode())
    files = [p for folder in _FOLDERS for p in (ROOT / folder).rglob("*") if p.is_file()]
    for path in sorted([*files, *(ROOT / name for name in _FILES)]):
        if path.suffix != ".pyc":
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _kept(path: Path, checksum: str) -> Project | None:
    try:
        found = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    return _from_json(found) if found["checksum"] == checksum else None


def _from_json(found: dict[str, Any]) -> Project:
    relations = {
        name: Relation(**{
            **r, "parents": tuple(r["parents"]),
            "checks": tuple(Check(**c) for c in r["checks"]),
        })
        for name, r in found["relations"].items()
    }
    return Project(relations, {page: tuple(names) for page, names in found["pages"].items()})


# --- dbt ---------------------------------------------------------------------------------------


def _compile(layout: Layout, target: Path, wanted: str | None, known: Project | None) -> Project:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    target.mkdir(parents=True, exist_ok=True)
    _take_parsed(target)
    options = [
        "--project-dir", str(ROOT), "--profiles-dir", str(ROOT), "--target-path", str(target),
        "--log-level", "none", "--log-level-file", "none", "--quiet", "--no-use-colors",
        "--no-version-check", "--no-write-json",
    ]
    try:
        with _profile(str(layout.build_file)):      # as the builder parses, which opens no file
            parsed = dbtRunner().invoke(["parse", *options])
        _require(parsed)
        manifest: Any = parsed.result
        models = {n.name for n in manifest.nodes.values() if n.resource_type == "model"}
        if wanted is None or wanted in models:
            select = f"+{wanted},resource_type:model" if wanted else "resource_type:model"
            command = ["compile", "--select", select, "--indirect-selection", "empty",
                       "--no-populate-cache", *options]
            with _profile(":memory:"):
                _require(dbtRunner(manifest=manifest).invoke(command))
    finally:
        DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]
    return project_of(manifest, known)


def _take_parsed(target: Path) -> None:
    """What the last build parsed saves parsing every file again."""
    name = "partial_parse.msgpack"
    built = target.parent / name
    if built.exists() and not (target / name).exists():
        shutil.copyfile(built, target / name)


@contextmanager
def _profile(build_file: str) -> Iterator[None]:
    """The environment that profiles.yml reads; afterwards it is what it was."""
    before = dict(os.environ)
    os.environ["WINDSOCK_BUILD_FILE"] = build_file
    os.environ["WINDSOCK_MEMORY_LIMIT"] = Builder.memory_limit
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _require(result: Any) -> None:
    if result.success:
        return
    reason = result.exception or "; ".join(
        f"{r.node.name}: {r.message}" for r in result.result.results if r.message)
    raise BuildError(
        f"dbt could not compile the models: {' '.join(str(reason).split())}",
        expected="models that `dbt compile` accepts",
        next_step="mend the file that is named here")
