"""The search's ranking once more, plainly and slowly, to compare the queries with."""

from collections.abc import Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]


def is_letter(one: str) -> bool:
    """Whether it belongs to a word: a letter or digit of ASCII, or anything beyond ASCII."""
    return one.isalnum() or not one.isascii()


def words_of(text: str) -> list[str]:
    """Runs of letters and digits, one after the other."""
    plain = "".join(letter.lower()[:1] for letter in text.strip())
    found = "".join(letter if is_letter(letter) else " " for letter in plain).split()
    return (found or ([plain] if plain else []))[:6]


def after_phrase(name: str, words: Sequence[str]) -> int:
    """Where the words end that a name begins with, with anything but letters between; -1."""
    place = 0
    for number, word in enumerate(words):
        if number:
            begin = place
            while place < len(name) and not is_letter(name[place]):
                place += 1
            if place == begin:
                return -1
        if not name.startswith(word, place):
            return -1
        place += len(word)
    return place


def begins_a_word(name: str, word: str) -> bool:
    """Whether the word stands at the name's begin or after something that is no letter."""
    return any(name.startswith(word, at) and (at == 0 or not is_letter(name[at - 1]))
               for at in range(len(name)))


def likeliness(entry: Entry, text: str) -> tuple[bool, ...] | None:
    """How well an entry fits, the best criterion first; None: it does not."""
    own, qualified, words = entry["search_text"], entry["qualified_name"], words_of(text)
    if words and not any(word in own for word in words):
        return None
    if not all(word in own or word in qualified for word in words):
        return None
    plain = "".join(letter.lower()[:1] for letter in text.strip())
    return (
        after_phrase(own, words) == len(own) or after_phrase(qualified, words) == len(qualified)
        or entry["display_name"].lower() == plain,
        after_phrase(own, words) >= 0,
        all(begins_a_word(own, word) for word in words[:3]),
        all(word in own for word in words),
        after_phrase(qualified, words) >= 0)


def hits(entries: Sequence[Entry], text: str) -> list[Entry]:
    """The entries that fit, the likeliest first."""
    fits = [(fit, one) for one in entries if (fit := likeliness(one, text)) is not None]
    return [one for fit, one in sorted(fits, key=lambda pair: (
        tuple(not criterion for criterion in pair[0]), not pair[1]["is_current"], *_ties(pair[1])))]


def near(entries: Sequence[Entry], text: str) -> list[Entry]:
    """The entries that hold each word but for a slip, the most alike first."""
    plain, words = "".join(letter.lower()[:1] for letter in text.strip()), words_of(text)
    fits = [one for one in entries
            if all(holds_with_slip(one["search_text"], word) for word in words)]
    return sorted(fits, key=lambda one: (
        not one["is_current"], -round(jaro_winkler(one["search_text"], plain), 6), *_ties(one)))


def _ties(one: Entry) -> tuple[Any, ...]:
    return (one["entry_kind"], -one["run_count"], one["entry_name"], one["cluster"], one["dag_id"])


def holds_with_slip(name: str, word: str) -> bool:
    """Whether some part of the name is the word, or one slip away from it."""
    if not 4 <= len(word) <= 40:
        return word in name
    return any(is_one_slip(name[at:at + length], word) for at in range(len(name))
               for length in (len(word) - 1, len(word), len(word) + 1))


def is_one_slip(part: str, word: str) -> bool:
    """Whether two texts are the same but for one letter more, less, other, or two swapped."""
    if part == word:
        return True
    begin = 0
    while begin < min(len(part), len(word)) and part[begin] == word[begin]:
        begin += 1
    rest, wanted = part[begin:], word[begin:]
    return ((rest[1:] == wanted[1:] and bool(rest) and bool(wanted))
            or rest == wanted[1:] or rest[1:] == wanted
            or (len(rest) > 1 and len(wanted) > 1 and rest[:2] == wanted[1::-1]
                and rest[2:] == wanted[2:]))


def jaro_winkler(one: str, other: str) -> float:
    """Jaro's similarity, and a tenth of the rest for each of up to four equal first letters.

    Winkler, "String Comparator Metrics and Enhanced Decision Rules" (1990); the bonus is for
    what is alike already (over 0.7), as in most libraries.
    """
    reach = max(len(one), len(other)) // 2 - 1
    taken, kept = set[int](), list[int]()
    for at, letter in enumerate(one):
        match = next((there for there in range(max(0, at - reach), min(len(other), at + reach + 1))
                      if there not in taken and other[there] == letter), None)
        if match is not None:
            taken.add(match)
            kept.append(at)
    if not kept:
        return 0.0
    swapped = sum(one[a] != other[b] for a, b in zip(kept, sorted(taken), strict=True)) // 2
    alike = (len(kept) / len(one) + len(kept) / len(other) + (len(kept) - swapped) / len(kept)) / 3
    same = 0
    while same < min(4, len(one), len(other)) and one[same] == other[same]:
        same += 1
    return alike + same * 0.1 * (1 - alike) if alike > 0.7 else alike
