"""A single block inside ours: streams alone to the engine, commands peeled off in front, results packed behind.

What travels is hw/formats/blocks.py's: a command is whole beats before its frame, a result a frame of its own; where
the block gives frames too, a mark in front tells them apart. To the block a command is there when its contract says,
and in every other clock each of its bits is the other way round: a block that looks late sees something wrong. So it
is with beats.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Mux, ResetInserter, ResetSignal, Signal
from amaranth.lib import stream

from ringbed.hw.dut.block_stream import Burst, CommandPeel, CommandShow, Early, ResultPack, Steady, beat
from ringbed.hw.dut.cut import Cut
from ringbed.hw.dut.pauses import Pauses
from ringbed.hw.dut.stream import inward, outward
from ringbed.hw.dut.wrapper import Wrapper
from ringbed.hw.formats.block_setup import BlockPorts, lanes_of
from ringbed.hw.formats.blocks import (
    COUNT_BITS,
    CUT_DONE,
    CUT_LATE,
    CUT_LATE_BITS,
    CUTS,
    EARLY,
    NOISE,
    NOISE_BITS,
    PAUSES,
    RESTART,
    WRONGS,
)
from ringbed.hw.formats.dut import CANONICAL, CARD, Bus, BusKind, Dut, DutReset, signals
from ringbed.hw.formats.field import Layout

__all__ = ["BlockWrapper"]

SEEDS = {"in": 0xACE1_0001, "out": 0x1D0F_0001, "late": 0x5EED_0001}
GARBAGE = 0xA5  # in lanes that do not count: a block that sums them is found


class BlockWrapper(Wrapper):
    """A block with the canonical streams `rx_` and `tx_`, both there whatever the block has.

    Pins: PAUSES, NOISE, RESTART, CUTS, CUT_LATE, CUT_DONE, WRONGS.

    `tx_` has no ready where the block's own stream out has none. Raises ValueError for streams that do not fit the
    contract, or each other.
    """

    def __init__(self, dut: Dut, block: BlockPorts) -> None:
        self.dut, self.block = dut, block
        self.lanes = lanes_of(block.setup.contract, dut.rx, dut.tx)
        self._ports: dict[str, Signal] = {}
        for name in ("rx", "tx"):
            for sig in signals(self.stream(name)):
                self._port(CANONICAL[name] + sig.name, sig.width)
        for name in (*PAUSES.values(), RESTART):
            self._port(name, 1)
        self._port(NOISE, NOISE_BITS)
        for name in (*CUTS.values(), *WRONGS):
            self._port(name, COUNT_BITS)
        self._port(CUT_LATE, CUT_LATE_BITS)
        self._port(CUT_DONE, 1)

    @property
    def stops(self) -> bool:
        """Whether what comes out can be stopped."""
        return self.dut.tx is None or self.dut.tx.ready

    def stream(self, name: str) -> Bus:
        """The canonical stream `rx` or `tx`."""
        into = name == "rx"
        return Bus(BusKind.STREAM, 8 * self.lanes, into=into, error=into, ready=into or self.stops)

    def elaborate(self, platform: Any) -> Any:
        m = Module()
        dut, contract = self.dut, self.block.setup.contract
        m.submodules.cut = self._cut = self._cuts(m)
        self._again = self._ports[RESTART] | self._cut.now
        self._given = {"i_" + dut.clock: ClockSignal()}
        self._given |= {f"p_{name}": value for name, value in dut.parameters.items()}
        self._given |= {f"i_{name}": Const(value, bits) for name, (bits, value) in dut.ties.items()}
        for reset in dut.resets:
            self._reset(m, reset)
        if self.block.key_port:
            key = self.block.setup.key
            self._given["i_" + self.block.key_port] = Const(int.from_bytes(key, "big"), 8 * len(key))
        came, left = (stream.Signature(beat(self.lanes)).create(path=(word,)) for word in ("came", "left"))
        self._ends(m, came, left)
        many = Signal()
        if contract.command:
            to_block = self._commanded(m, came, contract.command, many)
        else:
            to_block = self._paused(m, came, "in", Pauses(beat(self.lanes), SEEDS["in"]), many)
        m.d.comb += self._cut.taken.eq(self._taken(to_block))
        if dut.rx is not None:
            self._into(m, dut.rx, to_block)
        behind = stream.Signature(beat(self.lanes)).create(path=("behind",))
        pauses = Pauses(beat(self.lanes), SEEDS["out"], shy=True)
        _flow(m, self._paused(m, behind, "out", pauses) if self.stops else behind, left)
        if contract.result:
            m.submodules.results = pack = self._packed(m, contract.result)
            m.submodules.early = early = Early()
            m.d.comb += [early.last.eq(self._due(m, to_block)), early.valid.eq(pack.valid),
                         self._ports[EARLY].eq(early.early)]  # fmt: skip
            m.d.comb += [many.eq(pack.many), self._ports["results_lost"].eq(pack.lost)]
            _flow(m, pack.o, behind)
        if dut.tx is not None:
            self._out_of(m, dut.tx, pack.i if contract.result else behind)
        setattr(m.submodules, CARD, Instance(self.dut.top, **self._given))
        return ResetInserter(self._again)(m)

    def _cuts(self, m: Module) -> Cut:
        cut, port = Cut(), self._ports
        m.d.comb += [
            cut.at_in.eq(port[CUTS["in"]]), cut.at_out.eq(port[CUTS["out"]]), cut.late.eq(port[CUT_LATE]),
            cut.restart.eq(port[RESTART]), port[CUT_DONE].eq(cut.now),
        ]  # fmt: skip
        return cut

    def _due(self, m: Module, frames: Any) -> Any:
        """Whether the beat from which on a result may come, or a command without a frame, is taken in this clock."""
        if self.dut.rx is not None:
            taken, begins = self._taken(frames), Signal(init=1)
            with m.If(taken):
                m.d.sync += begins.eq(frames.payload.last)
            return taken & (begins if self.block.setup.early else frames.payload.last)
        return self._taken(frames)

    def _taken(self, frames: Any) -> Any:
        """Whether a beat, or a command without a frame, is taken in this clock."""
        if self.dut.rx is not None:
            return frames.valid & frames.ready
        return self._given["i_" + self.block.command_valid] & self._given["o_" + self.block.command_ready]

    def _reset(self, m: Module, reset: DutReset) -> None:
        level = ResetSignal() | self._again
        self._given["i_" + reset.port] = level if reset.active_high else ~level

    def _ends(self, m: Module, came: Any, left: Any) -> None:
        """The wrapper's own ports, as streams.

        A restart takes all that comes, and ends a frame that had begun to leave: the engine goes on with whole frames.
        """
        port, again, midway = self._ports, self._again, Signal(reset_less=True)
        ready = port["tx_tready"] if self.stops else Const(1)
        with m.If(port["tx_tvalid"] & ready):
            m.d.sync += midway.eq(~port["tx_tlast"])
        m.d.comb += [
            came.payload.data.eq(port["rx_tdata"]), came.payload.keep.eq(port["rx_tkeep"]),
            came.payload.last.eq(port["rx_tlast"]), came.valid.eq(port["rx_tvalid"] & ~again),
            port["rx_tready"].eq(came.ready | again), left.ready.eq(ready & ~again),
            port["tx_tdata"].eq(left.payload.data), port["tx_tkeep"].eq(Mux(again, 1, left.payload.keep)),
            port["tx_tlast"].eq(left.payload.last | again), port["tx_tvalid"].eq(Mux(again, midway, left.valid)),
        ]  # fmt: skip

    def _paused(self, m: Module, came: Any, way: str, pauses: Pauses, wait: Any = None, name: str = "") -> Any:
        """The same stream with pauses in it, where the way's pin asks for them; no frame begins while `wait`."""
        m.submodules[name or PAUSES[way]] = pauses
        _flow(m, came, pauses.i)
        m.d.comb += [
            pauses.on.eq(self._ports[PAUSES[way]]), pauses.wait.eq(0 if wait is None else wait),
            pauses.noise.eq(self._ports[NOISE]), pauses.load.eq(self._ports[RESTART]),
        ]  # fmt: skip
        return pauses.o

    def _commanded(self, m: Module, came: Any, layout: Layout, many: Signal) -> Any:
        """The frames, as the block gets them, and its command's ports."""
        block, frames = self.block, self.dut.rx is not None
        m.submodules.peel = peel = CommandPeel(self.lanes, layout.size, frames)
        m.submodules.burst = burst = Burst(beat(self.lanes, layout.size))
        m.submodules.command = show = CommandShow(self.lanes, layout.size, block.timing, frames)
        _flow(m, came, peel.i)
        _flow(m, peel.o, burst.i)
        pauses = Pauses(beat(self.lanes, layout.size), SEEDS["in"])
        _flow(m, self._paused(m, burst.o, "in", pauses, many), show.i)
        for name, port in block.command.items():
            lsb = layout[name].lsb
            self._given["i_" + port] = show.command[lsb : lsb + block.setup.ports[name]]
        if block.command_valid:
            self._given["i_" + block.command_valid] = show.command_valid
            self._given["o_" + block.command_ready] = show.command_ready
        if not block.command_valid or not frames:
            return show.o
        late = Pauses(beat(self.lanes), SEEDS["late"], firsts=True)  # a frame may come any time behind its command
        return self._paused(m, show.o, "in", late, name="late")

    def _into(self, m: Module, bus: Bus, frames: Any) -> None:
        """A beat that is not there is what it would be, inverted: a block that takes it is found."""
        lanes, keep, there = frames.payload.data, frames.payload.keep, frames.valid
        filled = Cat(Mux(keep[lane], lanes.word_select(lane, 8), GARBAGE) for lane in range(self.lanes))
        shown = {"tdata": filled, "tkeep": keep, "tlast": frames.payload.last}
        ours = {name: Mux(there, value, ~value) for name, value in shown.items()}
        ours |= {"tvalid": there, "tuser": Const(0, 1)}
        outputs = self._connect(bus, inward(m, bus, ours, there & frames.ready))
        m.d.comb += frames.ready.eq(outputs["tready"] if bus.ready else 1)

    def _packed(self, m: Module, layout: Layout) -> Any:
        block = self.block
        pack = ResultPack(self.lanes, layout.size, self.dut.tx is not None)
        self._given["o_" + block.result_valid] = pack.valid
        for name, port in block.result.items():
            lsb, width = layout[name].lsb, block.setup.ports[name]
            self._given["o_" + port] = given = Signal(width, name=f"result_{name}")
            m.d.comb += pack.result[lsb : lsb + width].eq(given)
        return pack

    def _out_of(self, m: Module, bus: Bus, frames: Any) -> None:
        """Bytes that do not count may change while a beat waits (Arm IHI 0051 2.4)."""
        theirs = outward(m, bus, self._connect(bus, {"tready": frames.ready}), frames.ready)
        data, keep = theirs["tdata"], theirs["tkeep"]
        counted = Cat(data.word_select(lane, 8) & keep[lane].replicate(8) for lane in range(self.lanes))
        m.submodules.steady = steady = Steady(len(frames.payload.as_value()))
        m.d.comb += [
            frames.payload.data.eq(data), frames.payload.keep.eq(keep),
            frames.payload.last.eq(theirs["tlast"]), frames.valid.eq(theirs["tvalid"]),
            steady.valid.eq(frames.valid), steady.ready.eq(frames.ready),
            steady.payload.eq(Cat(counted, keep, theirs["tlast"])),
            self._ports["beats_changed"].eq(steady.changed), self._cut.given.eq(frames.valid & frames.ready),
        ]  # fmt: skip


def _flow(m: Module, source: Any, sink: Any) -> None:
    """Beats go from `source` to `sink`."""
    m.d.comb += [sink.payload.eq(source.payload), sink.valid.eq(source.valid), source.ready.eq(sink.ready)]
