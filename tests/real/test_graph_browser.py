"""The graph in a real Chromium: nodes are links for mouse and keys, names text, 1,000 nodes drawn.

Needs Debian's chromium (`apt-get install chromium`).
"""

import re
import time
import urllib.parse

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import NEEDS_CHROMIUM, Shown, page_of, visit
from tests.views.graphs import graph_rows, large
from tests.views.snapshots import Rows, hostile_names

DRAWN_WITHIN_SECONDS = 1.5
DIAMOND = [("extract", "clean"), ("extract", "score"), ("clean", "load"), ("score", "load")]
SALES = graph_rows("sales", dict.fromkeys(("extract", "clean", "score", "load")), DIAMOND,
                   ["extract", "clean", "load"])

pytestmark = NEEDS_CHROMIUM

# From the arrival of the page's rerun to the frame after the last node was put on the page.
DRAWING = """() => new Promise(done => {
  const begun = performance.now();
  const look = () => document.querySelectorAll('.ws-graph-node').length >= COUNT
    ? requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)))
    : requestAnimationFrame(look);
  look();
})"""


def _address(base: str, rows: Rows, page: str = "dag", **query: str) -> str:
    [dag] = rows["dim_dags"]
    named = {"cluster": dag["cluster"], "dag_id": dag["dag_id"], "view": "graph"}
    if page == "run":
        named["run_id"] = rows["fct_dag_runs"][0]["run_id"]
    return f"{base}/{page}?{urllib.parse.urlencode(named | query)}"


def _node(page: Page, title: str) -> str:
    return f".ws-graph-node:has(.ws-graph-title:text-is('{title}'))"


def _transform(page: Page) -> str:
    return page.locator(".ws-graph-whole").get_attribute("transform") or ""


def test_a_click_on_a_node_opens_its_task_without_loading_anew(
        browser: Browser, shown: Shown) -> None:
    address = shown.show(SALES)
    with page_of(browser, address) as page:
        visit(page, _address(address, SALES))
        expect(page.locator(".ws-graph-node")).to_have_count(5)
        page.evaluate("window.stayed = true")
        page.locator(_node(page, "score")).click()
        page.wait_for_url(re.compile(r"/task\?.*task_id=score"))
        assert page.evaluate("window.stayed")
        page.go_back()
        expect(page.locator(".ws-graph-node")).to_have_count(5)


def test_keys_reach_nodes_in_their_order_open_them_and_zoom(
        browser: Browser, shown: Shown) -> None:
    address = shown.show(SALES)
    with page_of(browser, address) as page:
        visit(page, _address(address, SALES, "run"))
        expect(page.locator(".ws-graph-node")).to_have_count(5)
        page.get_by_role("button", name="Fit all of it").focus()
        page.keyboard.press("Tab")      # the frame itself, where arrows pan
        seen = []
        for _ in range(5):
            page.keyboard.press("Tab")
            seen.append(page.evaluate(
                "document.activeElement.querySelector('.ws-graph-title').textContent"))
        assert seen[0] == "extract"
        assert set(seen[1:3]) == {"clean", "score"}
        assert seen[3:] == ["load", "run: success"]
        before = _transform(page)
        page.keyboard.press("-")
        assert _transform(page) != before
        page.keyboard.press("+")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r"/run\?.*task_id=load"))
        expect(page.locator(".ws-graph-chosen")).to_have_count(1)


def test_dragging_pans_and_opens_nothing_and_the_wheel_zooms_with_ctrl(
        browser: Browser, shown: Shown) -> None:
    address = shown.show(SALES)
    with page_of(browser, address) as page:
        visit(page, _address(address, SALES))
        box = page.locator(_node(page, "clean")).bounding_box()
        assert box is not None
        x, y, before, url = box["x"] + 40, box["y"] + 20, _transform(page), page.url
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 60, y + 25, steps=4)
        page.mouse.up()
        panned = _transform(page)
        assert panned != before
        page.keyboard.down("Control")
        page.mouse.wheel(0, -200)
        page.keyboard.up("Control")
        expect(page.locator(".ws-graph-whole")).not_to_have_attribute("transform", panned)
        page.get_by_role("button", name="Fit all of it").click()
        expect(page.locator(".ws-graph-whole")).to_have_attribute("transform", before)
        assert page.url == url


def test_groups_open_by_a_click_and_the_address_holds_it(
        browser: Browser, shown: Shown) -> None:
    groups = {f"{g}.t{n}": g for g in ("load", "extract") for n in range(50)}
    rows = graph_rows("folded", groups, [("extract.t0", "load.t0")], ["extract.t0", "load.t0"])
    address = shown.show(rows)
    with page_of(browser, address) as page:
        visit(page, _address(address, rows))
        expect(page.locator(".ws-graph-node")).to_have_count(5)
        page.locator(_node(page, "extract")).click()
        page.wait_for_url(re.compile("open=extract"))
        expect(page.locator(".ws-graph-node")).to_have_count(53)
        page.reload()
        expect(page.locator(".ws-graph-node")).to_have_count(53)
        page.get_by_role("link", name="all", exact=True).click()
        expect(page.locator(".ws-graph-node")).to_have_count(5)


@pytest.mark.parametrize("place", ["dag", "run"])
def test_hostile_names_are_text(browser: Browser, shown: Shown, place: str) -> None:
    names = hostile_names()
    rows = graph_rows(names[0], dict.fromkeys(names, names[1]), [(names[0], names[2])], names[:2],
                      home=names[1], run_id=names[2], state=names[3])
    address = shown.show(rows)
    with page_of(browser, address) as page:
        visit(page, _address(address, rows, place))
        expect(page.locator(".ws-graph-node")).to_have_count(len(names) + 1)
        for node in page.locator(".ws-graph-node").all():
            node.hover(force=True)
        graph = page.locator(".ws-graph")
        expect(graph.locator("img, script, iframe, foreignObject, b")).to_have_count(0)
        assert not [href for href in graph.locator("a").evaluate_all(
            "all => all.map(a => a.getAttribute('href'))") if not re.match(r"(task|run)\?", href)]
        assert graph.locator("title").first.text_content()
        assert page.title() != "1"


def test_a_thousand_nodes_are_drawn_in_time(browser: Browser, shown: Shown) -> None:
    groups, edges, path = large(1000, 1500)
    rows = graph_rows("large", groups, edges, path)
    address = shown.show(rows)
    with page_of(browser, address) as page:
        visit(page, _address(address, rows))
        page.get_by_role("link", name="show all").wait_for()
        seconds = []
        for _ in range(3):
            page.get_by_role("link", name="show all").click()
            seconds.append(page.evaluate(DRAWING.replace("COUNT", "1001")) / 1000)
            page.get_by_role("link", name="all", exact=True).click()
            page.get_by_role("link", name="show all").wait_for()
        page.get_by_role("link", name="show all").click()
        expect(page.locator(".ws-graph-node")).to_have_count(1001)
        begun = time.perf_counter()
        page.get_by_role("button", name="Zoom in").click()
        assert time.perf_counter() - begun < DRAWN_WITHIN_SECONDS
        print("seconds from click to drawn:", seconds)      # noqa: T201
        assert min(seconds) < DRAWN_WITHIN_SECONDS, seconds
