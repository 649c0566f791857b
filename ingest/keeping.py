"""What happens once a day: old files are merged, old runs expire and leave the archive.

    compact  ->  expire (retention)  ->  purge      each repeats what it did not finish
"""

import logging
from dataclasses import replace
from datetime import date, timedelta
from time import monotonic

from ingest import compact, landing, retention
from ingest.compact import Place, Report
from ingest.purge import purge
from ingest.sources.airflow_db.steps import SOURCE

LOG = logging.getLogger("windsock.keep")


def keep(place: Place, today: date, *, detail: timedelta | None = None,
         time: timedelta | None = None) -> Report:
    """Do what is due.

    Args:
        place: the build file, archive and folders; the caller holds the writer's lock.
        today: what day it is.
        detail: how long runs are kept after their end; None: none expires now.
        time: begin nothing further after this long; None: until it is done.

    Returns:
        What became of the archive.
    """
    began = monotonic()
    report = compact.compact(place, today, time=time)
    if report.is_complete and detail is not None:
        for cluster in _clusters(place):
            _expire(place, cluster, detail)
    if report.is_complete:
        left = None if time is None else time - timedelta(seconds=monotonic() - began)
        purge(place, report, time=left)
    if report.is_complete:
        compact.complete(place, today)
    LOG.info("event=compacted merged=%d files_before=%d files_after=%d bytes_before=%d "
             "bytes_after=%d complete=%s seconds=%.2f", report.merged_count, report.files_before,
             report.files_after, report.bytes_before, report.bytes_after,
             str(report.is_complete).lower(), monotonic() - began)
    return report


def _clusters(place: Place) -> list[tuple[str, str]]:
    """Every cluster that was ever landed, with where it was read last."""
    return place.con.execute(
        "select cluster, arg_max(source_uri, load_number) from landing.loads "
        "where source = $1 group by cluster order by cluster", [SOURCE]).fetchall()


def _expire(place: Place, cluster: tuple[str, str], detail: timedelta) -> None:
    name, source_uri = cluster
    door = replace(landing.open_door(place.con, place.archive, place.layout,
                                     landing.Cluster(name, "")), source_uri=source_uri)
    manifest = retention.expire(door, detail)
    if manifest is not None:
        LOG.info("cluster=%s event=expired load=%d runs=%d before=%s", name,
                 manifest.load_number, sum(b.row_count for b in manifest.batches),
                 manifest.facts["expired_before"])
