"""The URLs of windsock.toml: which are accepted, and how a wrong one is refused unseen."""

import re
import string
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from windsock.config.model import Secret
from windsock.config.values import BadValueError, Parser, Place, absolute, suggestion, text

SOURCE_DIALECTS = ("postgresql", "mysql", "mariadb", "sqlite")
STATE_DIALECTS = ("sqlite", "postgresql")
SOURCE_LINK_FIELDS = ("revision", "path", "line")

_EXAMPLE = "postgresql://reader:${AIRFLOW_DB_PASSWORD}@db:5432/airflow"
_ENCODED = "write the password percent-encoded (@ is %40, / is %2F, : is %3A, % is %25)"
_OLD_NAME = re.compile(r"\Apostgres(?=[:+])")
_PASSWORD = re.compile(r"(?P<head>\A[^:]+://[^:/@]*:)(?P<password>[^@]*)(?=@)")


def _parsed(value: str) -> URL:
    url, seen, fix = None, "is no database URL", f"write it like {_EXAMPLE}"
    try:
        url = make_url(value)
    except ArgumentError:
        pass
    except ValueError:
        # The number after the colon is no port: a password with an unencoded @ reads like this.
        seen, fix = "has a port that is no number", f"correct the port, or {_ENCODED}"
    if url is None:
        # Outside of the handlers: the driver's error quotes the URL.
        raise BadValueError(seen, fix)
    return url


def _checked(value: str, dialects: tuple[str, ...], place: Place) -> str:
    url = _parsed(value)
    dialect = url.drivername.partition("+")[0]
    if dialect not in dialects:
        raise BadValueError(f"names a database `{dialect}`", suggestion(dialect, list(dialects)))
    if dialect == "sqlite":
        return _sqlite(url, value, place)
    if "@" in (url.host or ""):
        raise BadValueError("has more than one @", _ENCODED)
    if re.search(r"\s", value):
        raise BadValueError("holds white space", "remove it, or write it as %20")
    if not url.database:
        raise BadValueError("names no database", f"write it like {_EXAMPLE}")
    # Drivers other than SQLAlchemy are strict: `/`, `:` or `#` in a password must be encoded.
    return _PASSWORD.sub(
        lambda found: found["head"] + quote(unquote(found["password"]), safe=""), value
    )


def _sqlite(url: URL, value: str, place: Place) -> str:
    if url.host:
        raise BadValueError(
            "has two slashes", "write sqlite:///file.db or sqlite:////folder/file.db"
        )
    if not url.database or url.database == ":memory:":
        raise BadValueError("names no file", "write it like sqlite:////opt/airflow/airflow.db")
    if url.database.startswith("file:"):
        return value
    _, mark, query = value.partition("?")
    return f"{url.drivername}:///{absolute(url.database, place)}{mark}{query}"


def database(*dialects: str) -> Parser:
    """A database URL of one of these dialects; files of SQLite are given back absolute."""

    def parse(value: Any, place: Place) -> Secret:
        url = _OLD_NAME.sub("postgresql", text(value, place), count=1)
        return Secret(_checked(url, dialects, place))

    return parse


def same_database(url: Secret) -> tuple[object, ...]:
    """What two URLs of one database have in common, whoever reads it."""
    parsed = make_url(url.reveal())
    dialect = parsed.drivername.split("+")[0].replace("mariadb", "mysql")
    port = parsed.port or {"postgresql": 5432, "mysql": 3306}.get(dialect)
    host = (parsed.host or "").casefold() or str(parsed.query.get("host", ""))
    return dialect, host, port, parsed.database


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
