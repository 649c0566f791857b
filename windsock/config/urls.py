"""The URLs of windsock.toml: which are accepted, and how a wrong one is refused unseen.

Database URLs have SQLAlchemy's grammar (a test compares), without its 0.6 s of import: every
command reads its configuration first.
"""

import re
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from windsock.config.model import Secret
from windsock.config.values import BadValueError, Parser, Place, absolute, suggestion, text

SOURCE_DIALECTS = ("postgresql", "mysql", "mariadb", "sqlite")
STATE_DIALECTS = ("sqlite", "postgresql")
SOURCE_LINK_FIELDS = ("revision", "path", "line")

_EXAMPLE = "postgresql://reader:${AIRFLOW_DB_PASSWORD}@db:5432/airflow"
_ENCODED = "write the password percent-encoded (@ is %40, / is %2F, : is %3A, % is %25)"
_OLD_NAME = re.compile(r"\Apostgres(?=[:+])")
_URL = re.compile(
    r"(?P<scheme>[\w+]+)://(?:(?P<user>[^:/]*)(?::(?P<password>[^@]*))?@)?"
    r"(?:\[(?P<ipv6>[^/?]+)\]|(?P<host>[^/:?]+))?(?::(?P<port>[^/?]*))?"
    r"(?:/(?P<database>[^?]*))?(?:\?(?P<query>.*))?"
)


@dataclass(frozen=True, slots=True, repr=False)
class DatabaseUrl:
    """The parts of a database URL that decide where it leads."""

    dialect: str
    driver: str
    host: str
    port: int | None
    database: str
    query: str


def parse_database_url(value: str) -> DatabaseUrl:
    """Split a database URL as SQLAlchemy does.

    Raises:
        BadValueError: it is none.
    """
    found = _URL.match(value)
    if found is None:
        raise BadValueError("is no database URL", f"write it like {_EXAMPLE}")
    port = found["port"] or ""
    if port and not re.fullmatch(r"[0-9]{1,5}", port):
        # A password with an unencoded @ or / reads like this.
        raise BadValueError("has a port that is no number", f"correct the port, or {_ENCODED}")
    dialect, _, driver = found["scheme"].partition("+")
    host = found["host"] or found["ipv6"] or ""
    database = unquote(found["database"] or "")
    number = int(port) if port else None
    return DatabaseUrl(dialect, driver, host, number, database, found["query"] or "")


def sqlite_url(file: str | Path, *, driver: str = "", query: str = "") -> str:
    """The URL of a file of SQLite; SQLAlchemy decodes it, so what it would misread is encoded."""
    path = str(file).replace("%", "%25").replace("?", "%3F")
    return f"sqlite{'+' if driver else ''}{driver}:///{path}{'?' if query else ''}{query}"


def _checked(value: str, dialects: tuple[str, ...], place: Place) -> str:
    url = parse_database_url(value)
    if url.dialect not in dialects:
        known = suggestion(url.dialect, list(dialects))
        raise BadValueError(f"names a database `{url.dialect}`", known)
    if url.dialect == "sqlite":
        return _sqlite(url, value, place)
    if "@" in url.host:
        raise BadValueError("has more than one @", _ENCODED)
    if re.search(r"\s", value):
        raise BadValueError("holds white space", "remove it, or write it as %20")
    if not url.database:
        raise BadValueError("names no database", f"write it like {_EXAMPLE}")
    found = _URL.match(value)
    if found is None or not found["password"]:
        return value
    # Drivers other than SQLAlchemy are strict: `/`, `:` or `#` in a password must be encoded.
    password = quote(unquote(found["password"]), safe="")
    return value[: found.start("password")] + password + value[found.end("password") :]


def _sqlite(url: DatabaseUrl, value: str, place: Place) -> str:
    if url.host:
        raise BadValueError(
            "has two slashes", "write sqlite:///file.db or sqlite:////folder/file.db"
        )
    if not url.database or url.database == ":memory:":
        raise BadValueError("names no file", "write it like sqlite:////opt/airflow/airflow.db")
    if url.database.startswith("file:"):
        return value
    return sqlite_url(absolute(url.database, place), driver=url.driver, query=url.query)


def database(*dialects: str) -> Parser:
    """A database URL of one of these dialects; files of SQLite are given back absolute."""

    def parse(value: Any, place: Place) -> Secret:
        url = _OLD_NAME.sub("postgresql", text(value, place), count=1)
        return Secret(_checked(url, dialects, place))

    return parse


def same_database(url: Secret) -> tuple[object, ...]:
    """What two URLs of one database have in common, whoever reads it."""
    parts = parse_database_url(url.reveal())
    dialect = "mysql" if parts.dialect == "mariadb" else parts.dialect
    port = parts.port or {"postgresql": 5432, "mysql": 3306}.get(dialect)
    where = parts.host.casefold() or parts.query
    return dialect, where, port, parts.database


def _web(value: Any, place: Place) -> str:
    url = text(value, place)
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
        is_web = is_web and (parts.port is None or parts.port > 0) and not re.search(r"\s", url)
    except ValueError:
        is_web = False
    if not is_web:
        raise BadValueError("is no web address", "write it like https://airflow.example.com")
    return url.rstrip("/")


def web(value: Any, place: Place) -> str:
    """An address that pages link to: it must not hold a password, since readers see it."""
    url = _web(value, place)
    if "@" in urlsplit(url).netloc:
        raise BadValueError(
            "holds a user or password", "remove it; pages show this address to readers"
        )
    return url


def secret_web(value: Any, place: Place) -> Secret:
    """An address that only Windsock reads."""
    return Secret(_web(value, place))


def source_link(value: Any, place: Place) -> str:
    """A web address with the fields {revision}, {path} and {line}, each optional."""
    link = web(value, place)
    known = ", ".join(f"{{{name}}}" for name in SOURCE_LINK_FIELDS)
    try:
        parts = list(string.Formatter().parse(link))
    except ValueError:
        raise BadValueError("has a brace without its pair", f"the fields are {known}") from None
    for _, name, spec, conversion in parts:
        if name is not None and (name not in SOURCE_LINK_FIELDS or spec or conversion):
            raise BadValueError(f"has a field {{{name}}}", f"the fields are {known}")
    return link
