"""The search in a real Chromium, by keyboard and by links.

Needs Debian's chromium (`apt-get install chromium`).
"""

import re

from playwright.sync_api import Browser, expect

from tests.browser import NEEDS_CHROMIUM, Shown, drawn, page_of, search_with_slash, visit
from tests.views.snapshots import full

pytestmark = NEEDS_CHROMIUM


def test_the_box_of_a_page_by_keyboard(browser: Browser, shown: Shown) -> None:
    address = shown.show(full())
    with page_of(browser, address) as page:
        visit(page, f"{address}/runs?cluster=prod-eu")
        box = search_with_slash(page)
        page.keyboard.type("ads", delay=30)
        expect(page.locator(".ws-search-hits [role=option]")).to_have_count(1)
        expect(box).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("Escape")
        expect(page.locator(".ws-search-hits")).to_be_hidden()
        page.keyboard.press("ArrowDown")
        expect(page.locator("[role=option][aria-selected=true]")).to_contain_text("ads_daily")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/dag\?cluster=prod-eu&dag_id=ads_daily"))
        expect(page.locator(".ws-crumbs")).to_contain_text("ads_daily")
        drawn(page)
        search_with_slash(page)
        page.keyboard.type("ordres", delay=30)
        expect(page.locator(".ws-search-note")).to_contain_text("Nearest")
        page.keyboard.press("Enter")
        expect(page.locator(".ws-answer")).to_contain_text("Nothing is called ordres")
        assert page.url.endswith("/?q=ordres")


def test_discover_by_keyboard(browser: Browser, shown: Shown) -> None:
    address = shown.show(full())
    with page_of(browser, address) as page:
        visit(page, f"{address}/?cluster=prod-eu")
        search_with_slash(page)
        page.keyboard.type("orders", delay=30)
        expect(page.locator(".ws-answer")).to_contain_text("1 DAG called like orders")
        page.wait_for_url(re.compile("q=orders"))
        drawn(page)
        page.keyboard.press("ArrowDown")
        expect(page.locator("a.ws-hit")).to_be_focused()
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/dag\?cluster=prod-eu&dag_id=orders"))
        page.go_back()
        expect(page.locator(".ws-answer")).to_contain_text("1 DAG called like orders")


def test_filters_are_links_and_choices_alike(browser: Browser, shown: Shown) -> None:
    address = shown.show(full())
    with page_of(browser, address) as page:
        visit(page, address)
        page.get_by_role("link", name="1 failed").click()
        expect(page.locator("a.ws-hit")).to_have_text(["orders"])
        page.get_by_role("link", name="clear filters").click()
        expect(page.locator("a.ws-hit")).to_have_count(4)
