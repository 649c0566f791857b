"""A metadata URL, as Airflow's configuration writes it, taken apart for the drivers."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from windsock.errors import ConfigError
from windsock.masking import MASK, mask_url

Dialect = Literal["sqlite", "postgresql", "mysql"]

DIALECTS: dict[str, Dialect] = {
    "sqlite": "sqlite",
    "postgresql": "postgresql",
    "postgres": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
SECRET_KEYS = ("password", "passwd", "sslpassword", "ssl_key_password")
MESSAGE_CHARACTERS = 600


@dataclass(frozen=True)
class Address:
    """Where a metadata database is and how to log in; its `repr` shows no secret."""

    dialect: Dialect
    label: str  # for messages: neither password nor query
    user: str | None
    password: str | None = field(repr=False)
    host: str | None
    port: int | None
    database: str | None
    query: dict[str, str] = field(repr=False)

    def clean(self, text: object) -> str:
        """A driver's message on one line, without this address's secrets."""
        masked = mask_url(" ".join(str(text).split()))
        secrets = [self.password, *(self.query.get(key) for key in SECRET_KEYS)]
        for secret in filter(None, secrets):
            for form in sorted({secret, quote(secret, safe=""), quote_plus(secret)}, key=len):
                masked = masked.replace(form, MASK)
        return masked[:MESSAGE_CHARACTERS]


def parse_address(metadata_url: str) -> Address:
    """Take a SQLAlchemy URL apart.

    Raises:
        ConfigError: not a URL, or of a database that Airflow's metadata is not read from.
    """
    expected = "sqlite:////path/airflow.db, postgresql://… or mysql://…, as SQLAlchemy writes it"
    try:
        url = make_url(metadata_url)
    except (ArgumentError, ValueError):
        # Neither message is shown: with a password that is not escaped they quote a part of it.
        raise ConfigError(
            "The metadata URL cannot be read.",
            expected=expected,
            next_step="percent-encode the characters @ : / % ? # of its password",
        ) from None
    dialect = DIALECTS.get(url.get_backend_name())
    if dialect is None:
        raise ConfigError(
            f"The metadata URL names the database {url.get_backend_name()!r}.", expected=expected
        )
    query = {key: ",".join(_texts(value)) for key, value in url.query.items()}
    return Address(
        dialect=dialect,
        label=_label(dialect, url, query),
        user=url.username or query.get("user"),
        password=str(url.password) if url.password is not None else _query_password(query),
        host=url.host,
        port=url.port,
        database=url.database,
        query=query,
    )


def _texts(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _query_password(query: dict[str, str]) -> str | None:
    return query.get("password") or query.get("passwd")


def _label(dialect: Dialect, url: URL, query: dict[str, str]) -> str:
    if dialect == "sqlite":
        return f"sqlite:///{url.database or ''}"
    user = f"{url.username}@" if url.username else ""
    host = url.host or query.get("host") or query.get("unix_socket") or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"{dialect}://{user}{host}{port}/{url.database or ''}"
