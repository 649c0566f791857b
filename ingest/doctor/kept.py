"""What is kept and how much room it takes: compaction, and the sizes of what Windsock made.

    a bounded listing of the archive  +  stamp of the last compaction  ->  `compaction`
    archive, build file, published generation, task instances in it    ->  `space`, `per million`

Nothing here holds the writer's lock. Alone: `windsock doctor`.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from ingest.compact import completed_on
from ingest.doctor.check import Check, size
from ingest.doctor.listed import Bounds, Listing, list_archive
from ingest.doctor.warehouse import SUBJECT, Place
from windsock.errors import WarehouseError
from windsock.warehouse import Layout, open_snapshot

BOUNDS = Bounds()
OVERDUE = timedelta(days=3)
LEAST_INSTANCES = 10_000        # with fewer, what every warehouse has is most of its size
_MART = "fct_task_instances"


@dataclass(frozen=True)
class _Published:
    """The newest generation: bytes with its sealed history, task instances if it has them."""

    name: str
    byte_count: int
    instance_count: int | None


def examine(place: Place) -> Iterator[Check]:
    """Compaction, then sizes; the archive is listed once."""
    found: list[Listing] = []

    def look() -> Iterator[Check]:
        found.append(list_archive(place.archive, BOUNDS))
        if place.kept_days is not None:
            yield from _compaction(place, found[0])

    yield from SUBJECT.attempt("compaction", look)
    yield from SUBJECT.attempt("space", lambda: _space(place, found[0] if found else None))


def _compaction(place: Place, listing: Listing) -> Iterator[Check]:
    """When it was last complete; late where loads wait for it, or came for days without it."""
    days = sorted({day for _, day in listing.days})
    if not days:
        yield SUBJECT.ok("compaction", "nothing is archived yet")
        return
    today = place.now.astimezone(UTC).date()
    completed = completed_on(place.layout)
    since = completed or date.fromisoformat(days[0])
    count = listing.waiting_count(today)
    seen = f"last complete on {completed}" if completed else "was never complete"
    seen += f"; {'' if listing.is_whole else 'at least '}{count:,} small files wait to be merged"
    came_since = days[-1] > (since + OVERDUE).isoformat()
    if today - since > OVERDUE and (count or came_since):
        yield SUBJECT.warn(
            "compaction", f"{seen}; due for {(today - since).days} days", "run `windsock compact`; "
            "`windsock run` does it once a day, and logs `event=keeping_failed` where it cannot")
    else:
        yield SUBJECT.ok("compaction", seen)


def _space(place: Place, listing: Listing | None) -> Iterator[Check]:
    layout = place.layout
    published = _published(layout)
    sizes: dict[str, int] = {}
    told = []
    if listing is not None:
        if listing.is_whole:
            sizes["archive"] = listing.byte_count
            told.append(f"archive {size(listing.byte_count)} in {listing.file_count:,} files")
        else:
            told.append(f"archive more than {size(listing.byte_count)} in more than "
                        f"{listing.file_count:,} files")
    if layout.build_file.exists():
        sizes["build file"] = layout.build_file.stat().st_size
        told.append(f"build file {size(sizes['build file'])}")
    if published is not None:
        sizes["published"] = published.byte_count
        told.append(f"published {size(published.byte_count)} ({published.name})")
    yield SUBJECT.ok("space", ", ".join(told) or "nothing is there yet")
    count = None if published is None else published.instance_count
    if count is not None and count >= LEAST_INSTANCES:
        each = ", ".join(f"{name} {size(bytes_ * 1e6 / count)}" for name, bytes_ in sizes.items())
        yield SUBJECT.ok("per million", f"a million task instances take: {each} "
                         f"({count:,} are published)")


def _published(layout: Layout) -> _Published | None:
    """The newest generation; one that cannot be opened is a finding of `published`."""
    try:
        path = layout.newest_snapshot()
        if path is None:
            return None
        con = open_snapshot(layout, path=path)
    except WarehouseError:
        return None
    with closing(con):
        [(sealed,)] = con.execute("select sealed_name from snapshot.meta.snapshot").fetchall()
        has_instances = con.execute(
            "select 1 from duckdb_columns() where database_name = 'snapshot' "
            "and schema_name = 'marts' and table_name = $1 limit 1", [_MART]).fetchall()
        count = (con.execute(f"select count(*) from snapshot.marts.{_MART}").fetchall()[0][0]
                 if has_instances else None)
    byte_count = path.stat().st_size
    if sealed is None:
        return _Published("newest generation", byte_count, count)
    byte_count += (path.parent / f"{sealed}.duckdb").stat().st_size
    return _Published("newest generation and its sealed history", byte_count, count)
