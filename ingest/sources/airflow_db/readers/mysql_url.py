"""A SQLAlchemy URL of MySQL or MariaDB as pymysql's arguments."""

from pathlib import Path
from typing import Any

from ingest.sources.airflow_db.readers.address import Address
from ingest.sources.airflow_db.readers.interface import ReadLimits
from windsock.errors import ConfigError

READ_MARGIN_SECONDS = 30.0  # the server's own limits must speak first
SSL_FILES = {
    "ssl_ca": "ca",
    "ssl_capath": "capath",
    "ssl_cert": "cert",
    "ssl_key": "key",
    "ssl_key_password": "password",
    "ssl_cipher": "cipher",
}
SSL_MODES: dict[str, dict[str, Any]] = {
    "REQUIRED": {"check_hostname": False, "verify_mode": "none"},
    "VERIFY_CA": {"check_hostname": False, "verify_mode": "required"},
    "VERIFY_IDENTITY": {"check_hostname": True, "verify_mode": "required"},
}
YES = {"true", "1", "yes", "on"}


def connect_arguments(address: Address, limits: ReadLimits) -> dict[str, Any]:
    """The keyword arguments of `pymysql.connect`; contain the password.

    Raises:
        ConfigError: an encryption setting that pymysql cannot honour.
    """
    query = address.query
    arguments: dict[str, Any] = {
        "user": address.user,
        # As bytes: pymysql encodes a str as latin1.
        "password": (address.password or "").encode(),
        "host": address.host or query.get("host") or "localhost",
        "port": address.port or int(query.get("port", "3306")),
        "database": address.database or None,
        "charset": "utf8mb4",
        "connect_timeout": limits.connect_seconds,
        "read_timeout": max(limits.statement_seconds, limits.busy_seconds) + READ_MARGIN_SECONDS,
        "write_timeout": limits.connect_seconds + READ_MARGIN_SECONDS,
        "program_name": "windsock",
        "autocommit": True,  # the transaction is ours to begin
    }
    socket = query.get("unix_socket") or query.get("unix_sock")
    if socket:
        arguments["unix_socket"] = socket
    return arguments | _encryption(query)


def refuse_no_socket(arguments: dict[str, Any]) -> None:
    """Raise when the Unix socket is not there: pymysql would leave its own end open.

    Raises:
        OSError: no such socket.
    """
    path = arguments.get("unix_socket")
    if path and not Path(path).is_socket():
        raise FileNotFoundError(f"there is no socket {path}")


def _encryption(query: dict[str, str]) -> dict[str, Any]:
    known = {*SSL_FILES, "ssl", "ssl_mode", "ssl_disabled", "ssl_check_hostname",
             "ssl_verify_cert", "ssl_verify_identity"}  # fmt: skip
    unknown = sorted(key for key in query if key.startswith("ssl") and key not in known)
    mode = query.get("ssl_mode", "REQUIRED" if query.get("ssl", "").lower() in YES else "").upper()
    if unknown or mode not in {*SSL_MODES, "", "PREFERRED", "DISABLED"}:
        raise ConfigError(
            f"The metadata URL's encryption setting is not known: {', '.join(unknown) or mode}.",
            expected=f"one of {', '.join(sorted(known))}",
        )
    if mode == "DISABLED" or query.get("ssl_disabled", "").lower() in YES:
        return {"ssl_disabled": True}
    ssl: dict[str, Any] = {SSL_FILES[key]: query[key] for key in SSL_FILES if key in query}
    ssl |= SSL_MODES.get(mode, {})
    for key in ("ssl_check_hostname", "ssl_verify_identity"):
        if key in query:
            ssl["check_hostname"] = query[key].lower() in YES
    if "ssl_verify_cert" in query:
        ssl["verify_mode"] = "required" if query["ssl_verify_cert"].lower() in YES else "none"
    return {"ssl": ssl} if ssl else {}
