"""Colours and signs, once: for Streamlit's own parts, for charts, for tables.

Airflow's hues, tuned until each reads at 4.5 : 1 (WCAG AA) on both grounds of its mode; a test
measures. No state is told by colour alone: each has a glyph that is not an emoji.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Mode = Literal["light", "dark"]


@dataclass(frozen=True)
class Palette:
    """The inks of one mode."""

    accent: str
    ground: str
    raised: str
    text: str
    muted: str
    line: str
    waiting: str
    good: str
    caution: str
    bad: str


@dataclass(frozen=True)
class State:
    """How a state of Airflow is shown."""

    label: str
    glyph: str
    light: str
    dark: str
    light_fill: str = ""

    def fill(self, mode: Mode) -> str:
        """Its colour as an area, where 3 : 1 is enough and neighbours must differ."""
        return self.light_fill if mode == "light" and self.light_fill else self.ink(mode)

    def ink(self, mode: Mode) -> str:
        """Its colour in a mode."""
        return self.light if mode == "light" else self.dark

    @property
    def verb(self) -> str:
        """The word after a number: `12 succeeded`."""
        return "succeeded" if self.label == "success" else self.label

    @property
    def text(self) -> str:
        """Glyph and word."""
        return f"{self.glyph} {self.label}"


PALETTES: dict[Mode, Palette] = {
    "light": Palette(accent="#1f5fbf", ground="#ffffff", raised="#f3f5f8", text="#1b2430",
                     muted="#556070", line="#dbe1e8", waiting="#c3ccd6", good="#15763a",
                     caution="#8f5a00", bad="#c0241d"),
    "dark": Palette(accent="#7fb2ff", ground="#12171d", raised="#1b222b", text="#e6eaf0",
                    muted="#a3adba", line="#303a46", waiting="#46525f", good="#56d08a",
                    caution="#f0b84a", bad="#ff8a80"),
}

# Stacked and listed in this order: what needs a person first.
STATES: dict[str, State] = {
    "failed": State("failed", "✕", "#c0241d", "#ff8a80", "#d23b33"),
    "upstream_failed": State("upstream failed", "▲", "#a84a00", "#ff9d4d"),
    "up_for_retry": State("up for retry", "↻", "#806000", "#f2d03b"),
    "running": State("running", "►", "#4a7500", "#b6e85a", "#6f9f00"),
    "restarting": State("restarting", "⟳", "#7a4fa0", "#cfa4f5"),
    "up_for_reschedule": State("up for reschedule", "↺", "#0b6f69", "#45d6c6"),
    "deferred": State("deferred", "◇", "#6d3fc0", "#b99bff"),
    "queued": State("queued", "○", "#5c6570", "#aab4c0"),
    "scheduled": State("scheduled", "◔", "#80602f", "#d8bd90"),
    "success": State("success", "✓", "#15763a", "#56d08a", "#2e9460"),
    "skipped": State("skipped", "»", "#b02a78", "#ff8fc7"),
    "removed": State("removed", "\N{EN DASH}", "#6a6f76", "#9aa2ac"),
}
OTHER = State("other", "?", "#6a6f76", "#9aa2ac")
NO_STATE = State("no state yet", "·", "#6a6f76", "#9aa2ac")


def state(name: str | None) -> State:
    """How a state is shown; one that Airflow does not have is shown in grey by its own name."""
    if not name:
        return NO_STATE
    return STATES.get(name) or State(name, "?", NO_STATE.light, NO_STATE.dark)


def known(name: str | None) -> State:
    """A state of the closed list; whatever else a database says is "other"."""
    return STATES.get(name, OTHER) if name else NO_STATE


def tally(counts: Iterable[tuple[str | None, int]]) -> list[tuple[State, int]]:
    """Counts by state in the order of the list; states that Airflow lacks are counted together."""
    found = dict.fromkeys([*STATES.values(), NO_STATE, OTHER], 0)
    for name, count in counts:
        found[known(name)] += count
    return [(one, count) for one, count in found.items() if count]


def streamlit_options() -> dict[str, str]:
    """Theme options for Streamlit's command line, both modes; it follows the viewer's system."""
    options: dict[str, str] = {}
    for mode, palette in PALETTES.items():
        named = {
            "primaryColor": palette.accent, "backgroundColor": palette.ground,
            "secondaryBackgroundColor": palette.raised, "textColor": palette.text,
            "borderColor": palette.line, "linkColor": palette.accent, "baseRadius": "small",
            "dataframeHeaderTextColor": palette.muted,
            "paddingTop": "1.5rem", "paddingBottom": "2rem",
        }
        options |= {f"theme.{mode}.{name}": value for name, value in named.items()}
    return options
