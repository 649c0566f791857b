"""Chromium on served pages: how it starts, what a page may do in it, when a page is drawn whole.

    with chromium() as browser, served(Site(0, warehouse)) as address:
        with page_of(browser, address) as page:
            visit(page, f"{address}/runs")

Tests and screenshots look at pages through here alone; needs Debian's chromium
(`apt-get install chromium`).
"""

import ast
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from dashboards import links
from tests.views.snapshots import Rows, publish

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE = 20_000
LAPTOP = (1280, 800)
PHONE = (390, 844)
NEEDS_CHROMIUM = [pytest.mark.real,
                  pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")]

_VIEWS = Path(links.__file__).with_name("views")
# Drawn: the script has ended, nothing of an earlier run is left, and every chart has its picture.
_DRAWN = """() => {
  const has = (selector) => document.querySelector(selector) !== null;
  return has('.stApp[data-test-script-state=notRunning]')
    && has('.ws-footer, .ws-screen, .stException')
    && !has('[data-stale=true], .stSpinner, .stSkeleton')
    && [...document.querySelectorAll('.stVegaLiteChart')].every(
        (chart) => chart.querySelector('canvas, svg.marks'));
}"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@contextmanager
def page_of(browser: Browser, address: str, *, size: tuple[int, int] = LAPTOP,
            may_err: bool = False, **options: Any) -> Iterator[Page]:
    """A page in a context of its own, which asks no other host, says nothing, and errs nowhere."""
    origin = "/".join(address.split("/")[:3])
    own = (origin, origin.replace("http", "ws", 1), "data:", "blob:")
    strange: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # Streamlit looks for its own root at every level of the path, and finds it at the last.
        is_search = message.location["url"].endswith(("/_stcore/health", "/_stcore/host-config"))
        if message.type == "error" and not is_search and not may_err:
            strange.append(message.text)

    width, height = size
    context = browser.new_context(
        **{"viewport": {"width": width, "height": height}, "timezone_id": "Europe/Berlin",
           **options})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.on("request", lambda r: None if r.url.startswith(own) else strange.append(r.url))
    page.on("dialog", lambda d: strange.append(d.message))
    page.on("popup", lambda p: strange.append(p.url))
    page.on("pageerror", lambda e: strange.append(str(e)))
    page.on("console", hear)
    try:
        yield page
    finally:
        context.close()
    assert strange == []


def drawn(page: Page) -> None:
    """Wait until what a page shows is all there."""
    page.wait_for_function(_DRAWN)
    assert page.locator(".stException").count() == 0, f"{page.url} failed"


def visit(page: Page, address: str) -> None:
    """Open an address, and wait until it is drawn."""
    page.goto(address, wait_until="commit")
    drawn(page)


def search_with_slash(page: Page) -> Locator:
    """The search of a page with the cursor in it, as a person gets there by keyboard."""
    box = page.locator(".st-key-ws_search input, .stMain .st-key-q input").first
    box.wait_for()
    begun = time.monotonic()
    page.keyboard.press("/")
    # The navigator hears keys once its script has come, which nobody sees.
    while not box.evaluate("box => box === document.activeElement"):
        assert time.monotonic() - begun < PATIENCE / 1000, "/ does not lead into the search"
        page.wait_for_timeout(100)
        page.keyboard.press("/")
    return box


@dataclass
class Shown:
    """Served pages; what is published last is what they show."""

    address: str
    warehouse: Path
    generation: int = 0

    def show(self, rows: Rows) -> str:
        """Publish these rows; gives the address of the pages."""
        self.generation += 1
        publish(self.warehouse, rows, generation=self.generation)
        return self.address


def pages() -> list[str]:
    """Every page that there is."""
    return [name for name in links.PLACES if (_VIEWS / f"{name}.py").exists()]


def views_of(page: str) -> list[str]:
    """The views of a page, as its file lists them; none of one that is drawn whole."""
    for node in ast.parse((_VIEWS / f"{page}.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("TABS", "VIEWS"):
            return list(ast.literal_eval(node.value))
    return []


def addresses(of: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """A name and a relative address of every page, and of every view of the things in `of`.

    Args:
        of: parameters of the pages of one thing: `dag`, `run`, `task`.
    """
    found = {}
    for page in pages():
        named = of.get(page, {})
        for view in views_of(page):
            found[f"{page}-{view}"] = links.to(page, **named, view=view)
        if not views_of(page):
            found[page] = links.to(page, **named)
    return found
