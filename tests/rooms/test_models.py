"""Rooms of the models, as dbt's manifest and the compiled statements show them.

docs/decisions/0003 says why history lives in marts, and what the worklist and the watermark are.
"""

import re
from pathlib import Path

import pytest
import sqlglot
import yaml
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from tests.compiled_project import Compiled, compiled
from windsock.trace.project import Relation
from windsock.trace.statement import relation_of

__all__ = ["compiled"]      # a fixture

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
SQL = sorted(MODELS.rglob("*.sql"))
MACROS = sorted((ROOT / "macros").glob("*.sql"))
# Topics of intermediate that may look over many runs.
READ_MARTS = {"links", "durations", "model_path", "limits", "changes"}
WATERMARK = "intermediate.int_changes__done"

CLOCK = re.compile(
    r"\b(now|today|current_localtime|current_localtimestamp|get_current_timestamp|"
    r"transaction_timestamp|statement_timestamp|clock_timestamp)\s*\(|"
    r"\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b", re.I)
FILE = re.compile(
    r"\b(read_\w+|parquet_\w+|sniff_csv|glob|getenv|query|query_table)\s*\(|"
    r"^\s*(copy|attach|install|load)\b|\bvar\s*\(\s*'now", re.I | re.M)


def bare(text: str) -> str:
    """SQL without comments and literals."""
    text = re.sub(r"\{#.*?#\}", "", text, flags=re.S)
    text = re.sub(r"--[^\n]*", "", text)
    return re.sub(r"'(?:[^']|'')*'", "''", text)


def topic(relation: Relation) -> str:
    return Path(relation.path).parts[2]


def models(compiled: Compiled, room: str) -> list[Relation]:
    found = [r for r in compiled.project.relations.values()
             if r.room == room and r.kind == "model"]
    assert found, f"no model in {room}: did the folders move?"
    return found


def text_of(relation: Relation) -> str:
    return (ROOT / relation.path).read_text()


# --- who reads whom ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((MODELS / "staging").rglob("*.sql")), ids=lambda p: p.stem)
def test_staging_reads_one_source_and_no_model(path: Path) -> None:
    text = bare(path.read_text())
    assert len(re.findall(r"source\(", text)) == 1
    assert "ref(" not in text
    assert not re.search(r"\b(join|group by)\b", text)


def test_only_staging_reads_sources(compiled: Compiled) -> None:
    breaches = {
        r.name: parent
        for room in ("intermediate", "marts") for r in models(compiled, room)
        for parent in r.parents if parent.startswith("landing.")
    }
    assert not breaches, f"{breaches}: read the source's staging model; make one if there is none"


def test_only_some_topics_of_intermediate_read_marts(compiled: Compiled) -> None:
    breaches = {
        r.name for r in models(compiled, "intermediate") if topic(r) not in READ_MARTS
        and (any(parent.startswith("marts.") for parent in r.parents)
             or "built_mart(" in text_of(r))
    }
    assert not breaches, (
        f"{sorted(breaches)}: history lives once, in marts, and only {sorted(READ_MARTS)} "
        "look over many runs: make a run-local step, or argue for another in docs/decisions/0003")


def test_a_model_reads_its_parents_and_nothing_else(compiled: Compiled) -> None:
    """No file by its name, no table past `ref` and `source`, no function of a table but these."""
    for relation in compiled.project.relations.values():
        if relation.language != "sql":
            continue
        tree = sqlglot.parse_one(relation.sql, dialect="duckdb")
        for scope in traverse_scope(tree):
            for source in scope.sources.values():
                if not isinstance(source, exp.Table):
                    continue
                if isinstance(source.this, exp.Func):
                    assert source.this.key in ("generateseries", "unnest", "explode"), (
                        f"{relation.path} reads {source.sql()}")
                else:
                    assert relation_of(source) in relation.parents, (
                        f"{relation.path} reads {source.sql()}")


def test_every_model_is_used(compiled: Compiled) -> None:
    """Marts are a promise; whatever else nobody reads is in the way."""
    relations = compiled.project.relations.values()
    read = {parent for r in relations for parent in r.parents}
    read |= {mart for marts in compiled.project.pages.values() for mart in marts}
    unused = {r.name for r in relations if r.kind != "source" and r.room != "marts"} - read
    # The watermark is read by the macros built_*, without a ref: that would be a circle.
    unused -= {WATERMARK}
    assert not unused, f"{sorted(unused)}: delete it (git remembers), or let something read it"
    assert WATERMARK.partition(".")[2] in (ROOT / "macros" / "built_load_number.sql").read_text()


# --- the worklist and the watermark --------------------------------------------------------------


