"""The refresh at size: a cycle that lands 100 changed instances, builds and publishes."""

import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import source
from bench.measuring import Figure, figure
from ingest import landing
from ingest.archive import Archive
from tests.databases import postgresql
from windsock.build import Builder
from windsock.publish import publish
from windsock.warehouse import Layout, open_build

CHANGED = 100
CYCLES = 5
SIZES = (1_000_000, 12_000_000)


def refresh(sizes: tuple[int, ...] = SIZES) -> Iterator[Figure]:
    """Cycle times over two sizes of history."""
    seconds = {}
    for size in sizes:
        with postgresql("shared_buffers=512MB", "max_wal_size=8GB") as server, \
                tempfile.TemporaryDirectory() as folder:
            source.fill(server, size)
            parts = _cycles(server.url(), Path(folder),
                            lambda k, s=server: source.change(s, CHANGED, cycle=k))
        for part in ("land", "build", "publish"):
            yield figure(f"refresh_{part}_seconds_at_{size}",
                         statistics.median(p[part] for p in parts), "s", "", CYCLES)
        seconds[size] = statistics.median(sum(p.values()) for p in parts)
        yield figure(f"refresh_cycle_seconds_at_{size}", seconds[size], "s", "< 20", CYCLES)
        yield figure(f"refresh_peak_memory_at_{size}",
                     resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "MiB", "< 8192")
    if len(sizes) > 1:
        yield figure("refresh_growth", seconds[sizes[-1]] / seconds[sizes[0]], "x", "<= 1.5")


def _cycles(url: str, root: Path, change: Callable[[int], None]) -> list[dict[str, float]]:
    layout, builder = Layout(root), None
    archive, clusters = Archive(str(root / "archive")), [landing.Cluster("bench", url)]
    builder = Builder(layout)
    _cycle(layout, archive, clusters, builder)      # first load
    _cycle(layout, archive, clusters, builder)      # caches
    done = []
    for number in range(CYCLES):
        change(number)
        done.append(_cycle(layout, archive, clusters, builder))
    return done


def _cycle(layout: Layout, archive: Archive, clusters: list[landing.Cluster],
           builder: Builder) -> dict[str, float]:
    began = time.monotonic()
    con = open_build(layout)
    outcomes = landing.land_clusters(con, archive, layout, clusters)
    con.execute("checkpoint")
    con.close()
    if outcomes[0].error:
        raise outcomes[0].error
    landed = time.monotonic()
    builder.build()
    built = time.monotonic()
    publish(layout)
    return {"land": landed - began, "build": built - landed, "publish": time.monotonic() - built}


FIGURES: dict[str, Callable[[], Iterator[Figure]]] = {"refresh": refresh}
