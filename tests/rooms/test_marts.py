"""What every mart promises: grain, types, words, and names that say their unit."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.compiled_project import Compiled, compiled

__all__ = ["compiled"]      # a fixture

ROOT = Path(__file__).resolve().parents[2]
MARTS = sorted((ROOT / "models" / "marts").rglob("*.sql"))
SUFFIXES = re.compile(
    # units and ordinals of style §4
    r"(_at|_date|_seconds|_bytes|_usd|_count|_ratio|_cpu_cores|_id|_ids|_key|_index|_number|_code|"
    # closed lists and names
    r"_kind|_state|_basis|_name|_version|_path|_reason|_flag|_flags|_class|_url|_by|_hash|_rule)$"
    r"|^(is|has|was)_"
)
# Names without a suffix. Whoever adds one says why no suffix fits.
PLAIN = {
    "cluster",                  # the configured name: part of every key
    "upstream_cluster",         # the cluster at the other end of a link
    # Airflow's own words, under which a person looks for them
    "conf", "description", "executor", "message", "operator", "operator_module", "pool", "queue",
    "schedule", "schedule_description", "sensor_mode", "stack_trace", "state", "tags",
    # Airflow's own settings of a task; a unit or an `is_` would make other names of them
    "depends_on_past", "priority_weight", "retries", "wait_for_downstream",
    # promised in the list of marts
    "kind", "outcome", "owner", "project", "team", "tier",
    # lists, named for what they hold
    "latest_runs", "owners", "pauses", "warning_kinds", "warnings",
    "dialect",                  # of a cluster's database
    "old_value", "new_value",   # texts whose unit `field_name` says
    "main_term",                # a term of the observed path, as its column is called
    "search_text",              # what a typed text is matched with
    "reason",                   # why a batch is in quarantine: a sentence
}
BOOLEAN_WORDS = {"depends_on_past", "wait_for_downstream"}


def entry(path: Path) -> dict[str, Any]:
    [model] = yaml.safe_load(path.with_suffix(".yml").read_text())["models"]
    assert isinstance(model, dict)
    return model


@pytest.mark.parametrize("path", MARTS, ids=lambda p: p.stem)
def test_marts_promise_grain_types_and_words(path: Path) -> None:
    model = entry(path)
    assert model["name"] == path.stem
    assert any("unique_grain" in test for test in model["data_tests"])
    assert all(c["data_type"] and c["description"] for c in model["columns"])


@pytest.mark.parametrize("path", MARTS, ids=lambda p: p.stem)
def test_columns_of_marts_say_their_unit(path: Path) -> None:
    odd = [
        c["name"] for c in entry(path)["columns"]
        if c["name"] not in PLAIN and not SUFFIXES.search(c["name"])
    ]
    assert odd == [], "the unit is the last word (style §4); or say in PLAIN why none fits"


def test_no_plain_name_is_left_over() -> None:
    used = {c["name"] for path in MARTS for c in entry(path)["columns"]}
    assert used >= PLAIN, "take it off the list"


def test_suffixes_mean_their_types(compiled: Compiled) -> None:
    """A name that says seconds is a double, one that says count a whole number, and so on."""
    wanted = {
        r"_at$": "timestamp", r"_date$": "date", r"_seconds$": "double", r"_ratio$": "double",
        r"(?<!_mean)_count$": "bigint", r"_bytes$": "bigint", r"_cpu_cores$": "double",
        r"_(kind|state|basis|reason|hash|key)$": "varchar", r"_ids$": "varchar[]",
        r"^(is|has|was)_": "boolean",
    }
    odd = {}
    for name, columns in compiled.columns.items():
        for column, kind in columns.items() if name.startswith("marts.") else ():
            expected = next((t for p, t in wanted.items() if re.search(p, column)), None)
            if column in BOOLEAN_WORDS:
                expected = "boolean"
            if expected not in (None, kind):
                odd[f"{name}.{column}"] = f"{kind}, not {expected}"
    assert odd == {}
