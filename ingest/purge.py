"""What expired leaves the archive too, once a month, from files that are compacted.

    compacted manifest + expiries of its cluster  ->  the same loads without the rows that expired

A rebuild gives the same with and without: the expiry takes away what is still there.
"""

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic

from ingest import expire
from ingest.compact import Place, Purge, Report, rewrite
from ingest.manifests import Compacted, Manifest, counted


def purge(place: Place, report: Report, *, time: timedelta | None = None) -> None:
    """Rewrite the compacted files that may hold rows of an expired run.

    Args:
        place: where.
        report: what was done is added to it.
        time: begin no further file after this long; None: until it is done.
    """
    began = monotonic()
    found = [place.archive.read(path) for path in place.archive.manifest_paths()]
    loads = [manifest for _, manifest in counted(found)]
    expiries = [m for m in loads if m.kind == expire.KIND]
    if not expiries:
        return
    expire.collect(place.con, place.archive, expiries, place.scratch)
    place.con.execute("create or replace temp table expired_runs as select cluster, dag_id, "
                      "run_id, max(_load_number) as _load_number from expired group by all")
    place.con.execute("drop table expired")
    for compacted, own in _due(found, expiries):
        if time is not None and monotonic() - began > time.total_seconds():
            report.is_complete = False
            break
        rewrite(place, [compacted], list(compacted.members()), replaced=[compacted],
                report=report, purge=Purge(_day(own), _keep(place, own)))
    place.con.execute("drop table expired_runs")


def _due(found: list[Manifest | Compacted],
         expiries: list[Manifest]) -> Iterator[tuple[Compacted, list[Manifest]]]:
    """Compacted files that were not purged since the month of the newest expiry began."""
    for one in found:
        if not isinstance(one, Compacted):
            continue
        first, newest = one.loads[0], one.loads[-1]
        own = [e for e in expiries if (e.source, e.cluster) == (newest.source, newest.cluster)
               and e.load_number > first.load_number]
        if own and one.purged_before[:7] < _day(own)[:7] and any(
                f.row_count for f in one.files):
            yield one, own


def _day(expiries: list[Manifest]) -> str:
    day: str = max(e.facts["expired_before"] for e in expiries)
    return day[:10]


def _keep(place: Place, expiries: list[Manifest]) -> dict[str, str]:
    """Table -> condition on the rows that stay."""
    keep = {}
    for table in place.tables.values():
        if table.strategy == "run":
            keep[table.name] = (
                "not exists (select 1 from expired_runs as e where e.cluster = r.cluster "
                "and e.dag_id = r.dag_id and e.run_id = r.run_id "
                "and r._load_number < e._load_number)")
        elif table.strategy == "append":
            floors = [(int(e.facts["floors"][table.name]), e.load_number) for e in expiries
                      if table.name in e.facts["floors"]]
            if floors:
                gone = " or ".join(f"(r.id < {floor} and r._load_number < {number})"
                                   for floor, number in floors[-1:])
                keep[table.name] = f"not ({gone})"
    return keep
