"""What must not be written is replaced here, before it reaches a log, a message or a disk.

    text  ─► mask_url        URLs, connection strings, `--password x` (messages of drivers)
    text  ─► mask_text       the same and `password: x`, Bearer tokens, private keys
    value ─► mask_conf       decoded JSON, such as the conf of a DAG run
    JSON  ─► mask_conf_json  JSON text in, JSON text out

Doubt is decided against the reader: too much is masked rather than too little. Known limits:
a secret under a harmless key and without a recognisable shape is not seen, nor is `-pSECRET`.
Try it: `python -c "from windsock.masking import mask_conf; print(mask_conf({'api_key': 1}))"`.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from windsock.masking_text import (
    MASK,
    SENSITIVE_NAMES,
    SUSPECT,
    is_sensitive,
    is_sensitive_to,
    mask_spans,
    mask_text,
    mask_url,
    squashed_names,
)

__all__ = [
    "MASK",
    "SENSITIVE_NAMES",
    "is_sensitive",
    "mask_conf",
    "mask_conf_json",
    "mask_text",
    "mask_url",
]

CUT = f"{MASK} cut: "
MAX_DEPTH = 32  # levels of nesting; Airflow stops at 5 and leaves what is deeper unmasked
MAX_NODES = 100_000  # keys and items of one conf
MAX_STRING = 100_000  # characters of one string in a conf
MAX_TEXT = 4_000_000  # characters of a whole conf

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
_DECODE = json.JSONDecoder(parse_constant=str).decode


@dataclass(slots=True)
class _Walk:
    """State of one conf: what it is masked by, what is left of its budget, what was cut."""

    extra: tuple[str, ...]
    nodes: int = MAX_NODES
    cuts: list[str] = field(default_factory=list)

    def cut(self, what: str) -> str:
        if len(self.cuts) < 10:
            self.cuts.append(what)
        return CUT + what


def _string(text: str, depth: int, walk: _Walk) -> str:
    if len(text) > MAX_STRING:
        return walk.cut(f"a string of {len(text)} characters")
    if SUSPECT.search(text) is None:
        return text
    if text.lstrip()[:1] not in {"{", "[", '"'}:
        return mask_spans(text, walk.extra, everything=True)
    try:
        inner = _decode_all(text)
    except (ValueError, RecursionError):
        return mask_spans(text, walk.extra, everything=True)
    masked = _value(inner, depth + 1, walk)
    return text if masked == inner else _ENCODE(masked)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object with every value of a key that is given twice, so that none escapes the look."""
    found: dict[str, Any] = {}
    for key, item in pairs:
        name = key
        while name in found:
            name += "#"
        found[name] = item
    return found


_decode_all = json.JSONDecoder(parse_constant=str, object_pairs_hook=_once).decode


def _hidden(value: Any) -> Any:
    """The whole value under a sensitive key; that nothing is there, or a switch, is no secret."""
    if value is None or isinstance(value, bool):
        return value
    return value if isinstance(value, str | list | dict) and not value else MASK


def _object(value: Mapping[Any, Any], depth: int, walk: _Walk) -> dict[str, Any]:
    masked: dict[str, Any] = {}
    extra = walk.extra
    # {"name": "DB_PASSWORD", "value": "x"}, as Kubernetes writes environments.
    label = value.get("name", value.get("key"))
    labelled = isinstance(label, str) and "value" in value and is_sensitive_to(label, extra)
    for seen, (key, item) in enumerate(value.items()):
        if walk.nodes <= 0:
            masked[MASK] = walk.cut(f"{len(value) - seen} more keys")
            break
        walk.nodes -= 1
        name = key if type(key) is str else _key(key)
        if is_sensitive_to(name, extra) or (labelled and name == "value"):
            item = _hidden(item)
        else:
            item = _value(item, depth, walk)
        shown = _string(name, MAX_DEPTH, walk)
        while shown in masked:
            shown += "#"
        masked[shown] = item
    return masked


def _key(key: Any) -> str:
    """A key that is no string, as JSON would write it."""
    scalar = key is None or isinstance(key, bool | int | float)
    return str(json.dumps(key)) if scalar else str(_other(key))


def _array(value: Iterable[Any], depth: int, walk: _Walk) -> list[Any]:
    items = list(value)
    masked: list[Any] = []
    hide_next = False
    for seen, item in enumerate(items):
        if walk.nodes <= 0:
            return [*masked, walk.cut(f"{len(items) - seen} more items")]
        walk.nodes -= 1
        is_flag = isinstance(item, str) and item.startswith("-") and "=" not in item
        hide = hide_next and not (is_flag and item.startswith("--"))
        masked.append(_hidden(item) if hide else _value(item, depth, walk))
        # ["--password", "x"], as commands are written.
        hide_next = is_flag and len(item) < 200 and is_sensitive_to(item, walk.extra)
    return masked


def _other(value: Any) -> Any:
    """What JSON cannot say (old Airflow pickles its confs); never the object's own repr."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else f"{MASK} {type(value).__name__}"


def _value(value: Any, depth: int, walk: _Walk) -> Any:
    if isinstance(value, str):
        return _string(value, depth, walk)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() < 1024 else walk.cut("a number of more than 300 digits")
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    is_object = isinstance(value, Mapping)
    if not is_object and not isinstance(value, list | tuple | set | frozenset):
        return _other(value)
    if depth >= MAX_DEPTH:
        return walk.cut(f"deeper than {MAX_DEPTH} levels")
    return (_object if is_object else _array)(value, depth + 1, walk)


def mask_conf(value: Any, extra_names: Iterable[str] = ()) -> Any:
    """Mask the values of sensitive keys, as Airflow does, and passwords inside any string.

    Args:
        value: decoded JSON; what JSON does not know becomes text without being called.
        extra_names: more sensitive names, found as substrings of keys like Airflow's own.

    Returns:
        A copy that JSON can write. Under a sensitive key the whole value is `***` (Airflow keeps
        numbers, which may be PINs); null, true, false and what is empty stay. What is too deep
        or too large is replaced by `*** cut: ` and what was there.
    """
    return _value(value, 0, _Walk(squashed_names(extra_names)))


def mask_conf_json(
    text: str, extra_names: Iterable[str] = (), *, tell: Callable[[str], None] | None = None
) -> str | None:
    """Mask a conf given as JSON text.

    Args:
        text: JSON as the source holds it.
        extra_names: more sensitive names.
        tell: called with the reason when nothing is returned, and with each thing that was cut;
            a reason never quotes the text.

    Returns:
        Valid JSON that can be written as UTF-8, or None when the text is no JSON.
    """
    say = tell or (lambda _: None)
    if len(text) > MAX_TEXT:
        say(f"not kept: {len(text)} characters, the limit is {MAX_TEXT}")
        return None
    try:
        value = _DECODE(text)
    except json.JSONDecodeError as error:
        say(f"not kept: no JSON from character {error.pos} on")
        return None
    except (ValueError, RecursionError) as error:
        say(f"not kept: JSON beyond all limits ({type(error).__name__})")
        return None
    walk = _Walk(squashed_names(extra_names))
    masked = _ENCODE(_value(value, 0, walk))
    for what in walk.cuts:
        say(f"cut: {what}")
    return masked if masked.isascii() else _SURROGATE.sub("\ufffd", masked)
