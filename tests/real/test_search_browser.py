"""The search in a real Chromium, by keyboard alone and on a phone.

Needs Debian's chromium (`apt-get install chromium`).
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.real.test_pages_browser import CHROMIUM, browser, page_of, served
from tests.views.snapshots import full, hostile, publish

__all__ = ["browser"]       # the fixture

pytestmark = [pytest.mark.real,
              pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")]


def _opened(page: Page, address: str) -> None:
    page.goto(address)
    _drawn(page)


def _drawn(page: Page) -> None:
    page.locator(".ws-footer").wait_for()
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    expect(page.locator(".stApp[data-test-script-state=notRunning]")).to_have_count(1)


def test_the_box_of_a_page_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    with served(publish(tmp_path, full())) as address, page_of(browser, address) as page:
        _opened(page, f"{address}/runs?cluster=prod-eu")
        page.keyboard.press("/")
        box = page.get_by_role("combobox", name="Find a DAG or task")
        expect(box).to_be_focused()
        page.keyboard.type("ads", delay=30)
        expect(page.locator(".ws-search-hits [role=option]")).to_have_count(1)
        expect(box).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("Escape")
        expect(page.locator(".ws-search-hits")).to_be_hidden()
        page.keyboard.press("ArrowDown")
        expect(page.locator("[role=option][aria-selected=true]")).to_contain_text("ads_daily")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/dag\?cluster=prod-eu&dag_id=ads_daily"))
        _drawn(page)
        page.keyboard.press("/")
        page.keyboard.type("ordres", delay=30)
        expect(page.locator(".ws-search-note")).to_contain_text("Nearest")
        page.keyboard.press("Enter")
        expect(page.locator(".ws-answer")).to_contain_text("Nothing is called ordres")
        assert page.url.endswith("/?q=ordres")


def test_discover_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    with served(publish(tmp_path, full())) as address, page_of(browser, address) as page:
        _opened(page, f"{address}/?cluster=prod-eu")
        page.keyboard.press("/")
        page.keyboard.type("orders", delay=30)
        expect(page.locator(".ws-answer")).to_contain_text("1 DAG called like orders")
        page.wait_for_url(re.compile("q=orders"))
        _drawn(page)
        page.keyboard.press("ArrowDown")
        expect(page.locator("a.ws-hit")).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/dag\?cluster=prod-eu&dag_id=orders"))
        page.go_back()
        expect(page.locator(".ws-answer")).to_contain_text("1 DAG called like orders")


def test_filters_are_links_and_choices_alike(browser: Browser, tmp_path: Path) -> None:
    with served(publish(tmp_path, full())) as address, page_of(browser, address) as page:
        _opened(page, address)
        page.get_by_role("link", name="1 failed").click()
        expect(page.locator("a.ws-hit")).to_have_text(["orders"])
        page.get_by_role("link", name="clear filters").click()
        expect(page.locator("a.ws-hit")).to_have_count(4)
        page.set_viewport_size({"width": 390, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_hostile_hits_are_text(browser: Browser, tmp_path: Path) -> None:
    with served(publish(tmp_path, hostile())) as address, page_of(browser, address) as page:
        _opened(page, f"{address}/platform")
        page.keyboard.press("/")
        page.keyboard.type("img src", delay=30)
        expect(page.locator(".ws-search-hits [role=option]").first).to_contain_text("<img src=")
        expect(page.locator(".ws-search-hits img")).to_have_count(0)
        _opened(page, address)
        expect(page.locator(".stMain img, .stMain script")).to_have_count(0)
