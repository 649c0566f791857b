"""Arguments of the command line: what they may say, and in which words.

    text -> checked and typed, or a message that says what it should be
"""

import argparse
import re
from datetime import timedelta
from pathlib import Path

MOST_WORKERS = 64
_DURATION = re.compile(r"(\d+)(s|m|h)?")
_UNIT = {"s": 1, "m": 60, "h": 3600, None: 1}
_PREFIX = re.compile(r"/?[A-Za-z0-9_~-]+(/[A-Za-z0-9_~-]+)*/?")


def duration(text: str) -> timedelta:
    """A length of time such as 60s, 5m or 1h.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 60s, 5m or 1h")
    return timedelta(seconds=int(match[1]) * _UNIT[match[2]])


def workers(text: str) -> int:
    """How many processes serve the pages.

    Raises:
        argparse.ArgumentTypeError: not a number, none or too many.
    """
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {MOST_WORKERS}")
    return int(text)


def prefix(text: str) -> str:
    """A path that all pages lie under, with a slash before it and none behind; empty: none.

    Raises:
        argparse.ArgumentTypeError: it is not a path of plain words.
    """
    if text.strip("/") and not _PREFIX.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a path such as /windsock")
    return "/" + text.strip("/") if text.strip("/") else ""


def add_where(parser: argparse.ArgumentParser) -> None:
    """Where and by how many processes the pages are served."""
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--workers", type=workers, default=1, metavar="N",
                        help="processes that serve the pages; a browser keeps its own")
    parser.add_argument("--address", default="127.0.0.1", help="interface to listen on")
    parser.add_argument("--host", action="append", default=[], metavar="NAME",
                        help="a name that browsers call it by, beside localhost; repeatable")
    parser.add_argument("--prefix", type=prefix, default="", metavar="/PATH",
                        help="path that all pages lie under, behind a proxy")


def add_demo(parser: argparse.ArgumentParser) -> None:
    """Which made-up company, where its files lie, and how its pages are served."""
    parser.add_argument("--folder", type=Path, default=Path("var/demo"), metavar="FOLDER",
                        help="everything is kept here; started again, it goes on from there")
    parser.add_argument("--size", default="demo", help="how large a company: tiny, demo, medium, …")
    parser.add_argument("--days", type=positive, default=30, help="of history")
    parser.add_argument("--seed", type=int, default=1, help="another number, another company")
    parser.add_argument("--every", type=duration, default=timedelta(seconds=15), metavar="15s")
    parser.add_argument("--fresh", action="store_true", help="begin with a new one")
    parser.add_argument("--no-serve", action="store_true", help="make and build it, then end")
    add_where(parser)


def positive(text: str) -> int:
    """A whole number from 1 on.

    Raises:
        argparse.ArgumentTypeError: it is not one.
    """
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on")
    return int(text)
