"""Who the card is and what it is plugged into: EEPROM, PHY, link, loopback, and whom it listens to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth import Array, Cat, Module, Mux, Signal
from amaranth.lib import data
from amaranth.lib.wiring import connect, flipped

from ringbed.hw.formats import em
from ringbed.hw.mac.loopback import Loopback
from ringbed.hw.nics.em.parts import CORE_HZ, Parts
from ringbed.hw.rx.filter_table import FilterTable
from ringbed.hw.station.eeprom import Eeprom, EepromRead, Microwire
from ringbed.hw.station.phy import Mdic, Phy
from ringbed.hw.stream.taps import Taps

__all__ = ["EEPROM_CLOCKS", "MDIO_CLOCKS", "Line", "join_addresses", "join_eeprom", "join_line"]

MDIO_CLOCKS = 64 * CORE_HZ // 2_500_000  # one clause 22 access: 64 bits at 2.5 MHz
EEPROM_CLOCKS = 27 * CORE_HZ // 1_000_000  # start, opcode, address and word at 1 MHz
ADDRESSES = em.REGISTERS["RAL"].count
TableWrite = data.StructLayout({"at": 7, "en": 1, "data": 32})  # software's, to a filter table


@dataclass(frozen=True)
class Line:
    """What the rest of the card asks of the wire's end: is it up, does it move, which frames go in circles."""

    up: Any
    moves: Any
    mdic: Mdic
    loop: Loopback


def join_eeprom(m: Module, parts: Parts, mac: Any, taps: Taps) -> EepromRead:
    """The words, read through EERD or by hand through the pins of EECD."""
    m.submodules.eeprom = eeprom = Eeprom()
    m.submodules.eerd = eerd = EepromRead(EEPROM_CLOCKS)
    m.submodules.microwire = pins = Microwire()
    file, eecd = parts.file, em.REGISTERS["EECD"]
    by_hand = parts.field("EECD", "REQ")
    word = taps.alter(m, "eeprom.word", eeprom.data, {"address": eeprom.address})
    m.d.comb += [
        eeprom.mac.eq(mac),
        eeprom.address.eq(Mux(by_hand, pins.address, eerd.address)),
        pins.word.eq(word), eerd.word.eq(word),
        pins.sk.eq(parts.field("EECD", "SK")), pins.cs.eq(parts.field("EECD", "CS")),
        pins.di.eq(parts.field("EECD", "DI")),
        file.EECD_ro.eq((pins.do << eecd["DO"].lsb) | (by_hand << eecd["GNT"].lsb) | eecd["PRES"].mask),
        file.EERD.eq(eerd.value), eerd.write.eq(file.EERD_w), eerd.held.eq(by_hand),
        eerd.wdata.eq(file.wdata), eerd.timebase.eq(parts.timebase), eerd.clear.eq(parts.reset.clear),
    ]  # fmt: skip
    return eerd


def join_line(m: Module, parts: Parts, cable: Any, rx: Any, tx: Any, taps: Taps) -> Line:
    """PHY, link and loopback. In loopback the link serves the two halves without a cable too, once SLU is set."""
    m.submodules.phy = phy = Phy()
    m.submodules.mdic = mdic = Mdic(MDIO_CLOCKS)
    m.submodules.loopback = loop = Loopback(parts.receive.width)
    file, receive, transmit, status = parts.file, parts.receive, parts.transmit, em.REGISTERS["STATUS"]
    up, was_up, was_cable, moves, in_mac = Signal(), Signal(), Signal(), Signal(), Signal()
    duplex = Mux(parts.field("CTRL", "FRCDPLX"), parts.field("CTRL", "FD"), 1)
    speed = Mux(parts.field("CTRL", "FRCSPD"), parts.field("CTRL", "SPEED"), 2)
    read = taps.alter(m, "phy.value", phy.value, {"register": phy.register})
    connect(m, flipped(rx), loop.rx)
    connect(m, loop.tx, flipped(tx))
    connect(m, loop.to_mac, receive.wire)
    connect(m, transmit.wire, loop.from_mac)
    for half in (receive, transmit):
        m.d.comb += half.link.eq(up | (in_mac & parts.field("CTRL", "SLU")))
    # a reset takes the link down with SLU: no event, since its causes read as 0 afterwards
    m.d.sync += [was_up.eq(up & ~parts.reset.clear), was_cable.eq(cable)]
    m.d.comb += [
        phy.cable.eq(cable), phy.held.eq(parts.field("CTRL", "PHY_RST")),
        phy.register.eq(mdic.phy_register), phy.read.eq(mdic.phy_read), phy.write.eq(mdic.phy_write),
        phy.wdata.eq(mdic.phy_wdata), mdic.phy_value.eq(read),
        phy.error.eq(rx.tvalid & rx.tlast & rx.tuser),
        file.MDIC.eq(mdic.value), mdic.write.eq(file.MDIC_w), mdic.wdata.eq(file.wdata),
        mdic.timebase.eq(parts.timebase), mdic.clear.eq(parts.reset.clear),
        in_mac.eq(parts.field("RCTL", "LBM")[0]),  # 01 in the MAC, 11 at the PHY: the same way round here
        loop.on.eq(in_mac | phy.loopback),
        up.eq(phy.link & parts.field("CTRL", "SLU")),
        moves.eq((up != was_up) | (cable != was_cable)),
        file.STATUS.eq(
            (duplex << status["FD"].lsb) | (up << status["LU"].lsb) | (speed << status["SPEED"].lsb)
            | (transmit.paused << status["TXOFF"].lsb)
        ),
    ]  # fmt: skip
    return Line(up != was_up, moves, mdic, loop)


