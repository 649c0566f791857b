"""What MySQL, MariaDB and pymysql complain about, in Windsock's words."""

from ingest.sources.airflow_db.readers.address import Address
from windsock.errors import (
    SourceAccessError,
    SourceBusyError,
    SourceCorruptError,
    SourceError,
    SourceMigratingError,
    SourceUnreachableError,
)

ACCESS = {1044, 1045, 1130, 1131, 1142, 1143, 1227, 1370, 1251, 1698, 1862, 3118, 4151}
BUSY = {1040, 1203, 1213, 1226, 1317, 1969, 3024}
MIGRATING = {1051, 1054, 1146, 1205, 1356, 1412, 1615}  # 1205: a lock of DDL, as we only read
UNREACHABLE = {0, 1049, 1053, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 2002, 2003, 2005, 2006,
               2013, 2014, 2026, 2055}  # fmt: skip
CORRUPT = {1034, 1035, 1194, 1195, 1712, 1877, 1932, 2027}
ADVICE: tuple[tuple[set[int], type[SourceError], str, str], ...] = (
    (
        ACCESS,
        SourceAccessError,
        "a user that may log in and select",
        "check the password; run the SQL that `windsock grants` prints as its administrator",
    ),
    (
        BUSY,
        SourceBusyError,
        "an answer within the time limit, and a free connection",
        "try again, or read from a replica that is less busy",
    ),
    (
        MIGRATING,
        SourceMigratingError,
        "a schema that stays as it is during the read",
        "land again when Airflow's migration has ended",
    ),
    (
        UNREACHABLE,
        SourceUnreachableError,
        "a MySQL or MariaDB that answers, and stays",
        "check host, port and database, and whether the server runs",
    ),
    (
        CORRUPT,
        SourceCorruptError,
        "readable data",
        "have the database's administrator look at the server's log",
    ),
)


def mysql_failure(error: BaseException, address: Address) -> SourceError:
    """The Windsock error for one of pymysql, the socket or the server."""
    code, text = _code_and_text(error)
    seen = f"{address.label}: {address.clean(text).rstrip(' .')}."
    for codes, failure, expected, next_step in ADVICE:
        if code in codes:
            return failure(seen, expected=expected, next_step=next_step)
    if isinstance(error, OSError | EOFError):
        return SourceUnreachableError(
            seen, expected="a connection that stays", next_step="land again"
        )
    if isinstance(error, RuntimeError):  # pymysql without `cryptography`, to a server without TLS
        return SourceAccessError(
            seen,
            expected="a login that needs no extra package",
            next_step="use TLS or a Unix socket, or a user with mysql_native_password",
        )
    if isinstance(error, ValueError | IndexError):
        return SourceCorruptError(
            f"{address.label}: the stream of rows is damaged ({address.clean(text)}).",
            expected="MySQL's text protocol",
            next_step="look for a proxy between Windsock and the server",
        )
    return SourceError(seen, next_step="see the message")


def _code_and_text(error: BaseException) -> tuple[int | None, str]:
    match error.args:
        case (int() as code, str() as text, *_):
            return code, f"{text} ({code})" if code else text or "the connection is closed"
        case _:
            return None, str(error) or type(error).__name__
