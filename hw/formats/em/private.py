"""The register window RB_*, ringbed's own: exclusive counters, so that every frame can be accounted for."""

from __future__ import annotations

from ringbed.hw.formats.field import Access, Field, Register

__all__ = ["PRIVATE"]

RO = Access.RO


def _count(name: str, index: int, doc: str) -> Register:
    """One exclusive counter of the private window: 32 bits, wraps, kept over CTRL.RST, not cleared by a read."""
    return Register(name, 0xF000 + 4 * index, RO, (Field("COUNT", 0, 32, RO),), doc)


# Every frame ends in exactly one of these.
PRIVATE = (
    _count("RB_RXWIRE", 0, "frames that began on the receive wire"),
    _count("RB_RXDONE", 1, "frames written to host memory, status included"),
    _count("RB_RXOFF", 2, "dropped: RCTL.EN = 0 or no link"),
    _count("RB_RXCRC", 3, "dropped: FCS or symbol error, 64 bytes or more"),
    _count("RB_RXRUNT", 4, "dropped: under 64 bytes"),
    _count("RB_RXGIANT", 5, "dropped: over 1522 bytes, or over 16384 with RCTL.LPE"),
    _count("RB_RXFILTER", 6, "dropped: not for us by its address"),
    _count("RB_RXMISS", 7, "dropped: no room in the packet buffer (RXO)"),
    _count("RB_RXFLUSH", 8, "dropped: in the packet buffer when the card was reset or its queue had stopped"),
    _count("RB_RXVLAN", 9, "dropped: tagged, and not for us by VFTA or CFI"),
    _count("RB_RXPAUSE", 10, "dropped: a MAC control frame that RCTL.DPF or PMCF keeps out of memory"),
    _count("RB_RXLOOP", 11, "frames on the wire while the card heard itself (loopback); not in RB_RXWIRE"),
    _count("RB_TXFRAME", 16, "frames taken from the ring: EOP descriptors processed, context descriptors apart"),
    _count("RB_TXWIRE", 17, "frames sent whole, on the wire or in loopback; pause frames apart"),
    _count("RB_TXNULL", 18, "refused: no data in the whole frame"),
    _count("RB_TXLONG", 19, "refused: more than 16288 bytes, or more than the TX packet buffer holds"),
    _count("RB_TXTSE", 20, "refused: a segmentation whose header, MSS or length cannot be"),
    _count("RB_TXMIX", 21, "refused: legacy and data descriptors in one frame, or a context inside a frame"),
    _count("RB_TXFLUSH", 22, "dropped: in the card when it was reset or its queue had stopped"),
    _count("RB_TXTSO", 23, "messages cut into segments; each is one of RB_TXFRAME"),
    _count("RB_TXSEG", 24, "segments made of them; RB_TXFRAME - RB_TXTSO + RB_TXSEG frames go on to the wire"),
    _count("RB_TXPAUSE", 25, "pause frames sent, XON and XOFF"),
    _count("RB_TXLOOP", 26, "of the frames sent, those that went back to the receiver: loopback"),
    Register("RB_RXSTOP", 0xF080, RO, (Field("CAUSE", 0, 3, RO),), "why the receive queue stands still (StopCause)"),
    Register("RB_TXSTOP", 0xF084, RO, (Field("CAUSE", 0, 3, RO),), "why the transmit queue stands still (StopCause)"),
)  # fmt: skip
