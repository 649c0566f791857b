"""One frozen configuration, built once from windsock.toml and the environment it names.

    --config / WINDSOCK_CONFIG / ./windsock.toml ─┐
    the Airflow found in AIRFLOW_HOME, ~/airflow ─┼─► load ─► Config
    nothing (the bundled sample)                 ─┘

Nobody else reads the environment; `windsock.cli` passes it in. Every key: docs/configuration.md.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from windsock.config import airflow
from windsock.config.build import Reader, build
from windsock.config.document import Document, read
from windsock.config.model import (
    AppState,
    Auth,
    Cluster,
    Config,
    Landing,
    Origin,
    Prices,
    Retention,
    Secret,
    Secrets,
    Warehouse,
)
from windsock.config.schema import CLUSTER
from windsock.config.values import BadValueError, Place, kind_of
from windsock.errors import ConfigError

__all__ = [
    "AppState",
    "Auth",
    "Cluster",
    "Config",
    "Landing",
    "Origin",
    "Prices",
    "Retention",
    "Secret",
    "Secrets",
    "Warehouse",
    "load",
]

FILE_NAME = "windsock.toml"


def load(path: Path | None, *, environ: Mapping[str, str], cwd: Path, home: Path) -> Config:
    """Find the configuration and read it.

    Args:
        path: the file of `--config`, if given.
        environ: the environment; nothing else is asked for variables.
        cwd: the current folder: relative paths without a file are relative to it.
        home: the folder that `~` stands for.

    Returns:
        The configuration. Its `origin` says where it comes from; of origin `sample` it has no
        clusters, and the caller adds those of the bundled sample.

    Raises:
        ConfigError: every fault of the file, each with its line and the fix.
    """
    named = environ.get("WINDSOCK_CONFIG", "").strip()
    if path is not None:
        return _from_file(_resolved(str(path), cwd, home), "--config", environ, home)
    if named:
        return _from_file(_resolved(named, cwd, home), "WINDSOCK_CONFIG", environ, home)
    if (cwd / FILE_NAME).exists():
        return _from_file(cwd / FILE_NAME, f"./{FILE_NAME}", environ, home)
    found = airflow.find(environ, cwd=cwd, home=home)
    if found is not None:
        return _from_airflow(found, environ, Place(cwd, home))
    reader = Reader(Document("the defaults"), environ, Place(cwd, home))
    config = build(reader, Origin("sample"), clusters={})
    if environ.get("AIRFLOW_HOME", "").strip():
        warning = "AIRFLOW_HOME is set, but no database of Airflow was found there."
        config = replace(config, warnings=(*config.warnings, warning))
    return config


def _resolved(path: str, cwd: Path, home: Path) -> Path:
    return home / path[2:] if path.startswith("~/") else cwd / path


def _from_file(path: Path, found_by: str, environ: Mapping[str, str], home: Path) -> Config:
    document = read(path)
    if not document.is_readable:
        document.raise_faults()
    clusters = document.data.get("clusters", {})
    if not isinstance(clusters, dict):
        document.refuse(("clusters",), "`clusters` is no table", "write [clusters.prod]")
        clusters = {}
    tables = {name: raw for name, raw in clusters.items() if isinstance(raw, dict)}
    for name in clusters.keys() - tables.keys():
        seen = f"`clusters.{name}` is {kind_of(clusters[name])}, and no cluster"
        fix = "write a table with a name and its keys, such as [clusters.prod]"
        document.refuse(("clusters", name), seen, fix)
    if not clusters and not document.faults:
        fix = "add [clusters.prod] with its metadata_url, or remove the file to see the sample"
        document.refuse((), "there is no cluster", fix)
    reader = Reader(document, environ, Place(path.parent, home))
    return build(reader, Origin("file", path, found_by), clusters=tables)


def _from_airflow(found: airflow.FoundAirflow, environ: Mapping[str, str], place: Place) -> Config:
    """Build one cluster of Airflow's own settings; only a wrong database URL is an error."""
    values, warnings = {}, list(found.warnings)
    for name, raw in found.values.items():
        try:
            CLUSTER[name].parse(raw, place)
        except BadValueError as bad:
            if name == "metadata_url":
                raise ConfigError(
                    f"The database URL of the Airflow in {found.home} ({found.found_by})"
                    f" {bad.seen}.",
                    next_step=f"{bad.fix}; or write a windsock.toml",
                ) from None
            warnings.append(f"Airflow's own {name} is not used: it {bad.seen}.")
        else:
            values[name] = raw.replace("${", "$${") if isinstance(raw, str) else raw
    origin = Origin("airflow", found.home, found.found_by)
    reader = Reader(Document(f"the Airflow in {found.home}"), environ, place)
    config = build(reader, origin, clusters={airflow.CLUSTER_NAME: values})
    return replace(config, warnings=(*config.warnings, *warnings))
