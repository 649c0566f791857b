"""The search order, and the Airflow of this machine."""

from pathlib import Path

import pytest

from windsock.config import Config, load
from windsock.errors import ConfigError

CONN = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
OLD_CONN = "AIRFLOW__CORE__SQL_ALCHEMY_CONN"
URL = "postgresql+psycopg2://airflow:Zq9@db/airflow"


class Machine:
    """A current folder, a home with or without an Airflow, and an environment."""

    def __init__(self, folder: Path) -> None:
        self.cwd = folder / "cwd"
        self.home = folder / "home"
        self.airflow = self.home / "airflow"
        for one in (self.cwd, self.airflow):
            one.mkdir(parents=True)

    def cfg(self, text: str) -> None:
        (self.airflow / "airflow.cfg").write_text(text, encoding="utf-8")

    def load(self, path: Path | None = None, **environ: str) -> Config:
        return load(path, environ=environ, cwd=self.cwd, home=self.home)

    def url(self, **environ: str) -> str:
        return self.load(**environ).cluster("airflow").metadata_url.reveal()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def file(path: Path, cluster: str) -> Path:
    path.write_text(f"[clusters.{cluster}]\nmetadata_url = 'sqlite:///x.db'\n", encoding="utf-8")
    return path


def test_the_search_order(machine: Machine) -> None:
    assert machine.load().origin.kind == "sample"
    (machine.airflow / "airflow.db").touch()
    assert machine.load().clusters[0].name == "airflow"
    file(machine.cwd / "windsock.toml", "here")
    assert machine.load().clusters[0].name == "here"
    file(machine.home / "named.toml", "named")
    environ = {"WINDSOCK_CONFIG": "~/named.toml", CONN: URL}
    config = machine.load(**environ)
    assert config.clusters[0].name == "named"
    assert config.clusters[0].sqlite_file == machine.home / "x.db"
    given = file(machine.cwd / "given.toml", "given")
    config = machine.load(Path("given.toml"), **environ)
    assert config.clusters[0].name == "given"
    assert config.origin.path == given


def test_nothing_found_is_the_sample(machine: Machine) -> None:
    config = machine.load(WINDSOCK_CONFIG=" ")
    assert (config.origin.kind, config.clusters, config.warnings) == ("sample", (), ())
    assert config.warehouse.path == machine.cwd / "var"
    assert "bundled sample" in str(config.origin)
    assert "no database" in machine.load(AIRFLOW_HOME="nowhere").warnings[0]


def test_a_default_airflow_has_its_database_in_its_home(machine: Machine) -> None:
    (machine.airflow / "airflow.db").touch()
    (machine.airflow / "logs").mkdir()
    machine.cfg("[core]\nparallelism = 32\n")
    config = machine.load()
    cluster = config.cluster("airflow")
    assert cluster.sqlite_file == machine.airflow / "airflow.db"
    assert cluster.logs == str(machine.airflow / "logs")
    assert cluster.parallelism == 32
    assert str(config.origin) == f"the Airflow found in {machine.airflow} (~/airflow)"


def test_airflow_home_is_looked_into_first(machine: Machine) -> None:
    (machine.airflow / "airflow.db").touch()
    other = machine.cwd / "other"
    other.mkdir()
    (other / "airflow.db").touch()
    assert machine.url(AIRFLOW_HOME="other") == f"sqlite:///{other / 'airflow.db'}"
    assert machine.load(AIRFLOW_HOME="~/airflow").origin.path == machine.airflow


def test_the_environment_wins_and_new_names_over_old_ones(machine: Machine) -> None:
    machine.cfg("[core]\nsql_alchemy_conn = mysql://h/old\n")
    assert machine.url() == "mysql://h/old"
    machine.cfg(
        "[core]\nsql_alchemy_conn = mysql://h/old\n[database]\nsql_alchemy_conn=mysql://h/new"
    )
    assert machine.url() == "mysql://h/new"
    assert machine.url(**{OLD_CONN: "mysql://h/env"}) == "mysql://h/env"
    assert machine.url(**{OLD_CONN: "mysql://h/env", CONN: URL}) == URL
    assert machine.load(**{CONN: URL}).origin.found_by == CONN
    assert machine.url(AIRFLOW_CONFIG="~nowhere", **{CONN: URL}) == URL


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("postgres://u:a%%40b@h/db", "postgresql://u:a%40b@h/db"),
        ("mysql://%(user)s:x@h/db", "mysql://me:x@h/db"),
        ("mysql://u:$PW@h/${NAME}", "mysql://u:s3cret@h/db"),
        ("mysql://u:${NOPE}@h/db", "mysql://u:%24%7BNOPE%7D@h/db"),
    ],
)
def test_what_airflow_fills_in(machine: Machine, written: str, expected: str) -> None:
    machine.cfg(f"[database]\nuser = me\nsql_alchemy_conn = {written}\n")
    assert machine.url(PW="s3cret", NAME="db") == expected


