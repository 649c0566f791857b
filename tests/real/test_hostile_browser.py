"""Every page and view in a real Chromium, where every text of every mart is a hostile name.

    whole() under other names  ->  each address, one after the other  ->  what a look at it finds

Names that are long and cannot be broken are hostile too: no page scrolls sideways for them.

Needs Debian's chromium (`apt-get install chromium`).
"""

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboards import links
from tests.browser import LAPTOP, NEEDS_CHROMIUM, PHONE, Shown, addresses, page_of, visit
from tests.views.run_rows import SLOW
from tests.views.snapshots import hostile, hostile_names
from tests.views.whole_rows import DAG, ERROR, LIMIT, OTHER_RUN, TASK, Twin

AIRFLOW = "airflow.example"     # the base_url of whole()
TITLES = {"Windsock", *(place.title for place in links.PLACES.values())}
SPOOF = "שלום"      # ends the name that looks like a state and reads from the right

pytestmark = NEEDS_CHROMIUM

# What on a page must have come from a name: elements that no page of ours makes, addresses that
# lead elsewhere, characters that hide or turn text, and text from right to left that draws what
# stands after it to its other side.
LOOK = r"""([airflow, spoof]) => {
  const found = [];
  const main = document.querySelector('.stMain');
  const made = 'img, script, iframe, object, embed, video, audio, base, meta, link, marquee, math, '
    + 'mark, .katex, form:not(.vega-bindings), [onerror], [onclick], [onload], [srcset]';
  for (const one of main.querySelectorAll(made)) found.push('made: ' + one.outerHTML);
  for (const one of main.querySelectorAll('b, strong, h1, code'))
    if (/^(bold|strong|#? ?head.*)$/.test(one.textContent)) found.push('made: ' + one.outerHTML);
  for (const one of document.querySelectorAll('a')) {
    const url = new URL(one.href.baseVal ?? one.href, document.baseURI);
    const isAirflow = one.matches('.ws-out') && url.hostname === airflow
      && url.protocol === 'https:' && one.rel.includes('noopener');
    if (url.origin !== location.origin && !isAirflow) found.push('leads away: ' + url);
  }
  const unseen = new RegExp('[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f'
    + '\u2028-\u202e\u2060-\u206f\ufeff]');
  for (const one of document.body.querySelectorAll('*'))
    for (const {name, value} of one.attributes) {
      if (unseen.test(value)) found.push(`unseen in ${name}: ${value}`);
      if (/^(src|style|poster|background|action)$/.test(name) && value.includes('127.0.0.1:9'))
        found.push(`asks in ${name}: ${value}`);
    }
  const style = (one) => getComputedStyle(one);
  const isInline = (one) => one instanceof HTMLElement && style(one).display === 'inline';
  const isolates = (one) => !isInline(one) || style(one).unicodeBidi !== 'normal';
  const after = (node) => {
    let text = '';
    for (let next = node.nextSibling; next; next = next.nextSibling) {
      if (next instanceof HTMLElement && !isInline(next)) return text;
      if (next.nodeType === Node.TEXT_NODE || !isolates(next)) text += next.textContent;
    }
    return isolates(node.parentElement) ? text : text + after(node.parentElement);
  };
  const texts = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    if (node.parentElement.closest('script, style')) continue;
    if (unseen.test(node.data)) found.push('unseen: ' + node.data);
    const place = node.data.lastIndexOf(spoof);
    if (place < 0) continue;
    const turned = (node.data.slice(place + spoof.length) + after(node)).split('\n')[0];
    if (/[\p{L}\p{N}]/u.test(turned))
      found.push(`turns ${turned}: ` + node.parentElement.outerHTML.slice(0, 300));
  }
  return found;
}"""

FITS = """() => [document.querySelector('.stMain'), document.scrollingElement].every(
  (one) => one.scrollWidth <= one.clientWidth + 1)"""
LATER = "new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))"


def _look(page: Page) -> list[str]:
    found: list[str] = page.evaluate(LOOK, [AIRFLOW, SPOOF])
    if page.title() not in TITLES:
        found.append(f"title: {page.title()}")
    for size in (LAPTOP, PHONE):        # it was opened on the first
        if size != LAPTOP:
            page.set_viewport_size({"width": size[0], "height": size[1]})
            page.evaluate(LATER)
        if not page.evaluate(FITS):
            found.append(f"scrolls sideways at {size[0]}")
    page.set_viewport_size({"width": LAPTOP[0], "height": LAPTOP[1]})
    return found


def _every_address(twin: Twin) -> dict[str, str]:
    """Every page and view, and what opens on them."""
    dag, task, run = twin.named(DAG), twin.named(TASK), twin.named(SLOW)
    chosen = run | {"task_id": twin.name("extract"), "map_index": "-1"}
    return {
        **addresses({"dag": dag, "run": run, "task": task}),
        "run-compared": links.to("run", **run, view="compare", other=twin.name(OTHER_RUN)),
        "run-task": links.to("run", **chosen),
        "import_errors-trace": links.to("import_errors", state="all", **twin.named(ERROR)),
        "limits-chosen": links.to("limits", cluster=dag["cluster"], **twin.named(LIMIT)),
        "slowest-all": links.to("slowest", others="true"),
        "discover-found": links.to("discover", q=twin.name("ads_daily")[:20]),
        "discover-nothing": links.to("discover", q=twin.names[0] + "?"),
        "dag-missing": links.to("dag", cluster=twin.names[-1], dag_id=twin.names[-2:][0] + "?"),
        "run-missing": links.to("run", **dag, run_id=twin.names[-1] + "?"),
        "task-missing": links.to("task", **dag, task_id=twin.names[-1] + "?"),
    }


@pytest.mark.parametrize("twin", [
    Twin(hostile_names()), Twin([*hostile_names()[7:], *hostile_names()[:7]], has_codes=True),
    Twin(["x" * 240])], ids=["names", "names and codes", "long names"])
def test_every_page_shows_hostile_names_as_text(
        browser: Browser, shown: Shown, twin: Twin) -> None:
    address = shown.show(twin.rows)
    found = {}
    with page_of(browser, address) as page:
        for name, path in _every_address(twin).items():
            visit(page, f"{address}/{path}")
            if not name.endswith("-missing"):
                expect(page.get_by_text("No such")).to_have_count(0)
            found[name] = _look(page)
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_hovered_bars_options_and_hits_are_text(browser: Browser, shown: Shown) -> None:
    address = shown.show(hostile())
    with page_of(browser, address) as page:
        visit(page, f"{address}/runs?window=all")
        box = page.locator(".stVegaLiteChart").first.bounding_box()
        assert box is not None
        for down in range(10, int(min(box["height"], 280)), 11):
            page.mouse.move(box["x"] + box["width"] - 40, box["y"] + down)
        assert _look(page) == []
        expect(page.locator("#vg-tooltip-element :is(img, script, a, b)")).to_have_count(0)
        page.get_by_label("Cluster").first.click()
        expect(page.get_by_role("option")).not_to_have_count(0)
        expect(page.locator("[role=listbox] :is(img, script, a, b)")).to_have_count(0)
        page.keyboard.press("Escape")
        search = page.get_by_role("combobox", name="Find a DAG or task")
        search.press_sequentially("img src", delay=20)
        expect(page.locator(".ws-search-hits [role=option]").first).to_contain_text("<img src=")
        expect(page.locator(".ws-search-hits :is(img, script, iframe)")).to_have_count(0)
