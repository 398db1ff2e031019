"""Room that is set aside is enough, whatever comes: proven for so many clocks from reset, by Yosys's own SAT solver.

Simulation asserts the same in every run, of what happens to come. Here every input is free, the reset too, but for what
the block's contract asks of whoever drives it; the queues are shorter than the card's, so that they fill in that time.
What is proven is not empty: of a block with too little behind it the same is refuted.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ringbed.hw.bus.read_buffer import ReadBuffer
from ringbed.hw.ring.descriptor_queue import LINE, DescriptorQueue
from ringbed.hw.tx import sums
from ringbed.hw.tx.sums import TxSums
from tests.hw.yosys import yosys

PROVE = (
    "read_rtlil block.il; prep -top top -flatten; async2sync; chformal -lower; dffunmap; memory_map; opt -full; "
    "select -assert-min 1 t:$assert; "
    "sat -verify -prove-asserts -set-def-inputs -seq 1 -set-at 1 rst 1 -tempinduct-baseonly -maxsteps {clocks} top"
)


class Frames(wiring.Component):
    """TxSums, with frames of any length that begin when there is room."""

    def __init__(self, with_sums: bool, frames: int) -> None:
        self.block = TxSums(64, with_sums, frames)
        super().__init__({name: In(1) for name in ("valid", "last", "abort", "ready")})

    def elaborate(self, platform: Any) -> Module:
        m, inside, go, block = Module(), Signal(), Signal(), self.block
        m.submodules.block = block
        m.d.comb += [
            go.eq(self.valid & (inside | block.room)),
            block.i.valid.eq(go), block.i.payload.first.eq(~inside), block.i.payload.last.eq(self.last),
            block.i.payload.count.eq(1), block.ending.abort.eq(self.abort), block.o.ready.eq(self.ready),
        ]  # fmt: skip
        with m.If(go):
            m.d.sync += inside.eq(~self.last)
        return m


class Beats(wiring.Component):
    """ReadBuffer, with bursts of one to four beats that are asked for when it says so, and come whenever they like."""

    def __init__(self, depth: int) -> None:
        self.block = ReadBuffer(64, depth)
        super().__init__({"asks": In(1), "more": In(2), "comes": In(1), "ready": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m, block, away, asked, came = Module(), self.block, Signal(8), Signal(), Signal()
        m.submodules.block = block
        m.d.comb += [
            block.beats.eq(self.more + 1), asked.eq(self.asks & block.go), block.asked.eq(asked),
            came.eq(self.comes & (away != 0)), block.i.valid.eq(came), block.o.ready.eq(self.ready),
        ]  # fmt: skip
        m.d.sync += away.eq(away + Mux(asked, block.beats, 0) - came)
        return m


class Descriptors(wiring.Component):
    """DescriptorQueue at 64 bits, with lines and less that are asked for when there is room for a line."""

    def __init__(self, depth: int) -> None:
        self.block = DescriptorQueue(64, depth)
        ones = ("asks", "comes", "ready", "error", "forget", "stopped")
        super().__init__({"amount": In(range(LINE + 1))} | {name: In(1) for name in ones})

    def elaborate(self, platform: Any) -> Module:
        m, block, away, asked, came = Module(), self.block, Signal(8), Signal(), Signal()
        m.submodules.block = block
        fits = (self.amount != 0) & (self.amount <= LINE)
        m.d.comb += [
            asked.eq(self.asks & block.room & fits & ~self.forget),
            block.asked.eq(asked), block.amount.eq(self.amount), block.forget.eq(self.forget),
            came.eq(self.comes & (away != 0)), block.beat.valid.eq(came), block.beat.payload.error.eq(self.error),
            block.stopped.eq(self.stopped), block.o.ready.eq(self.ready),
        ]  # fmt: skip
        m.d.sync += away.eq(away + Mux(asked, self.amount << 1, 0) - came)
        return m


def verdict(harness: Any, clocks: int, folder: Path) -> str:
    """ "proven" or "refuted"; what Yosys said where it is neither."""
    ports = [value for _, _, value in harness.signature.flatten(harness)]
    (folder / "block.il").write_text(str(rtlil.convert(harness, ports=ports, emit_src=False)))
    try:
        said = yosys(folder, PROVE.format(clocks=clocks))
    except AssertionError as error:
        said = str(error)
    return "proven" if "SUCCESS!" in said else "refuted" if "proof did fail" in said else said


PROOFS: dict[str, tuple[Callable[[], Any], int]] = {
    "tx_sums": (lambda: Frames(True, sums.BEHIND + 1), 20),
    "tx_sums, a card without sums": (lambda: Frames(False, sums.BEHIND + 1), 20),
    "read_buffer": (lambda: Beats(6), 14),
    "descriptor_queue": (lambda: Descriptors(LINE + 1), 24),
}


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", PROOFS)
def test_there_is_room_for_all_that_comes(name: str, tmp_path: Path) -> None:
    make, clocks = PROOFS[name]
    assert verdict(make(), clocks, tmp_path) == "proven"


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_with_less_room_behind_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One frame is on its way when `room` falls, at least, and with sums three: two places are too few."""
    monkeypatch.setattr(sums, "BEHIND", 2)
    assert verdict(Frames(True, 4), 20, tmp_path) == "refuted"
