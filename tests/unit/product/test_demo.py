"""`windsock demo`: its folder, what it keeps between two starts, and what it never does."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from ingest.world import live
from tests.small_world import CLUSTERS, small_company, small_day
from windsock import build, clock, config, demo
from windsock.commands import Windsock
from windsock.errors import ConfigError
from windsock.warehouse import layout_of

COMPANY = small_company()
NOW = COMPANY.began_at + timedelta(days=2, hours=10)


@pytest.fixture(autouse=True)
def cycles(monkeypatch: pytest.MonkeyPatch) -> list[Windsock]:
    """A small company, a clock that stands still, and cycles that are counted only."""
    made: list[Windsock] = []
    monkeypatch.setattr(demo, "company", lambda *_, **__: COMPANY)
    monkeypatch.setattr(demo, "answers", lambda *_: {"owners": pl.DataFrame({"owner": ["ann"]})})
    monkeypatch.setattr(demo, "cycle", made.append)
    monkeypatch.setattr(live, "simulate", lambda _, on: small_day(on))
    at(monkeypatch, NOW)
    return made


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)


def start(wish: demo.Wish) -> str:
    said: list[str] = []
    demo.run(wish, None, every=timedelta(seconds=15), say=said.append)
    return "\n".join(said)


def test_the_configuration_reads_the_made_up_clusters_and_no_other(
        tmp_path: Path, cycles: list[Windsock]) -> None:
    folder = tmp_path / "a folder with 100 %? of signs"
    said = start(demo.Wish(folder))
    assert said.startswith("Making up a company: 2 Airflows, 12 DAGs")
    [windsock] = cycles
    read = config.load(folder / "windsock.toml", environ={}, cwd=tmp_path, home=tmp_path)
    assert [c.name for c in read.clusters] == [name for name, _ in CLUSTERS]
    for cluster in read.clusters:
        assert cluster.sqlite_file == folder / "airflow" / cluster.name / "airflow.db"
        assert cluster.sqlite_file.is_file()
        assert list(Path(str(cluster.logs)).rglob("attempt=1.log"))
        assert list(folder.glob(f"airflow/{cluster.name}/usage/*.jsonl"))
    assert windsock.layout.root == folder / "warehouse"
    assert layout_of(read).demonstration.exists()


def test_the_answers_stay_outside_of_the_warehouse(tmp_path: Path) -> None:
    start(demo.Wish(tmp_path / "demo"))
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.parquet")] == [
        "demo/answers/owners.parquet"]
    assert "demo/answers" not in (tmp_path / "demo" / "windsock.toml").read_text()


def test_a_second_start_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(demo.Wish(tmp_path))
    before = kept(tmp_path)
    at(monkeypatch, NOW + timedelta(hours=15))
    assert "goes on from 2026-03-04 10:00 UTC" in start(demo.Wish(tmp_path))
    after = kept(tmp_path)
    assert after["ends_at"] == before["ends_at"]
    assert datetime.fromisoformat(str(after["instant"])) == NOW + timedelta(hours=15)


@pytest.mark.parametrize(("wish", "later"), [
    ({"seed": 2}, timedelta(hours=1)), ({"size": "tiny"}, timedelta(hours=1)),
    ({"days": 3}, timedelta(hours=1)), ({"is_fresh": True}, timedelta(hours=1)),
    ({}, timedelta(days=15)), ({}, timedelta(hours=-1)),
])
def test_another_wish_or_a_long_rest_makes_a_new_one(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wish: dict[str, object],
        later: timedelta) -> None:
    start(demo.Wish(tmp_path))
    (tmp_path / "warehouse" / "old").touch()
    at(monkeypatch, NOW + later)
    assert "Making up a company" in start(demo.Wish(tmp_path, **wish))     # type: ignore[arg-type]
    assert not (tmp_path / "warehouse" / "old").exists()


def test_another_maker_makes_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(demo.Wish(tmp_path))
    monkeypatch.setattr(demo, "_maker", lambda: "another")
    assert "Making up a company" in start(demo.Wish(tmp_path))


def test_a_killed_beginning_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patches:
        patches.setattr(demo.live, "make", killed)
        with pytest.raises(KeyboardInterrupt):
            start(demo.Wish(tmp_path))
    assert "Making up a company" in start(demo.Wish(tmp_path))


@pytest.mark.parametrize("name", ["windsock.toml", "warehouse", "notes.txt"])
def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ConfigError, match="something else than a demonstration"):
        start(demo.Wish(tmp_path))
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {name: "mine"}


def test_a_size_that_is_none_is_refused_before_anything_is_made(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise ValueError("no size is called 'huge'")

    monkeypatch.setattr(demo, "company", unknown)
    with pytest.raises(ConfigError, match="no size is called 'huge'"):
        start(demo.Wish(tmp_path, size="huge"))


def test_the_world_moves_while_the_block_lasts(tmp_path: Path,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    wish = demo.Wish(tmp_path)
    start(wish)
    world = live.resume(COMPANY, tmp_path / "airflow", NOW)
    at(monkeypatch, NOW + timedelta(minutes=5))
    monkeypatch.setattr(demo, "TICK_SECONDS", 0.0)
    with demo.alive(world, wish):
        while world.instant == NOW:
            pass
    assert datetime.fromisoformat(kept(tmp_path)["instant"]) == datetime(
        2026, 3, 4, 10, 5, tzinfo=UTC)


def test_ctrl_c_in_the_middle_of_a_build_ends_it_all() -> None:
    with pytest.raises(KeyboardInterrupt):
        raise build._failure(SimpleNamespace(exception=KeyboardInterrupt()))
    found = build._failure(SimpleNamespace(exception=ValueError("no such model")))
    assert "no such model" in str(found)


def kept(folder: Path) -> dict[str, str]:
    found: dict[str, str] = json.loads((folder / "world.json").read_text())
    return found
