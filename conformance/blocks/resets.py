"""Resets in the middle of a frame: at every beat of it that goes in, at those that come out, while a result is made.

Each case is asked right behind such a reset, alone: what the block kept over it shows there or never.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ringbed.conformance.blocks.case import Behind, Case, Cut
from ringbed.hw.formats.block_setup import Setup

__all__ = ["RESETS", "reset_cases"]

RESETS = "resets in mid-frame"
FEWEST, MOST = 6, 24  # beats of a frame that is cut, where a beat has several bytes
SHORT, LONG = 54, 96  # bytes of it in any case: a frame with whole headers
MOST_OUT = 24  # beats out that are cut behind; of more, every so manieth
LATE = (1, 2, 3, 4, 6, 8, 11, 16, 22, 32, 45)  # clocks behind the last beat: a hash takes its time


def reset_cases(every: Mapping[str, Sequence[Case]], seed: int, setup: Setup, frames: int) -> list[Case]:
    """Of all cases some, each behind a reset in the middle of one of `frames` others."""
    rng, stock = random.Random(f"{RESETS} {seed}"), [case for of_kind in every.values() for case in of_kind]
    fit = [case for case in stock if _fits(case, setup)]
    made = list[Case]()
    for victim in rng.sample(fit, min(frames, len(fit))):
        made += [replace(rng.choice(fit), behind=behind) for behind in _cuts(victim, setup)]
    return made


def _fits(case: Case, setup: Setup) -> bool:
    """Whether something is asked of the block, in a frame that is neither too short nor too long to be cut often."""
    if not case.ask.command.get("enable", 1):
        return False
    least, most = max(SHORT, FEWEST * setup.lanes), max(LONG, MOST * setup.lanes)
    return not setup.contract.stream_in or least <= len(case.ask.frame) <= most


def _cuts(case: Case, setup: Setup) -> Iterator[Behind]:
    taken = _beats(case.ask.frame, setup) if setup.contract.stream_in else 1
    given = sum(_beats(right[0], setup) for right in case.frames) if setup.contract.stream_out else 0
    for cut in (*(Cut(beats) for beats in range(1, taken + 1)), *(Cut(taken, late=late) for late in LATE)):
        yield Behind(case.ask, cut, taken)
    for beats in range(1, given + 1, -(-given // MOST_OUT) or 1):
        yield Behind(case.ask, Cut(beats, out=True), given)


def _beats(frame: bytes, setup: Setup) -> int:
    return -(-len(frame) // setup.lanes)
