"""The Airflow of this machine, when there is no windsock.toml.

    environment ─► airflow.cfg ─► airflow.db in its home ─► one cluster called `airflow`, or None

Only settings are read: a command or secrets backend that Airflow would ask is never run.
"""

import configparser
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from windsock.config.urls import sqlite_url
from windsock.errors import ConfigError

CLUSTER_NAME = "airflow"

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_CONNECTION = (("database", "sql_alchemy_conn"), ("core", "sql_alchemy_conn"))
_LOGS = (("logging", "base_log_folder"), ("core", "base_log_folder"))
_REMOTE = (("logging", "remote_logging"), ("core", "remote_logging"))
_WEB = (("api", "base_url"), ("webserver", "base_url"))
_PARALLELISM = (("core", "parallelism"),)

Options = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FoundAirflow:
    """Raw values of one cluster, as windsock.toml would hold them."""

    home: Path
    found_by: str
    values: dict[str, object]
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Settings:
    """Airflow's settings: the environment wins over the file, new section names over old ones."""

    home: Path
    environ: Mapping[str, str]
    parser: configparser.ConfigParser
    file: Path

    def get(self, options: Options) -> str | None:
        """The first value, with Airflow's placeholders and variables filled in."""
        for section, name in options:
            value = self.environ.get(_variable(section, name))
            if value is not None:
                return self._filled(value)
        for section, name in options:
            if self.parser.has_option(section, name):
                return self._filled(self._interpolated(section, name))
        return None

    def has_indirect(self, options: Options) -> str | None:
        """The setting that tells Airflow to fetch the value with a command or from a backend."""
        for section, name in options:
            for suffix in ("cmd", "secret"):
                if _variable(section, f"{name}_{suffix}") in self.environ:
                    return _variable(section, f"{name}_{suffix}")
                if self.parser.has_option(section, f"{name}_{suffix}"):
                    return f"[{section}] {name}_{suffix} in {self.file}"
        return None

    def _interpolated(self, section: str, name: str) -> str:
        try:
            return self.parser.get(section, name) or ""
        except configparser.InterpolationError:
            fix = "write a literal % as %% there, as Airflow wants it"
        # Outside of the handler: the error of the parser quotes the value.
        raise ConfigError(
            f"[{section}] {name} in {self.file} has a % without its pair.", next_step=fix
        )

    def _filled(self, value: str) -> str:
        value = value.strip().replace("{AIRFLOW_HOME}", str(self.home))
        return _VARIABLE.sub(lambda m: self.environ.get(m[1] or m[2], m[0]), value)


def _variable(section: str, name: str) -> str:
    return f"AIRFLOW__{section}__{name}".upper()


def find(environ: Mapping[str, str], *, cwd: Path, home: Path) -> FoundAirflow | None:
    """Look for an Airflow in the environment, in AIRFLOW_HOME and in ~/airflow.

    Raises:
        ConfigError: there is one, but where its database is cannot be read.
    """
    named = environ.get("AIRFLOW_HOME", "").strip()
    folder = home / "airflow"
    if named:
        named = str(home / named[2:]) if named.startswith("~/") else named
        folder = cwd / named
    file = Path(cwd / environ["AIRFLOW_CONFIG"]) if environ.get("AIRFLOW_CONFIG") else None
    settings = _settings(folder, environ, file or folder / "airflow.cfg")
    url = settings.get(_CONNECTION) or ""
    found_by = "AIRFLOW_HOME" if named else "~/airflow"
    if url and any(_variable(*option) in environ for option in _CONNECTION):
        found_by = next(_variable(*one) for one in _CONNECTION if _variable(*one) in environ)
    if not url and (indirect := settings.has_indirect(_CONNECTION)):
        raise ConfigError(
            f"The Airflow in {folder} gets the URL of its database from {indirect}, and Windsock"
            " runs no commands and asks no secrets backends.",
            expected="a windsock.toml with the URL of the database",
            next_step='write `[clusters.airflow]` and `metadata_url = "${AIRFLOW_DB_URL}"` into'
            " windsock.toml, and set the variable from the same command or backend",
        )
    if not url and (folder / "airflow.db").is_file():
        url = sqlite_url(folder / "airflow.db")
    if not url:
        return None
    return FoundAirflow(folder, found_by, *_values(settings, url))


def _settings(folder: Path, environ: Mapping[str, str], file: Path) -> _Settings:
    parser = configparser.ConfigParser(
        defaults={"airflow_home": str(folder)}, strict=False, allow_no_value=True
    )
    problem = ""
    try:
        content = file.read_text(encoding="utf-8-sig") if file.is_file() else ""
        parser.read_string(content)
    except OSError as error:
        problem = error.strerror or "error"
    except UnicodeDecodeError:
        problem = "not UTF-8"
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next((at for at, _ in _bad_lines(error)), "?")
        problem = f"line {line} is neither a section nor a setting"
    if problem:
        raise ConfigError(
            f"Airflow's configuration {file} cannot be read ({problem}).",
            next_step="correct it, or write a windsock.toml (docs/configuration.md shows one)",
        )
    return _Settings(folder, environ, parser, file)


def _bad_lines(error: configparser.Error) -> Iterator[tuple[int, str]]:
    yield from getattr(error, "errors", [])


def _values(settings: _Settings, url: str) -> tuple[dict[str, object], list[str]]:
    values: dict[str, object] = {"metadata_url": url}
    warnings = []
    logs = settings.get(_LOGS)
    if logs or (settings.home / "logs").is_dir():
        values["logs"] = logs or str(settings.home / "logs")
    if (settings.get(_REMOTE) or "").lower() in {"true", "t", "1"}:
        warnings.append(
            "This Airflow keeps its logs remotely (remote_logging): only local ones are read."
            " To read them all, write a windsock.toml with `logs`."
        )
    if web := settings.get(_WEB):
        values["base_url"] = web
    parallelism = settings.get(_PARALLELISM) or ""
    # 0 means unlimited.
    if re.fullmatch(r"[0-9]{1,6}", parallelism) and int(parallelism):
        values["parallelism"] = int(parallelism)
    return values, warnings
