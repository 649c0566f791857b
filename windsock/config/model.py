"""The records that `windsock.config.load` returns: frozen, and silent about passwords."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from windsock.errors import ConfigError
from windsock.masking import mask_url

Kind = Literal["prod", "staging", "canary", "ab", "fgac", "dev"]
AuthMode = Literal["local", "header", "oidc"]
OriginKind = Literal["file", "airflow", "sample"]


class Secret:
    """A URL that may hold a password: shown masked, given out by `reveal` only."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The URL with its password, for the driver and nobody else."""
        return self._text

    def __str__(self) -> str:
        return mask_url(self._text)

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        return Secret, (self._text,)


class _Masked:
    """A record whose repr masks what looks like a password in any of its texts."""

    __slots__ = ()

    def __repr__(self) -> str:
        shown = []
        for one in fields(self):  # type: ignore[arg-type]
            value = getattr(self, one.name)
            text = mask_url(value) if isinstance(value, str) else value
            shown.append(f"{one.name}={text!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, slots=True, repr=False)
class Warehouse(_Masked):
    """Where the product keeps its files: `archive` is an absolute folder or an fsspec URL."""

    path: Path
    archive: str
    history_days: int


@dataclass(frozen=True, slots=True)
class Retention:
    """Days for which details are kept; roll-ups outlive them."""

    task_instances: int
    log_excerpts: int


@dataclass(frozen=True, slots=True)
class Landing:
    """How gently and how far back a source is read, and what is landed only when asked for."""

    overlap_minutes: int
    statement_timeout_seconds: int
    page_runs: int
    pause_seconds: float
    source_code: bool
    notes: bool


@dataclass(frozen=True, slots=True, repr=False)
class Cluster(_Masked):
    """One Airflow: where its database is, and what the database does not say."""

    name: str
    metadata_url: Secret
    logs: str | None = None
    base_url: str | None = None
    source_url: str | None = None
    kind: Kind = "prod"
    parallelism: int | None = None
    time_zone: str = "UTC"
    as_of: datetime | None = None
    usage_files: tuple[str, ...] = ()
    prometheus_url: Secret | None = None

    @property
    def dialect(self) -> str:
        """`postgresql`, `mysql` (MariaDB too) or `sqlite`."""
        name = self.metadata_url.reveal().partition(":")[0].partition("+")[0]
        return "mysql" if name == "mariadb" else name

    @property
    def sqlite_file(self) -> Path | None:
        """The file of a SQLite source; None for servers and for `file:` URIs."""
        name = unquote(self.metadata_url.reveal().partition(":///")[2].partition("?")[0])
        is_file = self.dialect == "sqlite" and not name.startswith("file:")
        return Path(name) if is_file else None


@dataclass(frozen=True, slots=True)
class Secrets:
    """Key names that are masked beside the built-in ones."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppState:
    """The database of what people write."""

    url: Secret


@dataclass(frozen=True, slots=True)
class Auth:
    """How people sign in."""

    mode: AuthMode


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices that replace those of the seeds; None leaves the seed's."""

    cpu_core_hour_usd: Decimal | None
    memory_gib_hour_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the configuration comes from.

    `path` is the file, or the home of the Airflow that was found; None for the sample. `found_by`
    is what led there: `--config`, `WINDSOCK_CONFIG`, `./windsock.toml`, `AIRFLOW_HOME`, …
    """

    kind: OriginKind
    path: Path | None = None
    found_by: str = ""

    def __str__(self) -> str:
        if self.kind == "sample":
            return "the bundled sample (no windsock.toml and no Airflow was found)"
        what = "the Airflow found in" if self.kind == "airflow" else "the configuration"
        return f"{what} {self.path} ({self.found_by})"


@dataclass(frozen=True, slots=True)
class Config:
    """Everything Windsock is told; built once, by `windsock.config.load`.

    A configuration of origin `sample` has no clusters: the caller adds them with
    `dataclasses.replace(config, clusters=…)`. `warnings` are sentences for the person who runs
    the command; they hold no password.
    """

    warehouse: Warehouse
    retention: Retention
    landing: Landing
    clusters: tuple[Cluster, ...]
    secrets: Secrets
    app_state: AppState
    auth: Auth
    prices: Prices
    origin: Origin
    warnings: tuple[str, ...] = field(default=())

    def cluster(self, name: str) -> Cluster:
        """The cluster of this name.

        Raises:
            ConfigError: there is none; the message says which ones there are.
        """
        names = [cluster.name for cluster in self.clusters]
        if name in names:
            return self.clusters[names.index(name)]
        close = get_close_matches(name, names, n=1)
        raise ConfigError(
            f"There is no cluster `{name}`.",
            expected=f"one of {', '.join(names) or '(none is configured)'}",
            next_step=f"try `{close[0]}`" if close else "add it to windsock.toml or correct it",
        )
