"""What the cases that went wrong have in common, and those that went right mostly have not: where to look first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ringbed.conformance.blocks.case import Case
from ringbed.conformance.blocks.run import Report

__all__ = ["in_common", "traits"]

FEWEST = 4  # wrong cases, below which anything is in common
NEARLY_ALL = 0.95  # of the wrong ones must have it: where frames are lost, one may be told in its neighbour's place
RARE = 0.5  # of the right cases that may have it too
MOST = 3  # that are said


def in_common(cases: Mapping[str, Sequence[Case]], report: Report) -> list[str]:
    """Phrases, what tells most first; `cases` by kind are those that `report` is of.

    Findings that may belong to another case do not count: those of whole batches, and frames that nothing asked for.
    """
    told = [each for each in report.findings if each.got and each.what != "extra"]
    wrong_at = {kind: {each.index for each in told if each.kind == kind} for kind in cases}
    wrong, right = list[set[str]](), list[set[str]]()
    for kind, of_kind in cases.items():
        for index, case in enumerate(of_kind):
            (wrong if index in wrong_at[kind] else right).append(set(traits(case)))
    if len(wrong) < FEWEST or not right:
        return []
    counts = {trait: (_count(trait, wrong), _count(trait, right)) for trait in set.union(*wrong)}
    telling = sorted(
        (of_right, -of_wrong, trait) for trait, (of_wrong, of_right) in counts.items()
        if of_wrong >= NEARLY_ALL * len(wrong) and of_right <= RARE * len(right)
    )  # fmt: skip
    return [
        f"{trait} ({-of_wrong:,} of {len(wrong):,} wrong cases, {of_right:,} of {len(right):,} right ones)"
        for of_right, of_wrong, trait in telling[:MOST]
    ]


def _count(trait: str, cases: Sequence[set[str]]) -> int:
    return sum(trait in each for each in cases)


def traits(case: Case) -> Iterator[str]:
    """What a person would say of a case: its length, its headers, its command."""
    length = len(case.ask.frame)
    if length:
        yield f"an {'odd' if length % 2 else 'even'} length"
        for bytes_ in (4, 8, 16, 32, 64):
            yield f"a length that is {'' if length % bytes_ == 0 else 'not '}a multiple of {bytes_}"
        yield from (f"a length over {limit}" for limit in (128, 256, 512, 1518) if length > limit)
    yield from case.about.replace(",", " ").split()
    for name, value in case.ask.command.items():
        if name == "enable":
            continue  # where nothing is asked, little goes wrong
        yield f"{name} = {value}"
        if name in ("start", "header_length"):
            yield f"an {'odd' if (length - value) % 2 else 'even'} number of bytes from {name} on"
        if value > 1:
            yield f"an {'odd' if value % 2 else 'even'} {name}"
        yield from (f"{name} over {limit}" for limit in (127, 255, 511, 1023) if value > limit)
