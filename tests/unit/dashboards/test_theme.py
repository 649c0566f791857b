"""Colours that everybody can read, measured."""

import pytest

from dashboards import theme


def _luminance(colour: str) -> float:
    channels = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
                        for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


ALL = [*theme.STATES.values(), theme.NO_STATE, theme.OTHER]


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("state", ALL, ids=lambda s: s.label)
def test_a_state_reads_on_both_grounds(state: theme.State, mode: theme.Mode) -> None:
    palette = theme.PALETTES[mode]
    assert contrast(state.ink(mode), palette.ground) >= 4.5
    assert contrast(state.ink(mode), palette.raised) >= 4.5
    assert contrast(state.fill(mode), palette.ground) >= 3


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("name", ["text", "muted", "accent", "good", "caution", "bad"])
def test_words_read_on_both_grounds(name: str, mode: theme.Mode) -> None:
    palette = theme.PALETTES[mode]
    assert contrast(getattr(palette, name), palette.ground) >= 4.5
    assert contrast(getattr(palette, name), palette.raised) >= 4.5


def test_no_two_states_share_a_sign() -> None:
    assert len({s.glyph for s in theme.STATES.values()}) == len(theme.STATES)


def test_a_state_that_airflow_lacks_keeps_its_name_and_is_counted_as_other() -> None:
    assert theme.state("zombie").text == "? zombie"
    assert theme.state(None) is theme.NO_STATE
    assert theme.tally([("success", 2), ("zombie", 1), ("ghost", 3), (None, 1)]) == [
        (theme.STATES["success"], 2), (theme.NO_STATE, 1), (theme.OTHER, 4)]
