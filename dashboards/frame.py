"""What every page has around it: opening, banner, footer, and the states that are not a page.

    frame.show(body)  ->  open the newest generation  ->  body(page)  ->  footer that watches

`body` draws one page and knows nothing of files. The watching fragment runs every few seconds in
each open page, reads one small file, and reruns the page only when another generation is current.
"""

import hashlib
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboards import (
    components,
    data,
    freshness,
    links,
    markup,
    search_box,
    settings,
    theme,
)
from dashboards import format as fmt
from windsock import clock
from windsock.errors import WindsockError

WATCH_SECONDS = 3.0
PLATFORM = "views/platform.py"

_log = logging.getLogger("windsock.dashboards")


@dataclass(frozen=True)
class Page:
    """What a page needs to draw itself."""

    reader: data.Reader
    settings: settings.Settings
    zone: ZoneInfo
    mode: theme.Mode
    now: datetime

    @property
    def ink(self) -> theme.Palette:
        """Colours of the viewer's mode."""
        return theme.PALETTES[self.mode]

    @cached_property
    def clusters(self) -> list[dict[str, Any]]:
        """Rows of dim_clusters."""
        return self.reader.rows("frame__clusters").to_dicts()

    @cached_property
    def verdicts(self) -> dict[str, freshness.Freshness]:
        """Freshness of each cluster."""
        failures = {r["cluster"]: r for r in
                    self.reader.rows("frame__latest_failures").iter_rows(named=True)}
        return {c["cluster"]: freshness.judge(
            c, failures.get(c["cluster"]), now=self.now,
            stale_after=self.settings.stale_after) for c in self.clusters}

    def as_of(self, cluster: str | None = None) -> datetime | None:
        """What the data of one cluster, or the newest of all, is as of: "now" on a page."""
        instants = [v.as_of for v in self.verdicts.values()
                    if v.as_of is not None and cluster in (None, v.cluster)]
        return max(instants, default=None)

    def cluster(self, name: str) -> dict[str, Any]:
        """The row of one cluster; empty when it is unknown."""
        return next((c for c in self.clusters if c["cluster"] == name), {})

    def moment(self, at: datetime | None, missing: str = "never") -> markup.Markup:
        """An instant in the viewer's zone, with UTC on hover."""
        return markup.moment(at, self.zone, near=self.now, missing=missing)


def say(template: str, **values: object) -> None:
    """Show HTML of this repository with escaped values in it."""
    st.html(markup.write(template, **values))


def section(template: str, **values: object) -> DeltaGenerator:
    """A heading, close to the chart or table that is drawn `with` it; `<span>` is quieter."""
    group = st.container(gap="xxsmall")
    with group:
        say('<div class="ws-heading" role="heading" aria-level="2">{text}</div>',
            text=markup.write(template, **values))
    return group


def band(page: Page, cluster: str) -> None:
    """The strip of a page of one cluster; one that is not production says so in words."""
    kind = next((c["kind"] for c in page.clusters if c["cluster"] == cluster), None)
    if kind is None:
        return
    is_production = kind == "prod"
    say('<div class="ws-band" style="border-color: {ink}">{words}</div>',
        ink=page.ink.accent if is_production else page.ink.caution,
        words="" if is_production else f"{kind} cluster, not production")


def show(title: str, body: Callable[[Page], None], *, has_search: bool = True) -> None:
    """Draw a page, or the state that stands in its place.

    Args:
        title: the page's question; empty: the page draws its own heading (`heading`).
        body: draws the page.
        has_search: whether the search stands on top; a page that is a search has its own.
    """
    chosen = settings.parse(sys.argv[1:])
    mode: theme.Mode = "dark" if st.context.theme.type == "dark" else "light"
    st.html(markup.stylesheet(mode))
    token = data.watch_token(chosen.layout)
    page = None
    _label(chosen)
    try:
        reader = data.open_newest(chosen.layout, processes=chosen.processes)
        if reader is None:
            _unpublished(mode)
        else:
            page = Page(reader, chosen, fmt.zone_named(st.context.timezone), mode,
                        clock.now().replace(tzinfo=None))
            _top(page, title, has_search=has_search)
            body(page)
    except WindsockError as error:
        page = None
        _failed(error, mode)
    components.navigator()
    _watch(token, chosen, page)


def _label(chosen: settings.Settings) -> None:
    """On every page of a made-up company, before anything else."""
    if chosen.layout.demonstration.exists():
        say('<div class="ws-banner ws-info" role="note"><b>Demonstration:</b> a made-up company; '
            "nothing here is real. <code>windsock up</code> shows your own Airflow.</div>")


def _top(page: Page, title: str, *, has_search: bool) -> None:
    """The page's question, and the search beside it."""
    with st.container(key="ws_page_top", horizontal=True, vertical_alignment="center",
                      horizontal_alignment="distribute" if title else "right"):
        if title:
            st.title(title, anchor=False, width="content")
        if has_search:
            with st.container(key="ws_search", width=380):
                search_box.draw(page.reader, page.mode)


def heading(page: Page, crumbs: markup.Markup, cluster: str, *,
            actions: markup.Markup | None = None) -> None:
    """What a page of one thing has on top: its cluster's band, where it is, ways out to Airflow."""
    band(page, cluster)
    say('<div class="ws-top">{crumbs}<div class="ws-actions">{actions}</div></div>',
        crumbs=crumbs, actions=actions or markup.Markup(""))


