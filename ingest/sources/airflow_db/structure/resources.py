"""What a task asks of its executor: CPU cores and bytes of memory.

    executor_config (KubernetesExecutor dict | pod_override) │ resources ─► requests and limits

Of these objects only the quantities named here are read: a pod also holds env, volumes, commands.
"""

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from ingest.sources.airflow_db.structure.readers import (
    Unreadable,
    as_list,
    as_object,
    note,
    number,
    unwrap,
)

RESOURCE_COLUMNS = (
    "requested_cpu_cores",
    "requested_memory_bytes",
    "limit_cpu_cores",
    "limit_memory_bytes",
    "resources_basis",
)

_QUANTITY = re.compile(
    r"\+?(?P<digits>\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})"
    r"(?:[eE](?P<exponent>[+-]?\d{1,2})|(?P<suffix>[KMGTPE]i|[numkMGTPE]))?"
)
_FACTORS = {
    **{suffix: Decimal(1000) ** power for suffix, power in zip("num", (-3, -2, -1), strict=True)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)},
}
_MEBIBYTE = 2**20  # the MB of Airflow's own `resources`: its operator_resources.py counts in 1024


def quantity(value: Any) -> Decimal:
    """A Kubernetes quantity as a plain number.

    `500m` is 0.5, `2Gi` is 2,147,483,648, `1e9` and `1G` are 1,000,000,000; bare numbers pass.
    Grammar: apimachinery's resource.Quantity, without negative values.
    """
    value = unwrap(value)
    if isinstance(value, (int, float)):
        number(value)  # refuses booleans, infinity and NaN
        value = repr(value)
    match = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise Unreadable
    result = Decimal(match["digits"])
    if match["exponent"]:
        return result.scaleb(int(match["exponent"]))
    return result * _FACTORS[match["suffix"]] if match["suffix"] else result


def cpu_cores(value: Any) -> float:
    """CPU cores of a quantity."""
    return float(quantity(value))


def memory_bytes(value: Any) -> int:
    """Bytes of a quantity, a fraction rounded up as Kubernetes does."""
    amount = quantity(value)
    if amount >= 2**63:
        raise Unreadable
    return int(amount.to_integral_value(rounding=ROUND_CEILING))


def resources_of(fields: Mapping[str, Any], path: str, faults: list[str]) -> dict[str, Any]:
    """The declared requests and limits of one task.

    Args:
        fields: the task's fields; `executor_config` and `resources` are looked at.
        path: where the task lies, for the faults.
        faults: gets the names of what could not be read.

    Returns:
        RESOURCE_COLUMNS. `resources_basis` is the strongest source found: `pod_override` (its
        container named `base`, else its first), then `kubernetes_executor`, then `resources` (cpus
        and ram of BaseOperator: a wish, which only Mesos ever enforced); None when nothing is said.
    """
    row: dict[str, Any] = dict.fromkeys(RESOURCE_COLUMNS)
    sources = []
    if fields.get("executor_config"):
        sources += [("pod_override", _pod_override), ("kubernetes_executor", _executor_dict)]
    if fields.get("resources"):
        sources.append(("resources", _operator_resources))
    for basis, read in sources:
        try:
            declared = read(fields)
        except Unreadable:
            note(faults, f"{path}.{basis}")
            continue
        for column, raw in declared.items():
            if raw is None or row[column] is not None:
                continue
            try:
                row[column] = (cpu_cores if column.endswith("_cores") else memory_bytes)(raw)
                row["resources_basis"] = row["resources_basis"] or basis
            except Unreadable:
                note(faults, f"{path}.{basis}.{column}")
    return row


def _executor_dict(fields: Mapping[str, Any]) -> dict[str, Any]:
    config = as_object(as_object(fields["executor_config"]).get("KubernetesExecutor") or {})
    return {
        "requested_cpu_cores": config.get("request_cpu"),
        "requested_memory_bytes": config.get("request_memory"),
        "limit_cpu_cores": config.get("limit_cpu"),
        "limit_memory_bytes": config.get("limit_memory"),
    }


def _pod_override(fields: Mapping[str, Any]) -> dict[str, Any]:
    pod = as_object(as_object(fields["executor_config"]).get("pod_override") or {})
    spec = as_object(pod.get("spec") or {})
    containers = [as_object(item) for item in as_list(spec.get("containers") or [])]
    base = next((item for item in containers if item.get("name") == "base"), None)
    container = base or (containers[0] if containers else {})
    declared = as_object(container.get("resources") or {})
    requests = as_object(declared.get("requests") or {})
    limits = as_object(declared.get("limits") or {})
    return {
        "requested_cpu_cores": requests.get("cpu"),
        "requested_memory_bytes": requests.get("memory"),
        "limit_cpu_cores": limits.get("cpu"),
        "limit_memory_bytes": limits.get("memory"),
    }


def _operator_resources(fields: Mapping[str, Any]) -> dict[str, Any]:
    declared = as_object(fields["resources"])
    cpus, ram = (_amount(declared, name) for name in (("cpus", "cpu"), ("ram",)))
    return {
        "requested_cpu_cores": cpus,
        "requested_memory_bytes": None if ram is None else ram * _MEBIBYTE,
    }


def _amount(declared: Mapping[str, Any], names: tuple[str, ...]) -> float | None:
    """A bare number, or `qty` of `{"name": "RAM", "qty": 512, "units_str": "MB"}`."""
    for name in names:
        raw = unwrap(declared.get(name))
        if raw is not None:
            return number(raw.get("qty") if isinstance(raw, dict) else raw)
    return None
