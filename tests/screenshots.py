"""Screenshots of every page, as a person sees them: light, dark, wide and on a phone.

    a warehouse (the bundled sample, unless one is named)  ->  the pages in Chromium  ->  PNG

`make screenshots` writes them all to `var/screenshots/` and the README's few to
`docs/screenshots/`. Needs Debian's chromium. Look at them: whether the answer is above the fold
no test can tell.
"""

import argparse
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from playwright.sync_api import Browser, Page, sync_playwright

from dashboards import launch, links

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
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


@contextmanager
def served(warehouse: Path) -> Iterator[str]:
    """The pages of a warehouse on a free port; gives their address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(launch.command(port, warehouse), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            for line in server.stdout:
                if "URL:" in line:
                    break
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()       # a polite end waits for browsers to leave


def settled(page: Page) -> None:
    """Wait until a page is drawn whole."""
    page.locator(".ws-footer, .ws-screen").first.wait_for()
    page.wait_for_function("!document.querySelector('[data-stale=true], .stSpinner')")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(400)      # charts draw after their data has arrived


def addresses(warehouse: Path) -> dict[str, str]:
    """A name and a relative address of every page and view, on things worth looking at."""
    with _snapshot(warehouse) as con:
        run = _one(con, """
            select cluster, dag_id, run_id, arg_max(task_id, limit_wait_seconds) as task_id
            from marts.fct_critical_path_steps where path_kind = 'finish'
            group by all having count(*) >= 3
            order by sum(limit_wait_seconds) desc, count(*) desc, cluster, dag_id, run_id
            limit 1""")
        dag = _one(con, """
            select cluster, dag_id from marts.fct_dag_runs
            group by all order by count(*) desc, cluster, dag_id limit 1""")
    of_run = {k: run[k] for k in ("cluster", "dag_id", "run_id")}
    found = {name: links.to(name) for name, place in links.PLACES.items() if place.group}
    found |= {f"dag-{view}": links.to("dag", **dag, view=view) for view in (
        "runs", "grid", "graph", "tasks", "tries", "versions", "audit", "errors")}
    found |= {f"run-{view}": links.to("run", **of_run, view=view) for view in (
        "path", "gantt", "graph", "tasks", "chain", "whatif", "compare")}
    found["run-task"] = links.to("run", **run)
    found["task"] = links.to("task", **{k: run[k] for k in ("cluster", "dag_id", "task_id")})
    return found


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


def shoot(browser: Browser, address: str, pages: dict[str, str], folder: Path,
          looks: list[Look]) -> None:
    """Every page in every look."""
    for look in looks:
        context = browser.new_context(
            viewport={"width": look.width, "height": look.height}, color_scheme=look.scheme,
            timezone_id="Europe/Berlin", reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(30_000)
        for name, path in pages.items():
            page.goto(f"{address}/{path}")
            settled(page)
            page.screenshot(path=folder / f"{name}.{look.name}.png")
        context.close()


def _sample(folder: str) -> Path:
    subprocess.run([sys.executable, "-m", "windsock.cli", "run"], check=True, cwd=folder)
    return Path(folder) / "var"


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
        with served(warehouse) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=FLAGS)
            shoot(browser, address, pages, chosen.out,
                  [look for look in LOOKS if chosen.look in ("", look.name)])
            browser.close()
    if chosen.warehouse is None:
        kept = ROOT / "docs" / "screenshots"
        kept.mkdir(exist_ok=True)
        for name in CHOSEN & set(pages):
            shutil.copy(chosen.out / f"{name}.light.png", kept / f"{name}.png")


if __name__ == "__main__":
    main()
