"""Why `em` interrupts, and why one of its queues stands still."""

from __future__ import annotations

from ringbed.hw.formats.field import Field

__all__ = ["CAUSES", "StopCause"]

# Interrupt causes: bits of ICR, ICS, IMS and IMC (M Table 13-63). Those without a source here are real bits all the
# same: ICS sets them, IMS lets them raise the line, and the self tests of drivers in use ask for that.
CAUSES = (
    Field("TXDW", 0, doc="a TX descriptor with RS was written back"),
    Field("TXQE", 1, doc="all TX descriptors used: TDH reached TDT"),
    Field("LSC", 2, doc="the link went up or down"),
    Field("RXSEQ", 3, doc="sequence error, SerDes only: ICS alone sets it"),
    Field("RXDMT0", 4, doc="free RX descriptors fell to the RCTL.RDMTS share of the ring"),
    Field("RSV5", 5, doc="reserved: ICS alone sets it"),
    Field("RXO", 6, doc="a frame found no room in the RX packet buffer"),
    Field("RXT0", 7, doc="an RX frame was written back"),
    Field("RSV8", 8, doc="reserved: ICS alone sets it"),
    Field("MDAC", 9, doc="an MDIO access with MDIC.I = 1 ended"),
    Field("RXCFG", 10, doc="configuration ordered sets, SerDes only: ICS alone sets it"),
    Field("RSV11", 11, doc="reserved: ICS alone sets it"),
    Field("PHYINT", 12, doc="the PHY's interrupt, which is not wired: ICS alone sets it"),
    Field("GPI_SDP6", 13, doc="pin SDP6, which the card has not: ICS alone sets it"),
    Field("GPI_SDP7", 14, doc="pin SDP7, which the card has not: ICS alone sets it"),
    Field("TXD_LOW", 15, doc="TX descriptors left for the card fell to 8 * TXDCTL.LWTHRESH"),
    Field("SRPD", 16, doc="a frame of RSRPD.SIZE stored bytes or fewer was written back"),
)


class StopCause:
    """Values of RB_RXSTOP and RB_TXSTOP: why a queue stands still; only CTRL.RST starts it again."""

    NONE = 0
    RING = 1  # tail or head not inside the ring, or a ring of length 0 with a tail other than 0
    FETCH = 2  # the bus answered a descriptor read with DECERR or SLVERR
    DATA = 3  # the same for a frame's data
    WRITEBACK = 4  # the same for a descriptor write-back
    NAMES = ("none", "ring", "fetch", "data", "writeback")
