"""The pages in a real Chromium: they answer, what is typed filters, news arrive by themselves.

Needs Debian's chromium (`apt-get install chromium`).
"""

import re
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, expect

from dashboards import launch
from tests.browser import NEEDS_CHROMIUM, Shown, page_of, visit
from tests.served_pages import served
from tests.views.snapshots import full, publish, run

pytestmark = NEEDS_CHROMIUM


def test_health_and_the_viewers_zone(browser: Browser, shown: Shown) -> None:
    address = shown.show(full())
    with urllib.request.urlopen(address + launch.HEALTH_PATH) as answer:  # noqa: S310
        assert answer.status == 200
    with page_of(browser, address) as page:
        for path in ("/", "/platform"):
            visit(page, address + path)
            expect(page.locator(".ws-answer")).to_be_visible()
            assert "Europe/Berlin (UTC+1)" in page.locator(".ws-under").first.inner_text()


def test_typing_filters_and_the_url_holds_it(browser: Browser, shown: Shown) -> None:
    address = shown.show(full())
    with page_of(browser, address) as page:
        visit(page, f"{address}/runs")
        page.get_by_placeholder("DAG or run id contains").press_sequentially("orders")
        expect(page.locator(".ws-answer").first).to_contain_text("2 runs of 1 DAG")
        page.wait_for_url(re.compile(r"search=orders"))
        page.reload()
        expect(page.locator(".ws-answer").first).to_contain_text("2 runs of 1 DAG")


def test_a_new_generation_arrives_by_itself(browser: Browser, tmp_path: Path) -> None:
    with served(launch.Site(0, tmp_path)) as address, page_of(browser, address) as page:
        visit(page, f"{address}/runs")
        expect(page.locator(".ws-screen")).to_contain_text("Nothing is published yet")
        publish(tmp_path, full())
        expect(page.locator(".ws-answer").first).to_contain_text("5 runs")
        publish(tmp_path, full() | {"fct_dag_runs": [run()]}, generation=2)
        expect(page.locator(".ws-answer").first).to_contain_text("1 run")
        expect(page.locator(".ws-footer")).to_contain_text("generation 2")
