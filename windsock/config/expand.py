"""`${NAME}` in the strings of windsock.toml, from the environment that is passed in."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from windsock.config.lines import KeyPath

Problem = tuple[KeyPath, str, str]

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{(?P<name>[^{}\n]*)\}|\$\{")
_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BEFORE_PASSWORD = re.compile(r"://[^/@\s]*:\Z")
# A percent-encoded password has none of these, so one that has them is not encoded yet.
_RAW = re.compile(r"[@/:#?\[\]&\s]|%(?![0-9A-Fa-f]{2})")


def expand(value: Any, environ: Mapping[str, str], path: KeyPath, problems: list[Problem]) -> Any:
    """Replace the variables in every string of a value.

    Args:
        value: text, list or table of TOML.
        environ: the environment.
        path: the key, for messages.
        problems: gets path, what was seen and the fix for each variable that cannot be replaced.

    Returns:
        The value with `${NAME}` replaced and `$${` written as `${`. A variable that is exactly
        the password of a URL is percent-encoded if it must be.
    """
    if isinstance(value, str):
        return "".join(_pieces(value, environ, path, problems))
    if isinstance(value, list):
        return [expand(one, environ, (*path, at), problems) for at, one in enumerate(value)]
    if isinstance(value, dict):
        return {key: expand(one, environ, (*path, key), problems) for key, one in value.items()}
    return value


def _pieces(
    text: str, environ: Mapping[str, str], path: KeyPath, problems: list[Problem]
) -> Iterator[str]:
    done = 0
    for found in _PLACEHOLDER.finditer(text):
        yield text[done : found.start()]
        done = found.end()
        name = found["name"]
        if found[0] == "$${":
            yield "${"
        elif name is None or not _NAME.fullmatch(name):
            fix = "write `${NAME}` with letters, digits and _, or `$${` for a literal `${`"
            problems.append((path, "a `${` begins no variable", fix))
        elif name not in environ:
            fix = f"set {name}, or write `$${{` for a literal `${{`"
            problems.append((path, f"the environment has no variable {name}", fix))
        elif _CONTROL.search(environ[name]):
            fix = f"set {name} without it (a file read by the shell often ends in one)"
            problems.append((path, f"the variable {name} holds a line break or control code", fix))
        else:
            is_password = text[done : done + 1] == "@" and _BEFORE_PASSWORD.search(
                text[: found.start()]
            )
            raw = environ[name]
            yield quote(raw, safe="") if is_password and _RAW.search(raw) else raw
    yield text[done:]