def test_its_own_home_is_filled_in(machine: Machine) -> None:
    for home in ("{AIRFLOW_HOME}", "%(AIRFLOW_HOME)s"):
        machine.cfg(
            f"[database]\nsql_alchemy_conn = sqlite:///{home}/a.db\n"
            f"[logging]\nbase_log_folder = {home}/l\n[webserver]\nbase_url = http://web:8080/\n"
        )
        cluster = machine.load().cluster("airflow")
        assert cluster.sqlite_file == machine.airflow / "a.db"
        assert cluster.logs == str(machine.airflow / "l")
        assert cluster.base_url == "http://web:8080"


@pytest.mark.parametrize("suffix", ["cmd", "secret"])
def test_commands_and_backends_are_never_asked(machine: Machine, suffix: str) -> None:
    (machine.airflow / "airflow.db").touch()
    machine.cfg(f"[database]\nsql_alchemy_conn_{suffix} = touch {machine.cwd}/ran Zq9\n")
    with pytest.raises(ConfigError, match=r"runs no commands.*Next: write `\[clusters") as caught:
        machine.load()
    assert f"sql_alchemy_conn_{suffix}" in str(caught.value)
    assert "Zq9" not in str(caught.value)
    assert not (machine.cwd / "ran").exists()
    assert machine.url(**{CONN: URL}) == URL
    machine.cfg("")
    variable = f"{CONN}_{suffix.upper()}"
    with pytest.raises(ConfigError, match=variable):
        machine.load(**{variable: "Zq9"})


@pytest.mark.parametrize(
    "text",
    [
        "sql_alchemy_conn = postgresql://u:Zq9@h/db\n",
        "[database]\n= Zq9\n",
        "[database]\nsql_alchemy_conn = postgresql://u:Zq9%@h/db\n",
        "[database]\nsql_alchemy_conn = postgresql://u:Zq9%(x)s@h/db\n",
        "[database]\nsql_alchemy_conn = mssql://u:Zq9@h/db\n",
        "[database]\nsql_alchemy_conn = postgresql://u:Zq9@h:Zq9/db\n",
    ],
)
def test_a_broken_airflow_cfg_is_refused_unseen(machine: Machine, text: str) -> None:
    machine.cfg(text)
    with pytest.raises(ConfigError) as caught:
        machine.load()
    assert "Zq9" not in str(caught.value)
    assert "Next: " in str(caught.value)


def test_a_cfg_that_is_not_utf8_is_refused(machine: Machine) -> None:
    (machine.airflow / "airflow.cfg").write_bytes(b"# \xe9")
    with pytest.raises(ConfigError, match="not UTF-8"):
        machine.load()


def test_a_setting_given_twice_or_without_value_is_taken_as_airflow_takes_it(
    machine: Machine,
) -> None:
    machine.cfg("[core]\nsql_alchemy_conn\n[core]\nsql_alchemy_conn = mysql://h/a\n")
    assert machine.url() == "mysql://h/a"
    machine.cfg("[core]\nsql_alchemy_conn\n")
    assert machine.load().origin.kind == "sample"


def test_only_the_database_is_needed(machine: Machine) -> None:
    machine.cfg(
        "[api]\nbase_url = /\n[core]\nparallelism = 0\n[logging]\nremote_logging = True\n"
        "[database]\nsql_alchemy_conn = mysql://h/a\n"
    )
    config = machine.load()
    cluster = config.cluster("airflow")
    assert (cluster.base_url, cluster.parallelism, cluster.logs) == (None, None, None)
    assert "remote_logging" in config.warnings[0]
    assert "base_url is not used: it is no web address" in config.warnings[1]
