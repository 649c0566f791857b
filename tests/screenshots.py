"""Screenshots of every page, as a person sees them: light, dark, wide and on a phone.

    a warehouse (the bundled sample, unless one is named)  ->  the pages in Chromium  ->  PNG

`make screenshots` writes them all to `var/screenshots/` and the README's few to
`docs/screenshots/`. Needs Debian's chromium. Look at them: whether the answer is above the fold
no test can tell.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from playwright.sync_api import Browser

from dashboards import launch, links
from tests import browser
from tests.served_pages import served

ROOT = Path(__file__).resolve().parents[1]
# In the README and the docs: light, at the width of a laptop.
CHOSEN = {"discover", "run-path", "run-gantt", "run-graph", "run-task", "dag-runs", "dag-grid",
          "limits"}


@dataclass(frozen=True)
class Look:
    """How a page is looked at."""

    name: str
    width: int
    height: int
    scheme: Any


LOOKS = [Look("light", 1280, 800, "light"), Look("dark", 1280, 800, "dark"),
         Look("wide", 1920, 1080, "light"), Look("phone", 390, 844, "light")]


def addresses(warehouse: Path) -> dict[str, str]:
    """A name and a relative address of every page and view, on things worth looking at."""
    with _snapshot(warehouse) as con:
        run = _one(con, """
            select steps.cluster, steps.dag_id, steps.run_id,
                arg_max(steps.task_id, steps.running_seconds + steps.handoff_seconds) as task_id
            from marts.fct_critical_path_steps as steps
            inner join marts.fct_dag_runs as runs using (cluster, dag_id, run_id)
            inner join marts.agg_dag_durations as usual using (cluster, dag_id)
            where steps.path_kind = 'finish' and runs.state = 'success' and usual.sample_count >= 3
            group by steps.cluster, steps.dag_id, steps.run_id
            having count(*) >= 4
            order by any_value(runs.duration_seconds / usual.median_seconds) desc, 1, 2, 3
            limit 1""")
        limit = _one(con, """
            select cluster, limit_kind, limit_name from marts.agg_daily_limit_waits
            group by all order by sum(wait_seconds) desc, cluster, limit_kind, limit_name
            limit 1""")
    dag = {k: run[k] for k in ("cluster", "dag_id")}
    task = {k: run[k] for k in ("cluster", "dag_id", "task_id")}
    found = browser.addresses({"dag": dag, "task": task,
                               "run": {k: run[k] for k in ("cluster", "dag_id", "run_id")}})
    return {**found, "run-task": links.to("run", **run), "limits-holders": links.to(
        "limits", **limit)}


@contextmanager
def _snapshot(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    from windsock.warehouse import Layout, open_snapshot

    with open_snapshot(Layout(warehouse)) as con:
        yield con


def _one(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description or ()]
    row = cursor.fetchone()
    assert row is not None, "the warehouse has no run with a path"
    return dict(zip(names, row, strict=True))


def shoot(chromium: Browser, address: str, pages: dict[str, str], folder: Path,
          looks: list[Look]) -> None:
    """Every page in every look."""
    for look in looks:
        with browser.page_of(chromium, address, size=(look.width, look.height),
                             color_scheme=look.scheme, reduced_motion="reduce") as page:
            for name, path in pages.items():
                browser.visit(page, f"{address}/{path}")
                page.screenshot(path=folder / f"{name}.{look.name}.png")


def _sample(folder: str) -> Path:
    subprocess.run([sys.executable, "-m", "windsock.cli", "run"], check=True, cwd=folder)
    return Path(folder) / "var" / "sample"


def main() -> None:
    """Take them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--warehouse", type=Path, help="a published one; else the bundled sample")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "screenshots")
    parser.add_argument("--only", default="", help="pages whose name begins with this")
    parser.add_argument("--look", default="", choices=["", *(look.name for look in LOOKS)])
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="windsock-screenshots-") as folder:
        warehouse = chosen.warehouse or _sample(folder)
        pages = {n: a for n, a in addresses(warehouse).items() if n.startswith(chosen.only)}
        with served(launch.Site(0, warehouse)) as address, browser.chromium() as chromium:
            shoot(chromium, address, pages, chosen.out,
                  [look for look in LOOKS if chosen.look in ("", look.name)])
    if chosen.warehouse is None:
        kept = ROOT / "docs" / "screenshots"
        kept.mkdir(exist_ok=True)
        for name in CHOSEN & set(pages):
            shutil.copy(chosen.out / f"{name}.light.png", kept / f"{name}.png")


if __name__ == "__main__":
    main()
