"""One warehouse in which every page and view has something to tell, and its hostile twin.

    whole()                 ->  full_lists(), and around ads_daily all of full_run()
    Twin(hostile_names())   ->  .rows: the same, where every text of every mart is such a name

The twin is made from the marts' contracts: a new column of text, or a new mart, is hostile without
anybody's doing. Equal texts stay equal, so that what belongs together is found on the pages.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.views.list_rows import full_lists
from tests.views.run_rows import SLOW, full_run
from tests.views.snapshots import AS_OF, COLUMNS, entry

DAG = {"cluster": SLOW["cluster"], "dag_id": SLOW["dag_id"]}
TASK = DAG | {"task_id": "extract"}
ERROR = {"file": "/opt/airflow/dags/team_a/orders.py", "error": "key of team_a/orders.py"}
LIMIT = {"limit_kind": "pool", "limit_name": "etl"}
OTHER_RUN = "scheduled__0"

# Names of a closed list, or the ends of such names: pages choose by them what they draw.
_CODES = ("state", "kind", "basis", "outcome", "trigger_rule", "main_term", "sensor_mode",
          "airflow_version", "dialect")
# What rows are chosen by: with another code there they stand on no page.
_CHOOSING = {"entry_kind", "path_kind", "limit_kind", "basis_kind"}
_CONFIGURED = {"base_url"}          # by who installs Windsock
_LOWER = {"search_text", "qualified_name"}
_VALUES = {"bigint": 1, "double": 60.0, "boolean": False, "timestamp": AS_OF,
           "date": AS_OF.date()}
_CHANGES = ("task_added", "task_removed", "edge_added", "edge_removed", "task_changed",
            "source_changed")
Row = dict[str, Any]


def whole() -> dict[str, list[Row]]:
    """Rows for every page and view; the slow run of ads_daily waited for pool etl."""
    lists, around = full_lists(), full_run()
    return {
        **lists, **around,
        "fct_limit_full_periods": [*lists["fct_limit_full_periods"],
                                   *around["fct_limit_full_periods"]],
        "fct_model_path_tasks": [row | {"version_key": "v2"}
                                 for row in lists["fct_model_path_tasks"]],
        "dim_dags": lists["dim_dags"],
        "dim_search_entries": [*lists["dim_search_entries"], entry(task_id="transform")],
        "fct_audit_events": [DAG | {"event_id": 1, "event_name": "trigger", "actor_name": "ann",
                                    "event_kind": "trigger", "happened_at": AS_OF}],
        "fct_dag_version_changes": [
            DAG | {"version_key": "v2", "change_number": number, "change_kind": kind,
                   "task_id": "extract", "other_task_id": "transform", "field_name": "pool",
                   "old_value": "default_pool", "new_value": "etl", "changed_at": AS_OF}
            for number, kind in enumerate(_CHANGES)],
    }


@dataclass
class Twin:
    """The whole warehouse under other names.

    Attributes:
        names: what its texts are, in turn; a number follows when all of them are taken.
        has_codes: whether codes of closed lists are such names too, as no Airflow has them.
    """

    names: Sequence[str]
    has_codes: bool = False
    _given: dict[str, str] = field(default_factory=dict)

    def name(self, text: str) -> str:
        """What a text of `whole` is called here."""
        if text not in self._given:
            turn, place = divmod(len(self._given), len(self.names))
            # In front, where it does not change how a name ends.
            self._given[text] = (f"{turn} " if turn else "") + self.names[place]
        return self._given[text] if text else ""

    def named(self, of: Mapping[str, str]) -> dict[str, str]:
        """Parameters of an address."""
        return {key: text if key in _CHOOSING else self.name(text) for key, text in of.items()}

    @cached_property
    def rows(self) -> dict[str, list[Row]]:
        """Rows of every mart that has a contract."""
        self.named(TASK | SLOW)         # these have the first names
        given = whole()
        found = {}
        for mart, columns in COLUMNS.items():
            rows = given.get(mart) or [self._unknown(columns)]
            found[mart] = [self._row(columns, row, self._is_kept) for row in rows]
            if self.has_codes and _CHOOSING & set(columns):
                found[mart].append(self._row(columns, rows[0], _is_configured))
        return found

    def _is_kept(self, column: str) -> bool:
        is_code = column in _CODES or column.endswith(tuple(f"_{code}" for code in _CODES))
        return _is_configured(column) or column in _CHOOSING or (is_code and not self.has_codes)

    def _unknown(self, columns: Mapping[str, str]) -> Row:
        """A row of a mart that `whole` says nothing of."""
        return {name: _VALUES[kind] for name, kind in columns.items() if kind in _VALUES}

    def _row(self, columns: Mapping[str, str], row: Row, is_kept: Callable[[str], bool],
             ) -> Row:
        unsaid: Row = {name: [name] if kind == "varchar[]" else name
                       for name, kind in columns.items() if kind in ("varchar", "varchar[]")
                       and not is_kept(name)}
        ours = {name: text for name, text in (TASK | SLOW).items() if name in columns}
        said = {name: value for name, value in row.items() if value is not None or is_kept(name)}
        return {name: value if is_kept(name) else self._value(name, value)
                for name, value in (unsaid | ours | said).items()}

    def _value(self, column: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {k: v if self._is_kept(k) else self._value(k, v) for k, v in value.items()}
        if isinstance(value, list):
            return [self._value(column, one) for one in value]
        if not isinstance(value, str):
            return value
        if column == "warnings":
            return json.dumps([self.name(column)])
        kind, sign, of = value.partition(":")
        if column.endswith("limited_by") and sign:
            return f"{kind}:{self.name(of)}"
        name = self.name(value)
        return name.lower() if column in _LOWER else name


def _is_configured(column: str) -> bool:
    return column in _CONFIGURED
