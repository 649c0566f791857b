"""Reading the text of windsock.toml: places of keys, parts of database URLs."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from windsock.config.document import parse
from windsock.config.lines import Lines
from windsock.config.urls import SOURCE_DIALECTS, database, parse_database_url
from windsock.config.values import BadValueError, Place

HOME = Path("/home/me")
PARTS = st.text(alphabet="ab1%:#?é.[]+", max_size=6)


@settings(deadline=None)  # a busy machine is no failure
@given(user=PARTS, password=PARTS, host=st.sampled_from(["h", "", "[::1]", "h:5432"]), name=PARTS)
def test_database_urls_are_split_as_sqlalchemy_splits_them(
    user: str, password: str, host: str, name: str
) -> None:
    url = f"postgresql+psycopg2://{user}:{password}@{host}/{name}"
    try:
        expected = make_url(url)
    except ValueError:
        with pytest.raises(BadValueError):
            parse_database_url(url)
        return
    found = parse_database_url(url)
    assert found.host == (expected.host or "")
    assert found.port == expected.port
    assert found.database == (expected.database or "")
    if expected.database and "@" not in found.host:
        secret = database(*SOURCE_DIALECTS)(url, Place(Path("/f"), HOME))
        assert make_url(secret.reveal()) == expected


TOML = st.lists(
    st.sampled_from(
        ["[", "]", "a", ".", '"', "'", '"""', "'''", "=", " ", "\n", "#", "\\", "{", "}"]
    )
    | st.sampled_from([",", "1", "é", "a = 1\n", "[a]\n", "[[b]]\n", "x = [\n1, '#']\n", "${A}"]),
    max_size=40,
).map("".join)


@settings(deadline=None)  # a busy machine is no failure
@given(text=TOML)
def test_any_text_is_read_or_refused(text: str) -> None:
    document = parse(text, name="x")
    assert document.is_readable or document.faults
    Lines(text)


def test_places_in_every_shape_of_toml() -> None:
    text = (
        "# first\n"
        '"quo\\u0074ed" = """\nx = 1\n"""  # [no]\n'
        "'literal'.b = [ # comment ]\n  'a', { c = '''\n''', d = 2 },\n  [3,\n 4] ]\n"
        "[ clusters . \"a.b\" ]\nas_of = 2026-11-22 07:01:20Z\nk = { m.n = 1 }\n[[t]]\nu = '[v]'\n"
    )
    lines = Lines(text)
    assert lines.of(("quoted",)) == 2
    assert lines.of(("literal", "b", 1, "c")) == 6
    assert lines.of(("literal", "b", 1, "d")) == 7
    assert lines.of(("literal", "b", 2, 1)) == 9
    assert lines.of(("clusters", "a.b")) == 10
    assert lines.of(("clusters", "a.b", "as_of")) == 11
    assert lines.of(("clusters", "a.b", "k", "m", "n")) == 12
    assert lines.of(("clusters", "a.b", "missing")) == 10
    assert lines.of(("t", "u")) == 14
    assert lines.of(("nowhere",)) is None
