"""Ready test of `pass-through` blocks: frames of every kind leave as they came, all of them, in their order.

What such a block gets wrong is seldom about bytes: it is a beat too many or too few where something is full, empty or
over, so frames of one beat, of every length around a beat, and long ones between short ones are kinds of their own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from ringbed.conformance.blocks.case import Ask, Case
from ringbed.conformance.frames.kinds import frames_of
from ringbed.conformance.references.anatomy import dissect
from ringbed.hw.formats.block_setup import Setup

__all__ = ["KINDS", "cases"]

LEAST, LONG = 14, 9018  # bytes: a link header; a jumbo frame with its two tags
FRAMES = ("two hosts", "every protocol", "runs of ff and 00", "jumbo", "noise")


def _around_beats(rng: random.Random, lanes: int) -> Iterator[int]:
    """Every rest of the last beat, behind one beat, two, and so on up to a little over four."""
    yield from range(LEAST, LEAST + max(4 * lanes, 32) + 1)


def _single_beats(rng: random.Random, lanes: int) -> Iterator[int]:
    """As many frames as beats, or nearly: in every one ends a frame."""
    yield from (rng.randrange(LEAST, max(lanes, LEAST) + 1) for _ in range(128))


def _long_and_short(rng: random.Random, lanes: int) -> Iterator[int]:
    """A long one fills what there is, and a short one is behind it when it is full."""
    for number in range(20):
        yield rng.randrange(LONG // 2, LONG) if number % 4 == 0 else 64 * lanes + number
        yield from (LEAST, LEAST + lanes)[: 1 + number % 2]


_LENGTHS: dict[str, Callable[[random.Random, int], Iterator[int]]] = {
    "around beats": _around_beats,
    "single beats": _single_beats,
    "long and short": _long_and_short,
}
KINDS = (*_LENGTHS, *FRAMES)


def cases(kind: str, seed: int, setup: Setup) -> Iterator[Case]:
    """The cases of one of KINDS."""
    rng = random.Random(f"pass-through {kind} {seed}")
    if kind in _LENGTHS:
        made = [(f"{length} bytes", rng.randbytes(length)) for length in _LENGTHS[kind](rng, setup.lanes)]
    else:
        made = [(dissect(frame).name, frame) for frame in frames_of(kind, seed, setup.lanes)]
    yield from (Case(about, Ask(frame), ((frame,),)) for about, frame in made)
