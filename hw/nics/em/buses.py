"""How the halves of `em` share what there is once: the packet buffer and the bus to the host."""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib.wiring import In, connect

from ringbed.hw.bus.dma import DmaRead, DmaWrite
from ringbed.hw.formats import em
from ringbed.hw.nics.em.parts import Parts
from ringbed.hw.stream.packet_buffer import BANKS, PacketBuffer
from ringbed.hw.stream.taps import Taps

__all__ = ["join_buffer", "join_dma", "join_rings"]


def join_buffer(m: Module, parts: Parts, width: int) -> None:
    """PBA takes effect with the next reset; a share of nothing, or of all, becomes the nearest that works."""
    m.submodules.buffer = buffer = PacketBuffer(width)
    receive, transmit = parts.receive, parts.transmit
    banks, asked = Signal(4, init=em.REGISTERS["PBA"]["RXA"].reset >> 3), Signal(4)
    m.d.comb += asked.eq(parts.field("PBA", "RXA")[3:])
    with m.If(parts.reset.clear):
        m.d.sync += banks.eq(Mux(asked == 0, 1, Mux(asked >= BANKS, BANKS - 1, asked)))
    depth = buffer.depth.bit_length() - 1
    connect(m, receive.buffer, buffer.rx)
    connect(m, transmit.buffer, buffer.tx)
    m.d.comb += [
        buffer.rx_banks.eq(banks),
        receive.size.eq(banks << depth),
        transmit.origin.eq(banks << depth),
        transmit.size.eq((BANKS - banks) << depth),
        parts.file.PBA_ro.eq(_transmit_kb(parts.field("PBA", "RXA")) << em.REGISTERS["PBA"]["TXA"].lsb),
    ]


def _transmit_kb(receive_kb: Any) -> Any:
    """What is left of the packet buffer, should `receive_kb` come into force: as `join_buffer` rounds it."""
    share = receive_kb & 0x78
    return em.PACKET_BUFFER_KB - Mux(share == 0, 8, Mux(share >= 64, 56, share))


def join_dma(m: Module, parts: Parts, bus: Any) -> tuple[DmaRead, DmaWrite]:
    """Read ids: 0 receive ring, 1 transmit ring, 2 frames. Write ids: 0 frames, 1 receive ring, 2 transmit ring."""
    width = bus.signature.data_width
    m.submodules.read = read = DmaRead(3, width)
    m.submodules.write = write = DmaWrite(3, width)
    for path, member, _ in bus.signature.flatten(bus):
        name = str(path[-1])
        owner = read if name.startswith(("ar", "r")) else write
        mine, theirs = getattr(bus, name), getattr(owner.bus, name)
        m.d.comb += theirs.eq(mine) if member.flow == In else mine.eq(theirs)
    receive, transmit, reset = parts.receive, parts.transmit, parts.reset
    for source, request, beat in (
        (0, receive.ring.fetch, receive.ring.fetched), (1, transmit.ring.fetch, transmit.ring.fetched),
        (2, transmit.data, transmit.data_beat),
    ):  # fmt: skip
        connect(m, request, read.request[source])
        connect(m, read.beat[source], beat)
    for source, request, beat in (
        (0, receive.data, receive.data_beat), (1, receive.ring.status, receive.ring.status_beat),
        (2, transmit.ring.status, transmit.ring.status_beat),
    ):  # fmt: skip
        connect(m, request, write.request[source])
        connect(m, beat, write.beat[source])
    m.d.comb += [
        read.halt.eq(reset.draining), write.halt.eq(reset.draining),
        receive.data_done.eq(write.done[0]), receive.data_failed.eq(write.failed[0]),
        receive.ring.status_done.eq(write.done[1]), receive.ring.status_failed.eq(write.failed[1]),
        transmit.ring.status_done.eq(write.done[2]), transmit.ring.status_failed.eq(write.failed[2]),
        reset.hold.eq(read.busy | write.busy | transmit.sending),
    ]  # fmt: skip
    return read, write


def join_rings(m: Module, parts: Parts, taps: Taps) -> None:
    """The rings' registers, and the halves' control words."""
    file, receive, transmit, reset = parts.file, parts.receive, parts.transmit, parts.reset
    for letter, half in (("R", receive), ("T", transmit)):
        value = {name: getattr(file, f"{letter}D{name}") for name in ("BAL", "BAH", "LEN", "T", "H")}
        side = {
            "head": half.registers.head,
            "count": half.registers.count,
            "sending": transmit.sending,
            "timebase": parts.timebase,
        }
        tail = taps.alter(m, f"{letter.lower()}x.tail", value["T"], side)
        m.d.comb += [
            half.registers.base.eq(Cat(value["BAL"], value["BAH"])),
            half.registers.count.eq(value["LEN"] >> 4),
            half.registers.tail.eq(tail),
            half.registers.head_w.eq(getattr(file, f"{letter}DH_w")),
            half.registers.head_in.eq(file.wdata),
            value["H"].eq(half.registers.head),
            half.registers.threshold.eq(parts.field(f"{letter}XDCTL", "WTHRESH")),
            half.clear.eq(reset.clear),
            getattr(file, f"RB_{letter}XSTOP").eq(half.registers.stop),
        ]
    m.d.comb += [
        receive.rctl.eq(file.RCTL), receive.rxcsum.eq(file.RXCSUM), receive.flush.eq(reset.draining),
        transmit.tctl.eq(file.TCTL), transmit.halt.eq(reset.draining),
    ]  # fmt: skip
