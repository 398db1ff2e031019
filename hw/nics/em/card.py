"""The `em` NIC: registers, reset, station, interrupts and the two halves, joined at the buses.

The top's ports are those of `em.toml`, so that every engine's harness is made from that file alone. What is joined to
what is in `buses.py` (packet buffer, DMA, rings), `station.py` (EEPROM, PHY, loopback, addresses) and
`status.py` (interrupts, counters, statistics).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.hdl import Assert
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.bus.axi import Axi4, AxiLite
from ringbed.hw.bus.card_reset import CardReset
from ringbed.hw.formats import em
from ringbed.hw.formats.em import OFFLOADS
from ringbed.hw.formats.errata_bus import INDEX_BITS, VALUE_BITS
from ringbed.hw.mac.rx import WireRx
from ringbed.hw.mac.tx import WireTx
from ringbed.hw.nics.em.buses import join_buffer, join_dma, join_rings
from ringbed.hw.nics.em.control import join_control
from ringbed.hw.nics.em.parts import CORE_HZ, Parts, register_file
from ringbed.hw.nics.em.rx import EmRx
from ringbed.hw.nics.em.stages import RX_STAGES, TX_STAGES
from ringbed.hw.nics.em.station import EEPROM_CLOCKS, MDIO_CLOCKS, join_addresses, join_eeprom, join_line
from ringbed.hw.nics.em.status import join_counters, join_interrupt, join_statistics
from ringbed.hw.nics.em.tx import EmTx
from ringbed.hw.stream.beat import lanes_of
from ringbed.hw.stream.taps import Taps

__all__ = ["CORE_HZ", "EEPROM_CLOCKS", "MDIO_CLOCKS", "Em"]

QUIET = 32  # clocks without a sign of life after which nothing is in flight: longer than any pipeline here


class Em(wiring.Component):
    """The whole card, its data path `width` bits wide: 64, 128, 256 or 512.

    `taps` puts parts into the datapath (see `taps.py`), `registers` are theirs: with some the card has the pins
    `errata_index`, `errata_value` and `errata_write`. `offloads` names its checksum engines.
    Raises ValueError for a data width, a tap or an offload that does not exist.
    """

    def __init__(
        self, taps: Mapping[str, Any] | None = None, *, registers: Sequence[Signal] = (), width: int = 64,
        offloads: Collection[str] = OFFLOADS,
    ) -> None:  # fmt: skip
        for name in offloads:
            if name not in OFFLOADS:
                raise ValueError(f"em has no offload {name!r}; it has {', '.join(OFFLOADS)}")
        lanes_of(width)
        self.width, self.taps, self.offloads = width, Taps(taps, registers), frozenset(offloads)
        self.file = register_file()
        members = {
            "s_axil": In(AxiLite(17)), "m_axi": Out(Axi4(64, width, 4)), "rx": In(WireRx(width)),
            "tx": Out(WireTx(width)), "irq": Out(1), "link_up": In(1), "mac": In(48),
            "peek_addr": In(17), "peek_data": Out(32),
            "idle": Out(1), "wake_in": Out(32), "timebase": In(32),
            "stages": Out(RX_STAGES.size + TX_STAGES.size),
        }  # fmt: skip
        if registers:
            members |= {"errata_index": In(INDEX_BITS), "errata_value": In(VALUE_BITS), "errata_write": In(1)}
        super().__init__(members)

    def ports(self) -> dict[str, Signal]:
        """Every port by its Verilog name, clock and reset apart."""
        found = {}
        for path, _, value in self.signature.flatten(self):
            found["_".join(str(part) for part in path)] = value
        return found

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.registers = self.file
        m.submodules.reset = reset = CardReset()
        m.submodules.receive = self.receive = receive = EmRx(self.width, self.taps, "rx_checksum" in self.offloads)
        m.submodules.transmit = self.transmit = transmit = EmTx(self.width, self.taps, "tx_checksum" in self.offloads)
        parts = Parts(self.file, reset, receive, transmit, self.timebase)
        self._software(m, parts)
        join_buffer(m, parts, self.width)
        read, write = join_dma(m, parts, self.m_axi)
        join_rings(m, parts, self.taps)
        eerd = join_eeprom(m, parts, self.mac, self.taps)
        line = join_line(m, parts, self.link_up, self.rx, self.tx, self.taps)
        join_addresses(m, parts, self.mac, self.taps)
        join_control(m, parts, self.taps)
        irq, throttle = join_interrupt(m, parts, line, self.taps)
        join_counters(m, parts, line)
        join_statistics(m, parts, self.taps)
        m.d.comb += [self.irq.eq(irq), self.stages.eq(Cat(receive.stages, transmit.stages))]
        if self.taps.components:
            m.d.comb += self.taps.clear.eq(reset.clear)
        if self.taps.registers:
            self.taps.configure(m, self.errata_index, self.errata_value, self.errata_write)
        self._idle(
            m,
            (receive.active, transmit.active, transmit.sending, read.busy, write.busy, reset.draining, line.moves)
            + ((self.errata_write,) if self.taps.registers else ()),
            line.moves,
            (line.mdic.wait, throttle.wait, *parts.timers()),
            eerd.wait,
        )
        return m

    def _software(self, m: Module, parts: Parts) -> None:
        """The register port, the look without side effects, and CTRL.RST."""
        file, reset = parts.file, parts.reset
        connect(m, flipped(self.s_axil), file.bus)
        m.d.comb += [
            file.peek_addr.eq(self.peek_addr), self.peek_data.eq(file.peek_data),
            reset.start.eq(parts.written("CTRL", "RST")),
            file.CTRL_ro.eq(reset.draining << em.REGISTERS["CTRL"]["RST"].lsb),
            file.clear.eq(reset.clear),
        ]  # fmt: skip

    def _idle(self, m: Module, busy: Collection[Any], moves: Any, timers: Collection[Any], silent: Any) -> None:
        """Idle: no sign of life for longer than any pipeline is deep.

        A timer is one only as it runs out, since its interrupt comes some clocks later; before, it says when it wakes.
        The one that is `silent` takes its clock, which `wake_in` names, and leaves nothing on its way.
        """
        quiet, life, lite = Signal(range(QUIET + 1)), Signal(), self.s_axil
        soonest: Any = 0xFFFFFFFF
        for number, wait in enumerate(timers):
            earlier = Signal(32, name=f"wake_in_{number}")
            m.d.comb += earlier.eq(Mux(wait < soonest, wait, soonest))
            soonest = earlier
        m.d.comb += [
            self.wake_in.eq(Mux(silent < soonest, silent, soonest)),
            life.eq(
                self.rx.tvalid | self.tx.tvalid | lite.awvalid | lite.arvalid | self.file.busy
                | Cat(*busy).any() | (soonest == 0)
            ),
            self.idle.eq((quiet == QUIET) & ~life),
        ]  # fmt: skip
        self._rest(m, quiet, life, called=self.rx.tvalid | lite.awvalid | lite.arvalid | moves)
        with m.If(life):
            m.d.sync += quiet.eq(0)
        with m.Elif(quiet != QUIET):
            m.d.sync += quiet.eq(quiet + 1)

    def _rest(self, m: Module, quiet: Signal, life: Signal, called: Any) -> None:
        """What simulation checks: nothing is in flight, and at rest nothing moves but what is called or was announced.

        Engines do not clock an idle card; the first clock behind such a stretch still has `quiet` of before.
        """
        rests, was_idle = quiet == QUIET, Signal()
        flying = self.receive.in_flight | self.transmit.in_flight
        m.d.sync += was_idle.eq(self.idle)
        m.d.sync += Assert(~rests | ~flying, "em: no frame is in flight after QUIET clocks without a sign of life")
        if not self.taps.components:  # a saboteur may do what it likes
            told = called | (self.wake_in == 0)
            m.d.sync += Assert(~was_idle | ~life | told, "em: nothing moves after QUIET that nobody called")
