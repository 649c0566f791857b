"""What a task does, by its role: operator, how long, how much memory, how it fails.

    dress(rng, Node, release)  ->  TaskDraft
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ingest.world.drafts import GIB, MIB, Node, TaskDraft


@dataclass(frozen=True)
class Role:
    """Tasks of a kind.

    Attributes:
        operators: classes that people use for it.
        base_seconds: the middle of the medians of such tasks.
        spread: sigma of those medians' logarithm.
        sigma: of one task's durations.
        memory_bytes: the middle of the usual peaks.
        error_kinds: how such tasks fail.
        resource: what outside they all need.
    """

    operators: tuple[str, ...]
    base_seconds: float
    spread: float = 0.6
    sigma: float = 0.18
    memory_bytes: int = 220 * MIB
    cpu_ratio: float = 0.35
    error_kinds: tuple[str, ...] = ("key_error",)
    resource: str = ""
    retries: tuple[int, ...] = (0, 1, 1, 2)


SQL = ("sql_syntax", "sql_missing_column", "warehouse_unreachable", "sql_deadlock")
ROLES = {
    "empty": Role(("EmptyOperator",), 0.0, retries=(0,)),
    "light": Role(("PythonOperator", "_PythonDecoratedOperator"), 6, 0.5,
                  error_kinds=("key_error", "airflow_variable_missing")),
    "extract": Role(("PythonOperator", "_PythonDecoratedOperator", "HttpToGCSOperator"), 75, 0.8,
                    0.25, 320 * MIB, 0.25, ("http_timeout", "rate_limited", "connection_reset",
                                            "json_decode", "storage_forbidden")),
    "load": Role(("GCSToBigQueryOperator", "S3ToRedshiftOperator", "PythonOperator"), 60, 0.7,
                 0.2, 260 * MIB, 0.15, ("warehouse_unreachable", "storage_forbidden",
                                        "disk_full"), "warehouse"),
    "transform": Role(("SQLExecuteQueryOperator", "BigQueryInsertJobOperator", "PythonOperator"),
                      95, 0.8, 0.2, 240 * MIB, 0.1, SQL, "warehouse"),
    "model": Role(("SQLExecuteQueryOperator", "BashOperator"), 70, 0.8, 0.2, 300 * MIB, 0.2, SQL,
                  "warehouse"),
    "spark": Role(("SparkSubmitOperator", "DataprocSubmitJobOperator"), 240, 0.6, 0.25,
                  900 * MIB, 0.3, ("spark_stage_failed", "spark_executor_lost"), "spark"),
    "pod": Role(("KubernetesPodOperator",), 120, 0.6, 0.2, 1200 * MIB, 0.9,
                ("pod_evicted", "image_pull", "disk_full", "key_error")),
    "train": Role(("KubernetesPodOperator", "SageMakerTrainingOperator"), 900, 0.4, 0.2, 4 * GIB,
                  2.5, ("cuda_out_of_memory", "pod_evicted", "value_error")),
    "map": Role(("_PythonDecoratedOperator",), 45, 0.5, 0.3, 400 * MIB, 0.8,
                ("key_error", "http_timeout", "storage_forbidden")),
    "check": Role(("SQLCheckOperator", "GreatExpectationsOperator", "PythonOperator"), 20, 0.5,
                  error_kinds=("data_quality",), retries=(0, 0, 1)),
    "branch": Role(("BranchPythonOperator",), 5, 0.3, retries=(0,)),
    "publish": Role(("PythonOperator", "GCSToGCSOperator", "BashOperator"), 30, 0.6,
                    error_kinds=("storage_forbidden", "http_timeout")),
    "notify": Role(("SlackAPIPostOperator", "EmailOperator"), 4, 0.4,
                   error_kinds=("http_timeout", "rate_limited")),
    "cleanup": Role(("BashOperator", "PythonOperator"), 9, 0.5, error_kinds=("bash_exit",)),
    "sensor": Role(("S3KeySensor", "GCSObjectExistenceSensor", "SqlSensor"), 300, 0.7, 0.5,
                   90 * MIB, 0.02, ("sensor_timeout",), retries=(0,)),
    "wait": Role(("ExternalTaskSensor",), 30, 0.3, 0.3, 90 * MIB, 0.02, ("sensor_timeout",),
                 retries=(0,)),
    "trigger": Role(("TriggerDagRunOperator",), 2, 0.2, retries=(0,)),
}
RETRY_DELAYS = (60.0, 120.0, 300.0, 300.0, 600.0)


T = TypeVar("T")
_FAILURES = (0.001,) * 6 + (0.003,) * 6 + (0.006,) * 5 + (0.012,) * 2 + (0.05,)


def pick(rng: np.random.Generator, choices: Sequence[T]) -> T:
    """One of them; `Generator.choice` takes ten times as long."""
    return choices[int(rng.random() * len(choices))]


def dress(rng: np.random.Generator, node: Node, pace: float = 1.0) -> TaskDraft:
    """A task for a node.

    Args:
        rng: draws what the role leaves open.
        node: of a shape.
        pace: all its durations are times this; DAGs that run often are quick.
    """
    role = ROLES[node.role]
    base = role.base_seconds * float(rng.lognormal(0.0, role.spread)) * pace
    memory = int(role.memory_bytes * rng.lognormal(0.0, 0.45))
    has_request = node.role in ("pod", "train", "spark") or rng.random() < 0.4
    requested = -int(-memory * rng.uniform(1.5, 6.0) // (128 * MIB)) * 128 * MIB
    task = TaskDraft(
        node.task_id, node.upstreams, pick(rng, role.operators), node.role, node.rule,
        retries=pick(rng, role.retries), retry_delay_seconds=pick(rng, RETRY_DELAYS),
        queue="gpu" if node.role == "train" else "default",
        is_sensor=node.role in ("sensor", "wait"), is_mapped=node.is_mapped,
        base_seconds=min(max(base, 0.4), 5_400.0 * pace),
        sigma=role.sigma * float(rng.uniform(0.6, 1.4)),
        tail_ratio=0.01 if rng.random() < 0.06 else 0.0,
        growth_per_day=float(rng.uniform(-0.0005, 0.0015)),
        failure_ratio=pick(rng, _FAILURES),
        error_kinds=role.error_kinds, resource=role.resource, memory_bytes=memory,
        memory_sigma=float(rng.uniform(0.03, 0.15)), cpu_ratio=role.cpu_ratio)
    if has_request:
        task.requested_memory_bytes = requested
        task.requested_cpu_cores = pick(rng, (0.25, 0.5, 1.0, 2.0))
    if node.role == "extract" and rng.random() < 0.04:
        task.skip_ratio = 0.03          # no new data today
    if node.role in ("empty", "branch", "notify", "trigger", "wait", "sensor"):
        task.failure_ratio, task.tail_ratio = task.failure_ratio / 4, 0.0
    if node.role == "empty":
        task.failure_ratio = 0.0
    return task
