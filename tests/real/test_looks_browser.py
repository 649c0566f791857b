"""Texts in a real Chromium are legible, in light and in the dark.

Needs Debian's chromium (`apt-get install chromium`).
"""

from typing import Any

from playwright.sync_api import Browser

from dashboards import links
from tests.browser import NEEDS_CHROMIUM, Shown, page_of, visit
from tests.views.run_rows import SLOW
from tests.views.whole_rows import DAG, whole

ADDRESSES = {"discover": links.to("discover"), "dag": links.to("dag", **DAG),
             "run": links.to("run", **SLOW), "task": links.to("run", **SLOW, task_id="extract"),
             "limits": links.to("limits"), "slowest": links.to("slowest")}
LEGIBLE = 4.5       # WCAG 2.2, contrast of text (AA)

pytestmark = NEEDS_CHROMIUM

# Text and ground of what matches, as numbers, where the ground is the nearest that is not clear.
INKS = r"""(selector) => [...document.querySelectorAll(selector)].map((one) => {
  const numbers = (text) => text.match(/[\d.]+/g).map(Number);
  let ground = [0, 0, 0, 0];
  for (let at = one; at && ground[3] === 0; at = at.parentElement) {
    const found = numbers(getComputedStyle(at).backgroundColor);
    ground = found.length === 3 ? [...found, 1] : found;
  }
  return [numbers(getComputedStyle(one).color).slice(0, 3), ground.slice(0, 3)];
})"""
TEXTS = (".ws-answer, .ws-answer *, .ws-under, .ws-tab a, .ws-crumbs a, .ws-table th, "
         ".ws-table td, .ws-table a, .ws-footer")


def _luminance(ink: list[float]) -> float:
    parts = [c / 255 for c in ink]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
                        for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(ink: list[float], ground: list[float]) -> float:
    low, high = sorted((_luminance(ink), _luminance(ground)))
    return (high + 0.05) / (low + 0.05)


def test_texts_are_legible_in_both_modes(browser: Browser, shown: Shown) -> None:
    address = shown.show(whole())
    grounds: dict[str, list[Any]] = {}
    for mode in ("light", "dark"):
        with page_of(browser, address, color_scheme=mode) as page:
            for name, path in ADDRESSES.items():
                visit(page, f"{address}/{path}")
                inks = page.evaluate(INKS, TEXTS)
                assert inks, name
                faint = [pair for pair in inks if _contrast(*pair) < LEGIBLE]
                assert faint == [], (mode, name)
                grounds[f"{mode} {name}"] = page.evaluate(INKS, ".ws-answer")[0]
    for name, (ink, ground) in grounds.items():
        of_light = grounds[name.replace("dark", "light")]
        assert name.startswith("light") or (ink != of_light[0] and ground != of_light[1]), name
