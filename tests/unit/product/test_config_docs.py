"""docs/configuration.md and the code list the same keys, with the same defaults."""

import dataclasses
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from windsock.config import Cluster, Config, load
from windsock.config.expand import expand
from windsock.config.schema import CLUSTER, SECTIONS, Key
from windsock.config.values import Place

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"
ROW = re.compile(
    r"\| `(?P<key>\w+)` \| (?P<default>.*?) \| (?P<meaning>.*?) \| `(?P<example>.*)` \|"
)
PLACE = Place(Path("/folder"), Path("/home"))
ALL: dict[str, dict[str, Key]] = {**SECTIONS, "clusters.<name>": CLUSTER}


def documented() -> dict[str, dict[str, re.Match[str]]]:
    sections: dict[str, dict[str, re.Match[str]]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"## `\[(.+)\]`", line):
            sections[heading[1]] = {}
        elif (row := ROW.fullmatch(line)) and sections:
            sections[list(sections)[-1]][row["key"]] = row
    return sections


def test_every_key_is_documented_and_every_documented_key_exists() -> None:
    assert {name: list(rows) for name, rows in documented().items()} == {
        name: list(keys) for name, keys in ALL.items()
    }


CASES = [(section, name, key) for section, keys in ALL.items() for name, key in keys.items()]


@pytest.mark.parametrize(("section", "name", "key"), CASES, ids=[f"{s}.{n}" for s, n, _ in CASES])
def test_default_and_example_are_true(section: str, name: str, key: Key) -> None:
    row = documented()[section][name]
    said = row["default"].strip("`")
    if key.default is not None:
        assert tomllib.loads(f"x = {said}")["x"] == key.default
        key.parse(key.default, PLACE)
    else:
        assert (said == "required") == key.is_required
        assert not re.fullmatch(r"[\d.\"]+|true|false", said)
    example = tomllib.loads(f"x = {row['example']}", parse_float=Decimal)["x"]
    key.parse(expand(example, {"STATE_PASSWORD": "x"}, (), []), PLACE)


def test_the_code_has_a_field_for_every_key() -> None:
    records = {field.name: field.type for field in dataclasses.fields(Config)}
    for section, keys in SECTIONS.items():
        record = records[section]
        assert isinstance(record, type)
        assert [field.name for field in dataclasses.fields(record)] == list(keys)
    assert [field.name for field in dataclasses.fields(Cluster)] == ["name", *CLUSTER]


def test_the_file_shown_is_accepted(tmp_path: Path) -> None:
    shown = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    file = tmp_path / "windsock.toml"
    file.write_text(shown[1], encoding="utf-8")
    environ = {"AIRFLOW_DB_PASSWORD": "x"}
    config = load(file, environ=environ, cwd=tmp_path, home=tmp_path)
    assert [cluster.name for cluster in config.clusters] == ["prod", "old"]
