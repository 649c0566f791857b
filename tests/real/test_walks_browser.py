"""What a person does at a bad hour, in a real Chromium: with the mouse, by keyboard, by URL.

Needs Debian's chromium (`apt-get install chromium`).
"""

import re
from datetime import timedelta

from playwright.sync_api import Browser, Locator, Page, expect

from dashboards import links
from tests.browser import NEEDS_CHROMIUM, Shown, drawn, page_of, search_with_slash, visit
from tests.views.list_rows import import_error
from tests.views.run_rows import SLOW
from tests.views.snapshots import AS_OF
from tests.views.whole_rows import DAG, OTHER_RUN, whole

MOST_TABS = 60

pytestmark = NEEDS_CHROMIUM

# What has the focus, and whether one sees it: an outline, or another border than without it.
FOCUSED = """() => {
  const one = document.activeElement;
  const seen = (it) => { const {outlineStyle, outlineWidth} = getComputedStyle(it);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0; };
  const borders = (it) => getComputedStyle(it).borderColor + getComputedStyle(it).boxShadow;
  const around = [one, one.parentElement, one.parentElement?.parentElement].filter(Boolean);
  const focused = around.map(borders);
  const isSeen = around.some(seen);
  one.blur();
  const isOther = around.some((it, n) => borders(it) !== focused[n]);
  one.focus({focusVisible: true});
  return [one.getAttribute('aria-label') || one.textContent, isSeen || isOther,
          one.closest('.ws-tabs') ? 'tabs' : one.closest('.ws-table') ? 'table' : one.localName];
}"""


def _answer(page: Page) -> Locator:
    return page.locator(".ws-answer").first


def test_from_a_name_to_who_held_the_pool(browser: Browser, shown: Shown) -> None:
    address = shown.show(whole())
    with page_of(browser, address) as page:
        visit(page, f"{address}/platform")
        page.evaluate("window.stayed = true")
        search_with_slash(page)
        page.keyboard.type("ads", delay=20)
        expect(page.locator("[role=option]")).not_to_have_count(0)
        page.keyboard.press("ArrowDown")
        expect(page.locator("[role=option][aria-selected=true]")).to_contain_text("ads_daily")
        page.keyboard.press("Enter")
        expect(page.locator(".ws-crumbs")).to_contain_text("ads_daily")
        page.locator(".ws-table").get_by_role("link", name="scheduled__1").click()
        expect(_answer(page)).to_contain_text("Took 18 m 20 s")
        page.locator(".ws-table").get_by_role("link", name="extract").first.click()
        task = page.locator(".st-key-run_task")
        expect(task).to_contain_text("Who held pool etl")
        expect(task.get_by_role("link", name="hog")).to_be_visible()
        task.get_by_role("link", name="manual__0").click()
        page.wait_for_url(re.compile("run_id=manual__0"))
        expect(page.locator(".ws-crumbs")).to_contain_text("manual__0")
        assert page.evaluate("window.stayed"), "links load nothing anew"


def test_a_file_that_is_mended_while_one_looks(browser: Browser, shown: Shown) -> None:
    broken = whole() | {"fct_import_errors": [import_error()]}
    address = shown.show(broken)
    with page_of(browser, address) as page:
        visit(page, f"{address}/import_errors?state=all")
        page.evaluate("window.stayed = true")
        expect(_answer(page)).to_contain_text("1 DAG file does not load")
        expect(page.locator(".ws-table")).to_contain_text("broken")
        shown.show(broken | {"fct_import_errors": [
            import_error(fixed_at=AS_OF, last_seen_at=AS_OF - timedelta(minutes=1))]})
        expect(_answer(page)).to_contain_text("Every DAG file loads")
        expect(page.locator(".ws-table")).not_to_contain_text("broken")
        assert page.evaluate("window.stayed")


def test_two_runs_side_by_side(browser: Browser, shown: Shown) -> None:
    address = shown.show(whole())
    with page_of(browser, address) as page:
        visit(page, f"{address}/{links.to('run', **SLOW)}")
        page.locator(".ws-tabs").get_by_role("link", name="Compare").click()
        page.wait_for_url(re.compile("view=compare"))
        compared = page.locator(".stMain")
        expect(compared.get_by_role("link", name=OTHER_RUN).first).to_be_visible()
        expect(compared).to_contain_text("dropped")      # only the other run had this task


def test_back_forward_and_a_copied_address(browser: Browser, shown: Shown) -> None:
    address = shown.show(whole())
    panel = ".st-key-run_task"
    with page_of(browser, address) as page:
        visit(page, f"{address}/{links.to('runs', search='scheduled__1')}")
        page.get_by_role("link", name="scheduled__1").click()
        expect(_answer(page)).to_contain_text("Took 18 m 20 s")
        page.locator(".ws-table").get_by_role("link", name="transform").first.click()
        expect(page.locator(panel)).to_contain_text("transform")
        page.locator(".ws-tabs").get_by_role("link", name="Gantt").click()
        expect(page.locator(panel)).to_have_count(0)
        gone = page.url
        page.go_back()
        expect(page.locator(panel)).to_contain_text("transform")
        page.go_back()
        expect(page.locator(panel)).to_have_count(0)
        expect(_answer(page)).to_contain_text("Took 18 m 20 s")
        page.go_back()
        expect(page.get_by_placeholder("DAG or run id contains")).to_have_value("scheduled__1")
        expect(_answer(page)).to_contain_text("1 run of 1 DAG")
        page.go_forward()
        expect(page.locator(".ws-crumbs")).to_contain_text("scheduled__1")
        page.go_forward()
        expect(page.locator(panel)).to_contain_text("transform")
        page.go_forward()
        expect(page.locator(panel)).to_have_count(0)
        expect(page.locator(".stMain")).to_contain_text("in their state's colour")
        assert page.url == gone
        drawn(page)
        said = _said(page)
    with page_of(browser, address) as other:
        visit(other, gone)
        expect(other.locator(".ws-answer")).to_have_count(1)
        assert _said(other) == said


def _said(page: Page) -> list[str]:
    """What the page says in words, without what depends on when one looks."""
    return [re.sub(r"\([^()]* ago\)", "", text)
            for text in page.locator(".stMain .stHtml").all_inner_texts()]


def test_by_keyboard_alone(browser: Browser, shown: Shown) -> None:
    address = shown.show(whole())
    with page_of(browser, address) as page:
        visit(page, f"{address}/{links.to('dag', **DAG)}")
        page.get_by_role("combobox", name="Find a DAG or task").wait_for()
        reached: list[tuple[str, str]] = []
        for _ in range(MOST_TABS):
            page.keyboard.press("Tab")
            text, is_seen, place = page.evaluate(FOCUSED)
            assert is_seen, f"one does not see that {text!r} has the focus"
            reached.append((place, text))
            if reached[-1] == ("table", "scheduled__1"):
                break
        order = [place for place, _ in reached]
        assert order.index("input") < order.index("tabs") < order.index("table"), reached
        assert ("tabs", "Graph") in reached
        page.keyboard.press("Enter")
        expect(_answer(page)).to_contain_text("Took 18 m 20 s")
