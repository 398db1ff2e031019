"""The receive filters: is a frame for us by its addresses, and by its tag (M 3.2.1, 3.2.9, 9.3, 13.5).

A frame passes by address when one of these lets it in: an exact match of its destination with a valid receive address
(or of its source, for one whose AS is 01), RCTL.UPE, the multicast hash, RCTL.MPE, broadcast with RCTL.BAM. A tagged
frame must then pass VFTA with RCTL.VFE, and have the CFI bit of RCTL.CFI with RCTL.CFIEN; an untagged one ignores both.
The two tables lie outside: this block asks them by index and looks at the answer in the same clock.
"""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ringbed.hw.mac.rx_head import Head

__all__ = ["ADDRESSES", "FilterControl", "RxFilter", "Verdict"]

ADDRESSES = 16
HASH_SHIFTS = (4, 3, 2, 0)  # of the last two address bytes, for each value of RCTL.MO (M 13.5.1)
VID, CFI = slice(0, 12), 12  # of a tag's TCI

# RCTL's fields of the same names.
FilterControl = data.StructLayout(
    {"upe": 1, "mpe": 1, "bam": 1, "mo": 2, "vfe": 1, "cfien": 1, "cfi": 1},
)

# `address`, `vlan`: passed these filters; `inexact`: by the multicast hash alone (PIF). `multicast`, `broadcast`: what
# the destination is, at most one of them.
Verdict = data.StructLayout({"address": 1, "inexact": 1, "vlan": 1, "multicast": 1, "broadcast": 1})


class RxFilter(wiring.Component):
    """One verdict a frame, in the clock after RxHead told its head; stands until the next.

    Members
    -------
    head : In(Head), told : In(1): as RxHead gives them
    control : In(FilterControl)
    addresses : In(16 times 48), address_valid, address_source : In(16): RAL and RAH, first byte in the low bits
    mta_index, vfta_index : Out(12): asked of the tables; mta_hit, vfta_hit : In(1): the bits there, in the same clock
    o : Out(Verdict)
    """

    def __init__(self) -> None:
        super().__init__({
            "head": In(Head), "told": In(1), "control": In(FilterControl),
            "addresses": In(data.ArrayLayout(48, ADDRESSES)),
            "address_valid": In(ADDRESSES), "address_source": In(ADDRESSES),
            "mta_index": Out(12), "mta_hit": In(1), "vfta_index": Out(12), "vfta_hit": In(1),
            "o": Out(Verdict),
        })  # fmt: skip

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        head, control, out = self.head, self.control, self.o
        to = head.destination
        group, broadcast, hashed, others = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            group.eq(to[0]),
            broadcast.eq(to.all()),
            self.mta_index.eq(self._hash(to)),
            self.vfta_index.eq(head.tci[VID]),
            hashed.eq(group & self.mta_hit),
        ]
        with m.If(group):
            m.d.comb += others.eq(control.mpe | (broadcast & control.bam))
        with m.Else():
            m.d.comb += others.eq(control.upe)
        with m.If(self.told):
            certain = Signal()
            m.d.comb += certain.eq(others | self._exact())
            m.d.sync += [
                out.address.eq(certain | hashed),
                out.inexact.eq(hashed & ~certain),
                out.vlan.eq(~head.tagged | (self._tag_passes())),
                out.multicast.eq(group & ~broadcast),
                out.broadcast.eq(broadcast),
            ]
        return m

    def _exact(self) -> Value:
        """Does one of the receive addresses match?"""
        matches = []
        for index in range(ADDRESSES):
            address = self.addresses[index]
            by_source = self.address_source[index]
            matches.append(
                (~by_source & (self.head.destination == address)) | (by_source & (self.head.source == address))
            )  # fmt: skip
        return (Cat(matches) & self.address_valid).any()

    def _hash(self, to: Value) -> Value:
        """Which bit of MTA the destination has."""
        last_bytes = to[32:48]
        windows = Cat(last_bytes[shift : shift + 12] for shift in HASH_SHIFTS)
        return windows.word_select(self.control.mo, 12)

    def _tag_passes(self) -> Value:
        control = self.control
        return (~control.vfe | self.vfta_hit) & (~control.cfien | (self.head.tci[CFI] == control.cfi))
