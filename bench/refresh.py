"""The refresh at a company's size: cycles of a minute, a day at once, everything from the archive.

    company of 1, 8 and 90 days (0.1, 1 and 12 million instances)
        -> first build -> a day's change -> minutes -> `windsock run --every 30s` -> rebuild

Alone: `python -m bench refresh`; `WINDSOCK_BENCH_DAYS=8,90` takes other lengths.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench import pages
from bench.company import Place, company_at
from bench.measuring import Figure, cpu_seconds, figure, in_own_process, peak_bytes
from windsock.warehouse import open_snapshot

DAYS = (1, 8, 90)
CYCLES = 7
MINUTE = timedelta(minutes=1)
# Less than a day, or the daily reconciliation finds the archived days gone from the source and
# buries them, as after `airflow db clean`: no day's change.
DAY = timedelta(hours=23, minutes=50)
LIVE_SECONDS = 300.0
Measures = dict[str, float]


def refresh() -> Iterator[Figure]:
    """Figures at every length, and how they grow."""
    lengths = [int(d) for d in os.environ.get("WINDSOCK_BENCH_DAYS", "").split(",") if d] or DAYS
    found: dict[int, Measures] = {}
    for days in lengths:
        with tempfile.TemporaryDirectory(prefix="windsock-bench-") as folder:
            found[days], reading = _at(days, Path(folder), is_largest=days == max(lengths))
            yield from _figures(found[days])
            yield from reading
    one, most = (lengths[-2], lengths[-1]) if len(lengths) > 1 else (0, 0)
    for name in ("cycle_seconds", "cycle_cpu_seconds") if one else ():
        yield figure(f"refresh_growth_{name}", found[most][name] / found[one][name], "x", "<= 1.5",
                     CYCLES, instances=[found[one]["instances"], found[most]["instances"]])


_GOALS = {
    "cycle_seconds": ("s", "< 30"), "day_change_seconds": ("s", "< 180"),
    "rebuild_seconds": ("s", "< 600"), "rebuild_peak_mib": ("MiB", "< 8192"),
    "commit_to_page_p95_seconds": ("s", "< 60"), "cpu_share_of_a_core": ("", "< 0.6"),
    "archive_mb_per_million": ("MB", "< 60"), "warehouse_mb_per_million": ("MB", "< 100"),
}


def _figures(measures: Measures) -> Iterator[Figure]:
    instances = round(measures["instances"])
    for name, value in measures.items():
        unit, goal = _GOALS.get(name, ("s" if name.endswith("seconds") else "", ""))
        yield figure(f"refresh_{name}", value, unit, goal, CYCLES if "cycle" in name else 1,
                     instances=instances)


def _at(days: int, folder: Path, *, is_largest: bool) -> tuple[Measures, list[Figure]]:
    began = time.monotonic()
    with company_at(days, folder, behind=DAY + 20 * MINUTE) as place:
        found: Measures = {"made_seconds": time.monotonic() - began}
        found |= {f"first_{k}_seconds": v for k, v in place.cycle().items()}
        place.cycle()       # the plan of a routine build is compiled once
        place.tick(place.instant + DAY)
        found["day_change_seconds"] = sum(place.cycle().values())
        found["instances"] = _instances(place)
        found |= _minutes(place)
        reading: list[Figure] = in_own_process(
            pages.measure, str(place.layout.root), place.instant.isoformat()) if is_largest else []
        if is_largest:
            found |= _live(place, folder)
        found |= _sizes(place, found["instances"])
        found |= dict(in_own_process(rebuilt, str(folder)))
        return found, reading


def _minutes(place: Place) -> Measures:
    """Medians of cycles with a minute's change each."""
    cycles = []
    for _ in range(CYCLES):
        place.tick(place.instant + MINUTE)
        cpu = cpu_seconds()
        parts = place.cycle()
        cycles.append({f"{k}_seconds": v for k, v in parts.items()} | {
            "cycle_seconds": sum(parts.values()), "cycle_cpu_seconds": cpu_seconds() - cpu})
    return {k: statistics.median(c[k] for c in cycles) for k in cycles[0]}


def _instances(place: Place) -> float:
    con = open_snapshot(place.layout)
    [(count,)] = con.execute("select count(*) from marts.fct_task_instances").fetchall()
    con.close()
    return float(count)


