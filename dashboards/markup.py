"""HTML that the pages write themselves: sentences, banners, the footer, whole-page states.

A template is a constant of this repository; every value that is put into it is escaped, except
pieces that were made here (`Markup`). Streamlit cleans the result once more and runs no script.
"""

from datetime import datetime
from string import Formatter
from zoneinfo import ZoneInfo

from dashboards import format as fmt
from dashboards import theme


class Markup(str):
    """HTML that is safe as it is: it came out of `write`."""

    __slots__ = ()


class _Escaping(Formatter):
    def format_field(self, value: object, format_spec: str) -> str:
        del format_spec
        return value if isinstance(value, Markup) else fmt.escape(str(value))


def write(template: str, **values: object) -> Markup:
    """Put values into a constant template; what is not Markup is escaped."""
    return Markup(_Escaping().vformat(template, (), values))


def moment(at: datetime | None, zone: ZoneInfo, *, near: datetime | None = None,
           missing: str = "never") -> Markup:
    """An instant on the viewer's clock, with UTC on hover."""
    if at is None:
        return write("{missing}", missing=missing)
    return write('<time title="{utc}">{text}</time>', utc=fmt.utc(at),
                 text=fmt.instant(at, zone, near=near))


def ticked(text: str) -> Markup:
    """Text of ours with commands between backticks, as errors have them."""
    return Markup("".join(
        write("<code>{part}</code>" if number % 2 else "{part}", part=part)
        for number, part in enumerate(text.split("`"))))


def joined(pieces: list[Markup], separator: str = ", ") -> Markup:
    """Pieces one after the other."""
    return Markup(fmt.escape(separator).join(pieces))


def stylesheet(mode: theme.Mode) -> str:
    """The few rules that Streamlit's theme cannot say; one accent, two weights, steps of 8 px."""
    ink = theme.PALETTES[mode]
    return f"""<style>
.stMainBlockContainer {{ padding-left: 2.5rem; padding-right: 2.5rem; }}
.stMain {{ font-variant-numeric: tabular-nums; }}
.stMain h1 {{ font-size: 1.5rem; font-weight: 600; padding: 0 0 .25rem; letter-spacing: 0; }}
.ws-answer {{ font-size: 1.25rem; line-height: 1.45; color: {ink.text}; max-width: 72rem;
    overflow-wrap: anywhere; }}
.ws-answer b {{ font-weight: 600; }}
.ws-bad {{ color: {ink.bad}; }} .ws-good {{ color: {ink.good}; }}
.ws-caution {{ color: {ink.caution}; }}
.ws-under {{ color: {ink.muted}; font-size: .875rem; margin-top: .125rem; }}
.ws-heading {{ font-size: .875rem; font-weight: 600; color: {ink.text}; }}
.ws-heading span {{ font-weight: 400; color: {ink.muted}; }}
.ws-id {{ font-family: "Source Code Pro", monospace; overflow-wrap: anywhere;
    unicode-bidi: isolate; }}
.ws-crumbs {{ color: {ink.muted}; font-size: .875rem; overflow-wrap: anywhere; }}
.ws-crumbs b {{ color: {ink.text}; font-weight: 600; }}
.ws-banner {{ border-left: 4px solid {ink.caution}; background: {ink.raised};
    padding: .5rem 1rem; font-size: .9375rem; overflow-wrap: anywhere; }}
.ws-band {{ border-top: 4px solid; min-height: 4px; font-size: .875rem; font-weight: 600;
    color: {ink.caution}; }}
.ws-footer {{ border-top: 1px solid {ink.line}; padding-top: .5rem; margin-top: 1rem;
    color: {ink.muted}; font-size: .8125rem; overflow-wrap: anywhere; }}
.ws-screen {{ max-width: 40rem; margin: 12vh auto 0; padding: 2rem; text-align: left;
    border: 1px solid {ink.line}; border-top: 4px solid var(--ws-ink); border-radius: 4px; }}
.ws-screen .ws-glyph {{ font-size: 1.5rem; color: var(--ws-ink); }}
.ws-screen h2 {{ font-size: 1.25rem; font-weight: 600; padding: .25rem 0 .5rem; }}
.ws-screen p {{ margin: 0 0 .5rem; line-height: 1.5; overflow-wrap: anywhere; }}
.ws-screen code, .ws-banner code {{ background: {ink.raised}; color: {ink.text};
    padding: .125rem .375rem; border-radius: 4px; }}
</style>"""


def screen(glyph: str, title: str, body: Markup, *, ink: str) -> Markup:
    """A whole-page state: what is so, and what to do."""
    return write('<div class="ws-screen" style="--ws-ink: {ink}"><div class="ws-glyph" '
                 'aria-hidden="true">{glyph}</div><h2>{title}</h2>{body}</div>',
                 ink=ink, glyph=glyph, title=title, body=body)
