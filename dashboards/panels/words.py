"""Small pieces of sentences that pages of one thing share: usual durations, limits, facts."""

from collections.abc import Iterable, Mapping
from typing import Any

from dashboards import format as fmt
from dashboards import links, theme
from dashboards.markup import Markup, joined, write

_BASES = {"same_weekday": " on the same weekday", "same_hour": " at the same hour"}
_LIMITS = {"pool": "pool", "max_active_tasks": "max_active_tasks of",
           "max_active_tis_per_dag": "max_active_tis_per_dag of",
           "max_active_tis_per_dagrun": "max_active_tis_per_dagrun of",
           "parallelism": "parallelism of"}


def name(text: object) -> Markup:
    """An id in the ids' type."""
    return write('<span class="ws-id">{text}</span>', text=text)


def lasting(seconds: float | None, missing: str = "") -> Markup:
    """A duration, exact on hover."""
    if seconds is None:
        return write('<span class="ws-quiet">{missing}</span>', missing=missing)
    return write('<span title="{exact} s">{text}</span>', exact=f"{seconds:,.3f}",
                 text=fmt.duration(seconds))


def basis(usual: Mapping[str, Any]) -> str:
    """What a usual duration is the median of: `median of 30`."""
    return (f"median of {fmt.count(usual.get('sample_count') or 0)}"
            f"{_BASES.get(usual.get('basis_kind') or '', '')}")


def usually(usual: Mapping[str, Any]) -> Markup:
    """`usually 18 m 20 s (median of 30)`, or why that is not known."""
    if usual.get("median_seconds") is None:
        return write("no success to compare it with yet")
    return write("usually {time} ({basis})", time=lasting(usual["median_seconds"]),
                 basis=basis(usual))


def usual(of: Mapping[str, Any]) -> Markup:
    """`A success takes 18 m 20 s (median of 30).`, or that there is none."""
    if of.get("median_seconds") is None:
        return write("No success of it is recorded yet.")
    return write("A success takes {time} ({basis}).", time=lasting(of["median_seconds"]),
                 basis=basis(of))


def limit(limited_by: str | None) -> Markup:
    """A limit of `kind:name` in words: `pool etl`."""
    kind, _, of = (limited_by or "").partition(":")
    if not of:
        return write("{kind}", kind=kind)
    return write("{kind} {of}", kind=_LIMITS.get(kind, kind), of=name(of))


def state(value: str | None) -> Markup:
    """A state with its sign, in its colour."""
    one = theme.state(value)
    return write('<span style="color: {ink}; white-space: {breaks}">{text}</span>',
                 breaks="nowrap" if value in theme.STATES else "normal", text=one.text,
                 ink=Markup(f"var(--ws-state-{value})" if value in theme.STATES
                            else "var(--ws-muted)"))


def facts(pieces: Iterable[Markup | str]) -> Markup:
    """One quiet line of what is known; what is empty is left out."""
    shown = [write("<span>{piece}</span>", piece=piece) for piece in pieces if piece]
    return write('<div class="ws-under ws-facts">{inner}</div>', inner=joined(shown, " · "))


def choices(page_name: str, parameter: str, options: Mapping[str, str], chosen: str,
            keep: Mapping[str, str]) -> Markup:
    """A filter as links: every choice is an address; the default is left out of it."""
    default = next(iter(options))
    return write('<span class="ws-choices">{inner}</span>', inner=joined([
        write('<span class="ws-choice" data-chosen="{is_chosen}">{link}</span>',
              is_chosen="true" if key == chosen else "false",
              link=_link(page_name, text, {**keep, parameter: "" if key == default else key}))
        for key, text in options.items()], ""))


def _link(page_name: str, text: str, parameters: Mapping[str, str]) -> Markup:
    return write('<a class="ws-link" href="{href}">{text}</a>', text=text,
                 href=Markup(fmt.escape(links.to(page_name, **parameters), limit=8000)))


def share_bar(ratio: float | None) -> Markup:
    """A thin bar of a share of the widest, for a cell; nothing where it is not known."""
    if ratio is None:
        return Markup("")
    return write('<span class="ws-share"><span style="width: {width}%"></span></span>',
                 width=f"{min(max(ratio, 0.0), 1.0) * 100:.0f}")
