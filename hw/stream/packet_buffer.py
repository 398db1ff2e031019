"""The packet buffer: 64 KiB in banks of 8 KiB, shared by receive and transmit as PBA says (M 13.4.19).

Each bank is a memory of one write and one read port and belongs to one direction at a time, so no bank is ever wanted
twice in a clock. Receive has the low banks.
"""

from __future__ import annotations

from typing import Any

from amaranth import Array, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["BANK_BYTES", "BANKS", "BufferPort", "PacketBuffer"]

BANKS = 8
BANK_BYTES = 8192


class BufferPort(wiring.Signature):
    """One direction's way in and out, seen from the user. Addresses count beats; `r_data` comes a clock later."""

    def __init__(self, width: int) -> None:
        bits = (BANKS * BANK_BYTES // (width // 8)).bit_length() - 1
        super().__init__({
            "w_addr": Out(bits), "w_data": Out(width), "w_en": Out(1),
            "r_addr": Out(bits), "r_data": In(width), "r_en": Out(1),
        })  # fmt: skip


class PacketBuffer(wiring.Component):
    """Members: rx, tx : BufferPort; rx_banks : In(4): how many banks are receive's."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.depth = BANK_BYTES // (width // 8)
        super().__init__({"rx": In(BufferPort(width)), "tx": In(BufferPort(width)), "rx_banks": In(4)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        bits = self.depth.bit_length() - 1
        outputs = []
        for number in range(BANKS):
            bank = Memory(shape=self.width, depth=self.depth, init=[])
            m.submodules[f"bank{number}"] = bank
            write, read = bank.write_port(), bank.read_port()
            mine = Signal(name=f"bank{number}_rx")
            m.d.comb += mine.eq(number < self.rx_banks)
            for port, chosen in ((self.rx, mine), (self.tx, ~mine)):
                with m.If(chosen):
                    m.d.comb += [
                        write.addr.eq(port.w_addr[:bits]),
                        write.data.eq(port.w_data),
                        write.en.eq(port.w_en & (port.w_addr[bits:] == number)),
                        read.addr.eq(port.r_addr[:bits]),
                        read.en.eq(port.r_en & (port.r_addr[bits:] == number)),
                    ]
            outputs.append(read.data)
        for name, port in (("rx", self.rx), ("tx", self.tx)):
            shown = Signal(range(BANKS), name=f"{name}_shown")
            with m.If(port.r_en):
                m.d.sync += shown.eq(port.r_addr[bits:])
            m.d.comb += port.r_data.eq(Array(outputs)[shown])
        return m
