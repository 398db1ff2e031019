"""The `em` NIC: registers, reset, interrupts and the two halves, joined at the buses.

The top's ports are those of `em.toml`, so that every engine's harness is made from that file alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ringbed.hw.bus import Axi4, AxiLite
from ringbed.hw.card_reset import CardReset
from ringbed.hw.counters import Counters
from ringbed.hw.dma import DmaRead, DmaWrite
from ringbed.hw.eeprom import Eeprom, EepromRead, Microwire
from ringbed.hw.formats import em
from ringbed.hw.formats.em import OFFLOADS
from ringbed.hw.interrupt import Interrupt
from ringbed.hw.mac_rx import WireRx
from ringbed.hw.mac_tx import WireTx
from ringbed.hw.nics.em_rx import EmRx
from ringbed.hw.nics.em_stages import RX_STAGES, TX_STAGES
from ringbed.hw.nics.em_tx import EmTx
from ringbed.hw.packet_buffer import BANKS, PacketBuffer
from ringbed.hw.phy import Mdic, Phy
from ringbed.hw.registers import RegisterFile
from ringbed.hw.ring_tx import REFUSALS
from ringbed.hw.rx_admit import DROPS
from ringbed.hw.taps import Taps

__all__ = ["CORE_HZ", "Em"]

CORE_HZ = 125_000_000
MDIO_CLOCKS = 64 * CORE_HZ // 2_500_000  # one clause 22 access: 64 bits at 2.5 MHz
EEPROM_CLOCKS = 27 * CORE_HZ // 1_000_000  # start, opcode, address and word at 1 MHz
QUIET = 32  # clocks without a sign of life after which nothing is in flight: longer than any pipeline here

EXTERNAL = ("STATUS", "EERD", "MDIC", "ICR", "ICS", "IMS", "IMC", "RDH", "TDH", "RAL", "RAH")
KEPT = ("PBA", "RDBAL", "RDBAH", "TDBAL", "TDBAH")  # over CTRL.RST
RX_COUNTERS = {"off": "RB_RXOFF", "runt": "RB_RXRUNT", "giant": "RB_RXGIANT", "crc": "RB_RXCRC",
               "filter": "RB_RXFILTER", "miss": "RB_RXMISS"}  # fmt: skip
TX_COUNTERS = {"null": "RB_TXNULL", "long": "RB_TXLONG", "tse": "RB_TXTSE", "mix": "RB_TXMIX"}
ADDERS = {"RB_RXWIRE": 1, "RB_RXDONE": 8, "RB_RXFLUSH": 16, "RB_TXFRAME": 1, "RB_TXWIRE": 1, "RB_TXFLUSH": 16}


class Em(wiring.Component):
    """The whole card. `taps` puts components into the datapath (see `taps.py`); `offloads` names its checksum engines.

    Raises ValueError for a data width, a tap or an offload that does not exist.
    """

    def __init__(
        self, taps: Mapping[str, Any] | None = None, *, width: int = 64, offloads: Collection[str] = OFFLOADS
    ) -> None:
        for name in offloads:
            if name not in OFFLOADS:
                raise ValueError(f"em has no offload {name!r}; it has {', '.join(OFFLOADS)}")
        if width != 64:
            raise ValueError(f"em's data path is 64 bits wide, not {width!r}")
        self.width, self.taps, self.offloads = width, Taps(taps), frozenset(offloads)
        table = em.REGISTERS
        external = {name for name in (register.name for register in table) if name.startswith("RB_")} | set(EXTERNAL)
        self.file = RegisterFile(table, external, KEPT, 17)
        members = {
            "s_axil": In(AxiLite(17)), "m_axi": Out(Axi4(64, width, 4)), "rx": In(WireRx(width)),
            "tx": Out(WireTx(width)), "irq": Out(1), "link_up": In(1), "mac": In(48),
            "peek_addr": In(17), "peek_data": Out(32),
            "idle": Out(1), "wake_in": Out(32), "timebase": In(32),
            "stages": Out(RX_STAGES.size + TX_STAGES.size),
        }  # fmt: skip
        if self.taps.enables:
            members["errata"] = In(len(self.taps.enables))
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
        m.submodules.reset = self.reset = CardReset()
        m.submodules.receive = self.receive = EmRx(self.width, self.taps, "rx_checksum" in self.offloads)
        m.submodules.transmit = self.transmit = EmTx(self.width, self.taps, "tx_checksum" in self.offloads)
        connect(m, flipped(self.s_axil), self.file.bus)
        connect(m, flipped(self.rx), self.receive.wire)
        connect(m, self.transmit.wire, flipped(self.tx))
        m.d.comb += [self.file.peek_addr.eq(self.peek_addr), self.peek_data.eq(self.file.peek_data)]
        m.d.comb += self.stages.eq(Cat(self.receive.stages, self.transmit.stages))
        for bit, enable in enumerate(self.taps.enables):
            m.d.comb += enable.eq(self.errata[bit])
        self._buffer(m)
        self._dma(m)
        self._rings(m)
        self._station(m)
        self._interrupt(m)
        self._counters(m)
        self._idle(m)
        return m

    def _field(self, register: str, name: str) -> Any:
        field = em.REGISTERS[register][name]
        return getattr(self.file, register)[field.lsb : field.lsb + field.width]

    def _buffer(self, m: Module) -> None:
        """PBA takes effect with the next reset; a share of nothing, or of all, becomes the nearest that works."""
        m.submodules.buffer = buffer = PacketBuffer(self.width)
        banks, asked = Signal(4, init=em.REGISTERS["PBA"]["RXA"].reset >> 3), Signal(4)
        m.d.comb += asked.eq(self._field("PBA", "RXA")[3:])
        with m.If(self.reset.clear):
            m.d.sync += banks.eq(Mux(asked == 0, 1, Mux(asked >= BANKS, BANKS - 1, asked)))
        depth = buffer.depth.bit_length() - 1
        connect(m, self.receive.buffer, buffer.rx)
        connect(m, self.transmit.buffer, buffer.tx)
        m.d.comb += [
            buffer.rx_banks.eq(banks),
            self.receive.size.eq(banks << depth),
            self.transmit.origin.eq(banks << depth),
            self.transmit.size.eq((BANKS - banks) << depth),
            self.file.PBA_ro.eq((64 - self._field("PBA", "RXA")) << em.REGISTERS["PBA"]["TXA"].lsb),
        ]

    def _dma(self, m: Module) -> None:
        """Read ids: 0 receive ring, 1 transmit ring, 2 frames. Write ids: 0 frames, 1 receive ring, 2 transmit ring."""
        m.submodules.read = self.dma_read = read = DmaRead(3, self.width)
        m.submodules.write = self.dma_write = write = DmaWrite(3, self.width)
        for path, member, _ in self.m_axi.signature.flatten(self.m_axi):
            name = str(path[-1])
            owner = read if name.startswith(("ar", "r")) else write
            mine, theirs = getattr(self.m_axi, name), getattr(owner.bus, name)
            m.d.comb += theirs.eq(mine) if member.flow == In else mine.eq(theirs)
        receive, transmit = self.receive, self.transmit
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
            read.halt.eq(self.reset.draining), write.halt.eq(self.reset.draining),
            receive.data_done.eq(write.done[0]), receive.data_failed.eq(write.failed[0]),
            receive.ring.status_done.eq(write.done[1]), receive.ring.status_failed.eq(write.failed[1]),
            transmit.ring.status_done.eq(write.done[2]), transmit.ring.status_failed.eq(write.failed[2]),
            self.reset.start.eq(self.file.CTRL_w & self.file.wdata[em.REGISTERS["CTRL"]["RST"].lsb]),
            self.reset.hold.eq(read.busy | write.busy | transmit.sending),
            self.file.CTRL_ro.eq(self.reset.draining << em.REGISTERS["CTRL"]["RST"].lsb),
            self.file.clear.eq(self.reset.clear),
        ]  # fmt: skip

    def _rings(self, m: Module) -> None:
        for letter, half in (("R", self.receive), ("T", self.transmit)):
            value = {name: getattr(self.file, f"{letter}D{name}") for name in ("BAL", "BAH", "LEN", "T", "H")}
            head_w = getattr(self.file, f"{letter}DH_w")
            m.d.comb += [
                half.registers.base.eq(Cat(value["BAL"], value["BAH"])),
                half.registers.count.eq(value["LEN"] >> 4),
                half.registers.tail.eq(value["T"]),
                half.registers.head_w.eq(head_w),
                half.registers.head_in.eq(self.file.wdata),
                value["H"].eq(half.registers.head),
                half.registers.threshold.eq(self._field(f"{letter}XDCTL", "WTHRESH")),
                half.clear.eq(self.reset.clear),
                getattr(self.file, f"RB_{letter}XSTOP").eq(half.registers.stop),
            ]
        m.d.comb += [
            self.receive.rctl.eq(self.file.RCTL), self.receive.rxcsum.eq(self.file.RXCSUM),
            self.receive.flush.eq(self.reset.draining),
            self.transmit.tctl.eq(self.file.TCTL), self.transmit.halt.eq(self.reset.draining),
        ]  # fmt: skip

    def _station(self, m: Module) -> None:
        """EEPROM, PHY, link and the receive address, which a reset loads from the EEPROM."""
        m.submodules.eeprom = eeprom = Eeprom()
        m.submodules.eerd = self.eerd = eerd = EepromRead(EEPROM_CLOCKS)
        m.submodules.microwire = pins = Microwire()
        m.submodules.phy = phy = Phy()
        m.submodules.mdic = self.mdic = mdic = Mdic(MDIO_CLOCKS)
        file, eecd = self.file, em.REGISTERS["EECD"]
        by_hand = file.EECD[eecd["REQ"].lsb]
        m.d.comb += [
            eeprom.mac.eq(self.mac),
            eeprom.address.eq(Mux(by_hand, pins.address, eerd.address)),
            pins.word.eq(eeprom.data), eerd.word.eq(eeprom.data),
            pins.sk.eq(self._field("EECD", "SK")), pins.cs.eq(self._field("EECD", "CS")),
            pins.di.eq(self._field("EECD", "DI")),
            file.EECD_ro.eq((pins.do << eecd["DO"].lsb) | (by_hand << eecd["GNT"].lsb) | eecd["PRES"].mask),
            phy.cable.eq(self.link_up), phy.held.eq(self._field("CTRL", "PHY_RST")),
            phy.register.eq(mdic.phy_register), phy.read.eq(mdic.phy_read), phy.write.eq(mdic.phy_write),
            phy.wdata.eq(mdic.phy_wdata), mdic.phy_value.eq(phy.value), mdic.phy_known.eq(phy.known),
            file.EERD.eq(eerd.value), file.MDIC.eq(mdic.value),
            eerd.write.eq(file.EERD_w), eerd.held.eq(by_hand), mdic.write.eq(file.MDIC_w),
        ]  # fmt: skip
        for block in (eerd, mdic):
            m.d.comb += [block.wdata.eq(file.wdata), block.timebase.eq(self.timebase), block.clear.eq(self.reset.clear)]
        self._link(m, phy)
        self._address(m)

    def _link(self, m: Module, phy: Phy) -> None:
        self.link, status = Signal(), em.REGISTERS["STATUS"]
        duplex = Mux(self._field("CTRL", "FRCDPLX"), self._field("CTRL", "FD"), 1)
        speed = Mux(self._field("CTRL", "FRCSPD"), self._field("CTRL", "SPEED"), 2)
        m.d.comb += [
            self.link.eq(phy.link & self._field("CTRL", "SLU")),
            self.receive.link.eq(self.link), self.transmit.link.eq(self.link),
            self.file.STATUS.eq(
                (duplex << status["FD"].lsb) | (self.link << status["LU"].lsb) | (speed << status["SPEED"].lsb)
            ),
        ]  # fmt: skip

    def _address(self, m: Module) -> None:
        low, high, fresh = Signal(32), Signal(32), Signal(init=1)
        swapped = Cat(*(self.mac[40 - 8 * index : 48 - 8 * index] for index in range(6)))
        valid = em.REGISTERS["RAH"]["AV"]
        with m.If(fresh | self.reset.clear):
            m.d.sync += [fresh.eq(0), low.eq(swapped[:32]), high.eq(swapped[32:] | valid.mask)]
        with m.If(self.file.RAL_w):
            m.d.sync += low.eq(self.file.wdata)
        with m.If(self.file.RAH_w):
            m.d.sync += high.eq(self.file.wdata & em.REGISTERS["RAH"].mask("RAH", "AS", "AV"))
        m.d.comb += [
            self.file.RAL.eq(low), self.file.RAH.eq(high),
            self.receive.address.eq(Cat(low, high[:16])), self.receive.address_valid.eq(high[valid.lsb]),
        ]  # fmt: skip

    def _interrupt(self, m: Module) -> None:
        causes = {field.name: field for field in em.CAUSES}
        valid = 0
        for field in em.CAUSES:
            valid |= field.mask
        m.submodules.interrupt = interrupt = Interrupt(valid)
        file, was_up, cable = self.file, Signal(), Signal()
        self.link_moves = Signal()
        # a reset takes the link down with SLU: no event, since its causes read as 0 afterwards
        m.d.sync += [was_up.eq(self.link & ~self.reset.clear), cable.eq(self.link_up)]
        m.d.comb += self.link_moves.eq((self.link != was_up) | (self.link_up != cable))
        m.d.comb += [
            interrupt.event.eq(
                self.receive.event | self.transmit.event
                | ((self.link != was_up) << causes["LSC"].lsb) | (self.mdic.done << causes["MDAC"].lsb)
            ),
            interrupt.wdata.eq(file.wdata), interrupt.clear.eq(self.reset.clear),
            interrupt.icr_r.eq(file.ICR_r), interrupt.icr_w.eq(file.ICR_w), interrupt.ics_w.eq(file.ICS_w),
            interrupt.ims_w.eq(file.IMS_w), interrupt.imc_w.eq(file.IMC_w),
            file.ICR.eq(interrupt.causes), file.ICS.eq(interrupt.causes), file.IMS.eq(interrupt.mask),
            self.irq.eq(interrupt.irq),
        ]  # fmt: skip

    def _counters(self, m: Module) -> None:
        names = ADDERS | dict.fromkeys(RX_COUNTERS.values(), 1) | dict.fromkeys(TX_COUNTERS.values(), 1)
        m.submodules.counters = counters = Counters(names)
        for name in names:
            m.d.comb += getattr(self.file, name).eq(getattr(counters, name))
        events = {
            "RB_RXWIRE": self.receive.began, "RB_RXDONE": self.receive.delivered, "RB_RXFLUSH": self.receive.flushed,
            "RB_TXFRAME": self.transmit.taken, "RB_TXWIRE": self.transmit.sent, "RB_TXFLUSH": self.transmit.flushed,
        }  # fmt: skip
        events |= {RX_COUNTERS[drop]: self.receive.dropped[bit] for bit, drop in enumerate(DROPS)}
        events |= {TX_COUNTERS[refusal]: self.transmit.refused[bit] for bit, refusal in enumerate(REFUSALS)}
        for name, event in events.items():
            m.d.comb += getattr(counters, name + "_add").eq(event)

    def _idle(self, m: Module) -> None:
        """Idle: no sign of life for longer than any pipeline is deep.

        A timer is one only as it runs out, since its interrupt comes some clocks later; before, it says when it wakes.
        """
        quiet, life, lite = Signal(range(QUIET + 1)), Signal(), self.s_axil
        eerd, mdic = self.eerd.wait, self.mdic.wait
        m.d.comb += [
            life.eq(
                self.rx.tvalid | self.tx.tvalid | lite.awvalid | lite.arvalid | self.file.busy | self.reset.draining
                | self.dma_read.busy | self.dma_write.busy | self.receive.active | self.transmit.active
                | self.transmit.sending | self.link_moves | (self.wake_in == 0)
            ),
            self.idle.eq((quiet == QUIET) & ~life),
            self.wake_in.eq(Mux(eerd < mdic, eerd, mdic)),
        ]  # fmt: skip
        with m.If(life):
            m.d.sync += quiet.eq(0)
        with m.Elif(quiet != QUIET):
            m.d.sync += quiet.eq(quiet + 1)
