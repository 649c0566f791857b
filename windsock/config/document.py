"""One windsock.toml as it was read: values, places and the faults of the text itself.

    file ─► read ─► Document(data, lines, faults)

Nothing here ever quotes a value: a password may stand anywhere.
"""

import re
import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from windsock.config.lines import KeyPath, Lines, Statement
from windsock.errors import ConfigError

MAX_BYTES = 1_000_000

_PLACE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)")
_DOUBLED = ("twice", "overwrite", "redefine", "mutate")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and what to do about it."""

    line: int | None
    seen: str
    fix: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.seen}. Next: {self.fix}{'' if self.fix.endswith('?') else '.'}"


@dataclass(slots=True)
class Document:
    """What a file says, and everything that is wrong with it so far."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: Lines = field(default_factory=lambda: Lines(""))
    faults: list[Fault] = field(default_factory=list)
    is_readable: bool = True

    def refuse(self, path: KeyPath, seen: str, fix: str) -> None:
        """Note a fault of this key."""
        self.faults.append(Fault(self.lines.of(path), seen, fix))

    def raise_faults(self) -> None:
        """Raise all faults as one error, in the order of the file.

        Raises:
            ConfigError: there is at least one fault.
        """
        if not self.faults:
            return
        ordered = sorted(self.faults, key=lambda fault: fault.line or 0)
        count = "1 fault" if len(ordered) == 1 else f"{len(ordered)} faults"
        listed = "".join(f"\n  {fault}" for fault in ordered)
        raise ConfigError(f"{self.name} has {count}:{listed}")


def read(path: Path) -> Document:
    """Read a file of TOML; faults of its text are in the result, not raised.

    Raises:
        ConfigError: the file cannot be read at all.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        problem = "is larger than 1 MB" if len(content) > MAX_BYTES else ""
        text = content.decode("utf-8-sig")
    except OSError as error:
        problem, text = f"cannot be read ({error.strerror})", ""
    except UnicodeDecodeError as error:
        problem, text = f"is not UTF-8 (byte {error.start})", ""
    if problem:
        raise ConfigError(
            f"The configuration {path} {problem}.",
            expected="a readable TOML file, such as docs/configuration.md shows",
            next_step="correct the path given by --config or WINDSOCK_CONFIG, or the file",
        )
    return parse(text, name=str(path))


def parse(text: str, *, name: str) -> Document:
    """Parse TOML. A table or key given twice is a fault, and the rest is still looked at."""
    document = Document(name, lines=Lines(text))
    for _ in range(50):
        try:
            document.data = tomllib.loads(text, parse_float=Decimal)
        except tomllib.TOMLDecodeError as error:
            remaining = _without_double(document, text, str(error))
        except (RecursionError, ValueError):
            document.faults.append(Fault(None, "numbers or nesting beyond all limits", "shorten"))
            remaining = None
        else:
            return document
        if remaining is None:
            break
        text = remaining
    document.is_readable = False
    return document


def _without_double(document: Document, text: str, message: str) -> str | None:
    """Note the fault; return the text without what was given twice, or None when it is no TOML."""
    lines, place = document.lines, _PLACE.search(message)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    said = _PLACE.sub("", message)
    doubled = lines.statement_on(line) if any(word in said for word in _DOUBLED) else None
    first = lines.first_of(doubled.path, before=doubled.start) if doubled else None
    if doubled is None or first is None:
        # After a fault of the text, the place of everything else is a guess.
        document.faults.append(Fault(line, f"this is no TOML: {said}", "correct this line"))
        return None
    return _blank(document, text, doubled, first)


def _blank(document: Document, text: str, doubled: Statement, first: Statement) -> str:
    lines = document.lines
    path = ".".join(map(str, doubled.path))
    shown = f"[{path}]" if doubled.is_header else f"`{path}`"
    seen = f"{shown} is already given on line {lines.line_at(first.start)}"
    fix = "remove one of the two, or give it another name"
    if doubled.is_header and doubled.path[:1] == ("clusters",):
        seen = f"two clusters are called `{'.'.join(map(str, doubled.path[1:]))}`: {seen}"
        fix = "give one of them another name"
    document.faults.append(Fault(lines.line_at(doubled.start), seen, fix))
    end = lines.body_end(doubled, len(text)) if doubled.is_header else doubled.end + 1
    gap = re.sub(r"[^\n]", " ", text[doubled.start : end])
    return text[: doubled.start] + gap + text[end:]
