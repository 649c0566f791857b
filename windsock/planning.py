"""Makes a `Plan` of what dbt compiled.

    nodes of `dbt compile` (with the tables there, so that incremental models are compiled as such)
        ->  `plan_of`  ->  Plan
"""

import ast
import re
from collections.abc import Iterable
from typing import Any

from windsock.errors import BuildError
from windsock.plan import INCOMING, Forgets, Plan, Step, ordered

_HOOK = re.compile(r"\{\{ forget_touched\('(\w+)', (\[[^]]*\])\) \}\}")
_KINDS = {"incremental": "appended", "table": "made"}


def plan_of(nodes: Iterable[Any], manifest: Any, made_by: str) -> Plan:
    """The plan of all compiled models that are tables.

    Raises:
        BuildError: a model is made in a way that the plan does not know.
    """
    compiled = {n.unique_id: n for n in nodes if n.resource_type == "model"}
    views = {k for k, n in compiled.items() if n.config.materialized == "view"}
    looking_back = _macros_that_look_back(manifest)
    steps = []
    for key, node in compiled.items():
        if key in views:
            continue
        read = _read_by(node, compiled, views)
        steps.append(Step(
            node.name,
            node.relation_name,
            _kind(node),
            node.original_file_path if node.language == "python" else node.compiled_code,
            tuple(sorted({_name(x) for n in read for x in n.depends_on.nodes if x not in views})),
            any(not looking_back.isdisjoint(n.depends_on.macros) for n in read),
            _forgets(node, compiled),
            tuple(node.config.meta.get("variables", {}).items()),
        ))
    return Plan(made_by, ordered(steps))


def _kind(node: Any) -> str:
    if node.language == "python":
        return "python"
    kind = _KINDS.get(node.config.materialized)
    if kind is None:
        raise _unknown(node, f"materialized as {node.config.materialized}")
    return "kept" if kind == "made" and node.schema == "marts" else kind


def _forgets(node: Any, compiled: dict[str, Any]) -> Forgets | None:
    """By a worklist (`append` and its hook), or by the keys that come (`delete+insert`)."""
    settings = node.config
    hooks = [h.sql.strip() for h in settings.pre_hook]
    if settings.materialized != "incremental":
        if hooks or settings.post_hook:
            raise _unknown(node, f"with hooks {hooks}")
        return None
    if settings.incremental_strategy == "delete+insert" and not hooks:
        return Forgets(INCOMING, tuple(settings.unique_key))
    found = _HOOK.fullmatch(hooks[0]) if len(hooks) == 1 else None
    if found is None or settings.incremental_strategy != "append" or settings.post_hook:
        raise _unknown(node, f"{settings.incremental_strategy} with hooks {hooks}")
    worklist = next(n for n in compiled.values() if n.name == found[1])
    return Forgets(worklist.relation_name, tuple(ast.literal_eval(found[2])))


def _unknown(node: Any, what: str) -> BuildError:
    return BuildError(
        f"{node.name} is {what}; a routine build does not know how to do that.",
        expected="a table, a view, or `incremental`: `delete+insert`, or `append` with one "
        "forget_touched(worklist, keys)",
        next_step="see docs/decisions/0006-routine-builds-replay-the-plan.md",
    )


def _read_by(node: Any, compiled: dict[str, Any], views: set[str]) -> list[Any]:
    """The node, and the views that its SQL goes through."""
    read, waiting = {}, [node]
    while waiting:
        at = waiting.pop()
        read[at.unique_id] = at
        waiting += [compiled[x] for x in at.depends_on.nodes if x in views and x not in read]
    return list(read.values())


def _name(key: str) -> str:
    return key.rsplit(".", 1)[1]


def _macros_that_look_back(manifest: Any) -> set[str]:
    """Macros that read what the build before left (`built_…`), and those that call them."""
    found = {k for k, m in manifest.macros.items()
             if m.package_name == "windsock" and m.name.startswith("built_")}
    size = 0
    while size != len(found):
        size = len(found)
        found |= {k for k, m in manifest.macros.items()
                  if m.package_name == "windsock" and not found.isdisjoint(m.depends_on.macros)}
    return found
