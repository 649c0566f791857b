"""What views, queries and the rest of the pages may not do (style.md §3)."""

import ast
import re
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from dashboards import data
from tests.views.snapshots import MARTS

ROOT = Path(__file__).parents[3]
MODULES = sorted((ROOT / "dashboards").rglob("*.py"))
VIEWS = sorted((ROOT / "dashboards" / "views").glob("*.py"))
QUERIES = sorted((ROOT / "dashboards" / "queries").glob("*.sql"))
SQL = re.compile(r"\bselect\b.+\bfrom\b|\bwhere\b.+=|\border by\b|\bjoin\b", re.IGNORECASE | re.S)
# Streamlit reads markdown in these; what a stranger wrote must not get there.
MARKDOWN_SINKS = {"markdown", "write", "caption", "header", "subheader", "info", "warning", "error",
                  "success", "toast", "metric", "badge", "latex", "table", "expander", "tabs",
                  "pills", "segmented_control", "radio", "checkbox", "exception", "image",
                  "link_button"}


def _name(module: Path) -> str:
    return str(module.relative_to(ROOT))


@pytest.mark.parametrize("module", VIEWS, ids=_name)
def test_views_hold_no_sql_and_open_nothing(module: Path) -> None:
    tree = ast.parse(module.read_text())
    docs = {id(node.body[0].value) for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef) and node.body
            and isinstance(node.body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            assert not SQL.search(node.value), f"SQL belongs into queries/: {node.value!r}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {a.name for a in node.names} | {getattr(node, "module", None)}
            assert not names & {"duckdb", "windsock.warehouse"}
        assert not isinstance(node, ast.BinOp) or isinstance(node.op, ast.BitOr), (
            f"line {node.lineno}: no arithmetic on measures in a view")


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_markdown_is_never_fed(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            is_streamlit = isinstance(node.func.value, ast.Name) and node.func.value.id == "st"
            assert not (is_streamlit and node.func.attr in MARKDOWN_SINKS), (
                f"line {node.lineno}: st.{node.func.attr} reads markdown; use frame.say, st.text, "
                "st.code, st.json or st.dataframe")
            assert node.func.attr not in ("LinkColumn", "ImageColumn")


TEMPLATES = {"frame.say": 0, "frame.section": 0, "frame.screen": 2, "markup.write": 0, "say": 0,
             "write": 0, "section": 0}


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_templates_are_constants(module: Path) -> None:
    for node in ast.walk(ast.parse(module.read_text())):
        place = TEMPLATES.get(ast.unparse(node.func)) if isinstance(node, ast.Call) else None
        if place is None or not isinstance(node, ast.Call):
            continue
        given = node.args[place]
        choices = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
        assert all(isinstance(c, ast.Constant) or ast.unparse(c) == "template" for c in choices), (
            f"line {node.lineno}: HTML with values comes from a constant and keywords")


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: q.stem)
def test_a_query_reads_one_mart_plainly(query: Path) -> None:
    assert re.fullmatch(r"[a-z]+__[a-z_]+", query.stem)
    assert query.read_text().startswith("-- ")
    tree = sqlglot.parse_one(query.read_text(), dialect="duckdb")
    assert isinstance(tree, exp.Select)
    assert not list(tree.find_all(exp.Join, exp.Window, exp.Case, exp.Subquery, exp.CTE, exp.Union))
    [table] = tree.find_all(exp.Table)
    assert table.db in ("marts", "meta")
    texts = [x for x in tree.find_all(exp.Literal) if x.is_string]
    assert not texts, "literals with meaning belong into models"
    if table.db == "marts":
        assert data.marts_of(query.stem) == {table.name}
        columns = MARTS[table.name]
        made = {a.alias for a in tree.find_all(exp.Alias)}
        for column in tree.find_all(exp.Column):
            assert re.search(rf"\b{column.name}\b", columns) or column.name in made
    is_total = all(isinstance(s.unalias(), exp.AggFunc | exp.Coalesce) for s in tree.selects)
    grouped = tree.args.get("group") is not None
    assert is_total or grouped or tree.args.get("limit") or table.db == "meta", "never a whole mart"


def test_every_query_is_used() -> None:
    code = "\n".join(m.read_text() for m in MODULES)
    assert [q.stem for q in QUERIES if f'"{q.stem}"' not in code] == []


def test_modules_and_functions_stay_small() -> None:
    for module in MODULES:
        text = module.read_text()
        assert len(text.splitlines()) < 300, module
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 40, f"{module}:{node.name}"
