"""Readers that share a machine: threads and memory are divided."""

import re
from pathlib import Path

import pytest

from tests.views.snapshots import publish
from windsock.warehouse import Layout, Share, open_snapshot


def _settings(layout: Layout, share: Share | None) -> tuple[int, float]:
    with open_snapshot(layout, share=share) as con:
        threads, memory = con.sql(
            "select current_setting('threads'), current_setting('memory_limit')").fetchall()[0]
    found = re.fullmatch(r"([\d.]+) ([KMGT])iB", memory)
    assert found
    return threads, float(found[1]) * 1024 ** "KMGT".index(found[2])


@pytest.mark.parametrize(("processes", "kept_open"), [(1, 3), (2, 3), (16, 3)])
def test_together_readers_take_no_more_than_one_would(
        tmp_path: Path, processes: int, kept_open: int) -> None:
    layout = Layout(publish(tmp_path, {}))
    all_threads, all_memory = _settings(layout, None)
    threads, memory = _settings(layout, Share(processes, kept_open))
    assert threads == max(1, all_threads // processes)
    assert memory * processes * kept_open == pytest.approx(all_memory, rel=0.02)
