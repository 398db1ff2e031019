"""Errata as people ask for them, by id and condition, made writes of the lab card's configuration bus.

`{"rx-udp4-zero-flagged-bad": {}, "tx-csum-unsupported-below-64": {"length": 61}}` or `ID:name=value,name=value`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from ringbed.hw.errata.erratum import Erratum
from ringbed.hw.errata.lab import EM_ERRATA

__all__ = ["Asked", "UnknownErratum", "errata_writes", "erratum_of", "parse_errata"]

Asked = Mapping[str, Mapping[str, int]]
NEAREST = 3  # ids shown for one that is not there


class UnknownErratum(ValueError):
    """An id, a condition or a value that the lab does not have; its text is one sentence for a person."""


def erratum_of(name: str, errata: Sequence[Erratum] = EM_ERRATA) -> Erratum:
    """Raises UnknownErratum, with the nearest ids there are."""
    known = {erratum.id: erratum for erratum in errata}
    if name not in known:
        near = get_close_matches(name, known, NEAREST, 0.5)
        hint = f"; near it {'is' if len(near) == 1 else 'are'} {', '.join(near)}" if near else ""
        raise UnknownErratum(f"the lab has no erratum {name!r}{hint}: `ringbed errata list` has all {len(known)}")
    return known[name]


def errata_writes(asked: Asked, errata: Sequence[Erratum] = EM_ERRATA) -> tuple[tuple[int, int], ...]:
    """Pairs of (index, value) that switch these on, with every condition that is not named at its default.

    `errata` are those of the card, in its order. Raises UnknownErratum.
    """
    bases, at = {}, 0
    for erratum in errata:
        bases[erratum.id] = at
        at += 1 + len(erratum.conditions)
    writes = []
    for name, wanted in asked.items():
        erratum = erratum_of(name, errata)
        _check(erratum, wanted)
        for place, condition in enumerate(erratum.conditions, 1):
            writes.append((bases[name] + place, wanted.get(condition.name, condition.default)))
        writes.append((bases[name], 1))  # the switch last: its conditions stand by then
    return tuple(writes)


def _check(erratum: Erratum, wanted: Mapping[str, int]) -> None:
    known = {condition.name: condition for condition in erratum.conditions}
    for name, value in wanted.items():
        if name not in known:
            raise UnknownErratum(f"erratum {erratum.id} has no condition {name!r}; it has {', '.join(known)}")
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << known[name].width:
            most = (1 << known[name].width) - 1
            raise UnknownErratum(f"condition {name!r} of erratum {erratum.id} is 0 to {most}, not {value!r}")


def parse_errata(texts: Iterable[str]) -> dict[str, dict[str, int]]:
    """Of `ID` or `ID:name=value,...`, one a text; raises UnknownErratum, also for what is named twice."""
    asked: dict[str, dict[str, int]] = {}
    for text in texts:
        name, _, rest = text.partition(":")
        if name in asked:
            raise UnknownErratum(f"erratum {name!r} is asked for twice")
        asked[name] = dict(_pair(text, each) for each in rest.split(",") if rest)
    errata_writes(asked)
    return asked


def _pair(text: str, each: str) -> tuple[str, int]:
    name, sign, value = each.partition("=")
    try:
        if not sign:
            raise ValueError
        return name.strip(), int(value, 0)
    except ValueError:
        raise UnknownErratum(f"{text!r} is no erratum with conditions: write ID:name=value,name=value") from None
