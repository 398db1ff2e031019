"""Compare a batch's answers with its cases: every difference is one finding, about the first thing that differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from ringbed.conformance.blocks.case import Answers, Case, Finding
from ringbed.conformance.references.matched import matched

__all__ = ["Reader", "compare"]

Reader = Callable[[Mapping[str, int]], Mapping[str, str]]  # a result's fields as aspects in words
SHOWN = 8  # bytes of a difference that are written out


def compare(kind: str, seed: int, first: int, cases: Sequence[Case], answers: Answers, read: Reader) -> list[Finding]:
    """The findings of a batch whose first case is number `first` of its kind, in the order of the cases."""
    found = list(_frames(cases, answers.frames) if answers.frames is not None else ())
    found += _results(cases, [read(result) for result in answers.results])
    missed = f"within {answers.quiet:,} clocks" if answers.quiet else "delivered"
    made = [
        Finding(kind, seed, first + at, cases[at].about, what, missed if got == "lost" else expected, got,
                cases[at].ask.frame,
                cases[at].ask.command, came, _hint(cases[at], got))
        for at, what, expected, got, came in found
    ]  # fmt: skip
    batch = f"{len(cases)} cases from here on"
    made += [Finding(kind, seed, first, batch, sentence, "", "", b"", {}) for sentence in answers.wrongs]
    return sorted(made, key=lambda finding: finding.index)


Difference = tuple[int, str, str, str, bytes | None]  # case, what, expected, got, frame that came


def _hint(case: Case, got: str) -> str:
    return case.hints.get(got, "")


def _frames(cases: Sequence[Case], came: Sequence[bytes]) -> Iterator[Difference]:
    wanted = [(at, number, right) for at, case in enumerate(cases) for number, right in enumerate(case.frames)]
    for index, of, to in matched([right for _, _, right in wanted], came):
        if of is None and to is not None:
            at = wanted[min(index, len(wanted) - 1)][0] if wanted else 0
            yield at, "extra", "nothing", f"a frame of {len(came[to])} bytes", came[to]
        elif of is not None:
            at, number, right = wanted[of]
            which = f"frame {number + 1} of {len(cases[at].frames)}" if len(cases[at].frames) > 1 else "the frame"
            if to is None:
                yield at, which, "delivered", "lost", None
            elif came[to] not in right:
                what, expected, got = _difference(cases[at], right[0], came[to])
                yield at, what if which == "the frame" else f"{which}: {what}", expected, got, came[to]


def _difference(case: Case, right: bytes, got: bytes) -> tuple[str, str, str]:
    """What differs first: a named place, the length, or bytes."""
    for name, (begin, end) in case.places.items():
        if right[begin:end] != got[begin:end] and len(got) >= end:
            rest = right[:begin] + right[end:] != got[:begin] + got[end:]
            return name, f"0x{right[begin:end].hex()}", f"0x{got[begin:end].hex()}" + (" and more differs" * rest)
    if len(right) != len(got):
        return "the length", str(len(right)), str(len(got))
    at = next(index for index, (one, other) in enumerate(zip(right, got, strict=True)) if one != other)
    return f"what begins with byte {at}", right[at : at + SHOWN].hex(" "), got[at : at + SHOWN].hex(" ")


def _results(cases: Sequence[Case], came: Sequence[Mapping[str, str]]) -> Iterator[Difference]:
    wanted = [(at, case.results) for at, case in enumerate(cases) if case.results]
    for index, of, to in _result_pairs(wanted, came):
        if of is None and to is not None:
            at = wanted[min(index, len(wanted) - 1)][0] if wanted else 0
            yield at, "extra", "nothing", f"a result ({_words(came[to])})", None
        elif of is not None and to is None:
            yield wanted[of][0], "the result", "delivered", "lost", None
        elif of is not None and to is not None and not any(_holds(each, came[to]) for each in wanted[of][1]):
            yield wanted[of][0], *_aspect(wanted[of][1], came[to]), None


def _result_pairs(
    wanted: Sequence[tuple[int, Sequence[Mapping[str, str]]]], came: Sequence[Mapping[str, str]]
) -> Iterator[tuple[int, int | None, int | None]]:  # fmt: skip
    """By their order when there are as many as there must be, else so that the fewest are wrong, lost or extra."""
    if len(wanted) == len(came):
        yield from ((index, index, index) for index in range(len(came)))
        return
    right = [[any(_holds(each, got) for each in rights) for got in came] for _, rights in wanted]
    costs = _costs(right, len(wanted), len(came))
    of = to = 0
    while of < len(wanted) or to < len(came):
        here = costs[of][to]
        if of < len(wanted) and to < len(came) and here == costs[of + 1][to + 1] + (not right[of][to]):
            yield of, of, to
            of, to = of + 1, to + 1
        elif to < len(came) and here == costs[of][to + 1] + 1:
            yield of, None, to
            to += 1
        else:
            yield of, of, None
            of += 1


def _costs(right: Sequence[Sequence[bool]], wanted: int, came: int) -> list[list[int]]:
    """How many differences are left at least, from each place in both lists on (the edit distance of the rests)."""
    costs = [[0] * (came + 1) for _ in range(wanted + 1)]
    for of in range(wanted, -1, -1):
        for to in range(came, -1, -1):
            if of == wanted or to == came:
                costs[of][to] = wanted - of + came - to
            else:
                pair = costs[of + 1][to + 1] + (not right[of][to])
                costs[of][to] = min(pair, costs[of + 1][to] + 1, costs[of][to + 1] + 1)
    return costs


def _holds(right: Mapping[str, str], got: Mapping[str, str]) -> bool:
    return all(got[aspect] == words for aspect, words in right.items())


def _aspect(rights: Sequence[Mapping[str, str]], got: Mapping[str, str]) -> tuple[str, str, str]:
    """The first aspect that differs from the right result that is nearest."""
    nearest = max(rights, key=lambda right: sum(got[aspect] == words for aspect, words in right.items()))
    aspect = next(aspect for aspect, words in nearest.items() if got[aspect] != words)
    expected = dict.fromkeys(right[aspect] for right in rights if aspect in right)
    return aspect, " or ".join(expected), got[aspect]


def _words(result: Mapping[str, str]) -> str:
    return ", ".join(f"{aspect} {words}" for aspect, words in result.items())
