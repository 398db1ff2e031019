"""What QEMU's e1000 does otherwise than our card, as data: what a test or a driver's author must know of the judge.

Every trait is pinned by at least one experiment in `tests/hw/nics/em/against_qemu/`, which asks both the same.
Section numbers with an M are those of the manual `hw/formats/em/` names. `follows` says whom the manual is with:
`card`, `QEMU`, or `open` where it leaves the point to either.

QEMU's model changes. ASKED lists the versions that were asked everything; a point that is not the same in all of them
has its words by version, each from the first on that was seen to do so (8.1 was not asked: its source was read).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

__all__ = ["ASKED", "NOT_COUNTED", "TRAITS", "Trait", "Version", "at", "markdown", "text"]

T = TypeVar("T")
Version = tuple[int, int]
ASKED: tuple[Version, ...] = ((7, 2), (10, 0), (11, 1))


# The statistics that read 0 whatever happens, from a version on; a pair by its name without L and H.
NOT_COUNTED: Mapping[Version, tuple[str, ...]] = {
    (7, 2): (),
    (11, 1): (
        *("PRC64", "PRC127", "PRC255", "PRC511", "PRC1023", "PRC1522"),
        *("PTC64", "PTC127", "PTC255", "PTC511", "PTC1023", "PTC1522"),
        *("GORC", "GOTC", "ROC", "BPRC", "MPRC", "BPTC", "MPTC", "TSCTC"),
    ),
}


def text(version: Version) -> str:
    return ".".join(map(str, version))


def at(version: Version, since: Mapping[Version, T]) -> T:
    """What holds for `version` of what began with each version; what holds for the oldest holds before it, too."""
    return since[max((first for first in since if first <= version), default=min(since))]


@dataclass(frozen=True, slots=True)
class Trait:
    """One difference in words: what our card does, what QEMU does, whom the manual is with, and where it says so.

    `qemu` is the same words for every version of ASKED, or words by the version with which it began, oldest first.
    """

    topic: str
    card: str
    qemu: str | Mapping[Version, str]
    follows: str
    source: str

    @property
    def since(self) -> Mapping[Version, str]:
        return {ASKED[0]: self.qemu} if isinstance(self.qemu, str) else self.qemu

    @property
    def words(self) -> str:
        """Of every version: "before 8.1 so; from 8.1 so"."""
        firsts = list(self.since)
        told = [f"before {text(end)} {self.since[begin]}" for begin, end in pairwise(firsts)]
        last = self.since[firsts[-1]]
        return "; ".join([*told, f"from {text(firsts[-1])} {last}" if told else last])

    def __post_init__(self) -> None:
        firsts = list(self.since)
        if firsts != sorted(firsts) or firsts[:1] != [ASKED[0]]:
            raise ValueError(f"words by version go up from {text(ASKED[0])}, not {', '.join(map(text, firsts))}")
        if self.follows not in ("card", "QEMU", "open"):
            raise ValueError(f"the manual is with 'card', 'QEMU' or neither ('open'), not {self.follows!r}")


TRAITS: dict[str, Trait] = {
    # the bus and the general registers
    "identity": Trait("PCI revision, BARs", "revision 2; BAR 2: 8 bytes of I/O, a window on the registers",
                      "revision 3; BAR 1: 64 bytes of I/O that read 0", "card", "M 4"),
    "reset values": Trait("STATUS and CTRL after power-up", "reserved bits 0; FD and SPEED 10b in CTRL",
                          "80080783 and 00140240: bits of other parts of the family", "open",
                          "depends on the EEPROM, and is not printed"),
    "software reset": Trait("`CTRL.RST`", "registers go to their reset values, work in flight ends",
                            "the bit is dropped, nothing else", "card", "M 14, 13.4.1"),
    "not implemented": Trait("TIPG, TXCW, RXCSUM, RXDCTL, TIDV, RSRPD, FCAL, FCAH, FCT, FCTTV, FCRTL, FCRTH",
                             "kept, and acted on but for TIPG and TXCW", "read 0", "card", "M 13.4"),
    "packet buffer": Trait("PBA", "`TXA` follows from what is written to `RXA`", "stored; nothing is shared by it",
                           "card", "M 13.4.19"),
    "ring base": Trait("low four bits of RDBAL and TDBAL", "0", "kept, and ignored by the ring", "card", "M 3.2.6"),
    "eeprom pins": Trait("`EECD.GNT`", "1 after `REQ`", "always 1", "card", "M 13.4.3"),
    "phy status": Trait("PHY register 1 after power-up", "link and autonegotiation complete",
                        "link, but not negotiated until software restarts it", "card", "IEEE 802.3 22.2.4.2"),
    "phy registers": Trait("PHY registers 7, 8, 11 to 15, 18, 19 and 22 to 31",
                           "answer; what is reserved reads 0", "`MDIC.E`", "card",
                           "IEEE 802.3 22.2.4: a PHY answers at all 32"),
    # transmit
    "padding": Trait("a short frame with `TCTL.PSP` clear", "leaves short",
                     "knows no PSP: every frame leaves short, and the engine pads it", "card", "M Table 13-76"),
    "ifcs": Trait("`IFCS` clear", "software's last four bytes are the FCS", "no FCS is QEMU's to leave out", "card",
                  "M 3.3.3"),
    "legacy checksum": Trait("`IC` of legacy descriptors", "inserted", "ignored", "card", "M 3.3.3"),
    "zero sums": Trait("a TCP or IPv4 sum that comes out as 0", "0000", "FFFF, as for UDP", "open",
                       "M has nothing on FFFF; RFC 768 wants it for UDP alone"),
    "mixed frame": Trait("legacy and data descriptors in one frame", "refused whole, counted", "sent", "open",
                         "M 3.3.5 forbids it and does not say what comes of it"),
    "data length": Trait("`DTALEN` of 64 KiB and more", "a frame too long: refused whole, counted",
                         "the low 16 bits are the length", "card", "M Table 3-17: 20 bits"),
    "longest sent": Trait("a frame of more than 16288 bytes", "refused whole, counted", "sent, up to 64 KiB", "card",
                          "M Table 3-8"),
    "rps": Trait("`RPS`, reserved on this part", "ignored", "writes DD like `RS`", "card", "M Table 3-8"),
    "empty run": Trait("a tail written again with nothing to send", "no cause", "`TXQE`", "card",
                       "M Table 13-63: the queue became empty"),
    # receive
    "runt": Trait("a frame below 64 bytes with a good FCS", "dropped, counted",
                  {(7, 2): "padded to 60 and stored", (10, 0): "stored, short as it is"}, "card", "M 13.4.22, SBP"),
    "fcs check": Trait("a bad FCS with `RCTL.SBP`", "stored with `CE`", "there is none; the engine drops the frame",
                       "card", "M 13.4.22"),
    "fcs kept": Trait("`RCTL.SECRC` clear", "the FCS is the last four bytes",
                      "the length counts them, what is there is stale", "card", "M 13.4.22"),
    "longest received": Trait("limits 1522 and 16384 with FCS", "as said",
                              {(7, 2): "without FCS: four bytes more get through", (8, 1): "as here"}, "card",
                              "M 13.7.15"),
    "rx verdict": Trait("receive checksums", "`IPCS`, `TCPCS`, `IPE`, `TCPE`", "`IXSM` in every frame", "card",
                        "M 3.2.9"),
    "packet checksum": Trait("bytes 10 and 11 of a receive descriptor", "the sum from `PCSS` on", "not written",
                             "card", "M 3.2.3"),
    "buffers short": Trait("a frame of more buffers than are left", "waits in the packet buffer for more",
                           "dropped whole, with `RXO`", "card", "M 3.2.6: there is a FIFO"),
    "deaf": Trait("reception after a write to RCTL", "at once", "stops for a second; frames wait", "card", "M 13.4.22"),
    # filters and tags
    "group promiscuous": Trait("a broadcast frame with `MPE` and without `BAM`", "taken: its address is a group's",
                               {(7, 2): "taken", (10, 0): "dropped"}, "open",
                               "M 13.4.22, MPE: all multicast"),
    "hash": Trait("MTA", "for multicast and broadcast addresses", "for every address, stations' too", "card",
                  "M 13.5.1"),
    "cfi": Trait("`RCTL.CFIEN`", "a tag with another CFI is dropped", "ignored", "card", "M 9.3"),
    "tag in descriptors": Trait("`VP` and `special` of a frame over several buffers", "in its last descriptor",
                                "in every one", "card", "M 3.2.3: status is valid with EOP"),
    # statistics
    "count sizes": Trait("PRC64 to PRC1522 with `SECRC`", "by the length on the wire",
                         "by the length stored, so a frame of 64 is in none", "card", "M 13.7"),
    "count broadcast": Trait("a broadcast frame with `MPE`", "BPRC", {(7, 2): "MPRC", (10, 0): "BPRC"}, "card",
                             "M 13.7"),
    "counts left out": Trait("what the statistics count", "all of M 13.7 that can happen here",
                             {first: f"all but {', '.join(names)}, which read 0" if names else "as much, otherwise"
                              for first, names in NOT_COUNTED.items()}, "card", "M 13.7"),
    "count oversize": Trait("a frame over the limit", "ROC, RLEC, TOR and TPR", "ROC alone", "card", "M 13.7"),
    "count tags": Trait("octets of a tag taken out or put in", "counted: lengths are the wire's", "not counted", "card",
                        "M 13.7"),
    "count segments": Trait("TSCTC of a message that is one segment", "counted", "not counted", "card", "M 13.7"),
    # segmentation
    "ipv6 length": Trait("payload length of IPv6 segments", "without the 40 bytes of the header",
                         "40 too much, as the manual's formula gives it", "QEMU",
                         "M 3.5; RFC 8200 and the manuals of later parts are with ours"),
    "empty segment": Trait("a message whose payload is a multiple of MSS", "as many segments",
                           "one more behind them, of a header alone", "card", "M 3.5: PAYLEN says how much there is"),
    "wrong length": Trait("PAYLEN other than the data", "ends at PAYLEN; what is no whole segment is not sent",
                          "all data is sent, flags of the last by PAYLEN", "open", "M 3.5: they must be equal"),
    # causes, pause frames, loopback
    "delays": Trait("TIDV, RDTR", "the cause comes when its delay is over",
                    "the cause shows at once; only the line waits, with RADV, TADV and ITR", "card",
                    "M 13.4.30, 13.4.43"),
    "small packets": Trait("`SRPD`", "raised", "never", "card", "M 13.4.32"),
    "pause": Trait("pause frames: `TXOFF`, `SWXOFF`", "obeyed and sent", "there are none", "card", "M 8.7"),
    "loopback": Trait("`RCTL.LBM`", "01 loops in the MAC", "ignored; PHY register 0 loops, on either", "open",
                      "M 13.4.22: 01 is not defined for this part"),
}  # fmt: skip


def markdown() -> str:
    """The table as it stands in docs/nics/em.notes.md, with the versions that were asked at its head."""
    rows = [f"| {t.topic} | {t.card} | {t.words} | {t.follows} | {t.source} |" for t in TRAITS.values()]
    versions = ", ".join(map(text, ASKED))
    return "\n".join(
        [f"| point | here | QEMU's e1000, {versions} | the manual is with | source |", "| --- " * 5 + "|", *rows]
    )
