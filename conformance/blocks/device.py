"""A block behind an engine, as the ready tests want it: batches in, batches out.

The engine runs the block's wrapper, which has streams alone: a command goes in front of its frame, in whole beats, and
a result comes as a frame of its own, behind its frame if the block gives frames (hw/formats/blocks.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ringbed.conformance.blocks.case import Answers, Ask
from ringbed.hw.formats.block_setup import BlockPorts, lanes_of
from ringbed.hw.formats.blocks import COUNT_BITS, PAUSES, WRONGS, Block, lead
from ringbed.hw.formats.dut import Bus
from ringbed.sim.engine import Engine, Event

__all__ = ["QUIET", "EngineBlock"]

QUIET = 2000  # clocks without a frame out that end a batch, and beside them as many as below for the longest frame
SPARE = 16  # frames beyond what a batch can make: a block that gives more will not end by itself
QUIET_A_BYTE = 8  # a block may take one byte a clock, twice, and be stopped as often


class EngineBlock:
    """`rx` and `tx` are the block's own streams, in and out, where it has them."""

    def __init__(self, engine: Engine, block: BlockPorts, rx: Bus | None, tx: Bus | None) -> None:
        self.engine, self.setup, self.gives_frames = engine, block.setup, tx is not None
        self.lanes = lanes_of(block.setup.contract, rx, tx)
        self._counted = dict.fromkeys(WRONGS, 0)

    def set_pauses(self, on: bool) -> None:
        """From the next batch on, every stream has a pause in about every other clock, or none."""
        self.engine.set_pin(PAUSES, int(on))

    def __call__(self, asks: Sequence[Ask]) -> Answers:
        """Runs until nothing has come out for long; a block that hangs gives less than it was asked for.

        One that does not end, because it takes what is not there for a frame, is left alone when it has given too much.
        """
        for ask in asks:
            self.engine.wire_in(self._front(ask) + ask.frame)
        left, quiet = list[bytes](), QUIET + QUIET_A_BYTE * max((len(ask.frame) for ask in asks), default=0)
        most = self._most(asks)
        while len(left) < most and self.engine.run(self.engine.now + quiet, Event.WIRE) & Event.WIRE:
            left += [frame for _, frame in self.engine.wire_out()]
        return self._answers(left[:most])

    def _most(self, asks: Sequence[Ask]) -> int:
        """More frames out than these asks can make: as many again, and of a segmenter one for each byte."""
        cuts = self.setup.contract.block == Block.SEGMENT
        return SPARE + 4 * len(asks) + (sum(len(ask.frame) for ask in asks) if cuts else 0)

    def _front(self, ask: Ask) -> bytes:
        layout = self.setup.contract.command
        if layout is None:
            return b""
        return lead(layout, self.lanes, {name: value for name, value in ask.command.items()
                                         if name in self.setup.ports})  # fmt: skip

    def _answers(self, left: Sequence[bytes]) -> Answers:
        layout, wrongs = self.setup.contract.result, list(self._wrongs())
        if layout is None:
            return Answers(left, wrongs=wrongs)
        results = [layout.decode(data) for data in (left[1::2] if self.gives_frames else left)]
        return Answers(left[0::2] if self.gives_frames else None, results, wrongs)

    def _wrongs(self) -> Iterator[str]:
        """What was counted since the last batch, and what the engine's own checker of streams saw."""
        for name, words in WRONGS.items():
            before, self._counted[name] = self._counted[name], self.engine.get_pin(name)
            most = self._counted[name] == (1 << COUNT_BITS) - 1
            yield from _times(words, self._counted[name] - before, " or more" * most)
        seen = Counter(f"{finding.rule}: {finding.text}" for finding in self.engine.findings())
        for words, count in seen.items():
            yield from _times(words, count)


def _times(words: str, count: int, more: str = "") -> Iterator[str]:
    """The sentence, if anything is to be said."""
    if count:
        yield f"{words} ({count}{more} times)" if count > 1 else words
