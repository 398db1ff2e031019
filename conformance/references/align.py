"""Which of what came is which of what was sent, by order and by equality, at a cost that grows with their number alone.

Where the two are in step nothing is searched. Where they part, the fewest missing and extra ones are found that bring
`RUN` equal ones in a row (Myers, An O(ND) Difference Algorithm, 1986), up to `EDITS` of them; a longer gap is crossed
to where the next `GRAM` of either side stand in the other. What is like neither goes in pairs, as it comes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterator, Sequence
from itertools import zip_longest

__all__ = ["align"]

RUN = 32
EDITS = 64
GRAM = 8

_Run = tuple[int, int, int]  # so many that are equal from these two places on


def align(sent: Sequence[Hashable], came: Sequence[Hashable]) -> Iterator[tuple[int, int | None, int | None]]:
    """Indexes of what was sent and of what came, in pairs, None where one of them is missing.

    What is equal belongs together, and what lies between two such pairs goes by its order. The first number is the
    place among those sent, also for what came without having been sent.
    """
    names: dict[Hashable, int] = {}
    a, b = ([names.setdefault(each, len(names)) for each in side] for side in (sent, came))
    last = (0, 0, 0)
    for run in [*_runs(a, b), (len(a), len(b), 0)]:
        back = _doubled(a, b, last, run)
        of, to, equal = last
        yield from ((of + step, of + step, to + step) for step in range(equal - back))
        last = begin, first, _ = run[0] - back, run[1] - back, run[2] + back
        for x, y in zip_longest(range(of + equal - back, begin), range(to + equal - back, first)):
            yield begin if x is None else x, x, y


def _doubled(a: list[int], b: list[int], run: _Run, after: _Run) -> int:
    """How many at the end of `run` came once more before `after`, and nothing is missing there: the copies go first."""
    of, to, equal = run
    begin, first, _ = after
    most = min(equal, first - to - equal) if begin == of + equal else 0
    return next((back for back in range(most) if a[begin - 1 - back] != b[first - 1 - back]), most)


def _runs(a: list[int], b: list[int]) -> Iterator[_Run]:
    """Runs of equal ones, upwards in both, and an empty one at the ends."""
    i = j = 0
    grams: tuple[_Grams, _Grams] | None = None
    while i < len(a) and j < len(b):
        if length := _common(a, b, i, j):
            runs = [(i, j, length)]
        else:
            runs = _closely(a, b, i, j)
        if runs:
            yield from runs
            i, j = runs[-1][0] + runs[-1][2], runs[-1][1] + runs[-1][2]
            continue
        grams = grams or (_Grams(a), _Grams(b))
        i, j = _far(grams, i, j) or (i + EDITS, j + EDITS)
    yield len(a), len(b), 0


def _common(a: list[int], b: list[int], i: int, j: int) -> int:
    """How many are equal from here on."""
    length, most = 0, min(len(a) - i, len(b) - j)
    while length < most and a[i + length] == b[j + length]:
        length += 1
    return length


def _closely(a: list[int], b: list[int], i: int, j: int) -> list[_Run]:
    """The runs that the fewest edits from (i, j) leave, up to the first long one or both ends.

    After `EDITS` of them those that came furthest, or none where that was no further than edits alone would come.
    `ways` has, for each number of edits, by missing minus extra: how far it came in `a`, and where its last run began.
    """
    ways: list[dict[int, tuple[int, int]]] = [{0: (i, i)}]
    for _ in range(EDITS):
        before, now = ways[-1], dict[int, tuple[int, int]]()
        ways.append(now)
        for lead in sorted({each + step for each in before for step in (1, -1)}, reverse=True):
            begin = _furthest(before, lead)
            first = begin - lead - i + j
            if begin > len(a) or first > len(b):
                continue
            length = _common(a, b, begin, first)
            now[lead] = begin + length, begin
            if length >= RUN or (begin + length == len(a) and first + length == len(b)):
                return _trace(ways, lead, j - i)
    lead = max(ways[-1], key=lambda each: 2 * ways[-1][each][0] - each, default=0)
    equal = (2 * (ways[-1][lead][0] - i) - lead - EDITS) // 2 if ways[-1] else 0
    return _trace(ways, lead, j - i) if equal >= EDITS // 2 else []


def _furthest(before: dict[int, tuple[int, int]], lead: int) -> int:
    """The best place in `a` with one edit more: one missing takes a step there, one extra does not."""
    missing = before[lead - 1][0] + 1 if lead - 1 in before else -1
    extra = before[lead + 1][0] if lead + 1 in before else -1
    return max(missing, extra)


def _trace(ways: list[dict[int, tuple[int, int]]], lead: int, shift: int) -> list[_Run]:
    """The runs on the way that ends at `lead`; the last one is there even if it is empty."""
    runs: list[_Run] = []
    for edits in range(len(ways) - 1, -1, -1):
        end, begin = ways[edits][lead]
        if end > begin or not runs:
            runs.append((begin, begin - lead + shift, end - begin))
        if edits:
            before = ways[edits - 1]
            missing = lead - 1 in before and before[lead - 1][0] + 1 == begin
            lead += -1 if missing else 1
    return runs[::-1]


class _Grams:
    """Where each `GRAM` in a row stand."""

    def __init__(self, side: list[int]) -> None:
        self.side = side
        self._places: dict[tuple[int, ...], list[int]] = {}
        for at in range(len(side) - GRAM + 1):
            self._places.setdefault(tuple(side[at : at + GRAM]), []).append(at)

    def after(self, at: int, gram: list[int]) -> int | None:
        """The first place of `gram` beyond `at`."""
        places = self._places.get(tuple(gram), [])
        found = bisect_right(places, at)
        return places[found] if found < len(places) else None


def _far(grams: tuple[_Grams, _Grams], i: int, j: int) -> tuple[int, int] | None:
    """The nearer of the two places where the next ones of one side stand in the other."""
    a, b = grams
    missing, extra = a.after(i, b.side[j : j + GRAM]), b.after(j, a.side[i : i + GRAM])
    if missing is not None and (extra is None or missing - i <= extra - j):
        return missing, j
    return None if extra is None else (i, extra)
