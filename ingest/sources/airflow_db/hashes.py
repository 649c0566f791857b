"""Hashes of rows as SQL that PostgreSQL, MySQL and DuckDB compute alike."""

from ingest.contracts import Kind


def hashed(dialect: str, expression: str, kind: Kind) -> str:
    """One column as text, the same on every engine; a control character stands for null."""
    text = {
        "postgresql": {
            "text": f"cast({expression} as text)",
            "int": f"cast({expression} as text)",
            "bool": f"cast(cast({expression} as int) as text)",
            "float": f"cast(cast(floor({expression} * 1000) as bigint) as text)",
            "instant": "cast(cast(round(extract(epoch from "
            f"{expression}) * 1000000) as bigint) as text)",
        },
        "mysql": {
            "text": expression,
            "int": expression,
            "bool": expression,
            "float": f"cast(floor({expression} * 1000) as signed)",
            "instant": f"timestampdiff(microsecond, '1970-01-01 00:00:00', {expression})",
        },
        "duckdb": {
            "text": expression,
            "int": f"cast({expression} as varchar)",
            "bool": f"cast(cast({expression} as int) as varchar)",
            "float": f"cast(cast(floor({expression} * 1000) as bigint) as varchar)",
            "instant": f"cast(epoch_us({expression}) as varchar)",
        },
    }[dialect][kind]
    return f"coalesce({text}, {_character(dialect, 30)})"


def concatenated(dialect: str, parts: list[str]) -> str:
    """The columns of a row as one text."""
    return f"concat_ws({_character(dialect, 31)}, {', '.join(parts)})"


def _character(dialect: str, code: int) -> str:
    """A control character that no id, state or host name holds."""
    return f"char({code} using utf8mb4)" if dialect == "mysql" else f"chr({code})"


def number_of(dialect: str, text: str) -> str:
    """The first 32 bits of the MD5 of a text, as an integer."""
    if dialect == "postgresql":
        return f"('x' || substr(md5({text}), 1, 8))::bit(32)::bigint"
    if dialect == "mysql":
        return f"cast(conv(substr(md5({text}), 1, 8), 16, 10) as unsigned)"
    return f"cast('0x' || substr(md5({text}), 1, 8) as bigint)"
