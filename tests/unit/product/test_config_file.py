"""What `load` makes of a windsock.toml, and how it refuses one."""

import copy
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from windsock.config import Config, load
from windsock.config.document import MAX_BYTES
from windsock.errors import ConfigError

HOME = Path("/home/me")
MINIMUM = '[clusters.prod]\nmetadata_url = "postgresql://u@h/db"\n'


def loaded(tmp_path: Path, text: str, **environ: str) -> Config:
    file = tmp_path / "windsock.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ=environ, cwd=Path("/elsewhere"), home=HOME)


def refused(tmp_path: Path, text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text, **environ)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_everything_has_a_default_but_the_clusters(tmp_path: Path) -> None:
    config = loaded(tmp_path, MINIMUM)
    assert config.warehouse.path == tmp_path / "var"
    assert config.warehouse.archive == str(tmp_path / "var" / "archive")
    assert config.app_state.url.reveal() == f"sqlite:///{tmp_path}/var/app_state.sqlite"
    assert config.cluster("prod").dialect == "postgresql"
    assert config.cluster("prod").sqlite_file is None
    assert config.prices.cpu_core_hour_usd is None
    assert config.origin.kind == "file"
    assert str(config.origin) == f"the configuration {tmp_path / 'windsock.toml'} (--config)"
    assert config.warnings == ()


def test_archive_and_app_state_follow_the_warehouse(tmp_path: Path) -> None:
    config = loaded(tmp_path, f'[warehouse]\npath = "~/100%?"\n{MINIMUM}')
    assert config.warehouse.archive == "/home/me/100%?/archive"
    assert make_url(config.app_state.url.reveal()).database == "/home/me/100%?/app_state.sqlite"


def test_all_values_are_read(tmp_path: Path) -> None:
    text = """
    prices = { cpu_core_hour_usd = 0.1, memory_gib_hour_usd = 1 }
    [clusters.a]
    metadata_url = "sqlite:///dump/airflow.db?mode=ro"
    logs = "s3://logs/x"
    as_of = 2026-11-22T08:01:20+01:00
    usage_files = ["u/*.jsonl", "~/x.csv", "s3://u/*"]
    base_url = "https://a.example.com/"
    [landing]
    pause_seconds = 1
    """
    config = loaded(tmp_path, text)
    cluster = config.cluster("a")
    assert cluster.sqlite_file == tmp_path / "dump" / "airflow.db"
    assert cluster.metadata_url.reveal().endswith("airflow.db?mode=ro")
    assert cluster.as_of == datetime(2026, 11, 22, 7, 1, 20, tzinfo=UTC)
    assert cluster.usage_files == (f"{tmp_path}/u/*.jsonl", "/home/me/x.csv", "s3://u/*")
    assert cluster.base_url == "https://a.example.com"
    assert config.prices.cpu_core_hour_usd == Decimal("0.1")
    assert config.landing.pause_seconds == 1.0


def test_a_configuration_can_be_hashed_copied_and_sent(tmp_path: Path) -> None:
    config = loaded(tmp_path, MINIMUM)
    assert pickle.loads(pickle.dumps(config)) == config == copy.deepcopy(config)  # noqa: S301
    assert hash(config) == hash(copy.deepcopy(config))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('kind = "prdo"', "did you mean `prod`?"),
        ("kind = 3", "is a whole number"),
        ('kind = ""', "is empty"),
        ("parallelism = 0", "from 1 to 1000000"),
        ("parallelism = true", "is true or false"),
        ('parallelism = "64"', "is text"),
        ('time_zone = "Europe/Berln"', "did you mean `Europe/Berlin`?"),
        ('time_zone = "localtime"', "no time zone"),
        ('time_zone = "../UTC"', "no time zone"),
        ('as_of = "2026-11-22T07:01:20"', "with a zone"),
        ('as_of = "2026-02-30T07:01:20Z"', "no calendar"),
        ('as_of = "0001-01-01T00:00:00+23:00"', "no calendar"),
        ("as_of = 2026-11-22", "is no instant"),
        ("as_of = 2026-11-22T07:01:20", "has no time zone"),
        ('usage_files = "x"', "write a list"),
        ("usage_files = [1]", "is a whole number"),
        ('logs = "s4://x"', "did you mean `s3`?"),
        ('logs = "a\\u0000b"', "control code"),
        ('base_url = "airflow"', "is no web address"),
        ('base_url = "https://h:x/"', "is no web address"),
        ('base_url = "https://me:pw@h/"', "pages show this address"),
        ('source_url = "https://h/{rev}"', "{revision}, {path}, {line}"),
        ('source_url = "https://h/{line!r}"', "{revision}, {path}, {line}"),
        ('source_url = "https://h/{line"', "brace without its pair"),
        ('prometheus_url = "ftp://h"', "is no web address"),
        ('metadta_url = "x"', "did you mean `metadata_url`?"),
        ("history_days = 3", "it is a key of [warehouse]"),
        ('password = "x"', "remove it; passwords belong into a URL"),
        ('logs = "${NOPE}"', "the environment has no variable NOPE"),
        ('logs = "${NO PE}"', "begins no variable"),
        ('logs = "${NOPE"', "begins no variable"),
        ('logs = "${BREAK}"', "line break"),
        ("[warehouse]\nhistory_days = -1", "from 1 to"),
        ("[warehouse]\npath = 's3://x'", "folder of this machine"),
        ("[landing]\npause_seconds = nan", "from 0 to"),
        ('[landing]\nnotes = "yes"', "true or false"),
        ("[prices]\ncpu_core_hour_usd = 0.0000001", "six digits"),
        ("[prices]\ncpu_core_hour_usd = '1'", "write a number"),
        ("[secrets]\nnames = ['-']", "less than two"),
        ("[app_state]\nurl = 'mysql://h/d'", "sqlite"),
        ("[auth]\nmode = 'none'", "local, header, oidc"),
        ("[wharehouse]\npath = 'x'", "did you mean `warehouse`?"),
        ("[[retention]]\nlog_excerpts = 1", "is a list"),
    ],
)
def test_a_bad_value_is_refused_with_its_line_and_the_fix(
    tmp_path: Path, line: str, expected: str
) -> None:
    message = refused(tmp_path, f"{MINIMUM}\n# comment\n{line}\n", BREAK="x\n")
    assert expected in message
    assert "has 1 fault:" in message
    is_table = "wharehouse" in line or "[[" in line
    assert f"line {5 if is_table else 5 + line.count(chr(10))}:" in message


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("nonsense", "is no database URL"),
        ("oracle://h/db", "names a database `oracle`"),
        ("postgresql://u:Zq9@h", "names no database"),
        ("postgresql://u:Zq9@Zq9@h/db", "more than one @"),
        ("mysql://u:Zq9@h:Zq9@h/db", "no number"),
        ("mysql://u:Zq9 x@h/db", "white space"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite://opt/airflow.db", "two slashes"),
    ],
)
def test_a_bad_database_url_is_refused_unseen(tmp_path: Path, url: str, expected: str) -> None:
    message = refused(tmp_path, f"[clusters.a]\nmetadata_url = '{url}'\n")
    assert expected in message
    assert "line 2:" in message
    assert "Zq9" not in message


