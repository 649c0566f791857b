"""The parameters of a DAG: their names and types, none of their values.

    dag.params (a dict up to 2.9, pairs later) ─► params_schema ─► small JSON text

Kept per parameter: its name, whether it has a default, and the schema keys of `_NUMBERS`, `type`,
`format` and `uniqueItems`. Dropped, because each of them is a place where people put a secret:
`default`, `const`, `enum`, `examples`, `values_display`, `suggested_values` (values); `pattern` (a
regular expression may spell out a value); `title`, `description`, `description_md`,
`custom_html_form`, `section` (free text, such as "leave it at hunter2"); every key we do not know.
"""

import re
from collections.abc import Mapping
from typing import Any

from ingest.sources.airflow_db.structure.assets import canonical
from ingest.sources.airflow_db.structure.readers import (
    Field,
    Unreadable,
    as_list,
    as_object,
    flag,
    identifier,
    note,
    number,
    read_fields,
    text,
    unwrap,
)

_TYPES = {"string", "integer", "number", "boolean", "object", "array", "null"}
_NUMBERS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "minItems", "maxItems",
)  # fmt: skip
_FORMAT = re.compile(r"[a-z][a-z\-]{0,29}")


def params_schema(raw: Any, faults: list[str]) -> str | None:
    """The declared parameters of a DAG as canonical JSON.

    Args:
        raw: `dag.params`.
        faults: gets `dag.params` or `dag.params[<n>]` for what is malformed.

    Returns:
        `[{"name": "n", "has_default": true, "type": "integer", …}]` sorted by name, or None when
        the DAG has none.
    """
    if not raw:
        return None
    try:
        bare = unwrap(raw)
        pairs = list(bare.items()) if isinstance(bare, dict) else as_list(bare)
    except Unreadable:
        note(faults, "dag.params")
        return None
    found = []
    for position, pair in enumerate(pairs):
        try:
            name, param = pair if isinstance(pair, tuple) else as_list(pair)
            path = f"dag.params[{position}]"
            found.append({"name": identifier(name), **_facts(param, path, faults)})
        except (Unreadable, ValueError):
            note(faults, f"dag.params[{position}]")
    return canonical(sorted(found, key=lambda param: str(param["name"]))) if found else None


def _facts(param: Any, path: str, faults: list[str]) -> dict[str, Any]:
    """A parameter as `Param` writes it; up to 2.1 it is the default value itself."""
    param = unwrap(param)
    if not isinstance(param, dict) or "__class" not in param:
        return {"has_default": param is not None}
    schema = as_object(param.get("schema") or {})
    facts = {"has_default": param.get("default") is not None, **_schema_facts(schema, path, faults)}
    kinds = schema.get("type")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    known = [kind for kind in kinds if isinstance(kind, str) and kind in _TYPES]
    if known:
        facts["type"] = known[0] if len(known) == 1 else sorted(known)
    return facts


def _schema_facts(schema: Mapping[str, Any], path: str, faults: list[str]) -> dict[str, Any]:
    found = read_fields(schema, _SCHEMA_FIELDS, path, faults)
    return {key: value for key, value in found.items() if value is not None}


def _format(value: Any) -> str:
    value = text(value)
    if not _FORMAT.fullmatch(value):
        raise Unreadable
    return str(value)


_SCHEMA_FIELDS = (
    *(Field(key, (key,), number) for key in _NUMBERS),
    Field("uniqueItems", ("uniqueItems",), flag),
    Field("format", ("format",), _format),
)
