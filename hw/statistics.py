"""What the two halves tell the statistics block about each frame (M 13.7)."""

from __future__ import annotations

from amaranth.lib import data

__all__ = ["RxStat", "TxStat"]

# One for every frame that ended on the receive MAC while RCTL.EN was 1 and the link up.
RxStat = data.StructLayout({
    "length": 15,  # wire bytes with FCS
    "crc": 1,  # the FCS does not match
    "rxe": 1,  # the wire's error flag came with it
    "passed": 1,  # address, VLAN and CFI filters let it in
    "missed": 1,  # no room in the packet buffer
    "runt": 1, "giant": 1,
    "multicast": 1, "broadcast": 1,  # of the destination; not both
    "xon": 1, "xoff": 1,  # a valid pause frame of time 0, of another time; honoured or not
    "control": 1,  # MAC control with another opcode
    "no_buffer": 1,  # RDH == RDT at the time
})  # fmt: skip

# One for every frame sent, when its last byte is on the wire.
TxStat = data.StructLayout({
    "length": 15,  # wire bytes with FCS
    "multicast": 1, "broadcast": 1,  # of the destination; not both
    "xon": 1, "xoff": 1,
})  # fmt: skip
