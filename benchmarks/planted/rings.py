"""Planted faults, of rings and registers: see `fault.py`."""

from __future__ import annotations

from ringbed.benchmarks.planted.fault import (
    BELL,
    NO_BARRIER,
    NO_RX_BARRIER,
    PUT,
    RCTL_ON,
    RX_BELL,
    RX_PUT,
    Fault,
    after,
)

FAULTS_OF_RINGS = (
    Fault(
        "written behind the bell",
        "ring.owned",
        (after(BELL, "self.tx.memory.view[(self.tx.tail - 1) % self.size * 16 + 14] ^= 1  # here"),),
    ),
    Fault(
        "buffer put anew while the card has it",
        "ring.owned",
        (after(RX_BELL, "self.rx.memory.view[self.rx.head * 16] ^= 8  # here"),),
    ),
    Fault(
        "no look at room, in pieces",
        "ring.owned",
        (("if self.tx.room < 2:", "if False:"),),
        batch=30,
        longest=1400,
        link_bps=10**8,
    ),
    Fault("no look at room, at once", "ring.full", (("if self.tx.room < 2:", "if False:"),), batch=80),
    Fault(
        "tail behind the head",
        "ring.unwritten",
        ((BELL, "self.device.write(0, TX + TAIL, self.tx.head - 1 & 63)  # here"),),
    ),
    Fault(
        "tail beyond the ring", "ring.tail_outside", ((RX_BELL, "self.device.write(0, RX + TAIL, self.size)  # here"),)
    ),
    Fault(
        "bell before the descriptor",
        "ring.unwritten",
        ((PUT, "self.device.write(0, TX + TAIL, (self.tx.tail + 1) % self.size)  # here\n        " + PUT),),
    ),
    Fault(
        "bell before a buffer",
        "ring.unwritten",
        (
            ("while self.rx.room:", "while self.rx.room > 8:"),
            (RX_BELL, "self.device.write(0, RX + TAIL, (self.rx.tail + 1) % self.size)  # here"),
        ),
    ),
    NO_BARRIER,
    NO_RX_BARRIER,
    Fault("status not cleared", "ring.done_set", ((RX_PUT, "self.rx.put(mapping.iova, 1 << 32, mapping)  # here"),)),
    Fault(
        "ring is not where the card is told",
        "ring.base",
        (("ring.memory.iova & 0xFFFF_FFFF", "ring.memory.iova + 0x10_0000 & 0xFFFF_FFFF"),),
    ),
    Fault("head written live", "ring.live", (after(BELL, "self.device.write(0, TX + HEAD, 0)  # here"),)),
    Fault(
        "base written live",
        "ring.live",
        (after(RCTL_ON, "self.device.write(0, RX + BASE, self.rx.memory.iova & 0xFFFF_FFFF)  # here"),),
    ),
    Fault(
        "length written live",
        "ring.live",
        (after(RCTL_ON, "self.device.write(0, TX + LENGTH, self.size * DESCRIPTOR)  # here"),),
    ),
    Fault(
        "RXDCTL written live",
        "register.live",
        (after(RCTL_ON, "self.device.write(0, 0x2828, 1 << 16 | 1 << 24)  # here"),),
    ),
    Fault(
        "TXDCTL written live",
        "register.live",
        (after(RCTL_ON, "self.device.write(0, 0x3828, 1 << 16 | 1 << 24)  # here"),),
    ),
    Fault(
        "buffer size changed live",
        "register.live",
        (after(RCTL_ON, "self.device.write(0, RCTL, EN | BAM | SECRC | 1 << 16)  # here"),),
    ),
    Fault(
        "reserved bit of RCTL",
        "register.reserved",
        ((RCTL_ON, "self.device.write(0, RCTL, EN | BAM | SECRC | 1 << 27)  # here"),),
    ),
    Fault(
        "length of a ring that is no multiple",
        "register.reserved",
        (
            (
                "self.device.write(0, at + LENGTH, self.size * DESCRIPTOR)",
                "self.device.write(0, at + LENGTH, self.size * DESCRIPTOR - 16)  # here",
            ),
        ),
    ),
    Fault("no register there", "register.unknown", (after(RCTL_ON, "self.device.write(0, 0x2834, 1)  # here"),)),
)
