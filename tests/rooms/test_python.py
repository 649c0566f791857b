"""Rooms of the Python code: imports, the environment, the length of modules."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Modules of the core that may import every room: they carry out commands.
COMMANDS = {"windsock/cli.py", "windsock/commands.py", "windsock/demo.py", "windsock/serving.py"}
RUNS_DBT = {"windsock/build.py", "windsock/trace/load.py"}


def imports(path: Path) -> set[str]:
    """Top-level names that a module imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def modules(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", modules("ingest"), ids=name)
def test_the_door_knows_neither_pages_nor_dbt(path: Path) -> None:
    allowed = {"tests"} if path.name == "make.py" else set()
    assert not imports(path) & ({"dashboards", "dbt", "streamlit", "tests"} - allowed)


@pytest.mark.parametrize("path", modules("windsock"), ids=name)
def test_the_core_knows_no_room(path: Path) -> None:
    if name(path) in COMMANDS:
        return
    banned = {"streamlit", "ingest", "dashboards"} | (set() if name(path) in RUNS_DBT else {"dbt"})
    assert not imports(path) & banned


@pytest.mark.parametrize("path", modules("dashboards"), ids=name)
def test_pages_read_snapshots_only(path: Path) -> None:
    assert not imports(path) & {"ingest", "dbt", "sqlalchemy", "great_expectations"}


@pytest.mark.parametrize("path", modules("ingest", "windsock", "dashboards"), ids=name)
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 300, "split it: one idea a module"


def test_only_the_command_line_reads_the_environment() -> None:
    readers = {
        name(path) for path in modules("ingest", "windsock", "dashboards")
        if re.search(r"os\.(environ|getenv)", path.read_text())
    }
    # The others *set* what dbt and Great Expectations read.
    assert readers <= {"windsock/cli.py", *RUNS_DBT, "ingest/gate.py"}


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = (
        "import sys, json, windsock.cli; "
        "print(json.dumps([m for m in ('great_expectations', 'dbt', 'streamlit', 'pandas', "
        "'duckdb', 'polars', 'sqlglot') if m in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == []


def test_no_address_of_a_registry_or_path_of_a_machine_is_tracked() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "--hash=sha256:" in lock