def worklists(compiled: Compiled) -> dict[str, str]:
    """Models that forget touched rows -> the worklist by which they do."""
    found = {}
    for relation in compiled.project.relations.values():
        if relation.language == "sql":
            hook = re.search(r"forget_touched\(\s*'(\w+)'", text_of(relation))
            if hook:
                found[relation.name] = hook[1]
    assert len(found) >= 8, "did the macro change its name?"
    return found


def test_a_model_that_forgets_refs_its_worklist(compiled: Compiled) -> None:
    """The hook's own ref does not count: it is inside an `if` that parsing does not enter."""
    for name, worklist in worklists(compiled).items():
        relation = compiled.project.relations[name]
        without_hook = re.sub(r"forget_touched\([^)]*\)", "", text_of(relation))
        assert f"ref('{worklist}')" in without_hook, (
            f"{relation.path}: add `-- depends_on: {{{{ ref('{worklist}') }}}}`, or dbt may run it "
            "before its worklist")
        assert f"intermediate.{worklist}" in relation.parents


def test_every_incremental_model_stands_before_the_watermark(compiled: Compiled) -> None:
    done = ancestors(compiled, WATERMARK)
    late = {r.name for r in incremental_models(compiled) if r.name not in done}
    assert not late, (
        f"{sorted(late)}: name it, or a mart that reads it, in int_changes__done.sql: if it fails "
        "while the watermark moves on, its runs are lost until they change again")


def incremental_models(compiled: Compiled) -> list[Relation]:
    return [r for r in compiled.project.relations.values() if r.materialized == "incremental"]


def test_every_incremental_mart_forgets(compiled: Compiled) -> None:
    stale = {r.name for r in incremental_models(compiled) if r.room == "marts"}
    stale -= set(worklists(compiled))
    assert not stale, f"{sorted(stale)}: rows that vanish at the source would stay"


def test_every_incremental_model_replaces_what_it_makes_again(compiled: Compiled) -> None:
    """Else a build that is done twice would append its rows twice."""
    doubled = {
        r.name for r in incremental_models(compiled)
        if r.name not in worklists(compiled) and "unique_key=" not in text_of(r)
    }
    assert not doubled, f"{sorted(doubled)}: forget by a worklist, or replace by a unique_key"


def ancestors(compiled: Compiled, name: str) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for parent in compiled.project.relations[waiting.pop()].parents:
            if parent not in found:
                found.add(parent)
                waiting.append(parent)
    return found


# --- no clock, no file ---------------------------------------------------------------------------


def test_compiled_models_use_no_clock_and_no_file(compiled: Compiled) -> None:
    for relation in compiled.project.relations.values():
        if relation.language == "sql":
            found = CLOCK.search(bare(relation.sql)) or FILE.search(bare(relation.sql))
            assert found is None, (
                f"{relation.path} says {found[0]!r}: \"now\" is a landed row, and files come "
                "through the door")


@pytest.mark.parametrize("path", [*SQL, *MACROS], ids=lambda p: p.stem)
def test_no_branch_of_a_model_uses_a_clock_or_a_file(path: Path) -> None:
    """Also what is compiled only when some tables exist already."""
    text = bare(path.read_text())
    if path.parent == ROOT / "macros":      # here `glob` is ours: a macro's name and argument
        text = re.sub(r"\bglob\w*", "", text)
    assert CLOCK.search(text) is None
    assert FILE.search(re.sub(r"\bglob_\w+", "", text)) is None


@pytest.mark.parametrize("text", [
    "select now()", "select current_date", "where x < Current_Timestamp", "select today ( )",
])
def test_a_clock_is_noticed(text: str) -> None:
    assert CLOCK.search(bare(text))


@pytest.mark.parametrize("text", [
    "select * from read_csv('x')", "from READ_PARQUET('x')", "attach 'x' as y", "from glob('*')",
])
def test_a_file_is_noticed(text: str) -> None:
    assert FILE.search(bare(text))
    assert not FILE.search(bare("select already_read_count, loaded_at -- read_csv('x')"))


# --- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("room", ["staging", "intermediate", "marts"])
def test_every_model_says_its_grain_and_its_owner(compiled: Compiled, room: str) -> None:
    silent = {
        r.short_name for r in models(compiled, room)
        if not (r.description.startswith("One row per") and r.owner)
    }
    assert not silent, (
        f"{sorted(silent)}: each needs an entry in a yml: `One row per …`, and config.meta.owner")


def test_every_page_has_an_exposure_and_the_reverse(compiled: Compiled) -> None:
    pages = {p.stem for p in (ROOT / "dashboards" / "views").glob("*.py")} - {"__init__"}
    assert set(compiled.project.pages) == pages
    exposures = yaml.safe_load((MODELS / "marts" / "exposures.yml").read_text())["exposures"]
    assert all(e["owner"] and e["description"] for e in exposures)
