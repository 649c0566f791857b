"""From what a file says to one frozen Config; every fault is collected before any is raised.

Document ─► sections, clusters (keys known? variables set? values good?) ─► Config
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from windsock.config import model
from windsock.config.document import Document
from windsock.config.expand import Problem, expand
from windsock.config.lines import KeyPath
from windsock.config.schema import CLUSTER, SECTIONS, Key
from windsock.config.urls import same_database, sqlite_url
from windsock.config.values import BadValueError, Place, kind_of, suggestion, unknown_key

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Reader:
    """What is needed to read one table: the document, the environment, the place."""

    document: Document
    environ: Mapping[str, str]
    place: Place

    def table(self, raw: Any, keys: Mapping[str, Key], path: KeyPath) -> dict[str, Any]:
        """Read one table; whatever is wrong with it is noted as a fault, and left out."""
        shown = ".".join(map(str, path))
        if not isinstance(raw, dict):
            self.document.refuse(path, f"`{shown}` is {kind_of(raw)}", f"write a table, [{shown}]")
            return {}
        for name in raw:
            if name not in keys:
                self._refuse_key(name, keys, path)
        found: dict[str, Any] = {}
        for name, key in keys.items():
            if name in raw:
                found |= self._value(raw[name], key, (*path, name))
            elif key.is_required:
                seen = f"`{shown}` has no {name}"
                self.document.refuse(path, seen, f"add {name} = … below [{shown}]")
            else:
                found[name] = None if key.default is None else key.parse(key.default, self.place)
        return found

    def _refuse_key(self, name: str, keys: Mapping[str, Key], path: KeyPath) -> None:
        homes = [section for section, known in SECTIONS.items() if name in known]
        homes += ["clusters.<name>"] if name in CLUSTER else []
        fix = unknown_key(name, list(keys))
        if homes and not fix.startswith("did you mean"):
            fix = f"it is a key of [{homes[0]}]; here you can {fix}"
        shown = ".".join(map(str, (*path, name)))
        self.document.refuse((*path, name), f"`{shown}` is not known", fix)

    def _value(self, raw: Any, key: Key, path: KeyPath) -> dict[str, Any]:
        problems: list[Problem] = []
        value = expand(raw, self.environ, path, problems)
        shown = ".".join(map(str, path))
        for where, seen, fix in problems:
            self.document.refuse(where, f"`{shown}`: {seen}", fix)
        if problems:
            return {}
        try:
            return {str(path[-1]): key.parse(value, self.place)}
        except BadValueError as bad:
            self.document.refuse(path, f"`{shown}` {bad.seen}", bad.fix)
            return {}


def build(reader: Reader, origin: model.Origin, *, clusters: Mapping[str, Any]) -> model.Config:
    """Build the configuration from a document and the raw tables of its clusters.

    Args:
        reader: the document (without `clusters`), the environment and the place.
        origin: where the document comes from.
        clusters: name ─► table.

    Raises:
        ConfigError: all faults, each with its line and fix.
    """
    document = reader.document
    for name in document.data:
        if name not in SECTIONS and name != "clusters":
            fix = unknown_key(name, [*SECTIONS, "clusters"])
            if isinstance(document.data[name], dict):
                fix = suggestion(name, [*SECTIONS, "clusters"])
            document.refuse((name,), f"`{name}` is not known", fix)
    found = {
        section: reader.table(document.data.get(section, {}), keys, (section,))
        for section, keys in SECTIONS.items()
    }
    _check_names(document, list(clusters))
    read = {name: reader.table(raw, CLUSTER, ("clusters", name)) for name, raw in clusters.items()}
    document.raise_faults()
    _fill_defaults(found, reader.place)
    built = tuple(model.Cluster(name=name, **values) for name, values in read.items())
    return _assemble(found, built, origin)


def _check_names(document: Document, names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        path: KeyPath = ("clusters", name)
        if not NAME.fullmatch(name):
            fix = "use a to z, digits, `.`, `_` and `-`, a letter or digit first, 64 at most"
            document.refuse(path, f"the cluster name {name!r} is not safe in paths", fix)
        same = unicodedata.normalize("NFKC", name).strip().casefold()
        if same in seen:
            line = document.lines.of(("clusters", seen[same]))
            document.refuse(
                path,
                f"the clusters {seen[same]!r} (line {line}) and {name!r} have the same name but"
                " for case or spaces",
                "give one of them another name",
            )
        seen.setdefault(same, name)


def _fill_defaults(found: dict[str, dict[str, Any]], place: Place) -> None:
    """The defaults that depend on other keys."""
    path = found["warehouse"]["path"]
    if found["warehouse"]["archive"] is None:
        found["warehouse"]["archive"] = str(path / "archive")
    if found["app_state"]["url"] is None:
        parse = SECTIONS["app_state"]["url"].parse
        found["app_state"]["url"] = parse(sqlite_url(path / "app_state.sqlite"), place)


def _assemble(
    found: dict[str, dict[str, Any]], clusters: tuple[model.Cluster, ...], origin: model.Origin
) -> model.Config:
    return model.Config(
        warehouse=model.Warehouse(**found["warehouse"]),
        retention=model.Retention(**found["retention"]),
        landing=model.Landing(**found["landing"]),
        clusters=clusters,
        secrets=model.Secrets(**found["secrets"]),
        app_state=model.AppState(**found["app_state"]),
        auth=model.Auth(**found["auth"]),
        prices=model.Prices(**found["prices"]),
        origin=origin,
        warnings=tuple(_warnings(found, clusters)),
    )


def _warnings(found: dict[str, dict[str, Any]], clusters: tuple[model.Cluster, ...]) -> list[str]:
    warnings = []
    first: dict[tuple[object, ...], str] = {}
    for cluster in clusters:
        same = same_database(cluster.metadata_url)
        if same in first:
            warnings.append(
                f"The clusters {first[same]} and {cluster.name} read the same database: everything"
                " is counted twice. Remove one, or correct its metadata_url."
            )
        first.setdefault(same, cluster.name)
    history, kept = found["warehouse"]["history_days"], found["retention"]["task_instances"]
    if history > kept:
        warnings.append(
            f"warehouse.history_days ({history}) is more than retention.task_instances ({kept}):"
            " only what is kept is read."
        )
    return warnings
