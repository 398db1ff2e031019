"""A block behind an engine, as the ready tests want it: batches in, batches out.

The engine runs the block's wrapper, which has streams alone: a command goes in front of its frame, in whole beats, and
a result comes as a frame of its own; where frames come too, what each is stands in front (hw/formats/blocks.py).
A batch ends when nothing has come for `quiet` clocks, or sooner when all there is to come has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ringbed.conformance.blocks.case import Answers, Ask, Cut
from ringbed.hw.formats.block_setup import BlockPorts, lanes_of
from ringbed.hw.formats.blocks import (
    COUNT_BITS,
    CUT_DONE,
    CUT_LATE,
    CUTS,
    EARLIER,
    EARLY,
    LONGEST_PAUSE,
    MARKS,
    NOISE,
    PAUSES,
    RESTART,
    WRONGS,
    Block,
    lead,
)
from ringbed.hw.formats.dut import Dut
from ringbed.sim.seam.engine import Engine, Event, Finding

__all__ = ["EngineBlock"]

QUIET_A_BYTE = 8  # beside `quiet`, for the longest frame: a block may take one byte a clock, twice, and be stopped
PAUSED_A_BEAT, PAUSED = 64, 8 * LONGEST_PAUSE  # and more with pauses: both streams let a beat in 20 clocks through
SETTLE = 2000  # clocks in which what is too much may still come when all has
SPARE = 16  # frames beyond what a batch can make: a block that gives more will not end by itself
RESET = 64  # clocks of reset when all has been swallowed, at least
CUT_STEP = 32  # clocks between two looks whether it is
BETWEEN = 32  # clocks between two frames on the engine's wire, at most


class EngineBlock:
    """`engine` runs the wrapper of `dut`, a block with these ports (`block_spec` of sim/dut/block.py)."""

    def __init__(self, engine: Engine, block: BlockPorts, dut: Dut) -> None:
        self.engine, self.setup, self.quiet = engine, block.setup, block.quiet
        self.gives_frames, self.gives_results = dut.tx is not None, block.setup.contract.result is not None
        self.lanes, self.resets = lanes_of(block.setup.contract, dut.rx, dut.tx), bool(dut.resets)
        self._reset_clocks, self._reset_wait = max(RESET, dut.reset_clocks), dut.reset_wait
        self._counted, self._pauses, self._unread = dict.fromkeys(WRONGS, 0), 0, 0
        self._said: list[Finding] = []  # by the block's own Verilog, and found with the next batch

    def begin(self, into: bool, out: bool, noise: int) -> None:
        """From now on a stream has a pause in about every other clock, and rarely a long one, or none."""
        for name, value in ((PAUSES["in"], into), (PAUSES["out"], out), (NOISE, noise)):
            self.engine.set_pin(name, value)
        self._pauses = into + out
        self.restart()

    def restart(self) -> None:
        """Throws away what is in the block, in front of it and behind it; it begins anew, as after its reset."""
        self.engine.set_pin(RESTART, 1)
        self.engine.run(self.engine.now + self._unread + self._reset_clocks, Event.TIME)
        self.engine.set_pin(RESTART, 0)
        self.engine.run(self.engine.now + 1 + self._reset_wait, Event.TIME)
        self.engine.wire_out()
        self._said += [each for each in self.engine.findings() if each.rule.startswith("verilog.")]
        self._counted, self._unread = dict.fromkeys(WRONGS, 0), 0

    def interrupt(self, asks: Sequence[Ask], cut: Cut) -> bool:
        """The wrapper resets the block, which stays so until the restart; when it was is the same on every engine."""
        if not self.resets:
            return False
        self.restart()  # beats are counted from there
        for name, value in ((CUTS["out" if cut.out else "in"], cut.beats), (CUT_LATE, cut.late)):
            self.engine.set_pin(name, value)
        self._send(asks)
        last = self.engine.now + self._quiet(asks)
        while self.engine.now < last and not self.engine.get_pin(CUT_DONE):
            self.engine.run(self.engine.now + CUT_STEP, Event.TIME)
        happened = bool(self.engine.get_pin(CUT_DONE))
        for name in CUTS.values():
            self.engine.set_pin(name, 0)
        self.restart()
        return happened

    def _send(self, asks: Sequence[Ask]) -> None:
        sent = [self._front(ask) + ask.frame for ask in asks]
        for frame in sent:
            self.engine.wire_in(frame)
        self._unread = sum(len(frame) // self.lanes + BETWEEN for frame in sent)

    def __call__(self, asks: Sequence[Ask]) -> Answers:
        """Runs until all has come, or nothing for long; a block that hangs gives less than it was asked for.

        One that does not end, because it takes what is not there for a frame, is left alone when it has given too much.
        """
        self._send(asks)
        left, wanted = list[bytes](), sum(map(self._wanted, asks))
        quiet, settle = self._quiet(asks), SETTLE + 2 * LONGEST_PAUSE * bool(self._pauses)
        most = SPARE + 4 * len(asks) + wanted
        while len(left) < most and self._comes(quiet if len(left) < wanted else min(quiet, settle)):
            left += [frame for _, frame in self.engine.wire_out()]
        self._unread *= self.setup.early or len(left) != wanted  # an early result leaves its frame's end to come
        return self._answers(left[:most], len(asks), quiet)

    def _comes(self, within: int) -> bool:
        return bool(self.engine.run(self.engine.now + within, Event.WIRE) & Event.WIRE)

    def _quiet(self, asks: Sequence[Ask]) -> int:
        """Clocks without anything out that end a batch."""
        longest = max((len(ask.frame) for ask in asks), default=0)
        paused = PAUSED + PAUSED_A_BEAT * (longest // self.lanes) if self._pauses else 0
        return self.quiet + QUIET_A_BYTE * longest + paused

    def _wanted(self, ask: Ask) -> int:
        """Frames and results that come of one ask; a segmenter's are as many as the payload has parts."""
        command = ask.command
        if self.setup.contract.block == Block.SEGMENT and command["enable"]:
            return max(1, -(-(len(ask.frame) - command["header_length"]) // command["mss"]))
        return self.gives_frames + self.gives_results

    def _front(self, ask: Ask) -> bytes:
        layout = self.setup.contract.command
        if layout is None:
            return b""
        return lead(layout, self.lanes, {name: value for name, value in ask.command.items()
                                         if name in self.setup.ports})  # fmt: skip

    def _answers(self, left: Sequence[bytes], asked: int, quiet: int) -> Answers:
        layout, wrongs = self.setup.contract.result, dict(self._wrongs())
        if layout is None:
            return Answers(left, (), list(wrongs.values()), quiet)
        of_mark = {mark: left if mark == MARKS["result"] else [] for mark in MARKS.values()}
        if self.gives_frames:
            of_mark = {mark: [each[self.lanes :] for each in left if each[0] == mark] for mark in MARKS.values()}
        results = [layout.decode(data) for data in of_mark[MARKS["result"]]]
        if len(results) > asked:
            wrongs.pop(EARLY, None)  # those behind one too many have not come early: it is said that it is too many
        frames = of_mark[MARKS["frame"]] if self.gives_frames else None
        return Answers(frames, results, list(wrongs.values()), quiet)

    def _wrongs(self) -> Iterator[tuple[str, str]]:
        """What was counted since the last batch, and what the engine's own checker of streams saw; by name."""
        for name, words in (WRONGS | ({EARLY: EARLIER} if self.setup.early else {})).items():
            before, self._counted[name] = self._counted[name], self.engine.get_pin(name)
            if count := self._counted[name] - before:
                yield name, _times(words, count, " or more" * (self._counted[name] == (1 << COUNT_BITS) - 1))
        found, self._said = [*self._said, *self.engine.findings()], []
        seen = Counter(f"{finding.rule}: {finding.text}" for finding in found)
        yield from ((words, _times(words, count)) for words, count in seen.items())


def _times(words: str, count: int, more: str = "") -> str:
    return f"{words} ({count}{more} times)" if count > 1 else words
