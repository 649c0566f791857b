"""Reads the golden answers: YAML with the arithmetic written out.

    *.yml  ->  paths() and facts()  ->  tests/build/test_golden_answers.py

Seconds are sums of differences of instants of 22 November 2026, `06:33:56.62 - 06:33:53.17 + …`;
`observed` is the instant at which the cluster's copy was read.
"""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
TERMS = ("lead", "running", "retry_wait", "deferred", "external_wait", "handoff", "tail")
MILLISECOND = 0.0011      # the mart promises a millisecond; the rest is for doubles

Answer = dict[str, Any]


def paths() -> list[Answer]:
    """Every answer about the path of a run."""
    files = sorted(p for p in FOLDER.glob("*.yml") if p.name != "facts.yml")
    return [answer for file in files for answer in yaml.safe_load(file.read_text())]


def facts() -> list[Answer]:
    """Every answer about rows of a mart."""
    found: list[Answer] = yaml.safe_load((FOLDER / "facts.yml").read_text())
    return found


def name_of(answer: Answer) -> str:
    """A test's id."""
    if "mart" in answer:
        return "-".join([answer["mart"], *(str(v) for v in answer["of"].values())])
    return "-".join(answer[k] for k in ("cluster", "dag_id", "run_id"))


def seconds(text: str | float, observed: datetime) -> float:
    """The value of `b - a + d - c` in seconds; a number is itself."""
    if isinstance(text, int | float):
        return float(text)
    parts = re.split(r" ([+-]) ", text.strip())
    total = _instant(parts[0], observed)
    for sign, part in zip(parts[1::2], parts[2::2], strict=True):
        total += _instant(part, observed) if sign == "+" else -_instant(part, observed)
    return total / timedelta(seconds=1)


def _instant(text: str, observed: datetime) -> timedelta:
    if text == "0":
        return timedelta()
    if text == "observed":
        return timedelta(hours=observed.hour, minutes=observed.minute, seconds=observed.second,
                         microseconds=observed.microsecond)
    hours, minutes, rest = text.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes), seconds=int(rest.split(".")[0]),
                     microseconds=int(rest.split(".")[1].ljust(6, "0")) if "." in rest else 0)


def all_terms(found: dict[str, str], observed: datetime) -> dict[str, float]:
    """Every term in seconds; what an answer does not list is 0."""
    unknown = set(found) - set(TERMS)
    assert not unknown, f"no such terms: {unknown}"
    return {term: seconds(found.get(term, 0), observed) for term in TERMS}


def task_of(row: dict[str, Any]) -> str:
    """`task` or `task[index]`, as the answers write it."""
    index = row["map_index"]
    return row["task_id"] if index < 0 else f"{row['task_id']}[{index}]"
