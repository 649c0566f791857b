"""What `mask_url` and `mask_text` must never let through, and what they must leave alone."""

from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from windsock.masking import MASK, is_sensitive, mask_text, mask_url

WANTED = "Zq9"  # marks the password, so that "not in the result" is no accident
HARD = st.text(alphabet="aB3@:/#%?&=;!$^*()[]{}<>~`|\\,.+-_ßé密🔑", max_size=12)
PASSWORDS = HARD.map(lambda middle: f"{WANTED}{middle}{WANTED}")
SCHEMES = st.sampled_from(["postgresql", "postgresql+psycopg2", "mysql", "redis", "amqp", "https"])


@settings(deadline=None)  # a busy machine is no failure
@given(scheme=SCHEMES, user=st.sampled_from(["reader", "", "me@tenant"]), password=PASSWORDS)
@example(scheme="postgresql", user="u", password=f"1/{WANTED}@{WANTED}")
def test_password_of_a_url_is_masked_whatever_it_holds(
    scheme: str, user: str, password: str
) -> None:
    for written in (password, quote(password, safe="")):
        masked = mask_url(f"cannot reach {scheme}://{user}:{written}@db:5432/airflow, giving up")
        assert WANTED not in masked
        assert masked.startswith(f"cannot reach {scheme}://{user}:{MASK}")
        assert masked.endswith("@db:5432/airflow, giving up")


@settings(deadline=None)  # a busy machine is no failure
@given(password=PASSWORDS.filter(lambda text: "&" not in text))
def test_password_in_a_query_is_masked(password: str) -> None:
    masked = mask_url(f"jdbc:postgresql://db:5432/airflow?user=u&password={password}&ssl=true")
    assert WANTED not in masked
    assert masked.endswith("&ssl=true")


@settings(deadline=None)  # a busy machine is no failure
@given(password=PASSWORDS)
def test_password_of_a_quoted_dsn_is_masked(password: str) -> None:
    escaped = password.replace("\\", "\\\\").replace("'", "\\'")
    assert WANTED not in mask_url(f"host=db password = '{escaped} {WANTED}' dbname=airflow")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pg://u:p@h and mysql://x:y@z", "pg://u:***@h and mysql://x:***@z"),
        ("redis://:a@h1,redis://:b@h2/0", "redis://:***@h1,redis://:***@h2/0"),
        ("('pg://u:p@h','x@y')", "('pg://u:***@y')"),  # too much rather than too little
        ("host=h password=s3 dbname=d", "host=h password=*** dbname=d"),
        ("user:pw=1 PGPASSWORD=s3 psql", "user:pw=*** PGPASSWORD=*** psql"),
        ("Server=s;Password=a b;UID=u", "Server=s;Password=***;UID=u"),
        ("PWD={a;b}};c};UID=u", "PWD=***;UID=u"),
        ("pg://h/db?sslpassword=s3&sslmode=x", "pg://h/db?sslpassword=***&sslmode=x"),
        ("https://s/x?X-Amz-Signature=ab&b=c", "https://s/x?X-Amz-Signature=***&b=c"),
        ("load --db-password s3 --table t", "load --db-password *** --table t"),
        ("load --token=s3 --table t", "load --token=*** --table t"),
        ("load --token 's 3' --table t", "load --token *** --table t"),
        ("load --password --table t", "load --password --table t"),
        ("curl -u me:s3 https://h", "curl -u me:*** https://h"),
        ("postgresql://u:two words@h/db", "postgresql://u:***@h/db"),
        ("x?url=pg%3A%2F%2Fu%3As3%40h", "x?url=pg%3A%2F%2Fu%3A***%40h"),
        (r"pg:\/\/u:s3@h", r"pg:\/\/u:***@h"),
    ],
)
def test_shapes_of_connection_strings(text: str, expected: str) -> None:
    assert mask_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3://bucket/path/part-0.parquet",
        "http://localhost:8080/home and mail me@example.com",
        "password authentication failed for user reader",
        "2026-11-22T07:01:20+00:00",
        "select a from t where b = 'x'",
        "pg://[::1]:5432/airflow",
        "postgresql://reader@db/airflow",
        "spark-submit --master yarn job.py",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    assert mask_url(text) == text
    assert mask_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "password: Zq9",
        "{'password': 'Zq9', 'a': 1}",
        "{'secret': {'a': 'Zq9'}}",
        "Authorization: Basic Zq9 Zq9",
        "curl -H 'Authorization: Token Zq9'",
        "use Basic Zq9aaaaaaaaaaaaaaa=",
        "AIzaZq9aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "use Bearer Zq9aaaaaaaaaaaaaaaaaa",
        "-----BEGIN RSA PRIVATE KEY-----\nZq9\n-----END RSA PRIVATE KEY-----",
        "x-----BEGIN PRIVATE KEY-----\nZq9",
        "ghp_Zq9aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "AKIAZQ9AAAAAAAAAAAAA",
        "eyJhbGciOiJI.Zq9aaaaaaaaaa.bbb",
        "db_password:Zq9",
        "token:1Zq9",
    ],
)
def test_text_of_strangers_is_masked_further(text: str) -> None:
    masked = mask_text(text)
    assert MASK in masked
    assert WANTED not in masked
    assert "ZQ9" not in masked


def test_extra_names_count_in_text() -> None:
    assert mask_text("kennwort: Zq9", ["kenn-wort"]) == "kennwort: ***"
    assert mask_text("kennwort: Zq9") == "kennwort: Zq9"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "DB_PASSWORD",
        "dbPassword",
        "X-Api-Key",
        "apiKey",
        "client.secret",
        "db_pw",
        "dbpw",
        "db_pass1",
        "basicAuth",
        "pin",
        "keyfile_dict",
        "Credentials",
        "\uff50assword",
        "refreshToken",
    ],
)
def test_sensitive_names(name: str) -> None:
    assert is_sensitive(name)


@pytest.mark.parametrize(
    "name",
    [
        "upward",
        "spinner",
        "passenger_count",
        "author",
        "s3_key",
        "partition_key",
        "compass",
        "",
        "1",
    ],
)
def test_harmless_names(name: str) -> None:
    assert not is_sensitive(name)


@settings(deadline=None)  # a busy machine is no failure
@given(text=st.text())
def test_any_text_is_taken_and_masking_twice_changes_nothing(text: str) -> None:
    assert mask_url(mask_url(text)) == mask_url(text)
    mask_text(text)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "://",
        "://a:",
        "a=",
        "password=",
        "password=,",
        "@",
        "-",
        " --token",
        "%3a%2f%2f",
        "'",
        "[",
        "a ",
        "a:",
        "password:'",
        "-----BEGIN PRIVATE KEY-----",
        "eyJ",
        "bearer ",
        "{",
        ",http://",
        ";a",
        "password=;",
        "x://y:@,",
        "\\/",
        "basic ",
        "-u a:",
        "password={",
    ],
)
def test_hostile_text_takes_no_longer_than_its_length(unit: str) -> None:
    # A quadratic pattern would keep this test busy for hours; it needs no clock.
    text = unit * (400_000 // len(unit))
    assert len(mask_text(text)) <= len(text) * 3
    assert len(mask_url(text)) <= len(text) * 3
