"""dbt's manifest in our own words.

    manifest (after parse, or compile)  ->  project_of  ->  Project
"""

import dataclasses
from typing import Any

from windsock.trace.project import Check, Project, Relation


def project_of(manifest: Any, known: Project | None) -> Project:
    """The relations of a manifest; what it has not compiled now is taken from what is known."""
    names = {
        key: _name(node) for nodes in (manifest.nodes, manifest.sources)
        for key, node in nodes.items() if node.resource_type in ("model", "seed", "source")
    }
    checks = _checks(manifest)
    found = {
        names[key]: _relation(node, names, tuple(checks.get(key, ())))
        for nodes in (manifest.sources, manifest.nodes)
        for key, node in nodes.items() if key in names
    }
    for name, relation in found.items():
        if relation.language == "sql" and not relation.sql and known is not None:
            found[name] = dataclasses.replace(relation, sql=known.relations[name].sql)
    pages = {
        e.name: tuple(names[key] for key in e.depends_on.nodes)
        for e in sorted(manifest.exposures.values(), key=lambda e: str(e.name))
    }
    return Project(_in_order(found), pages)


def _name(node: Any) -> str:
    return f"{node.schema}.{node.identifier if node.resource_type == 'source' else node.name}"


def _relation(node: Any, names: dict[str, str], checks: tuple[Check, ...]) -> Relation:
    kind = str(node.resource_type)
    is_source = kind == "source"
    parents = () if is_source or kind == "seed" else tuple(
        dict.fromkeys(names[key] for key in node.depends_on.nodes if key in names))
    is_sql = kind == "model" and node.language == "sql"
    return Relation(
        name=names[node.unique_id],
        kind=kind,  # type: ignore[arg-type]
        path=str(node.original_file_path),
        language=str(node.language) if kind == "model" else "",
        # without the name of the database, which is that of a file
        sql=str(node.compiled_code or "").replace(f'"{node.database}".', "") if is_sql else "",
        parents=parents,
        materialized="source" if is_source else str(node.config.materialized),
        description=" ".join(str(node.description).split()),
        columns={c.name: " ".join(str(c.description).split()) for c in node.columns.values()},
        checks=checks,
        owner=str((node.config.meta or {}).get("owner", "")),
        types=dict(node.config.column_types) if kind == "seed" else {},
    )


def _checks(manifest: Any) -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for test in sorted(manifest.nodes.values(), key=lambda n: str(n.unique_id)):
        if test.resource_type != "test":
            continue
        metadata = getattr(test, "test_metadata", None)
        if metadata is None:    # a statement of its own: it stands on all that it reads
            for key in test.depends_on.nodes:
                found.setdefault(key, []).append(Check(str(test.name), "", "data"))
            continue
        said = {k: v for k, v in metadata.kwargs.items() if k not in ("model", "column_name")}
        inner = ", ".join(f"{k}: {_plain(v)}" for k, v in said.items())
        text = f"{metadata.name}({inner})" if inner else str(metadata.name)
        found.setdefault(test.attached_node, []).append(
            Check(text, str(test.column_name or ""), "data"))
    for test in sorted(manifest.unit_tests.values(), key=lambda t: str(t.unique_id)):
        for key in test.depends_on.nodes[:1]:
            found.setdefault(key, []).append(Check(str(test.name), "", "unit"))
    return found


def _plain(value: Any) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list | tuple) else str(value)


def _in_order(found: dict[str, Relation]) -> dict[str, Relation]:
    """Parents before children, and by name where that leaves a choice."""
    ordered: dict[str, Relation] = {}

    def place(name: str) -> None:
        if name not in ordered:
            for parent in found[name].parents:
                place(parent)
            ordered[name] = found[name]

    for name in sorted(found):
        place(name)
    return ordered
