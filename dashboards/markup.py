"""HTML that the pages write themselves: sentences, banners, the footer, whole-page states.

A template is a constant of this repository; every value that is put into it is escaped, except
pieces that were made here (`Markup`). Streamlit cleans the result once more and runs no script.
"""

from dataclasses import asdict
from datetime import datetime
from functools import cache
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

from dashboards import format as fmt
from dashboards import theme

_ASSETS = Path(__file__).with_name("assets")


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


@cache
def stylesheet(mode: theme.Mode) -> str:
    """The inks of a mode as variables (`--ws-accent`, …), then every `assets/*.css`."""
    inks = "".join(f"--ws-{name}: {value}; "
                   for name, value in asdict(theme.PALETTES[mode]).items())
    states = "".join(f"--ws-state-{name}: {one.ink(mode)}; --ws-fill-{name}: {one.fill(mode)}; "
                     for name, one in theme.STATES.items())
    rules = "\n".join(path.read_text() for path in sorted(_ASSETS.glob("*.css")))
    return f"<style>:root {{ {inks}{states}}}\n{rules}</style>"


def screen(glyph: str, title: str, body: Markup, *, ink: str) -> Markup:
    """A whole-page state: what is so, and what to do."""
    return write('<div class="ws-screen" style="--ws-ink: {ink}"><div class="ws-glyph" '
                 'aria-hidden="true">{glyph}</div><h2>{title}</h2>{body}</div>',
                 ink=ink, glyph=glyph, title=title, body=body)