def _sizes(place: Place, instances: float) -> Measures:
    """Disk, MB per million instances: what pages read, the build file, the archive."""
    newest = place.layout.newest_snapshot()
    sealed = sorted(place.layout.snapshots.glob("sealed_*.duckdb"))[-1:]
    published = sum(p.stat().st_size for p in ([newest] if newest else []) + sealed)
    archived = sum(p.stat().st_size for p in Path(place.archive.root).rglob("*.parquet"))
    return {"warehouse_mb_per_million": published / instances,
            "build_file_mb_per_million": place.layout.build_file.stat().st_size / instances,
            "archive_mb_per_million": archived / instances}


# --- the real command, on the real clock --------------------------------------------------------


def _live(place: Place, folder: Path) -> Measures:
    """From commit to page, while `windsock run --every 30s` runs as a process of its own."""
    place.tick(datetime.now(UTC))
    config = folder / "windsock.toml"
    config.write_text("".join(
        [f'[warehouse]\npath = "{place.layout.root}"\narchive = "{place.archive.root}"\n'] +
        [f'[clusters."{c.name}"]\nmetadata_url = "{c.metadata_url}"\n' for c in place.clusters]))
    command = [sys.executable, "-m", "windsock.cli", "--config", str(config), "run", "--every",
               "30s"]
    with (folder / "run.log").open("w") as log, \
            subprocess.Popen(command, stderr=log, cwd=Path(__file__).parents[1]) as process:
        try:
            return _watched(place, process.pid)
        finally:
            process.terminate()


def _watched(place: Place, pid: int) -> Measures:
    seen: list[float] = []
    waiting: dict[tuple[str, str], float] = {}
    began, first_cpu, warm_at = time.monotonic(), 0.0, 0.0
    generation = place.layout.newest_generation()
    next_tick = began
    while (now := time.monotonic()) - began < LIVE_SECONDS:
        if now >= next_tick:
            for key in place.tick(datetime.now(UTC)):
                waiting[key] = time.monotonic()
            next_tick = now + 5
        if (newest := place.layout.newest_generation()) != generation:
            generation = newest
            if not warm_at:         # imports, and what was left behind by the simulated minutes
                warm_at, first_cpu = time.monotonic(), _cpu_of(pid)
                waiting.clear()
            for key in _published(place, list(waiting)):
                seen.append(time.monotonic() - waiting.pop(key))
        time.sleep(0.2)
    share = (_cpu_of(pid) - first_cpu) / (time.monotonic() - warm_at)
    return {"commit_to_page_p95_seconds": statistics.quantiles(seen, n=20)[-1],
            "commit_to_page_median_seconds": statistics.median(seen),
            "commit_to_page_count": float(len(seen)), "cpu_share_of_a_core": share}


def _published(place: Place, keys: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Which of the runs (cluster, run id with its DAG) a page would find now."""
    con = open_snapshot(place.layout)
    found = con.execute(
        "select cluster, dag_id || ' ' || run_id from marts.fct_dag_runs where "
        "(cluster, dag_id || ' ' || run_id) in (select unnest($1), unnest($2))",
        [[k[0] for k in keys], [k[1] for k in keys]]).fetchall()
    con.close()
    return found


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- everything from the archive ----------------------------------------------------------------


def rebuilt(folder: str) -> Measures:
    """`windsock rebuild` of that folder, in this process."""
    from windsock import commands
    from windsock import config as configuration

    path = Path(folder) / "rebuild.toml"
    path.write_text(
        f'[warehouse]\npath = "{folder}/again"\narchive = "{folder}/archive"\n'
        '[clusters.none]\nmetadata_url = "sqlite:////nowhere"\n')
    windsock = commands.Windsock(
        configuration.load(path, environ={}, cwd=path.parent, home=path.parent))
    began = time.monotonic()
    commands.rebuild(windsock)
    return {"rebuild_seconds": time.monotonic() - began,
            "rebuild_peak_mib": peak_bytes() / 2**20}


FIGURES: dict[str, Callable[[], Iterator[Figure]]] = {"refresh": refresh}
if __name__ == "__main__":
    for one in refresh():
        print(json.dumps(one), flush=True)  # noqa: T201
