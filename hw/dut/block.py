"""A single block inside ours: streams alone to the engine, commands peeled off in front, results packed behind.

What travels is hw/formats/blocks.py's: a command is whole beats before its frame, a result a frame of its own, behind
the frame it is of where the block gives frames. To the block a command is there when its contract says, and in every
other clock each of its bits is the other way round: a block that looks late sees something wrong.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from ringbed.hw.dut.stream import inward, outward
from ringbed.hw.dut.wrapper import CANONICAL, NAME, Wrapper
from ringbed.hw.formats.block_setup import BlockPorts, lanes_of
from ringbed.hw.formats.blocks import CommandTiming
from ringbed.hw.formats.dut import Bus, BusKind, Dut, signals
from ringbed.hw.formats.field import Layout

__all__ = ["BlockWrapper", "CommandPeel", "Pauses", "ResultPack", "beat"]

PAUSES = "pauses"  # the pin that asks for pauses in both streams
GARBAGE = 0xA5  # in lanes that do not count: a block that sums them is found
RESULTS_HELD = 64  # a block has no ready for its results; more than this in flight and they are lost


def beat(lanes: int) -> data.StructLayout:
    """One beat of a canonical stream."""
    return data.StructLayout({"data": 8 * lanes, "keep": lanes, "last": 1})


class Pauses(wiring.Component):
    """A stream with a pause in every other clock or so while `on`: a beat that has been offered stays.

    Members:

    i : stream of beats; o : stream of beats, in the same clock; on : In
    """

    def __init__(self, lanes: int, seed: int) -> None:
        self.seed = seed
        end = stream.Signature(beat(lanes))
        super().__init__({"i": In(end), "o": Out(end), "on": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        i, o, offered, through = self.i, self.o, Signal(), Signal()
        noise = Signal(16, init=self.seed)  # x**16 + x**14 + x**13 + x**11 + 1, of full period
        m.d.sync += noise.eq(Cat(noise[15] ^ noise[13] ^ noise[12] ^ noise[10], noise[:15]))
        m.d.comb += [
            through.eq(offered | ~self.on | noise[0]), o.payload.eq(i.payload), o.valid.eq(i.valid & through),
            i.ready.eq(o.ready & through),
        ]  # fmt: skip
        m.d.sync += offered.eq(o.valid & ~o.ready)
        return m


class CommandPeel(wiring.Component):
    """Takes `size` bytes of command, in whole beats, off the front of every frame.

    Members:

    i : stream of beats; o : stream of beats, the frame behind the command; without `frames` nothing comes there
    command : Out, all bits inverted when it is not to be looked at
    command_valid, command_ready : the command's own handshake, before the frame is offered; CommandTiming.HANDSHAKE
    """

    def __init__(self, lanes: int, size: int, timing: CommandTiming, frames: bool = True) -> None:
        if not frames and timing != CommandTiming.HANDSHAKE:
            raise ValueError("a command without a frame has no first beat: it needs a handshake")
        self.lanes, self.beats, self.timing, self.frames = lanes, -(-size // lanes), timing, frames
        super().__init__({
            "i": In(stream.Signature(beat(lanes))), "o": Out(stream.Signature(beat(lanes))),
            "command": Out(8 * size), "command_valid": Out(1), "command_ready": In(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        held, count, first = Signal(8 * self.lanes * self.beats), Signal(range(self.beats + 1)), Signal(init=1)
        shown, i, o = Signal(), self.i, self.o
        m.d.comb += [o.payload.eq(i.payload), self.command.eq(Mux(shown, held, ~held))]
        with m.FSM():
            with m.State("COMMAND"):
                m.d.comb += i.ready.eq(1)
                with m.If(i.valid):
                    m.d.sync += [held.word_select(count, 8 * self.lanes).eq(i.payload.data), count.eq(count + 1)]
                    with m.If(count == self.beats - 1):
                        m.d.sync += [count.eq(0), first.eq(1)]
                        m.next = "OFFER" if self.timing == CommandTiming.HANDSHAKE else "FRAME"
            with m.State("OFFER"):
                m.d.comb += [shown.eq(1), self.command_valid.eq(1)]
                with m.If(self.command_ready):
                    m.next = "FRAME" if self.frames else "COMMAND"
            with m.State("FRAME"):
                m.d.comb += [o.valid.eq(i.valid), i.ready.eq(o.ready)]
                m.d.comb += shown.eq(first & i.valid & (self.timing == CommandTiming.FIRST_BEAT))
                with m.If(i.valid & o.ready):
                    m.d.sync += first.eq(0)
                    with m.If(i.payload.last):
                        m.next = "COMMAND"
        return m


class ResultPack(wiring.Component):
    """Makes a frame of `size` bytes of every result, behind its frame when there are `frames`.

    Members:

    i : stream of beats, the block's frames; o : stream of beats
    result : In; valid : In(1), one clock a result, with its frame's last beat or later
    """

    def __init__(self, lanes: int, size: int, frames: bool) -> None:
        self.lanes, self.size, self.frames = lanes, size, frames
        super().__init__({
            "i": In(stream.Signature(beat(lanes))), "o": Out(stream.Signature(beat(lanes))),
            "result": In(8 * size), "valid": In(1),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=8 * self.size, depth=RESULTS_HELD)
        i, o, beats = self.i, self.o, -(-self.size // self.lanes)
        count, rest = Signal(range(beats + 1)), self.size - (beats - 1) * self.lanes
        m.d.comb += [fifo.w_data.eq(self.result), fifo.w_en.eq(self.valid)]
        with m.FSM(init="FRAME" if self.frames else "RESULT"):
            with m.State("FRAME"):
                m.d.comb += [o.payload.eq(i.payload), o.valid.eq(i.valid), i.ready.eq(o.ready)]
                with m.If(i.valid & o.ready & i.payload.last):
                    m.next = "RESULT"
            with m.State("RESULT"):
                last = count == beats - 1
                m.d.comb += [
                    o.payload.data.eq(fifo.r_data.word_select(count, 8 * self.lanes)), o.payload.last.eq(last),
                    o.payload.keep.eq(Mux(last, (1 << rest) - 1, (1 << self.lanes) - 1)), o.valid.eq(fifo.r_rdy),
                ]  # fmt: skip
                with m.If(fifo.r_rdy & o.ready):
                    m.d.sync += count.eq(Mux(last, 0, count + 1))
                    with m.If(last):
                        m.d.comb += fifo.r_en.eq(1)
                        m.next = "FRAME" if self.frames else "RESULT"
        return m


class BlockWrapper(Wrapper):
    """A block with the canonical streams `rx_` and `tx_` alone; both are there, whatever the block has; and `pauses`.

    Raises ValueError for streams that do not fit the contract, or each other.
    """

    def __init__(self, dut: Dut, block: BlockPorts) -> None:
        self.dut, self.block = dut, block
        self.lanes = lanes_of(block.setup.contract, dut.rx, dut.tx)
        self._ports: dict[str, Signal] = {}
        for name in ("rx", "tx"):
            for sig in signals(self.stream(name)):
                self._port(CANONICAL[name] + sig.name, sig.width)
        self._port(PAUSES, 1)

    def stream(self, name: str) -> Bus:
        """The canonical stream `rx` or `tx`."""
        into = name == "rx"
        return Bus(BusKind.STREAM, 8 * self.lanes, into=into, error=into)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        dut, contract = self.dut, self.block.setup.contract
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
        came, left = self._paused(m, came, left)
        to_block = self._peeled(m, came, contract.command) if contract.command else came
        if dut.rx is not None:
            self._into(m, dut.rx, to_block)
        if contract.result:
            m.submodules.results = pack = self._packed(m, contract.result)
            _flow(m, pack.o, left)
        if dut.tx is not None:
            self._out_of(m, dut.tx, pack.i if contract.result else left)
        setattr(m.submodules, NAME, Instance(self.dut.top, **self._given))
        return m

    def _ends(self, m: Module, came: Any, left: Any) -> None:
        """The wrapper's own ports, as streams."""
        port = {name: self._ports[name] for name in self._ports}
        m.d.comb += [
            came.payload.data.eq(port["rx_tdata"]), came.payload.keep.eq(port["rx_tkeep"]),
            came.payload.last.eq(port["rx_tlast"]), came.valid.eq(port["rx_tvalid"]),
            port["rx_tready"].eq(came.ready), left.ready.eq(port["tx_tready"]),
            port["tx_tdata"].eq(left.payload.data), port["tx_tkeep"].eq(left.payload.keep),
            port["tx_tlast"].eq(left.payload.last), port["tx_tvalid"].eq(left.valid),
        ]  # fmt: skip

    def _paused(self, m: Module, came: Any, left: Any) -> tuple[Any, Any]:
        """The same streams with pauses in them, where the pin asks for it."""
        m.submodules.pauses_in = before = Pauses(self.lanes, 0xACE1)
        m.submodules.pauses_out = behind = Pauses(self.lanes, 0x1D0F)
        _flow(m, came, before.i)
        _flow(m, behind.o, left)
        m.d.comb += [before.on.eq(self._ports[PAUSES]), behind.on.eq(self._ports[PAUSES])]
        return before.o, behind.i

    def _peeled(self, m: Module, came: Any, layout: Layout) -> Any:
        block, frames = self.block, self.dut.rx is not None
        m.submodules.command = peel = CommandPeel(self.lanes, layout.size, block.timing, frames)
        _flow(m, came, peel.i)
        for name, port in block.command.items():
            lsb = layout[name].lsb
            self._given["i_" + port] = peel.command[lsb : lsb + block.setup.ports[name]]
        if block.command_valid:
            self._given["i_" + block.command_valid] = peel.command_valid
            self._given["o_" + block.command_ready] = peel.command_ready
        return peel.o

    def _into(self, m: Module, bus: Bus, frames: Any) -> None:
        lanes, keep = frames.payload.data, frames.payload.keep
        filled = Cat(Mux(keep[lane], lanes.word_select(lane, 8), GARBAGE) for lane in range(self.lanes))
        ours = {"tdata": filled, "tkeep": keep, "tlast": frames.payload.last,
                "tvalid": frames.valid, "tuser": Const(0, 1)}  # fmt: skip
        outputs = self._connect(bus, inward(m, bus, ours))
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
        theirs = outward(m, bus, self._connect(bus, {"tready": frames.ready}))
        m.d.comb += [
            frames.payload.data.eq(theirs["tdata"]), frames.payload.keep.eq(theirs["tkeep"]),
            frames.payload.last.eq(theirs["tlast"]), frames.valid.eq(theirs["tvalid"]),
        ]  # fmt: skip


def _flow(m: Module, source: Any, sink: Any) -> None:
    """Beats go from `source` to `sink`."""
    m.d.comb += [sink.payload.eq(source.payload), sink.valid.eq(source.valid), source.ready.eq(sink.ready)]
