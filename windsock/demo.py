"""A demonstration: a made-up company in a folder of its own, landed, built, served and kept alive.

    world (airflow/, answers/)  ->  windsock.toml  ->  land, build, publish  ->  pages
                                                       a tick every few seconds  ->  a cycle

Everything enters through the usual door. The answers lie beside the warehouse and never enter it.
"""

import hashlib
import json
import logging
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ingest import world as world_package
from ingest.world import live
from ingest.world.answers import answers
from ingest.world.company import Company, company
from windsock import clock, config, effects, logs, serving
from windsock.commands import Windsock, cycle
from windsock.config.urls import sqlite_url
from windsock.errors import ConfigError, WindsockError
from windsock.warehouse import Layout, writer_lock

LOG = logging.getLogger("windsock.demo")
TICK_SECONDS = 3.0
_LONGEST_GAP = timedelta(days=14)       # after a longer rest a new company is sooner made
_OURS = ("airflow", "answers", "warehouse", "windsock.toml", "world.json")


@dataclass(frozen=True)
class Wish:
    """What the command line asks for.

    Attributes:
        folder: where everything of the demonstration lies.
        size: how large a company.
        seed: of everything that is drawn.
        days: of history.
        is_fresh: begin with a new one, whatever is there.
    """

    folder: Path
    size: str = "demo"
    seed: int = 1
    days: int = 30
    is_fresh: bool = False

    @property
    def told(self) -> dict[str, Any]:
        """What a kept company must have been made from to go on."""
        return {"size": self.size, "seed": self.seed, "days": self.days, "maker": _maker()}


def run(wish: Wish, where: serving.Where | None, *, every: timedelta,
        say: Callable[[str], None]) -> None:
    """The whole demonstration, until it is interrupted.

    Args:
        wish: which company, and where.
        where: where the pages are served; None: build once and end.
        every: how often to land, build and publish.
        say: hears what a person should know.

    Raises:
        ConfigError: the folder holds something else, or there is no such size.
    """
    if where is not None:
        serving.require_free_port(where)
    wish = replace(wish, folder=wish.folder.absolute())
    _require_own(wish.folder)
    wish.folder.mkdir(parents=True, exist_ok=True)
    with writer_lock(Layout(wish.folder), "demo"):
        world = _world(wish, say)
        windsock = Windsock(_config(wish.folder))
        _label(windsock.layout)
        with logs.note("landing and building what is new ..."):
            cycle(windsock)
        if where is None:
            say(f"The demonstration is built: windsock --config {wish.folder}/windsock.toml serve")
            return
        with alive(world, wish):
            serving.up(windsock, where, every=every, say=say)


def _require_own(folder: Path) -> None:
    """Refuse a folder with files of somebody else: a new demonstration replaces its own."""
    names = {p.name for p in folder.iterdir()} if folder.is_dir() else set()
    is_file = folder.exists() and not folder.is_dir()
    if is_file or ("world.json" not in names and names - {"locks"}):
        raise ConfigError(
            f"The folder {folder} holds something else than a demonstration.",
            expected="a new or empty folder, or one that windsock demo made",
            next_step="name another one with --folder")


def _world(wish: Wish, say: Callable[[str], None]) -> live.World:
    """The company that is there, with what happened meanwhile, or a new one."""
    kept = _kept(wish)
    if kept is None:
        return _new(wish, say)
    say(f"The demonstration in {wish.folder} goes on from {kept:%Y-%m-%d %H:%M} UTC.")
    with logs.note("writing what happened meanwhile ..."):
        world = live.resume(_company(wish, _ends_at(wish)), wish.folder / "airflow", kept)
        world.tick(clock.now())
    _keep(wish, world)
    return world


def _new(wish: Wish, say: Callable[[str], None]) -> live.World:
    now = clock.now()
    made = _company(wish, now)
    for path in (wish.folder / name for name in _OURS):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    _write(wish, ends_at=now, instant=None)
    say(f"Making up a company: {made.clusters.height} Airflows, {made.dags.height} DAGs, "
        f"{wish.days} days ...")
    with logs.progress("writing") as told:
        world = live.make(made, wish.folder / "airflow", now, told=told)
    _write_answers(wish, made, world)
    _write_config(wish.folder, made)
    _keep(wish, world)
    return world


