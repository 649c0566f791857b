"""The pages in a real Chromium: what strangers wrote stays text, URLs hold the state, news arrive.

Needs Debian's chromium (`apt-get install chromium`).
"""

import re
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from dashboards import launch
from tests.views.run_rows import full_run
from tests.views.snapshots import full, hostile, hostile_names, publish, run

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE = 20_000

pytestmark = [pytest.mark.real,
              pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")]


@contextmanager
def served(warehouse: Path) -> Iterator[str]:
    """The pages on a free port; gives their address."""
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@contextmanager
def page_of(browser: Browser, address: str) -> Iterator[Page]:
    """A page that records every request to anywhere else and every dialog, and allows none."""
    strange: list[str] = []
    own = (address, address.replace("http", "ws"), "data:", "blob:")
    context = browser.new_context(viewport={"width": 1280, "height": 800},
                                  timezone_id="Europe/Berlin")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.on("request", lambda r: None if r.url.startswith(own) else strange.append(r.url))
    page.on("dialog", lambda d: strange.append(d.message))
    page.on("popup", lambda p: strange.append(p.url))
    try:
        yield page
    finally:
        context.close()
    assert strange == []


def _settled(page: Page) -> None:
    page.locator(".ws-footer, .ws-screen").first.wait_for()
    expect(page.locator("[data-stale=true]")).to_have_count(0)
    page.wait_for_load_state("networkidle")


def _nothing_was_rendered(page: Page) -> None:
    main = page.locator(".stMain")
    expect(main.locator("img, script, iframe, video, object, .katex, mark")).to_have_count(0)
    foreign = [link for link in main.locator("a").evaluate_all("all => all.map(a => a.href)")
               if not link.startswith(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2])]
    assert foreign == []
    assert "127.0.0.1:9" not in "".join(
        main.locator("[src], [href], [style]").evaluate_all(
            "all => all.map(e => (e.getAttribute('src') || '') + (e.getAttribute('href') || '')"
            " + (e.getAttribute('style') || ''))"))
    assert page.title() == "Windsock" or page.title() in ("Runs", "Run", "Platform")


def test_health_and_no_foreign_request(browser: Browser, tmp_path: Path) -> None:
    with served(publish(tmp_path, full())) as address:
        with urllib.request.urlopen(address + launch.HEALTH_PATH) as answer:  # noqa: S310
            assert answer.status == 200
        with page_of(browser, address) as page:
            for path in ("/", "/platform"):
                page.goto(address + path)
                _settled(page)
                expect(page.locator(".ws-answer")).to_be_visible()
                assert "Europe/Berlin (UTC+1)" in page.locator(".ws-under").first.inner_text()


def test_hostile_names_are_shown_and_nothing_of_them_runs(
        browser: Browser, tmp_path: Path) -> None:
    with served(publish(tmp_path, hostile())) as address, page_of(browser, address) as page:
        page.goto(f"{address}/platform")
        _settled(page)
        _nothing_was_rendered(page)
        for name in hostile_names():
            query = urllib.parse.urlencode({"cluster": name, "dag_id": name, "run_id": name})
            page.goto(f"{address}/run?{query}")
            _settled(page)
            expect(page.locator(".ws-crumbs")).to_be_visible()
            _nothing_was_rendered(page)


def test_hostile_cluster_names_in_the_filter_and_hovered_bars(
        browser: Browser, tmp_path: Path) -> None:
    with served(publish(tmp_path, hostile())) as address, page_of(browser, address) as page:
        page.goto(f"{address}/runs?window=all")
        _settled(page)
        bars = page.locator(".stVegaLiteChart").first
        box = bars.bounding_box()
        assert box is not None
        for down in range(10, int(min(box["height"], 280)), 11):
            page.mouse.move(box["x"] + box["width"] - 40, box["y"] + down)
        _nothing_was_rendered(page)
        page.get_by_label("Cluster").first.click()
        expect(page.get_by_role("option")).not_to_have_count(0)
        expect(page.locator("[role=listbox] img, [role=listbox] a")).to_have_count(0)


def test_typing_filters_and_the_url_holds_it(browser: Browser, tmp_path: Path) -> None:
    with served(publish(tmp_path, full())) as address, page_of(browser, address) as page:
        page.goto(f"{address}/runs")
        _settled(page)
        page.get_by_placeholder("DAG or run id contains").press_sequentially("orders")
        expect(page.locator(".ws-answer").first).to_contain_text("2 runs of 1 DAG")
        page.wait_for_url(re.compile(r"search=orders"))
        page.reload()
        expect(page.locator(".ws-answer").first).to_contain_text("2 runs of 1 DAG")


def test_a_run_of_the_table_opens_its_page_and_back(browser: Browser, tmp_path: Path) -> None:
    with served(publish(tmp_path, full_run())) as address, page_of(browser, address) as page:
        page.goto(f"{address}/runs?search=scheduled__1")
        _settled(page)
        page.get_by_role("link", name="scheduled__1").click()
        page.wait_for_url(re.compile("run.*dag_id=ads_daily"))
        expect(page.locator(".ws-crumbs")).to_contain_text("scheduled__1")
        expect(page.locator(".ws-answer")).to_contain_text("Took 18 m 20 s")
        page.locator(".ws-table").get_by_role("link", name="extract").click()
        page.wait_for_url(re.compile("task_id=extract"))
        expect(page.locator(".st-key-run_task")).to_contain_text("Ran 5 m 00 s")
        page.go_back()
        expect(page.locator(".st-key-run_task")).to_have_count(0)


def test_a_new_generation_arrives_by_itself(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path) as address, page_of(browser, address) as page:
        page.goto(f"{address}/runs")
        expect(page.locator(".ws-screen")).to_contain_text("Nothing is published yet")
        publish(tmp_path, full())
        expect(page.locator(".ws-answer").first).to_contain_text("5 runs")
        publish(tmp_path, full() | {"fct_dag_runs": [run()]}, generation=2)
        expect(page.locator(".ws-answer").first).to_contain_text("1 run")
        expect(page.locator(".ws-footer")).to_contain_text("generation 2")
