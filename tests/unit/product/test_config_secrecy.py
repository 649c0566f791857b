"""No password of a configuration is ever shown: by no repr, message, warning or traceback."""

import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from windsock.config import load
from windsock.errors import ConfigError

HOME = Path("/home/me")

PRINTABLE = st.characters(exclude_categories=["Cc", "Cs"])
PASSWORDS = st.text(PRINTABLE, max_size=12).map(lambda text: f"Zq9{text}Zq9")


@settings(deadline=None)  # a busy machine is no failure
@given(password=PASSWORDS)
def test_a_password_of_the_environment_arrives_and_is_never_shown(
    tmp_path_factory: pytest.TempPathFactory, password: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "windsock.toml"
    good = '[clusters.a]\nmetadata_url = "mysql+pymysql://u:${PW}@h:3306/db"\n'
    good += 'prometheus_url = "http://u:${PW}@h"\n[app_state]\nurl = "postgresql://u:${PW}@h/s"\n'
    file.write_text(good, encoding="utf-8")
    environ = {"PW": password.replace("%", "#")}  # `%41` may be encoded already: left as it is
    config = load(file, environ=environ, cwd=file.parent, home=HOME)
    arrived = make_url(config.clusters[0].metadata_url.reveal()).password
    assert arrived == environ["PW"]
    assert "Zq9" not in repr(config) + str(config) + f"{config.app_state.url}"
    for bad in ("x = 1", "[clusters.a]", "kind = '${PW}'", "y = '${PW}", "[auth]\nmode = '${PW}'"):
        file.write_text(f"{good}{bad}\n", encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load(file, environ=environ, cwd=file.parent, home=HOME)
        assert "Zq9" not in "".join(traceback.format_exception(caught.value))


@settings(deadline=None)  # a busy machine is no failure
@given(
    bad=st.sampled_from(
        [
            "x = 1",
            "metadata_url = 'Zq9'",
            "metadata_url = 'x",
            "Zq = 'Zq9",
            "[clusters.a]",
            "kind = 'Zq9'",
            "logs = {Zq9}",
            "auth = 'Zq9'",
            "[app_state]\nurl = 'Zq9'",
            "parallelism = 'Zq9'",
            "password = Zq9",
            "time_zone = 'Zq9'",
            "as_of = 'Zq9'",
            "base_url = 'http://u:Zq9@h'",
            "source_url = 'http://h/{x'",
            "logs = '${Zq9'",
        ]
    ),
    url=st.sampled_from(
        [
            "postgresql://u:Zq9@h/db",
            "postgresql://u:Zq9@@h/db",
            "mysql://u:Zq9@h:Zq9/db",
            "Zq9",
            "oracle://u:Zq9@h/db",
            "postgresql://u:Zq9@h",
            "mssql://h/db?password=Zq9",
            "sqlite://Zq9",
        ]
    ),
)
def test_no_error_shows_what_stands_in_the_file(
    tmp_path_factory: pytest.TempPathFactory, bad: str, url: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "windsock.toml"
    file.write_text(f'[clusters.a]\nmetadata_url = "{url}"\n{bad}\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, environ={}, cwd=file.parent, home=HOME)
    assert "Zq9" not in "".join(traceback.format_exception(caught.value))
