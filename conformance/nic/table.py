"""The whole table of cases for a NIC, and which of them a run asks: by suite, by profile, by a filter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase

from ringbed.conformance.nic.agree import Judge
from ringbed.conformance.nic.case import SUITES, Case, Rule
from ringbed.conformance.nic.claims import Claims
from ringbed.conformance.nic.suites import (
    checksum_kinds,
    checksum_plain,
    checksum_rx,
    checksum_tx,
    counters,
    dma,
    filters,
    interrupts,
    rings,
    segmentation,
    vlan,
)

__all__ = ["PROFILES", "QUICK", "chosen", "every_rule", "matching", "table"]

QUICK = 12  # cases of a rule in the profile `quick`
PROFILES = ("quick", "full")

_Part = Callable[[Judge], Iterator[Case]]
_ALONE = (checksum_tx.cases, checksum_plain.cases)  # of which no verdict is asked
_PARTS: tuple[_Part, ...] = (
    lambda judge: (case for part in _ALONE for case in part()), checksum_rx.cases, checksum_kinds.cases, dma.cases,
    lambda judge: segmentation.cases(), vlan.cases, lambda judge: rings.cases(), lambda judge: filters.cases(),
    lambda judge: counters.cases(), lambda judge: interrupts.cases(),
)  # fmt: skip
_RULES = (
    checksum_tx.RULES, checksum_plain.RULES, checksum_rx.RULES, checksum_kinds.RULES, dma.RULES, segmentation.RULES,
    vlan.RULES, rings.RULES, filters.RULES, counters.RULES, interrupts.RULES,
)  # fmt: skip


def table(claims: Claims) -> list[Case]:
    """Every case, those that do not apply among them, in the order of the suites. Makes no frame."""
    judge = Judge(claims.oracle)
    return [case for part in _PARTS for case in part(judge)]


def every_rule() -> list[Rule]:
    return [rule for part in _RULES for rule in part.values()]


def chosen(cases: Sequence[Case], suites: Sequence[str], profile: str, pattern: str) -> set[str]:
    """The ids of those that are asked. Raises ValueError for a suite, a profile or a pattern that fits nothing."""
    for suite in suites:
        if suite not in SUITES.values():
            raise ValueError(f"there is no suite {suite!r}; there are {', '.join(SUITES.values())}")
    if profile not in PROFILES:
        raise ValueError(f"there is no profile {profile!r}; there are {', '.join(PROFILES)}")
    found = [case for case in cases if not suites or case.suite in suites]
    if pattern:
        found = matching(found, pattern)
        if not found:
            raise ValueError(f"no case is called {pattern!r}")
        return {case.id for case in found}
    return {case.id for case in (found if profile == "full" else _spread(found))}


def matching(cases: Sequence[Case], pattern: str) -> list[Case]:
    """Patterns as a shell has them, with commas between, of a case's id or its rule's: those that fit any, and none of
    those with a ! before."""
    words = [word.strip() for word in pattern.split(",") if word.strip()]
    wanted = [word for word in words if not word.startswith("!")]
    unwanted = [word[1:] for word in words if word.startswith("!")]

    def fits(case: Case, among: Sequence[str]) -> bool:
        return any(fnmatchcase(name, each) for name in (case.id, case.rule.id) for each in among)

    return [case for case in cases if (not wanted or fits(case, wanted)) and not fits(case, unwanted)]


def _spread(cases: Sequence[Case]) -> Iterator[Case]:
    """Of each rule at most `QUICK`, from its first to its last at even steps."""
    of_rule = dict[str, list[Case]]()
    for case in cases:
        of_rule.setdefault(case.rule.id, []).append(case)
    for stock in of_rule.values():
        count = min(len(stock), QUICK)
        last = max(count - 1, 1)
        yield from (stock[number * (len(stock) - 1) // last] for number in range(count))
