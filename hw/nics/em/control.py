"""Registers of VLAN, moderation and flow control, told to the halves; and what one half asks of the other."""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module
from amaranth.lib.wiring import connect

from ringbed.hw.formats import em
from ringbed.hw.nics.em.parts import Parts
from ringbed.hw.stream.taps import Taps

__all__ = ["join_control"]

RXO = next(cause.lsb for cause in em.CAUSES if cause.name == "RXO")


def join_control(m: Module, parts: Parts, taps: Taps) -> None:
    """Each value goes to the member of its name; a pulse where software writes a self-clearing bit."""
    file, receive, transmit, field = parts.file, parts.receive, parts.transmit, parts.field
    shared = {
        "vet": field("VET", "VET"), "vme": field("CTRL", "VME"), "pause_da": Cat(file.FCAL, file.FCAH[:16]),
        "fct": field("FCT", "FCT"), "timebase": parts.timebase,
    }  # fmt: skip
    to_receive: dict[str, Any] = {
        "rfce": field("CTRL", "RFCE"), "rdtr": field("RDTR", "DELAY"), "radv": field("RADV", "DELAY"),
        "rsrpd": field("RSRPD", "SIZE"), "fpd": parts.written("RDTR", "FPD"),
    }  # fmt: skip
    to_transmit: dict[str, Any] = {
        "tidv": field("TIDV", "IDV"), "tadv": field("TADV", "IDV"), "lwthresh": field("TXDCTL", "LWTHRESH"),
        "fcttv": field("FCTTV", "TTV"), "tfce": field("CTRL", "TFCE"), "swxoff": parts.written("TCTL", "SWXOFF"),
        "fcrth": file.FCRTH[:16], "fcrtl": file.FCRTL[:16], "xone": field("FCRTL", "XONE"),
        "rx_missed": receive.event[RXO], "rx_fill": receive.fill, "station": parts.station,
    }  # fmt: skip
    connect(m, taps.insert(m, "pause.rx", receive.pause), transmit.pause)
    for half, values in ((receive, shared | to_receive), (transmit, shared | to_transmit)):
        for name, value in values.items():
            m.d.comb += getattr(half, name).eq(value)
