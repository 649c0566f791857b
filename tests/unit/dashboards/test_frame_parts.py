"""Freshness, markup, settings and the launcher's command line."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards import data, freshness, launch, markup, settings
from tests.views.snapshots import AS_OF, cluster, publish
from windsock.warehouse import Layout

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


def test_a_site_of_several_workers_survives_the_command_line() -> None:
    site = launch.Site(8123, Path("some where"), "10.0.0.1", ("localhost", "windsock.example"),
                       "/windsock", 90.0, 3)
    command = launch.watched(site)
    assert command[1:4] == ["-P", "-m", "dashboards.balancer"]
    assert launch.parse(command[4:]) == site
    worker = launch.streamlit(site, ends_with_stdin=True)
    found = settings.parse(worker[worker.index("--") + 1:])
    assert (found.processes, found.ends_with_stdin) == (3, True)
    assert "--server.baseUrlPath=/windsock" in worker
    assert "--server.allowedHosts=windsock.example" in worker
    assert launch.watched(replace(site, workers=1))[3] == "streamlit"


def test_options_that_a_config_file_of_others_must_not_change() -> None:
    command = launch.command(8123, Path("somewhere"))
    for option in ("server.enableXsrfProtection=true", "server.enableCORS=true",
                   "server.enableStaticServing=false", "server.enableAgentApi=false",
                   "client.showErrorDetails=none", "browser.serverAddress=localhost"):
        assert f"--{option}" in command
    [secrets] = [c for c in command if c.startswith("--secrets.files=")]
    assert not Path(secrets.partition("=")[2]).exists()


def test_the_share_of_estimates_is_of_the_rows_that_say_how_they_are_known(
        tmp_path: Path) -> None:
    steps = [{"cluster": "c", "dag_id": "d", "run_id": "r", "step_number": n,
              "path_kind": "finish", "waits_basis": basis, "structure_basis": "recorded"}
             for n, basis in enumerate(("recorded", "inferred", "inferred", "recorded"), 1)]
    reader = data.open_newest(Layout(publish(tmp_path, {"fct_critical_path_steps": steps})))
    assert reader is not None
    assert reader.estimated_ratio == 0
    reader.rows("frame__clusters")
    assert reader.estimated_ratio == 0
    reader.rows("run__steps", cluster="c", dag_id="d", run_id="r", path_kind="finish",
                row_limit=10)
    assert reader.estimated_ratio == 0.5
