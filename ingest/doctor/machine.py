"""What everything runs on: versions, and what the configuration warns of.

    the interpreter, installed packages, Config  ->  checks

Alone: `windsock doctor`.
"""

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from ingest.doctor.check import Check, Subject
from windsock.config import Config

_PACKAGES = {"duckdb": "2", "dbt-core": "1.11", "dbt-duckdb": "1.11"}


def versions() -> Iterator[Check]:
    """Python, DuckDB and dbt."""
    subject = Subject("machine")
    python = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    yield subject.ok("python", python)
    for name, wanted in _PACKAGES.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            yield subject.fail(name, "not installed", "install Windsock again, as README.md says")
            continue
        if found == wanted or found.startswith(f"{wanted}."):
            yield subject.ok(name, found)
        else:
            yield subject.warn(name, f"{found}; Windsock is tested with {wanted}",
                               "install what requirements.lock says")


def configuration(config: Config) -> Iterator[Check]:
    """Where it comes from, and its warnings."""
    subject = Subject("configuration")
    yield subject.ok("origin", str(config.origin))
    for warning in config.warnings:
        yield subject.warn("warning", warning, "see docs/configuration.md")
    if not config.clusters and config.origin.kind != "sample":
        yield subject.fail("clusters", "none is configured", "add [clusters.prod] to windsock.toml")
