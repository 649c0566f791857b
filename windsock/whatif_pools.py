"""The slots of one pool over time, for `windsock.whatif`.

    Pool(2); take(0, 10, 1); take(0, 5, 1)   ->   earliest(0, 3, 1) == 5

Instants are whole microseconds. A stretch is half open: what ends at 5 leaves its slot to what
begins at 5. Alone: `pytest tests/unit/product/test_whatif.py -k pool`.
"""

from bisect import bisect_left, bisect_right

LONG_AGO = -(2**63)


class Pool:
    """How many slots are taken at every instant; it may be overfull, as real histories are."""

    def __init__(self, slot_count: int) -> None:
        self.slot_count = slot_count
        self._since = [LONG_AGO]  # from then on ...
        self._taken = [0]  # ... so many slots are taken; the last stretch is always empty

    def take(self, begin: int, end: int, slots: int) -> None:
        """Hold slots from begin to end, whether there is room or not."""
        if begin >= end:
            return
        first, last = self._cut(begin), self._cut(end)
        for stretch in range(first, last):
            self._taken[stretch] += slots

    def has_room(self, begin: int, end: int, slots: int) -> bool:
        """Whether the slots are free all the time; at the instant `begin` at the least."""
        return self.earliest(begin, end - begin, slots) == begin

    def earliest(self, begin: int, length: int, slots: int) -> int:
        """The first instant from `begin` on with free slots for that long; slots <= slot_count."""
        stretch = bisect_right(self._since, begin) - 1
        while True:
            following = stretch + 1
            if self._taken[stretch] + slots > self.slot_count:
                begin = self._since[following]
            elif following == len(self._since) or self._since[following] >= begin + max(length, 1):
                return begin
            stretch = following

    def free_since(self, begin: int, end: int, slots: int) -> int:
        """When the last stretch without room for the slots ended in [begin, end); else `begin`."""
        for stretch in range(bisect_left(self._since, end) - 1, -1, -1):
            following = stretch + 1
            until = self._since[following] if following < len(self._since) else end
            if until <= begin:
                break
            if self._taken[stretch] + slots > self.slot_count:
                return min(until, end)
        return begin

    def _cut(self, at: int) -> int:
        """The stretch that begins at that instant, made where it is missing."""
        stretch = bisect_left(self._since, at)
        if stretch == len(self._since) or self._since[stretch] != at:
            self._since.insert(stretch, at)
            self._taken.insert(stretch, self._taken[stretch - 1])
        return stretch