def test_every_fault_of_a_file_is_listed_at_once(tmp_path: Path) -> None:
    message = refused(
        tmp_path,
        'x = 1\n[clusters.a]\nkind = "q"\nurls = 1\n[clusters.b]\nmetadata_url = "${P}${Q}"\n'
        "[clusters.a]\nkind = 'prod'\n[retention]\nlog_excerpts = 'x'\nlog_excerpts = 2\n",
    )
    assert [int(line.split(":")[0]) for line in message.split("\n  line ")[1:]] == [
        1, 2, 3, 4, 6, 6, 7, 10, 11,
    ]  # fmt: skip
    assert "two clusters are called `a`: [clusters.a] is already given on line 2" in message
    assert "`retention.log_excerpts` is already given on line 10" in message


@pytest.mark.parametrize("other", ["PROD", " prod", "ｐrod", "prod\\n"])  # noqa: RUF001
def test_names_that_differ_by_case_or_spaces_only_are_refused(tmp_path: Path, other: str) -> None:
    message = refused(tmp_path, MINIMUM + MINIMUM.replace("prod", f'"{other}"'))
    assert "line 3: the clusters 'prod' (line 1)" in message


@pytest.mark.parametrize("name", ["../x", "", "a/b", "-a", ".a", "a" * 65, "a b", "é", "a\\n"])
def test_names_that_are_unsafe_in_paths_are_refused(tmp_path: Path, name: str) -> None:
    assert "is not safe in paths" in refused(tmp_path, MINIMUM.replace("prod", f'"{name}"'))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "there is no cluster"),
        ("clusters = 3", "`clusters` is no table"),
        ("[[clusters]]\nname = 'x'", "`clusters` is no table"),
        ("[clusters]\nmetadata_url = 'x'", "line 2: `clusters.metadata_url` is text"),
        ("[clusters.a]\n", "line 1: `clusters.a` has no metadata_url"),
        ("[clusters.a]\nx = \n", "line 2: this is no TOML"),
        ("[clusters.a", "line 1: this is no TOML"),
        ("a = 1\na.b = 2", "line 2: this is no TOML"),
        ("x = " + "[" * 100_000, "beyond all limits"),
        ("x = " + "9" * 5_000, "beyond all limits"),
        ("x" * (MAX_BYTES + 1), "larger than 1 MB"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in refused(tmp_path, text)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.toml"):
        with pytest.raises(ConfigError, match="cannot be read"):
            load(path, environ={}, cwd=tmp_path, home=HOME)
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load(tmp_path / "latin.toml", environ={}, cwd=tmp_path, home=HOME)


def test_two_clusters_of_one_database_and_a_long_history_are_warned_of(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "[clusters.a]\nmetadata_url = 'postgres://u:Zq9@H/db'\n"
        "[clusters.b]\nmetadata_url = 'postgresql+psycopg2://v:Zq9@h:5432/db'\n"
        "[clusters.c]\nmetadata_url = 'postgresql://v:Zq9@h:5433/db'\n"
        "[retention]\ntask_instances = 10\n",
    )
    assert len(config.warnings) == 2
    assert "a and b read the same database" in config.warnings[0]
    assert "Zq9" not in "".join(config.warnings)


def test_variables_and_their_escape(tmp_path: Path) -> None:
    text = '[clusters.a]\nmetadata_url = "${URL}"\nlogs = "/x/$${A}/${A}/$A"\n'
    cluster = loaded(tmp_path, text, URL="postgresql://u:p%40@h/db", A="${URL}").cluster("a")
    assert cluster.metadata_url.reveal() == "postgresql://u:p%40@h/db"
    assert cluster.logs == "/x/${A}/${URL}/$A"


def test_an_unknown_cluster_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="try `prod`"):
        loaded(tmp_path, MINIMUM).cluster("prd")