def state_of(*names: str) -> tuple[str, ...]:
    """Parameters of the URL by name; empty text where one is missing."""
    return tuple(st.query_params.get(name, "") for name in names)


def tabs(page_name: str, chosen: str, options: Mapping[str, str], **keep: str) -> None:
    """Views of one page as links (`view=` in the URL), the chosen one marked; only it is drawn."""
    say('<nav class="ws-tabs" aria-label="Views">{inner}</nav>', inner=markup.joined([
        markup.write('<span class="ws-tab" data-chosen="{is_chosen}">{link}</span>',
                     is_chosen="true" if key == chosen else "false",
                     link=links.link(page_name, text, view=key, **keep))  # type: ignore[arg-type]
        for key, text in options.items()], ""))


def banner(page: Page, *, platform_link: bool = True) -> None:
    """One line when data is stale or a cluster cannot be read, with one action."""
    behind = [v for v in page.verdicts.values() if v.verdict in ("stale", "failing")]
    frozen = [v for v in page.verdicts.values() if v.verdict == "frozen"]
    if frozen and len(frozen) == len(page.verdicts):
        say('<div class="ws-banner ws-info" role="status"><b>Frozen copies:</b> "now" is '
            "{at} here, the "
            "newest instant in the data. Point Windsock at your own Airflow: see the README."
            "</div>",
            at=page.moment(page.as_of()))
    if not behind:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        say('<div class="ws-banner" role="status">{text}</div>', text=_banner_text(page, behind))
        if platform_link:
            st.page_link(PLATFORM, label="See the platform")


def _banner_text(page: Page, behind: list[freshness.Freshness]) -> markup.Markup:
    one = behind[0]
    names = markup.joined([markup.write('<span class="ws-id">{name}</span>', name=v.cluster)
                           for v in behind[:3]])
    more = fmt.count(len(behind) - 3) if len(behind) > 3 else ""
    if len(behind) == len(page.verdicts):
        newest = page.as_of()
        return markup.write(
            "<b>Stale:</b> the newest data is of {at} ({age}); it should be at most {limit} old. "
            "Last failed landing: {failed}.", at=page.moment(newest),
            age=fmt.age(newest, page.now), limit=fmt.span(page.settings.stale_after),
            failed=page.moment(max((v.failed_at for v in behind if v.failed_at), default=None),
                               "none recorded, so nothing tried"))
    return markup.write(
        "<b>Partly stale:</b> {names}{more} {verb} behind, oldest as of {at}; the other {rest} "
        "current.", names=names, more=f" and {more} more" if more else "",
        verb="is" if len(behind) == 1 else "are",
        at=page.moment(min((v.as_of for v in behind if v.as_of), default=one.as_of)),
        rest=fmt.count(len(page.verdicts) - len(behind), "is", "are"))


def screen(page: Page, title: str, template: str, **values: object) -> None:
    """A designed emptiness: why there is nothing, and what to do."""
    st.html(markup.screen("○", title, markup.write(template, **values), ink=page.ink.accent))


def _unpublished(mode: theme.Mode) -> None:
    body = markup.write(
        "<p>The pages are up, and will show the first snapshot within seconds of its "
        "publication.</p><p>Land, build and publish once with <code>windsock run</code>, or keep "
        "it going with <code>windsock run --every 60s</code>.</p>")
    st.html(markup.screen("○", "Nothing is published yet", body,
                          ink=theme.PALETTES[mode].accent))


def _failed(error: WindsockError, mode: theme.Mode) -> None:
    code = "E-" + hashlib.sha256(error.seen.encode()).hexdigest()[:8]
    _log.error("page failed code=%s error=%s", code, error)
    body = markup.write(
        "<p>The published warehouse could not be read, so nothing is shown rather than something "
        "half true. The page comes back by itself with the next snapshot.</p>"
        "<p>Next: {next}.</p><p>Search the log of the pages for <code>{code}</code>.</p>",
        next=markup.ticked(error.next_step or "look into the log"), code=code)
    st.html(markup.screen("✕", "This page cannot be shown", body, ink=theme.PALETTES[mode].bad))


@st.fragment(run_every=WATCH_SECONDS)
def _watch(token: str, chosen: settings.Settings, page: Page | None) -> None:
    """The footer, whose ages tick; reruns the page when what is published or fresh has changed."""
    if data.watch_token(chosen.layout) != token:
        st.rerun()
    if page is None:
        return
    later = Page(page.reader, chosen, page.zone, page.mode, clock.now().replace(tzinfo=None))
    if _words(later.verdicts) != _words(page.verdicts):
        st.rerun()
    _footer(later)


def _words(verdicts: Mapping[str, freshness.Freshness]) -> dict[str, str]:
    return {name: v.verdict for name, v in verdicts.items()}


def _footer(page: Page) -> None:
    built = page.reader.row("frame__generation") or {}
    newest = page.as_of()
    say('<div class="ws-footer" role="contentinfo">Data as of {as_of}{age} · built {built} · '
        "generation {generation} · reads {marts} · {estimates} · times in {zone}</div>",
        as_of=page.moment(newest), age=f" ({fmt.age(newest, page.now)})" if newest else "",
        built=page.moment(built.get("published_at"), "at an unknown time"),
        generation=built.get("generation", "unknown"),
        marts=", ".join(sorted(page.reader.marts)) or "no mart",
        estimates=f"{fmt.percent(page.reader.estimated_ratio)} estimated values"
        if page.reader.estimated_ratio else "no estimated values",
        zone=fmt.zone_label(page.zone, page.now))
