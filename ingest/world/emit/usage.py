"""Resource samples, as a task listener writes them: JSON lines, one file a host.

    tries that started in a window  ->  usage/<host>.jsonl, a `start` line and an `end` line each

No release of Airflow records memory or CPU of a task: these files are a source of their own. What
the scheduler decides by itself never reaches a process and has no line; a killed try has no `end`
line, but its last `progress`.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from ingest.world.emit.definitions import Definitions
from ingest.world.emit.identity import uuids
from ingest.world.emit.logs import was_killed
from ingest.world.emit.project import INSTANCE, Numbered
from ingest.world.errors import ERRORS

BASE_BYTES = 118_784_000        # an interpreter with Airflow in it


def write_usage(folder: Path, day: Numbered, definitions: Definitions, since: datetime,
                until: datetime) -> int:
    """Append what the hosts of a cluster sampled between two instants.

    Returns:
        How many lines were written.
    """
    ran = day.attempts.filter(
        pl.col("started_at").is_not_null(), pl.col("peak_memory_bytes").is_not_null())
    ran = ran.with_columns(
        ti_id=uuids(ran.with_columns(identity="try_number"), [*INSTANCE, "identity"], "made_at")
        if definitions.is_3 else pl.lit(""))
    lines: dict[str, list[tuple[datetime, str]]] = {}
    for row in ran.iter_rows(named=True):
        host = str(row["hostname"] or "unknown")
        if since < row["started_at"] <= until:
            lines.setdefault(host, []).append((row["started_at"], _line(row, "start")))
        if row["ended_at"] is not None and since < row["ended_at"] <= until:
            kind = "progress" if was_killed(row) else "end"
            lines.setdefault(host, []).append((row["ended_at"], _line(row, kind)))
    folder.mkdir(parents=True, exist_ok=True)
    for host, found in lines.items():
        with (folder / f"{host}.jsonl").open("a") as file:
            file.writelines(f"{text}\n" for _, text in sorted(found))
    return sum(map(len, lines.values()))


def kind_of_error(row: dict[str, Any]) -> str | None:
    """The class of the exception that ended a try, without its module; null: it succeeded."""
    kind = row["error_kind"]
    return None if kind is None else ERRORS[kind].exception_class.rpartition(".")[2]


def _line(row: dict[str, Any], kind: str) -> str:
    began = row["started_at"]
    peak = BASE_BYTES if kind == "start" else row["peak_memory_bytes"]
    last = began if kind == "start" else row["ended_at"]
    seconds = (last - began).total_seconds()
    record: dict[str, Any] = {
        "event": kind, "dag_id": row["dag_id"], "task_id": row["task_id"],
        "run_id": row["run_id"], "map_index": row["map_index"], "try_number": row["try_number"],
        "ti_id": row["ti_id"], "pid": row["pid"], "hostname": row["hostname"],
        "start": began.timestamp(), "end": last.timestamp(), "peak_rss_bytes": peak,
        "base_rss_bytes": BASE_BYTES, "samples": max(1, int(seconds / 0.5)),
        "cpu_seconds": 0.0 if kind == "start" else row["cpu_seconds"]}
    if kind == "end":
        record |= {"state": row["state"], "error_type": kind_of_error(row)}
    return json.dumps(record)
