"""Find secrets in text and in the names of keys; `windsock.masking` is what others import.

    text ─► spans (passwords of URLs, values after sensitive names, tokens) ─► text with `***`

Every pattern is linear in the length of the text (possessive quantifiers, anchored starts): the
texts are written by strangers. Doubt is decided for masking.
Try it: `python -c "from windsock.masking import mask_url; print(mask_url('pg://u:p@h/db'))"`.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

MASK = "***"

# Substrings of a key without case and separators: `api_key` also finds `X-Api-Key` and `apiKeys`.
# Airflow's own list, and the names by which clouds call the same things.
SENSITIVE_NAMES = frozenset(
    {
        "access_key",
        "access_token",
        "account_key",
        "api_key",
        "apikey",
        "auth_key",
        "authorization",
        "bearer",
        "connection_string",
        "cookie",
        "credential",
        "encryption_key",
        "fernet_key",
        "keyfile_dict",
        "passcode",
        "passphrase",
        "passwd",
        "password",
        "passwort",
        "private_key",
        "pwd",
        "secret",
        "service_account",
        "session_key",
        "shared_key",
        "signature",
        "signing_key",
        "ssh_key",
        "storage_key",
        "token",
    }
)
# Too short for substrings (upward, spinner): these must be the last word, as in `db_pass`.
SENSITIVE_LAST_WORDS = frozenset({"auth", "pass", "pin", "pw", "sig"})

_Span = tuple[int, int]
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_RUN = re.compile(r"\S+")
# `[` starts an IPv6 host, which is no user; `\/` is how JSON may write a slash.
_USER = re.compile(r":(?:\\?/){2}(?!\[)[^\s/:]*:")
_NEXT_URL = re.compile(r"[,;|\"'<>(){}][a-zA-Z][\w+.-]{0,30}:(?:\\?/){2}")
_ENCODED_USER = re.compile(r"%3a%2f%2f(?:(?!%3a|%2f)\S)*+%3a", re.IGNORECASE)
# One URL is the whole text, its password has spaces; not `http://host:8080 or …`.
_SPACED_USER = re.compile(r"\s*[a-zA-Z][\w+.-]*+://[^\s/:]*:(?!\d{1,5}[\s/?#])")
_ASSIGNED = re.compile(r"(?<![\w.\-])(?P<name>[\w.\-]++)[\"']?\s{0,3}=>?\s{0,3}")
_SAID = re.compile(r"(?<![\w.\-])(?P<name>[\w.\-]++)[\"']?\s{0,3}(?:=>?|:)\s{0,3}")
_FLAG = re.compile(r"(?<!\S)--?(?P<name>[\w.\-]++)\s++(?!--[a-zA-Z])")
_CURL_USER = re.compile(r"(?<!\S)(?:-u|--user|--proxy-user)[\s=]{1,3}[\"']?[^\s:\"']++:")
_QUOTED = re.compile(r"(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+')[^\s,;&)}\]]*", re.DOTALL)
_BRACED = re.compile(r"\{(?:[^}]|\}\})*+\}")
_TO_LINE_END = re.compile(r"[^\n]*")
_TO_SEMICOLON = re.compile(r"[^;\n]*")
_TO_AMPERSAND = re.compile(r"[^&\s]*")
_TO_SPACE = re.compile(r"(?:[^\s;,]|;(?!\s*\w[\w ]*+=)|,(?!\s*[\"']?\w++[\"']?\s*[:=]))*+")
_TOKENS = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)"
    r"|(?i:\bbearer\s{1,3}[\w.~+/=-]{16,})|(?i:\bbasic\s{1,3}(?=\S*[\d=])[\w+/=]{12,})"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk-|sk_live_)[\w-]{16,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*",
    re.DOTALL,
)
# Nothing of the above can match without one of these (a colon between digits is a time).
# Every branch starts with one literal: only then `re` jumps from candidate to candidate.
SUSPECT = re.compile(
    r"=|\[|:(?!\d)|:(?<!\d:)|%3[aA]|-(?<!\S-)|-----BEGIN|b[eE][aA][rR][eE][rR]|B[eE][aA][rR][eE][rR]"
    r"|b[aA][sS][iI][cC]|B[aA][sS][iI][cC]|gh[pousr]_|github_pat_|glpat-|xox|sk-|sk_live_|eyJ"
    r"|AKIA|ASIA|AIza"
)


def _squash(name: str) -> str:
    plain = name if name.isascii() else unicodedata.normalize("NFKC", name)
    return "".join(letter for letter in plain.casefold() if letter.isalnum())


_SQUASHED_NAMES = frozenset(_squash(name) for name in SENSITIVE_NAMES)


@lru_cache(maxsize=64)
def _squash_all(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(squashed for squashed in map(_squash, sorted(names)) if squashed)


def squashed_names(extra_names: Iterable[str]) -> tuple[str, ...]:
    """Prepare `[secrets] names` for many comparisons."""
    return _squash_all(frozenset((extra_names,) if isinstance(extra_names, str) else extra_names))


def _judge(name: str, extra: tuple[str, ...]) -> bool:
    squashed = _squash(name)
    if any(part in squashed for part in _SQUASHED_NAMES) or any(part in squashed for part in extra):
        return True
    words = _WORD.findall(unicodedata.normalize("NFKC", name))
    last = words[-1].lower() if words else ""
    return last in SENSITIVE_LAST_WORDS or last.endswith("pw") or name == "__extra__"


_judge_cached = lru_cache(maxsize=8192)(_judge)


def is_sensitive_to(name: str, extra: tuple[str, ...]) -> bool:
    """Do what `is_sensitive` does, with names that `squashed_names` has prepared."""
    # Long names are hostile rather than frequent: they must not fill the cache.
    return _judge_cached(name, extra) if len(name) <= 80 else _judge(name, extra)


def is_sensitive(name: str, extra_names: Iterable[str] = ()) -> bool:
    """Say whether the value under this key name must be masked."""
    return is_sensitive_to(name, squashed_names(extra_names))


def _userinfo(text: str) -> Iterator[_Span]:
    """Passwords of `scheme://user:password@host`, up to the last @ before a space or a next URL."""
    spaced, last = _SPACED_USER.match(text), text.rfind("@")
    alone = text.count("://") == 1 and "\n" not in text
    if alone and spaced and last >= spaced.end() and not re.search(r"\s", text[last:]):
        yield spaced.end(), last
    for run in _RUN.finditer(text):
        position, end = run.span()
        while found := _USER.search(text, position, end):
            first_at = text.find("@", found.end(), end)
            if first_at < 0:
                break
            following = _NEXT_URL.search(text, first_at, end)
            stop = following.start() if following else end
            yield found.end(), text.rfind("@", found.end(), stop)
            position = stop
        encoded = _ENCODED_USER.search(text, run.start(), end)
        if encoded and (at := text.rfind("%40", encoded.end(), end)) >= 0:
            yield encoded.end(), at


def _value_end(text: str, start: int, before: str, name: str) -> int:
    """Where the value that starts here ends; `before` is what stands before its name."""
    first = text[start : start + 1]
    pattern = _TO_SPACE
    if first in {'"', "'"}:
        pattern = _QUOTED if _QUOTED.match(text, start) else _TO_LINE_END
    elif first in {"{", "["}:
        # A list or an object in text that is no JSON: its end is a guess, so there is none.
        braced = _BRACED.match(text, start)
        return braced.end() if braced and before in {"", ";"} else len(text)
    elif before in {'"', "'"} or "authorization" in name.lower():
        pattern = _TO_LINE_END
    elif before == ";":
        pattern = _TO_SEMICOLON
    elif before in {"?", "&"}:
        pattern = _TO_AMPERSAND
    found = pattern.match(text, start)
    return found.end() if found else start


def _named(text: str, pattern: re.Pattern[str], extra: tuple[str, ...]) -> Iterator[_Span]:
    """Values that stand after a sensitive name: `password=x`, `--password x`, `password: x`."""
    position = 0
    while found := pattern.search(text, position):
        position = found.end()
        if is_sensitive_to(found["name"], extra):
            before = text[found.start() - 1 : found.start()] if found.start() else ""
            position = _value_end(text, found.end(), before, found["name"])
            yield found.end(), position


def _replace(text: str, spans: list[_Span]) -> str:
    pieces, done = [], 0
    for start, end in sorted(spans):
        if start >= done and end > start:
            pieces += [text[done:start], MASK]
        done = max(done, end)
    return "".join([*pieces, text[done:]])


def mask_spans(text: str, extra: tuple[str, ...], *, everything: bool) -> str:
    """Mask what `mask_url` finds, or with `everything` what `mask_text` finds."""
    spans: list[_Span] = []
    if "@" in text or "%40" in text:
        spans += _userinfo(text)
    if "=" in text or (everything and ":" in text):
        spans += _named(text, _SAID if everything else _ASSIGNED, extra)
    if "-" in text:
        spans += _named(text, _FLAG, extra)
        spans += [(m.end(), _value_end(text, m.end(), "", "")) for m in _CURL_USER.finditer(text)]
    if everything:
        spans += [found.span() for found in _TOKENS.finditer(text)]
    return _replace(text, spans) if spans else text


def mask_url(text: str) -> str:
    """Replace passwords in anything that looks like a URL or a connection string.

    Seen are: `scheme://user:password@host` (the password may hold any character but white space,
    encoded or not), `password=x` in queries, JDBC, ODBC and libpq strings (quoted too), and
    options of commands: `--password x`, `curl -u user:x`.

    Args:
        text: any text, such as a driver's error message.

    Returns:
        The text with `scheme://user:***@host` and `password=***`.
    """
    return mask_spans(text, (), everything=False)


def mask_text(text: str, extra_names: Iterable[str] = ()) -> str:
    """Do what `mask_url` does, and mask `password: x`, Bearer and other tokens, private keys.

    Args:
        text: any text that is not a message of ours.
        extra_names: more sensitive names, as in `[secrets] names`.
    """
    return mask_spans(text, squashed_names(extra_names), everything=True)