def _company(wish: Wish, ends_at: datetime) -> Company:
    try:
        return company(wish.size, wish.seed, ends_at=ends_at, days=wish.days)
    except ValueError as error:
        raise ConfigError(f"The demonstration cannot be made: {error}.",
                          next_step="leave --size away, or name another one") from error


def _write_answers(wish: Wish, made: Company, world: live.World) -> None:
    """The key, for whoever wants to compare: beside the warehouse, never in it."""
    folder = wish.folder / "answers"
    folder.mkdir(exist_ok=True)
    days = [world.day(on) for _, on in live.dates(made, made.ends_at)]
    for name, frame in answers(made, days).items():
        frame.write_parquet(folder / f"{name}.parquet")


def _write_config(folder: Path, made: Company) -> None:
    text = ["# Written by windsock demo: a made-up company. Nothing here is real.",
            "[warehouse]", 'path = "warehouse"', ""]
    for row in made.clusters.iter_rows(named=True):
        name = row["cluster"]
        url = sqlite_url(folder / "airflow" / name / "airflow.db")
        text += [f"[clusters.{name}]", f"metadata_url = {json.dumps(url)}",
                 f"kind = {json.dumps(row['kind'])}", f"parallelism = {row['parallelism']}",
                 f'logs = "airflow/{name}/logs"',
                 f'usage_files = ["airflow/{name}/usage/*.jsonl"]', ""]
    effects.write_durably(folder / "windsock.toml", "\n".join(text).encode(), name="demo.config")


def _config(folder: Path) -> config.Config:
    found = config.load(folder / "windsock.toml", environ={}, cwd=folder, home=Path.home())
    return replace(found, origin=replace(found.origin, found_by="windsock demo"))


def _label(layout: Layout) -> None:
    """Mark the warehouse, so that every page that shows it says what it is."""
    if not layout.demonstration.exists():
        effects.write_durably(layout.demonstration, b"Made up by windsock demo.\n",
                              name="demo.label")


@contextmanager
def alive(world: live.World, wish: Wish) -> Iterator[None]:
    """Ticks in the background while the block lasts."""
    stop = threading.Event()

    def ticking() -> None:
        while not stop.wait(TICK_SECONDS):
            try:
                world.tick(clock.now())
                _keep(wish, world)
            except (OSError, sqlite3.Error, WindsockError) as error:
                LOG.error("event=tick_failed error=%s message=%s", type(error).__name__, error)

    thread = threading.Thread(target=ticking, name="world", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=30)


# --- what is kept between two demonstrations -----------------------------------------------------

def _kept(wish: Wish) -> datetime | None:
    """Until when the company in the folder was written; None: a new one is to be made."""
    found = _read(wish)
    if wish.is_fresh or found.get("instant") is None or found["told"] != wish.told:
        return None
    instant = datetime.fromisoformat(found["instant"])
    return instant if timedelta(0) <= clock.now() - instant < _LONGEST_GAP else None


def _ends_at(wish: Wish) -> datetime:
    return datetime.fromisoformat(_read(wish)["ends_at"])


def _keep(wish: Wish, world: live.World) -> None:
    _write(wish, ends_at=world.company.ends_at, instant=world.instant)


def _read(wish: Wish) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((wish.folder / "world.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _write(wish: Wish, *, ends_at: datetime, instant: datetime | None) -> None:
    text = {"told": wish.told, "ends_at": ends_at.isoformat(),
            "instant": instant and instant.isoformat()}
    effects.write_durably(wish.folder / "world.json", json.dumps(text, indent=1).encode(),
                          name="demo.world")


def _maker() -> str:
    """Of the code that makes the company: another one would go on differently."""
    root = Path(world_package.__file__).parent
    parts = [p.read_bytes() for p in sorted(root.rglob("*")) if p.suffix in (".py", ".sql")]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
