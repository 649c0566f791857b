"""What PostgreSQL complains about, in Windsock's words.

A statement's error carries a SQLSTATE. One of a connection or in mid-stream comes as text only, so
the text is the second way.
"""

import re

from ingest.sources.airflow_db.readers.address import Address
from windsock.errors import (
    SourceAccessError,
    SourceBusyError,
    SourceCorruptError,
    SourceError,
    SourceMigratingError,
    SourceUnreachableError,
)

ACCESS = "28000 28P01 42501"
BUSY = "57014 40001 40P01 53300 25P03"
MIGRATING = "55P03 42P01 42703 42704 42883 0A000"
UNREACHABLE = "3D000 57P01 57P02 57P03 08000 08001 08003 08004 08006"
CORRUPT = "XX001 XX002 22021 22P05 58P01 58030"
TEXTS = (
    ("access", r"password authentication failed|permission denied|no pg_hba|role .* does not exist"
               r"|no password supplied|authentication failed|not permitted to log in"),
    ("busy", r"statement timeout|conflict with recovery|too many (connections|clients)"
             r"|remaining connection slots|idle-in-transaction timeout"),
    ("migrating", r"lock timeout|relation .* does not exist|column .* does not exist"
                  r"|could not open relation"),
    ("unreachable", r"could not translate host|Connection refused|closed the connection"
                    r"|database .* does not exist|No such file or directory|timeout expired"
                    r"|administrator command|no connection to the server|not yet accepting"
                    r"|connection not open|starting up|shutting down|No route to host"
                    r"|SSL|server certificate|Failed to connect|could not (send|receive)"),
    ("corrupt", r"invalid page|could not read block|invalid byte sequence|missing chunk number"),
)  # fmt: skip
ADVICE: dict[str, tuple[type[SourceError], str, str]] = {
    "access": (
        SourceAccessError,
        "a role that may log in and read",
        "check the password; run the SQL that `windsock grants` prints as its administrator",
    ),
    "busy": (
        SourceBusyError,
        "an answer within the time limit, and a free connection",
        "try again, or read from a replica that is less busy",
    ),
    "migrating": (
        SourceMigratingError,
        "a schema that stays as it is during the read",
        "land again when Airflow's migration has ended",
    ),
    "unreachable": (
        SourceUnreachableError,
        "a PostgreSQL that answers, and stays",
        "check host, port, database and sslmode, and whether the server runs",
    ),
    "corrupt": (
        SourceCorruptError,
        "readable data",
        "have the database's administrator look at the server's log",
    ),
}


def postgres_failure(error: BaseException, address: Address) -> SourceError:
    """The Windsock error for one of ADBC, libpq or the server."""
    text = address.clean(str(error).split("Query was:")[0]).rstrip(" .")
    kind = _kind(getattr(error, "sqlstate", None), text)
    seen = f"{address.label}: {text}."
    if kind is None:
        return SourceError(seen, next_step="see the message")
    failure, expected, next_step = ADVICE[kind]
    return failure(seen, expected=expected, next_step=next_step)


def table_rewritten(address: Address) -> SourceError:
    """A table was rewritten or truncated after the snapshot, so its rows cannot be seen."""
    _, expected, next_step = ADVICE["migrating"]
    return SourceMigratingError(
        f"{address.label}: a table was rewritten, truncated or dropped during the read.",
        expected=expected,
        next_step=next_step,
    )


def _kind(sqlstate: str | None, text: str) -> str | None:
    if sqlstate:
        for kind, codes in (
            ("access", ACCESS),
            ("busy", BUSY),
            ("migrating", MIGRATING),
            ("unreachable", UNREACHABLE),
            ("corrupt", CORRUPT),
        ):
            if sqlstate in codes.split():
                return kind
    for kind, pattern in TEXTS:
        if re.search(pattern, text):
            return kind
    return None