def join_addresses(m: Module, parts: Parts, mac: Any, taps: Taps) -> None:
    """Receive addresses and the two filter tables. A reset makes all addresses invalid but the EEPROM's, number 0."""
    file, receive, rah = parts.file, parts.receive, em.REGISTERS["RAH"]
    for name, index, hit in (
        ("MTA", receive.mta_index, receive.mta_hit), ("VFTA", receive.vfta_index, receive.vfta_hit),
    ):  # fmt: skip
        m.submodules[name.lower()] = table = FilterTable()
        at, write, value = _table_write(m, parts, name, taps)
        m.d.comb += [
            table.w_at.eq(at), table.w_en.eq(write),
            table.wdata.eq(value), table.at.eq(getattr(file, name + "_at")), getattr(file, name).eq(table.value),
            table.index.eq(index), hit.eq(table.hit),
        ]  # fmt: skip
    low = [Signal(32, name=f"ral{index}") for index in range(ADDRESSES)]
    high = [Signal(32, name=f"rah{index}") for index in range(ADDRESSES)]
    with m.If(file.RAL_w):
        m.d.sync += Array(low)[file.RAL_at_w].eq(file.wdata)
    with m.If(file.RAH_w):
        m.d.sync += Array(high)[file.RAH_at_w].eq(file.wdata & rah.mask("RAH", "AS", "AV"))
    fresh = Signal(init=1)
    with m.If(fresh | parts.reset.clear):
        swapped = Cat(*(mac[40 - 8 * index : 48 - 8 * index] for index in range(6)))
        m.d.sync += [fresh.eq(0), low[0].eq(swapped[:32]), high[0].eq(swapped[32:] | rah["AV"].mask)]
        m.d.sync += [word[rah["AV"].lsb].eq(0) for word in high[1:]]
    m.d.comb += [
        file.RAL.eq(Array(low)[file.RAL_at]), file.RAH.eq(Array(high)[file.RAH_at]),
        parts.station.eq(Cat(low[0], high[0][:16])),
    ]  # fmt: skip
    for index in range(ADDRESSES):
        m.d.comb += [
            receive.addresses[index].eq(Cat(low[index], high[index][:16])),
            receive.address_valid[index].eq(high[index][rah["AV"].lsb]),
            receive.address_source[index].eq(high[index][rah["AS"].lsb : rah["AS"].lsb + 2] == 1),
        ]


def _table_write(m: Module, parts: Parts, name: str, taps: Taps) -> tuple[Any, Any, Any]:
    """Place, strobe and value of software's write to a filter table."""
    file, tap = parts.file, f"{name.lower()}.write"
    place, strobe = getattr(file, name + "_at_w"), getattr(file, name + "_w")
    if not taps.used(tap):
        return place, strobe, file.wdata
    write = Signal(TableWrite, name=f"{name.lower()}_write")
    m.d.comb += [write.at.eq(place), write.en.eq(strobe), write.data.eq(file.wdata)]
    written = taps.alter(m, tap, write, {"receiving": parts.receive.wire.tvalid})
    return written.at, written.en, written.data
