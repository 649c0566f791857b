"""Results of `windsock sql` on stdout: a table for people, CSV and JSON for programs.

    columns + rows  ->  WRITERS["table" | "csv" | "json"]
"""

import csv
import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

Rows = list[tuple[Any, ...]]


def _plain(value: Any) -> Any:
    """A value as JSON has it: instants as UTC ISO texts, bytes as hexadecimal."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _cell(value: Any) -> str:
    plain = _plain(value)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return str(plain).lower()
    return json.dumps(plain) if isinstance(plain, list | dict) else str(plain)


def _write_csv(columns: list[str], rows: Rows) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(v) for v in row] for row in rows)


def _write_json(columns: list[str], rows: Rows) -> None:
    records = [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]
    json.dump(records, sys.stdout, indent=1)
    sys.stdout.write("\n")


def _write_table(columns: list[str], rows: Rows) -> None:
    cells = [columns, *([_printable(_cell(v)) for v in row] for row in rows)]
    widths = [min(60, max(len(row[i]) for row in cells)) for i in range(len(columns))]
    lines = [
        "  ".join(_fit(text, w) for text, w in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    lines.insert(1, "  ".join("─" * w for w in widths))
    lines.append(f"({len(rows)} row{'' if len(rows) == 1 else 's'})")
    sys.stdout.write("\n".join(lines) + "\n")


def _printable(text: str) -> str:
    """Names come from outside: no control character of theirs reaches the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _fit(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


WRITERS: dict[str, Callable[[list[str], Rows], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "table": _write_table,
}
