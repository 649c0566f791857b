"""Every key of windsock.toml with its parser and default; docs/configuration.md explains them.

Adding a key: a line here, a field in `model.py`, a row in docs/configuration.md (a test compares).
"""

from dataclasses import dataclass
from typing import Any

from windsock.config import urls, values
from windsock.config.values import Parser

HUNDRED_YEARS = 36_500  # days


@dataclass(frozen=True, slots=True)
class Key:
    """One key: how its value is read, and the value that stands for a missing line.

    A default of None means that there is no value (or one that depends on other keys), and
    `is_required` that a missing line is a fault.
    """

    parse: Parser
    default: Any = None
    is_required: bool = False


SECTIONS: dict[str, dict[str, Key]] = {
    "warehouse": {
        "path": Key(values.folder, "var"),
        "archive": Key(values.location),  # <path>/archive
        "history_days": Key(values.whole(1, HUNDRED_YEARS), 400),
    },
    "retention": {
        "task_instances": Key(values.whole(1, HUNDRED_YEARS), 400),
        "log_excerpts": Key(values.whole(1, HUNDRED_YEARS), 90),
    },
    "landing": {
        # Simulated: 10 minutes still miss rows of slow transactions, an hour misses none.
        "overlap_minutes": Key(values.whole(0, 10_080), 60),
        "statement_timeout_seconds": Key(values.whole(1, 86_400), 60),
        "page_runs": Key(values.whole(1, 1_000_000), 2_000),
        "pause_seconds": Key(values.seconds, 0.0),
        "source_code": Key(values.flag, False),
        "notes": Key(values.flag, False),
    },
    "secrets": {"names": Key(values.secret_names, [])},
    "app_state": {"url": Key(urls.database(*urls.STATE_DIALECTS))},  # a file in warehouse.path
    "auth": {"mode": Key(values.choice("local", "header", "oidc"), "local")},
    "prices": {
        "cpu_core_hour_usd": Key(values.price),
        "memory_gib_hour_usd": Key(values.price),
    },
}

CLUSTER: dict[str, Key] = {
    "metadata_url": Key(urls.database(*urls.SOURCE_DIALECTS), is_required=True),
    "logs": Key(values.location),
    "base_url": Key(urls.web),
    "source_url": Key(urls.source_link),
    "kind": Key(values.choice("prod", "staging", "canary", "ab", "fgac", "dev"), "prod"),
    "parallelism": Key(values.whole(1, 1_000_000)),
    "time_zone": Key(values.zone, "UTC"),
    "as_of": Key(values.instant),
    "usage_files": Key(values.locations, []),
    "prometheus_url": Key(urls.secret_web),
}
