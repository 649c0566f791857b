"""What a cluster's configuration points to beside its database: files, folders, addresses.

    SQLite file, log root, usage files, base_url  ->  checks

Alone: `windsock doctor`.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from glob import has_magic, iglob
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import fsspec

from ingest.doctor.check import Check, Subject, duration, size
from windsock.config import Cluster

_WAL_VERSION = 2
_MANY = 10_000      # so many files are enough to know that a pattern finds some
_MAGIC = b"SQLite format 3\x00"


def sqlite_file(cluster: Cluster, subject: Subject) -> Iterator[Check]:
    """A SQLite database: readable, findable companions, journal mode."""
    path = cluster.sqlite_file
    if path is None:
        return
    grants = f"run `windsock grants --cluster {cluster.name}`: it says which permissions are needed"
    if not path.is_file():
        yield subject.fail("file", f"{path} is not there, or is no file",
                           "correct metadata_url: four slashes begin an absolute path")
        return
    if not os.access(path, os.R_OK):
        yield subject.fail("file", f"{path} may not be read by this user", grants)
        return
    with path.open("rb") as file:
        head = file.read(100)
    if len(head) < 100 or not head.startswith(_MAGIC):
        yield subject.fail("file", f"{path} does not begin like a SQLite file",
                           "point to the file that Airflow uses, or copy it with sqlite3's .backup")
        return
    mode = "WAL" if _WAL_VERSION in head[18:20] else "rollback journal"
    seen = f"{path}, {size(path.stat().st_size)}, {mode}"
    problem = _companion_problem(path, in_wal_mode=mode == "WAL")
    if problem:
        yield subject.warn("file", f"{seen}; {problem}", grants)
    else:
        yield subject.ok("file", seen)


def _companion_problem(path: Path, *, in_wal_mode: bool) -> str:
    if not os.access(path.parent, os.R_OK | os.X_OK):
        return f"the folder {path.parent} may not be listed, so -wal and -journal are not found"
    names = [f"{path.name}{suffix}" for suffix in ("-wal", "-shm", "-journal")]
    closed = [n for n in names if (path.parent / n).exists()
              and not os.access(path.parent / n, os.R_OK)]
    if closed:
        return f"{', '.join(closed)} may not be read, and may hold the newest rows"
    if in_wal_mode and (path.parent / names[0]).exists() and not (path.parent / names[1]).exists():
        return "there is a -wal without its -shm: its writer was killed, or it is a partial copy"
    return ""


def log_root(cluster: Cluster, subject: Subject) -> Iterator[Check]:
    """The folder of task logs, where one is configured."""
    if cluster.logs is None:
        return
    where = cluster.logs
    fix = f"correct `logs` of [clusters.{cluster.name}], or grant this user to read it"
    if _is_remote(where):
        filesystem, base = fsspec.core.url_to_fs(where)
        if filesystem.exists(base):
            yield subject.ok("logs", f"{where} answers")
        else:
            yield subject.fail("logs", f"{where} is not there", fix)
        return
    folder = Path(where.removeprefix("file://"))
    if not folder.is_dir():
        yield subject.fail("logs", f"{folder} is {'no folder' if folder.exists() else 'not there'}",
                           fix)
    elif not os.access(folder, os.R_OK | os.X_OK):
        yield subject.fail("logs", f"{folder} may not be listed by this user", fix)
    elif next(folder.iterdir(), None) is None:
        yield subject.warn("logs", f"{folder} is empty", fix)
    else:
        yield subject.ok("logs", f"{folder} can be read")


def usage_files(cluster: Cluster, subject: Subject, now: datetime) -> Iterator[Check]:
    """Each pattern of the listener's files."""
    for pattern in cluster.usage_files:
        yield from subject.attempt("usage files", lambda p=pattern: [  # type: ignore[misc]
            _remote_usage(p, subject) if _is_remote(p) else _local_usage(p, subject, now)])


def _local_usage(pattern: str, subject: Subject, now: datetime) -> Check:
    names = iglob(pattern.removeprefix("file://"), recursive=True)  # noqa: PTH207 - absolute
    found = list(islice(names, _MANY))
    if not found:
        return _no_usage(pattern, subject)
    closed = [name for name in found if not os.access(name, os.R_OK)]
    if closed:
        return subject.warn("usage files", f"{len(closed)} of {len(found)} files of {pattern} may "
                            f"not be read, such as {closed[0]}", "grant this user to read them")
    newest = max(Path(name).stat().st_mtime for name in found)
    age = now - datetime.fromtimestamp(newest, tz=UTC)
    more = "at least " if len(found) == _MANY else ""
    return subject.ok("usage files",
                      f"{more}{len(found)} of {pattern}, the newest {duration(age)} old")


def _remote_usage(pattern: str, subject: Subject) -> Check:
    filesystem, path = fsspec.core.url_to_fs(pattern)
    found = filesystem.glob(path) if has_magic(path) else filesystem.exists(path)
    return subject.ok("usage files", f"{pattern} is there") if found \
        else _no_usage(pattern, subject)


def _no_usage(pattern: str, subject: Subject) -> Check:
    return subject.warn("usage files", f"nothing matches {pattern}",
                        "start the listener in Airflow's workers, or correct `usage_files`")


def base_url(cluster: Cluster, subject: Subject) -> Iterator[Check]:
    """The syntax of the address of Airflow's web server; it is not called."""
    if cluster.base_url is None:
        return
    parts = urlsplit(cluster.base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield subject.fail("base_url", f"{cluster.base_url} is no address of a web server",
                           "write it as https://airflow.example.com")
    elif parts.query or parts.fragment or parts.username:
        yield subject.warn("base_url", f"{cluster.base_url} has more than an address: links are "
                           "made by adding a path", "leave out what follows the path")
    else:
        yield subject.ok("base_url", cluster.base_url)


def _is_remote(where: str) -> bool:
    return "://" in where and not where.startswith("file://")
