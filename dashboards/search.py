"""What a typed text asks of the search's queries. Pure.

    "Ads daly" -> words "ads", "daly" -> parameters of search__hits, __answer and __near

A word is a run of letters and digits; whatever of ASCII stands between (`_ - . / :` or blanks)
only ends one. The queries compare: a name that is the text, that begins with it, whose words begin
with its words, that holds them; only where nothing does: that holds them but for one slip each.
"""

import re

MOST_WORDS = 6
MOST_LETTERS = 200
# Below four letters one slip makes anything of anything; nobody types the long ones by hand.
NEAR_LETTERS = range(4, 41)
_STARTS = 3

# Parameters of search__hits that narrow nothing and leave the likeliest first.
EVERYTHING: dict[str, object] = dict.fromkeys((
    "entry_kind", "cluster", "owner", "team", "tier", "project", "tag", "last_state",
    "schedule_kind", "is_paused", "has_import_errors", "is_current", "sorted_by"),
) | {"is_ranked": True, "direction": 1, "dag": "dag", "failed": "failed"}

# Python and DuckDB (RE2) read it alike. What is not ASCII counts as a letter: to compile Unicode's
# classes of letters took DuckDB 160 ms for each text, more than the search itself.
_BREAK = r"[\x00-/:-`{-\x7f]"
_BETWEEN = f"{_BREAK}+"
_BEGIN = f"(?:^|{_BREAK})"


def folded(text: str) -> str:
    """Lower case letter by letter, as DuckDB's `lower` does it, without blanks around."""
    return "".join(one.lower()[:1] for one in text.strip()[:MOST_LETTERS])


def words(text: str) -> list[str]:
    """The words of a text, at most six; a text without letters and digits is a word itself."""
    plain = folded(text)
    return ([one for one in re.split(_BETWEEN, plain) if one] or [plain] * bool(plain))[:MOST_WORDS]


def parameters(text: str) -> dict[str, object]:
    """Parameters of the search's queries.

    A text with fewer than six words repeats its first one: for "all of them" and for "any of
    them" that changes nothing. No text at all is held by every name.
    """
    found = words(text)
    first = found[0] if found else ""
    phrase = _BETWEEN.join(re.escape(one) for one in found)
    given: dict[str, object] = {
        "text": folded(text), "prefix": f"^{phrase}", "exact": f"^{phrase}$"}
    for number in range(MOST_WORDS):
        word = found[number] if number < len(found) else None
        given[f"word_{number + 1}"] = first if word is None else word
        given[f"near_{number + 1}"] = "" if word is None else one_slip(word)
        if number < _STARTS:
            given[f"start_{number + 1}"] = "" if word is None else _BEGIN + re.escape(word)
    return given


def one_slip(word: str) -> str:
    """A pattern for the word with one letter wrong, too many, missing, or two that changed places.

    Short and very long words have to be right.
    """
    if len(word) not in NEAR_LETTERS:
        return re.escape(word)
    wrong = [f"{word[:at]}\0{word[at + 1:]}" for at in range(len(word))]
    too_many = [word[:at] + word[at + 1:] for at in range(len(word))]
    missing = [f"{word[:at]}\0{word[at:]}" for at in range(1, len(word))]
    swapped = [word[:at] + word[at + 1] + word[at] + word[at + 2:] for at in range(len(word) - 1)]
    return "|".join(re.escape(one).replace("\0", ".")
                    for one in dict.fromkeys([*wrong, *too_many, *missing, *swapped]))
