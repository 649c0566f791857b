"""Looks at everything that a landing and the pages need, and says what to do about it.

    Config  ->  clusters side by side, then warehouse and archive  ->  [Check]  ->  text, exit code

Nothing is written but probes that are removed again; no password is in any text. Alone:
`windsock doctor`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from threading import Thread

from ingest.doctor import kept, landed, machine, source, warehouse
from ingest.doctor.check import Check, Status, Subject, exit_code, render, within
from ingest.sources.airflow_db.extract import Options
from ingest.sources.airflow_db.readers import ReadLimits
from windsock import clock
from windsock.config import Cluster, Config
from windsock.warehouse import Layout

__all__ = ["Check", "Status", "examine", "exit_code", "render"]

LIMITS = ReadLimits(connect_seconds=5, busy_seconds=5, statement_seconds=20, idle_seconds=30)
PATIENCE_SECONDS = 60.0


def examine(config: Config, *, layout: Layout | None = None, limits: ReadLimits = LIMITS,
            patience_seconds: float = PATIENCE_SECONDS,
            now: Callable[[], datetime] = clock.now) -> list[Check]:
    """Look at machine, clusters, warehouse and archive; every look on its own.

    Args:
        config: the configuration.
        layout: folders of the warehouse, where they are not those of the configuration (sample).
        limits: time-outs at the sources.
        patience_seconds: how long one cluster, and the archive, may take in all.
        now: the machine's clock.
    """
    place = warehouse.Place(
        layout or Layout(config.warehouse.path), _archive_of(config, layout), config.clusters,
        now(), None if config.origin.kind == "sample" else config.retention.task_instances)
    around = source.Around(
        limits, Options(config.secrets.names, config.landing.notes, config.landing.source_code),
        place.layout.scratch, now)
    estimates = source.Estimates()
    checks = [*Subject("machine").attempt("versions", machine.versions),
              *Subject("configuration").attempt("configuration",
                                                partial(machine.configuration, config))]
    checks += _clusters(config.clusters, around, estimates, patience_seconds)
    subject = warehouse.SUBJECT
    checks += within(
        patience_seconds, lambda tell: _each(tell, warehouse.examine_warehouse(place, estimates)),
        _late(subject, "warehouse", patience_seconds))
    root = within(
        patience_seconds, lambda tell: _each(tell, subject.attempt(
            "archive root", lambda: landed.examine_root(place.archive, subject))),
        _late(subject, "archive root", patience_seconds))
    checks += root
    if not exit_code(root):
        checks += within(patience_seconds, lambda tell: _each(tell, kept.examine(place)),
                         _late(subject, "space", patience_seconds))
    return checks


def _archive_of(config: Config, layout: Layout | None) -> str:
    # The sample's archive lies in its own folder, as its rows are never mixed with real ones.
    is_sample = layout is not None and config.origin.kind == "sample"
    return str(layout.root / "archive") if is_sample and layout else config.warehouse.archive


def _clusters(clusters: tuple[Cluster, ...], around: source.Around, estimates: source.Estimates,
              patience_seconds: float) -> list[Check]:
    """All clusters at once, told in their order: one that hangs costs its own time only."""
    found: dict[str, list[Check]] = {cluster.name: [] for cluster in clusters}

    def look(cluster: Cluster) -> None:
        found[cluster.name] = within(
            patience_seconds, partial(source.examine_cluster, cluster, around, estimates),
            _late(Subject(cluster.name), "time", patience_seconds))

    threads = [Thread(target=look, args=[cluster], daemon=True) for cluster in clusters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [check for cluster in clusters for check in found[cluster.name]]


def _each(tell: Callable[[Check], None], checks: Iterable[Check]) -> None:
    for check in checks:
        tell(check)


def _late(subject: Subject, name: str, seconds: float) -> Check:
    return subject.fail(name, f"no answer within {seconds:.0f} s; what follows was not looked at",
                        "see whether a network, a name server or a disk hangs")
