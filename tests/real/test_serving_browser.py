"""The served pages in a real Chromium: their policy holds, two workers share the browsers.

Needs Debian's chromium (`apt-get install chromium`).
"""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from dashboards import links
from dashboards.launch import Site
from tests.served_pages import processes, served
from tests.views.snapshots import full, publish

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE = 20_000
VIEWS = Path(links.__file__).with_name("views")
PAGES = [name for name in links.PLACES if (VIEWS / f"{name}.py").exists()]

pytestmark = [pytest.mark.real,
              pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@contextmanager
def page_of(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    try:
        yield page
    finally:
        context.close()


def _worker(page: Page) -> str:
    [cookie] = [c for c in page.context.cookies() if c["name"].startswith("windsock_worker_")]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    return cookie["value"]


def test_no_page_breaks_its_policy_and_links_hold_under_a_prefix(
        browser: Browser, tmp_path: Path) -> None:
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # Streamlit looks for its own root at every level of the path, and finds it at the last.
        is_search = message.location["url"].endswith(("/_stcore/health", "/_stcore/host-config"))
        if message.type == "error" and not is_search:
            said.append(message.text)

    with served(Site(0, publish(tmp_path, full()), prefix="/windsock")) as address, \
            page_of(browser) as page:
        page.on("console", hear)
        page.on("pageerror", lambda e: said.append(str(e)))
        for name in PAGES:
            page.goto(f"{address}/{links.to(name)}")
            _settled(page)
            assert said == [], name
        page.goto(f"{address}/runs")
        page.locator(".stMain a.ws-link").first.click()
        page.wait_for_url(lambda url: not url.endswith("/runs"))
        _settled(page)
        assert page.url.startswith(address + "/")


def _settled(page: Page) -> None:
    page.locator(".ws-footer, .ws-screen").first.wait_for()
    page.wait_for_load_state("networkidle")


def test_two_browsers_two_workers_and_one_that_is_killed(browser: Browser, tmp_path: Path) -> None:
    publish(tmp_path, full())
    with served(Site(0, tmp_path, workers=2)) as address, page_of(browser) as first, \
            page_of(browser) as second:
        for page in (first, second):
            page.goto(f"{address}/platform")
            expect(page.locator(".ws-footer")).to_contain_text("generation 1")
        assert {_worker(first), _worker(second)} == {"0", "1"}
        killed = processes(tmp_path, "server.py")[0]
        os.kill(killed, signal.SIGKILL)
        # Nobody reloads: the page connects again, to the other worker, and goes on watching.
        publish(tmp_path, full(), generation=2)
        for page in (first, second):
            expect(page.locator(".ws-footer")).to_contain_text("generation 2")
        assert _worker(first) == _worker(second)
        now = processes(tmp_path, "server.py")
        assert killed not in now
        assert len(now) == 2        # started again after a moment
