"""ringbed's own registers of `em`, from F000h: every frame ends in exactly one of these counters.

RB_RXWIRE = RB_RXDONE + the drops of receive + what is in the card; RB_TXFRAME + RB_TXSEG = RB_TXWIRE + RB_TXTSO + the
drops of transmit + what is in the card. While the card hears itself RB_RXWIRE counts what it sent.
"""

from __future__ import annotations

from ringbed.hw.formats.em.causes import StopCause
from ringbed.hw.formats.window import Count, Part, Stop, Window

__all__ = ["WINDOW"]

BEGUN, MADE, DONE, ENDED, APART = Part


WINDOW = Window(
    base=0xF000,
    counts=(
        Count("RB_RXWIRE", 0, "rx", BEGUN, "frames that began on the receive wire", rx_wire=1),
        Count("RB_RXDONE", 1, "rx", DONE, "frames written to host memory, status included"),
        Count("RB_RXOFF", 2, "rx", ENDED, "dropped: RCTL.EN = 0 or no link"),
        Count("RB_RXCRC", 3, "rx", ENDED, "dropped: FCS or symbol error, 64 bytes or more"),
        Count("RB_RXRUNT", 4, "rx", ENDED, "dropped: under 64 bytes"),
        Count("RB_RXGIANT", 5, "rx", ENDED, "dropped: over 1522 bytes, or over 16384 with RCTL.LPE"),
        Count("RB_RXFILTER", 6, "rx", ENDED, "dropped: not for us by its address"),
        Count("RB_RXMISS", 7, "rx", ENDED, "dropped: no room in the packet buffer (RXO)"),
        Count("RB_RXFLUSH", 8, "rx", ENDED,
              "dropped: in the packet buffer when the card was reset or its queue had stopped"),
        Count("RB_RXVLAN", 9, "rx", ENDED, "dropped: tagged, and not for us by VFTA or CFI"),
        Count("RB_RXPAUSE", 10, "rx", ENDED, "dropped: a MAC control frame that RCTL.DPF or PMCF keeps out of memory"),
        Count("RB_RXLOOP", 11, "rx", APART,
              "frames on the wire while the card heard itself (loopback); not in RB_RXWIRE", rx_wire=1),
        Count("RB_TXFRAME", 16, "tx", BEGUN,
              "frames taken from the ring: EOP descriptors processed, context descriptors apart"),
        Count("RB_TXWIRE", 17, "tx", DONE,
              "frames sent whole, on the wire or in loopback; pause frames apart", tx_wire=1),
        Count("RB_TXNULL", 18, "tx", ENDED, "refused: no data in the whole frame"),
        Count("RB_TXLONG", 19, "tx", ENDED, "refused: more than 16288 bytes, or more than the TX packet buffer holds"),
        Count("RB_TXTSE", 20, "tx", ENDED, "refused: a segmentation whose header, MSS or length cannot be"),
        Count("RB_TXMIX", 21, "tx", ENDED,
              "refused: legacy and data descriptors in one frame, a context inside a frame, or a DTYP that is none"),
        Count("RB_TXFLUSH", 22, "tx", ENDED, "dropped: in the card when it was reset or its queue had stopped"),
        Count("RB_TXTSO", 23, "tx", ENDED, "messages cut into segments; each is one of RB_TXFRAME"),
        Count("RB_TXSEG", 24, "tx", MADE,
              "segments made of them; RB_TXFRAME - RB_TXTSO + RB_TXSEG frames go on to the wire"),
        Count("RB_TXPAUSE", 25, "tx", APART, "pause frames sent, XON and XOFF", tx_wire=1),
        Count("RB_TXLOOP", 26, "tx", APART,
              "of the frames sent, those that went back to the receiver: loopback", rx_wire=-1, tx_wire=-1),
    ),
    stops=(
        Stop("RB_RXSTOP", "rx", 0xF080, StopCause.NAMES, "why the receive queue stands still (StopCause)"),
        Stop("RB_TXSTOP", "tx", 0xF084, StopCause.NAMES, "why the transmit queue stands still (StopCause)"),
    ),
)  # fmt: skip
