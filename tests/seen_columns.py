"""Which releases of Airflow have which of the columns that Windsock copies.

    tests/fixtures/airflow/<release>/  ->  seen_in()  ->  ingest/sources/airflow_db/seen_in.json

Made again by `make docs`; `tests/unit/product/test_trace_ends.py` fails when the file is stale.
"""

import json
import re
import sqlite3
from pathlib import Path

from ingest.sources.airflow_db.tables import TABLES
from tests.fixture_databases import content, fixture

FILE = Path(__file__).parents[1] / "ingest" / "sources" / "airflow_db" / "seen_in.json"
# One database of each release, oldest first.
FIXTURES = (
    "1.10.15/airflow.db", "2.0.2/airflow.db", "2.2.5/airflow.db", "2.4.3/airflow.db",
    "2.10.5/airflow.db", "2.11.0/airflow.db", "3.0.6/airflow.db", "3.1.8/airflow.db",
    "3.3.2/airflow.sql",
)


def seen_in() -> dict[str, dict[str, str]]:
    """Table -> `2.2 to 3.3` -> its columns that these releases have; `*`: the table itself."""
    found: dict[str, dict[str, str]] = {}
    databases = {_minor(name): _columns(name) for name in FIXTURES}
    for table in TABLES.values():
        # The body of a serialized DAG is read, though never copied.
        extra = ("data",) if table.name == "serialized_dag" else ()
        for column in ("*", *table.columns, *extra):
            releases = [r for r, has in databases.items()
                        if table.name in has and (column == "*" or column in has[table.name])]
            if releases:
                span = f"{releases[0]} to {releases[-1]}"
                span = releases[0] if len(releases) == 1 else span
                ranges = found.setdefault(table.name, {})
                ranges[span] = f"{ranges.get(span, '')} {column}".strip()
    return found


def _minor(name: str) -> str:
    return ".".join(name.split(".")[:2])


def _columns(name: str) -> dict[str, set[str]]:
    """Table -> columns of a database."""
    data = content(fixture(name))
    if name.endswith(".sql"):
        return {
            table: set(re.findall(r"^ {4}\"?(\w+)\"? ", body, flags=re.M)) - {"CONSTRAINT"}
            for table, body in re.findall(
                r"^CREATE TABLE public\.\"?(\w+)\"? \((.*?)^\);", data.decode(), flags=re.M | re.S)
        }
    con = sqlite3.connect(":memory:")
    try:
        con.deserialize(data)
        rows = con.execute(
            "select m.name, c.name from sqlite_master as m, pragma_table_info(m.name) as c "
            "where m.type = 'table'").fetchall()
    finally:
        con.close()
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found


def text() -> str:
    """The file's content."""
    return json.dumps(seen_in(), indent=1) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
