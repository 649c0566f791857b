"""What a statement must know of the database that it is for.

    readers (dialect, columns, quoting)  ->  Source  ->  queries.py
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

Columns = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Source:
    """What a statement must know of a database.

    Attributes:
        dialect: sqlite, postgresql or mysql.
        columns: table -> column -> declared type.
        quote: quotes an identifier.
    """

    dialect: str
    columns: Columns
    quote: Callable[[str], str]

    def has(self, table: str, *names: str) -> bool:
        """Whether the table exists and has all these columns."""
        present = self.columns.get(table)
        return present is not None and all(name in present for name in names)

    def instant(self, value: datetime) -> str:
        """A UTC instant as a literal that compares with this engine's stored instants."""
        text = value.strftime("%Y-%m-%d %H:%M:%S.%f")
        if self.dialect == "postgresql":
            return f"timestamptz '{text}+00:00'"
        if self.dialect == "mysql":
            return f"timestamp '{text}'"
        return f"'{text}'"
