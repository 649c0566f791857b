"""A SQLAlchemy URL of PostgreSQL as libpq's connection string."""

from ingest.sources.airflow_db.readers.address import Address
from ingest.sources.airflow_db.readers.interface import ReadLimits

# What libpq knows and a URL may say; parameters of one Python driver only are left out.
LIBPQ_KEYS = (
    "channel_binding", "connect_timeout", "gsslib", "gssencmode", "hostaddr", "keepalives",
    "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname",
    "load_balance_hosts", "options", "passfile", "requirepeer", "require_auth", "service",
    "sslcert", "sslcertmode", "sslcompression", "sslcrl", "sslcrldir", "sslkey",
    "ssl_max_protocol_version", "ssl_min_protocol_version", "sslmode", "sslnegotiation",
    "sslpassword", "sslrootcert", "sslsni", "target_session_attrs", "tcp_user_timeout",
)  # fmt: skip
# asyncpg and pg8000 write `ssl=`; its words are libpq's, and "true" means encrypted.
SSL_WORDS = {"true": "require", "1": "require", "false": "disable", "0": "disable"}


def conninfo(address: Address, limits: ReadLimits) -> str:
    """The connection string; contains the password."""
    query = address.query
    words = {key: query[key] for key in LIBPQ_KEYS if key in query}
    if "ssl" in query and "sslmode" not in words:
        words["sslmode"] = SSL_WORDS.get(query["ssl"].lower(), query["ssl"])
    words.setdefault("connect_timeout", str(max(2, round(limits.connect_seconds))))
    port = query.get("port") or (str(address.port) if address.port else None)
    hosts, ports = _hosts(query.get("host"))
    named = {
        "host": hosts or address.host,
        "port": ports or port,
        "user": address.user,
        "password": address.password,
        "dbname": address.database or query.get("dbname"),
        "application_name": "windsock",
        "client_encoding": "UTF8",
    }
    words |= {key: value for key, value in named.items() if value}
    return " ".join(f"{key}={_quoted(value)}" for key, value in words.items())


def _hosts(text: str | None) -> tuple[str | None, str | None]:
    """`a:1,b:2`, SQLAlchemy's form of several hosts, as libpq's two lists."""
    if not text or text.startswith("/") or ":" not in text:
        return text, None
    pairs = [part.rpartition(":") for part in text.split(",")]
    if not all(head and tail.isdigit() for head, _, tail in pairs):
        return text, None
    return ",".join(head for head, _, _ in pairs), ",".join(tail for _, _, tail in pairs)


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
