"""Arguments of the command line that say where the pages are served."""

import argparse

import pytest

from windsock import arguments


@pytest.mark.parametrize(("text", "prefix"), [
    ("", ""), ("/", ""), ("windsock", "/windsock"), ("/windsock/", "/windsock"),
    ("/tools/wind-sock", "/tools/wind-sock"),
])
def test_prefixes(text: str, prefix: str) -> None:
    assert arguments.prefix(text) == prefix


@pytest.mark.parametrize("text", ["/a b", "http://x", "/../x", "/a//b", "a" * 60 + "!", "/a?b"])
def test_what_is_no_prefix(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a path"):
        arguments.prefix(text)


@pytest.mark.parametrize("text", ["0", "-1", "65", "two", "1.5", ""])
def test_what_is_no_number_of_workers(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="from 1 to 64"):
        arguments.workers(text)
    assert arguments.workers("2") == 2
