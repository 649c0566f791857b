"""The rooms of docs and style: who may import, read and say what."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"


def imports(path: Path) -> set[str]:
    """Top-level names that a module imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", modules("ingest"), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_door_knows_neither_pages_nor_dbt(path: Path) -> None:
    allowed = {"tests"} if path.name == "make.py" else set()
    assert not imports(path) & ({"dashboards", "dbt", "streamlit", "tests"} - allowed)


@pytest.mark.parametrize("path", modules("windsock"), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_the_core_knows_no_room(path: Path) -> None:
    if path.name in ("cli.py", "commands.py"):
        return
    banned = {"streamlit", "ingest", "dashboards"} | (set() if path.name == "build.py" else {"dbt"})
    assert not imports(path) & banned


@pytest.mark.parametrize(
    "path", modules("dashboards"), ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_pages_read_snapshots_only(path: Path) -> None:
    assert not imports(path) & {"ingest", "dbt", "sqlalchemy", "great_expectations"}


@pytest.mark.parametrize(
    "path",
    [*modules("ingest"), *modules("windsock"), *modules("dashboards")],
    ids=lambda p: p.relative_to(ROOT).as_posix(),
)
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 350, "split it: one idea a module"


def test_only_the_command_line_reads_the_environment() -> None:
    readers = [
        p.relative_to(ROOT).as_posix()
        for folder in ("ingest", "windsock", "dashboards")
        for p in modules(folder)
        if re.search(r"os\.(environ|getenv)", p.read_text())
    ]
    # build.py and gate.py *set* what dbt and Great Expectations read.
    assert set(readers) <= {"windsock/cli.py", "windsock/build.py", "ingest/gate.py"}


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys, json, windsock.cli; "
        "print(json.dumps([m for m in ('great_expectations', 'dbt', 'streamlit', 'pandas', "
        "'duckdb', 'polars') if m in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == []


# --- models ------------------------------------------------------------------------------------

SQL = sorted(MODELS.rglob("*.sql"))
MARTS = sorted((MODELS / "marts").rglob("*.sql"))


@pytest.mark.parametrize("path", SQL, ids=lambda p: p.stem)
def test_models_use_no_clock_and_no_file(path: Path) -> None:
    text = re.sub(r"--.*|\{#.*?#\}", "", path.read_text(), flags=re.S | re.M)
    assert not re.search(
        r"\b(now\s*\(|current_timestamp|current_date|today\s*\(|read_parquet|"
        r"read_csv|\bvar\s*\(\s*'now)",
        text,
    )


@pytest.mark.parametrize("path", sorted((MODELS / "staging").rglob("*.sql")), ids=lambda p: p.stem)
def test_staging_reads_one_source_and_no_model(path: Path) -> None:
    text = path.read_text()
    assert len(re.findall(r"source\(", text)) == 1
    assert "ref(" not in text
    assert not re.search(r"\b(join|group by)\b", text)


@pytest.mark.parametrize("path", MARTS, ids=lambda p: p.stem)
def test_marts_promise_grain_types_and_words(path: Path) -> None:
    assert "source(" not in path.read_text()
    [model] = yaml.safe_load(path.with_suffix(".yml").read_text())["models"]
    assert model["name"] == path.stem
    assert model["description"].startswith("One row per")
    assert model["config"]["meta"]["owner"]
    assert any("unique_grain" in test for test in model["data_tests"])
    assert all(c["data_type"] and c["description"] for c in model["columns"])


SUFFIXES = re.compile(
    r"(_at|_date|_seconds|_bytes|_usd|_count|_ratio|_id|_key|_index|_number|_code|_kind|_state|"
    r"_basis|_name|_version|_path|_reason|_flag|_flags|_class|_url|_by)$|^(is|has|was)_"
)
PLAIN = {
    "cluster",
    "conf",
    "state",
    "operator",
    "pool",
    "kind",
    "dialect",
    "warnings",
    "reason",
    "message",
}


@pytest.mark.parametrize("path", MARTS, ids=lambda p: p.stem)
def test_columns_of_marts_say_their_unit(path: Path) -> None:
    [model] = yaml.safe_load(path.with_suffix(".yml").read_text())["models"]
    odd = [
        c["name"]
        for c in model["columns"]
        if c["name"] not in PLAIN and not SUFFIXES.search(c["name"])
    ]
    assert odd == []


def test_every_page_has_an_exposure_and_the_reverse() -> None:
    exposures = yaml.safe_load((MODELS / "marts" / "exposures.yml").read_text())["exposures"]
    pages = {p.stem for p in (ROOT / "dashboards" / "views").glob("*.py")} - {"__init__"}
    assert {e["name"] for e in exposures} == pages


def test_no_address_of_a_registry_or_path_of_a_machine_is_tracked() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "http" not in lock
    assert "--hash=sha256:" in lock
