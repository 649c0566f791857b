"""The schema of a metadata database, as the release itself made it.

    schemas/<family>-<dialect>.sql  ->  tables, then (after the rows) indexes and constraints

The files are cut out of databases that real releases migrated, and are committed:

    python -m ingest.world.emit.schema tests/fixtures/airflow
"""

import lzma
import re
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from pathlib import Path

from ingest.sources.airflow_db.tables import TABLES

FOLDER = Path(__file__).with_name("schemas")
HEADS = {"2.10": "5f2621c13b39", "3.1": "509b94a1042d"}
# A fixture of each family and dialect: 2.10.3 to 2.11 share one schema.
FIXTURES = {
    ("2.10", "sqlite"): "2.11.0/airflow.db.xz",
    ("2.10", "postgresql"): "2.10.5/postgres.sql.xz",
    ("3.1", "sqlite"): "3.1.8/airflow.db.xz",
    ("3.1", "postgresql"): "3.1.8/postgres.sql.xz",
}
WANTED = frozenset({*TABLES, "alembic_version"})
_CUT = "-- after the rows\n"
_STATEMENT = re.compile(
    r"(?:CREATE TABLE public\.(?P<table>\w+) "
    r"|CREATE SEQUENCE public\.(?P<sequence>\w+)\n"
    r"|ALTER SEQUENCE public\.(?P<owned>\w+) OWNED"
    r"|ALTER TABLE ONLY public\.(?P<altered>\w+)\s"
    r"|CREATE (?:UNIQUE )?INDEX \w+ ON public\.(?P<indexed>\w+) ).*", re.DOTALL)
_REFERENCE = re.compile(r'REFERENCES (?:public\.)?"?(\w+)"?')


def family_of(release: str) -> str:
    """The releases that share the schema of this one: `2.10` (to 2.11) or `3.1`.

    Raises:
        ValueError: a release whose schema is not here.
    """
    known = {"2.10.5": "2.10", "2.11.0": "2.10", "3.1.8": "3.1"}
    if release not in known:
        raise ValueError(f"release {release} is none of {', '.join(known)}")
    return known[release]


@cache
def statements(release: str, dialect: str) -> tuple[str, str]:
    """Scripts that make an empty database: before its rows, and after them."""
    text = (FOLDER / f"{family_of(release)}-{dialect}.sql").read_text()
    before, after = text.split(_CUT)
    return before, after


@cache
def columns(release: str) -> dict[str, dict[str, str]]:
    """Table -> column -> type as SQLite declares it, in order."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(statements(release, "sqlite")[0])
        return {
            table: dict(connection.execute("select name, type from pragma_table_info($1)", [table]))
            for table in sorted(WANTED)
            if connection.execute("select 1 from pragma_table_info($1)", [table]).fetchone()
        }


def cut_sqlite(database: bytes) -> str:
    """The statements of a release's own SQLite database, for the tables that Windsock lands."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(database)
        found = connection.execute(
            "select type, tbl_name, sql from sqlite_master where sql is not null "
            "order by type desc, tbl_name, name").fetchall()
    kept = [(kind, _tidy(sql)) for kind, table, sql in found if table in WANTED]
    return _script((s for kind, s in kept if kind == "table"),
                   (s for kind, s in kept if kind == "index"))


def cut_postgresql(dump: str) -> str:
    """The same of a dump of `pg_dump`; a reference to a table that is not here is left out."""
    before: list[str] = []
    after: list[str] = []
    plain = "\n".join(line for line in dump.splitlines() if not line.startswith("--"))
    for statement in re.split(r";\n\n", plain):
        found = _STATEMENT.fullmatch(statement.strip())
        if found is None:
            continue
        named = next(name for name in found.groups() if name)
        table = next((t for t in WANTED if named == t or named == f"{t}_id_seq"), None)
        target = _REFERENCE.search(found[0])
        if table is None or (target is not None and target[1] not in WANTED):
            continue
        is_early = bool(found["table"] or found["sequence"] or found["owned"]
                        or "SET DEFAULT" in found[0])
        (before if is_early else after).append(_tidy(found[0]))
    return _script(before, sorted(after, key=_rank))


def _rank(statement: str) -> int:
    """Indexes, then keys, then the references to them."""
    return 2 if "FOREIGN KEY" in statement else 1 if "ADD CONSTRAINT" in statement else 0


def _tidy(statement: str) -> str:
    return "\n".join(line.rstrip() for line in statement.strip().splitlines())


def _script(before: Iterable[str], after: Iterable[str]) -> str:
    return ("".join(f"{s};\n" for s in before) + _CUT + "".join(f"{s};\n" for s in after))


def cut(fixtures: Path, family: str, dialect: str) -> str:
    """The schema of a family out of the folder of fixtures."""
    content = lzma.decompress((fixtures / FIXTURES[family, dialect]).read_bytes())
    return cut_sqlite(content) if dialect == "sqlite" else cut_postgresql(content.decode())


if __name__ == "__main__":
    for one, engine in FIXTURES:
        (FOLDER / f"{one}-{engine}.sql").write_text(cut(Path(sys.argv[1]), one, engine))
