"""Freshness, markup, settings and the launcher's command line."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import freshness, launch, markup, settings
from tests.views.snapshots import AS_OF, cluster

LIMIT = timedelta(minutes=10)


@pytest.mark.parametrize(("changes", "failed_at", "minutes", "verdict"), [
    ({}, None, 1, "fresh"),
    ({}, None, 11, "stale"),
    ({"newest_row_at": None, "loaded_at": None}, None, 1, "stale"),
    ({}, AS_OF - timedelta(minutes=5), 1, "fresh"),
    ({}, AS_OF + timedelta(minutes=5), 6, "failing"),
    ({"newest_row_at": None, "loaded_at": None}, AS_OF, 1, "failing"),
    ({"is_frozen": True}, None, 1000, "frozen"),
    ({"is_frozen": True}, AS_OF + timedelta(minutes=5), 6, "failing"),
])
def test_verdicts(changes: dict[str, object], failed_at: object, minutes: int,
                  verdict: str) -> None:
    failure = {"failed_at": failed_at} if failed_at else None
    found = freshness.judge(cluster(**changes), failure, now=AS_OF + timedelta(minutes=minutes),
                            stale_after=LIMIT)
    assert found.verdict == verdict
    assert found.label.endswith(verdict)


@given(st.text())
def test_values_in_a_template_are_escaped_once(text: str) -> None:
    inner = markup.write("<b>{x}</b>", x=text)
    assert markup.write("{y}", y=inner) == inner
    assert inner.count("<") == 2


def test_templates_do_not_reach_into_values() -> None:
    assert markup.write("{x}", x="{y} {0} {x.__class__}") == "{y} {0} {x.__class__}"
    assert markup.ticked("run `windsock run` <now>") == (
        "run <code>windsock run</code> &lt;now&gt;")


def test_the_launcher_says_all_that_the_pages_need() -> None:
    command = launch.command(8123, Path("somewhere"), refresh_seconds=60)
    assert "--browser.gatherUsageStats=false" in command
    assert "--server.address=127.0.0.1" in command
    assert "--server.port=8123" in command
    assert "--server.headless=true" in command
    assert "--server.fileWatcherType=none" in command
    assert "--client.toolbarMode=minimal" in command
    assert "--server.allowedHosts=localhost" in command
    found = settings.parse(command[command.index("--") + 1:])
    assert found.layout.root == Path("somewhere")
    assert found.stale_after == timedelta(minutes=2)
    assert "--server.headless=false" in launch.command(1, Path(), headless=False)
