"""The served pages in a real Chromium: their policy holds, two workers share the browsers.

Needs Debian's chromium (`apt-get install chromium`).
"""

import os
import signal
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from dashboards import links
from dashboards.launch import Site
from tests.browser import NEEDS_CHROMIUM, drawn, page_of, pages, visit
from tests.served_pages import processes, served
from tests.views.snapshots import full, publish

pytestmark = NEEDS_CHROMIUM


def _worker(page: Page) -> str:
    [cookie] = [c for c in page.context.cookies() if c["name"].startswith("windsock_worker_")]
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    return cookie["value"]


def test_no_page_breaks_its_policy_and_links_hold_under_a_prefix(
        browser: Browser, tmp_path: Path) -> None:
    with served(Site(0, publish(tmp_path, full()), prefix="/windsock")) as address, \
            page_of(browser, address) as page:
        for name in pages():
            visit(page, f"{address}/{links.to(name)}")
        visit(page, f"{address}/runs")
        page.locator(".stMain a.ws-link").first.click()
        page.wait_for_url(lambda url: not url.endswith("/runs"))
        drawn(page)
        assert page.url.startswith(address + "/")


def test_two_browsers_two_workers_and_one_that_is_killed(browser: Browser, tmp_path: Path) -> None:
    publish(tmp_path, full())
    with served(Site(0, tmp_path, workers=2)) as address, \
            page_of(browser, address, may_err=True) as first, \
            page_of(browser, address, may_err=True) as second:
        for page in (first, second):
            visit(page, f"{address}/platform")
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
