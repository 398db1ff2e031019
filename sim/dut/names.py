"""What the names of ports say: the forms that the world writes them in, and whether one is a clock, a reset or a line.

A name is words between underscores, dots, or a small letter and a capital. Every question is of whole words, never of a
part of one: `burst` and `first` are no resets, `clk_en` is no clock. A direction's word says nothing of what a port is,
wherever it is: `i_rst_n`, `rst_n_in` and, grown together with what stands before it, `rst_ni`.

Conventions: lowRISC's style guide (`_i`, `_o`, `_ni`), Arm's AMBA (`ARESETn`), Intel's and Xilinx' cores (`_n`, `_b`),
`_l` of older boards, `x` in front of a name from Japan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

__all__ = ["DIRECTIONS", "LOWS", "forms", "is_clock", "is_line", "is_reset", "part", "resets_low", "words"]

DIRECTIONS = ("i", "o", "in", "out")
LOWS = ("n", "b", "l")  # grown to a name, or a word of its own behind it: active low
FRONTS = ("n", "x")  # the same in front of it
MORE_LOWS = ("low", "bar", "neg", "an", "na")  # only as words of their own
# with one of these behind it a name is of something about a clock, a reset or an interrupt
ABOUT = frozenset((
    "ack", "busy", "ce", "clear", "clr", "cnt", "count", "cycle", "cycles", "detect", "disable", "div", "done", "en",
    "ena", "enable", "enabled", "err", "error", "fail", "freq", "gate", "gating", "good", "hold", "id", "level", "lock",
    "locked", "lost", "mask", "mode", "ok", "period", "rate", "ready", "req", "request", "sel", "select", "stable",
    "start", "state", "status", "stop", "type", "valid", "value", "vec", "vector",
))  # fmt: skip
LINES = frozenset(("irq", "irqs", "int", "ints", "intr", "intrs", "interrupt", "interrupts", "msi"))
_APART = re.compile(r"[_.$\[\]]+|(?<=[a-z0-9])(?=[A-Z])")
_LOW = "|".join(LOWS)
_WAY = "|".join(sorted(DIRECTIONS, key=len, reverse=True))
# a word that is a clock, or a reset: what stands in front of it is the part's name (pclk, macresetn)
_CLOCK = re.compile(r"(?P<part>[a-z0-9]*?)(?:clk|clock)(?P<more>[a-z]*?)(?P<number>\d*)")
_RESET = re.compile(
    r"(?!preset$)(?P<part>[a-z0-9]*?)(?:reset|(?<!bu)(?<!fi)(?<!wo)(?<!thi)rst)"  # burst and first are other words
    rf"(?P<low>{_LOW}|)(?:{_WAY}|)(?P<number>\d*)"
)
_MARK = re.compile(rf"(?:{_LOW})(?:{_WAY}|)")


def words(name: str) -> list[str]:
    """In small letters, without those of a direction."""
    return [word for word in (each.lower() for each in _APART.split(name)) if word and word not in DIRECTIONS]


def forms(name: str) -> Iterator[str]:
    """A port's name in small letters with underscores, and that without a direction behind it, or in front."""
    low = re.sub(r"[.$\[\]]+", "_", name.lower())
    yield low
    yield re.sub(rf"_(?:{_WAY})$", "", low)
    yield re.sub(rf"^(?:{_WAY})_", "", low)


def is_clock(name: str) -> bool:
    spelled = words(name)
    at = _where(spelled, _CLOCK)
    return at is not None and not is_reset(name) and _is_it(spelled, at) and not _about(spelled[at])


def is_reset(name: str) -> bool:
    spelled = words(name)
    at = _where(spelled, _RESET)
    return at is not None and _is_it(spelled, at)


def is_line(name: str) -> bool:
    """Whether an output is called like an interrupt line."""
    spelled = words(name)
    at = next((index for index, word in enumerate(spelled) if word in LINES), None)
    return at is not None and _is_it(spelled, at)


def resets_low(name: str, others: Iterable[str] = ()) -> bool:
    """Whether a reset is active low. With `rst_a` among `others` `rst_b` is that of part b, and says nothing."""
    spelled = words(name)
    at = _where(spelled, _RESET)
    if at is None:
        raise ValueError(f"{name!r} is not called like a reset")
    reset = _RESET.fullmatch(spelled[at])
    front = (reset is not None and reset["part"] in FRONTS) or (at > 0 and spelled[at - 1] in FRONTS)
    return front or bool(reset and reset["low"]) or bool(_marks(spelled, at, others))


def part(name: str, others: Iterable[str] = ()) -> str:
    """Which part of a card a clock or a reset is of: "mac" of `mac_clk`, `macresetn` and `rst_mac_ni`, else ""."""
    spelled, found = words(name), list[str]()
    at = _where(spelled, _RESET)
    dropped = set() if at is None else _marks(spelled, at, others)
    for index, word in enumerate(spelled):
        timing = _RESET.fullmatch(word) or _CLOCK.fullmatch(word)
        if timing is not None:
            own = timing["part"] if at is None or timing["part"] not in FRONTS else ""
            found.append(own + timing["number"])
        elif index not in dropped and not (at == index + 1 and word in FRONTS):
            found.append(word)
    return "_".join(filter(None, found))


def _where(spelled: Sequence[str], wanted: re.Pattern[str]) -> int | None:
    return next((index for index, word in enumerate(spelled) if wanted.fullmatch(word)), None)


def _is_it(spelled: Sequence[str], at: int) -> bool:
    """Not something about it."""
    return ABOUT.isdisjoint(spelled[at + 1 :])


def _about(word: str) -> bool:
    """Of a clock's word, as `clken`."""
    clock = _CLOCK.fullmatch(word)
    return clock is not None and clock["more"] in ABOUT


def _marks(spelled: Sequence[str], at: int, others: Iterable[str]) -> set[int]:
    """Where behind a reset's word a word says low: the next one, or the last."""
    found = {
        index for index in {at + 1, len(spelled) - 1} if at < index < len(spelled)
        and (_MARK.fullmatch(spelled[index]) or spelled[index] in MORE_LOWS)
    }  # fmt: skip
    sibling = [*spelled[:-1], "a"]
    if spelled[-1] == "b" and any(words(other) == sibling for other in others):
        found.discard(len(spelled) - 1)
    return found
