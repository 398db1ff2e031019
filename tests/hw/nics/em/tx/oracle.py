"""What the card must make of transmit descriptors: a naive interpreter of them, one after the other (M 3.3 to 3.6).

Where the manual leaves a point open it does as docs/nics/em.notes.md says.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ringbed.hw.formats import em
from tests.hw.nics.em.bench import fcs, raw_sum
from tests.hw.segment_reference import Message, segments

__all__ = ["Oracle"]

Fields = dict[str, int]
LONGEST, LONGEST_SEGMENT, LONGEST_HEADER = 16288, 16304, 240
REFUSALS = ("NULL", "LONG", "TSE", "MIX")


@dataclass
class Frame:
    """A frame or message not ended yet. `read`: its bytes from before it was refused."""

    first: bytes
    extended: bool
    segmented: bool
    data: bytes = b""
    read: bytes = b""
    refused: set[str] = field(default_factory=set)
    begun: bool = False  # a descriptor of it was used


def _sum(data: bytes, start: int, end: int, at: int, udp: bool) -> tuple[int, int] | None:
    """Where the sum goes and what it is; None where it cannot go."""
    if start >= len(data) or at + 1 >= len(data):
        return None
    value = raw_sum(data[start : end + 1 if end else None].ljust(1, b"\0")) ^ 0xFFFF
    return at, 0xFFFF if udp and value == 0 else value


@dataclass
class Oracle:
    """`wire` is what must leave, `counts` what the RB_TX registers and TSCTC, TSCTFC must read."""

    vme: bool
    vet: int
    pad: bool
    wire: list[bytes] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    contexts: dict[int, Fields] = field(default_factory=dict)
    frame: Frame | None = None

    def use(self, word: bytes, data: bytes) -> None:
        """One descriptor; `data` is what lies at its address."""
        d, legacy = em.TX_DATA.decode(word), em.TX_LEGACY.decode(word)
        is_context = d["DEXT"] == 1 and d["DTYP"] == 0
        if is_context and self.frame is None:
            fields = em.TX_CONTEXT.decode(word)
            self.contexts[fields["TSE"]] = fields
            return
        f = self.frame = self.frame or Frame(word, bool(d["DEXT"]), bool(d["DEXT"] and d["TSE"]))
        if f.begun and (is_context or bool(d["DEXT"]) != f.extended) or d["DEXT"] and d["DTYP"] > 1:
            f.refused.add("MIX")
        f.begun, ends = True, bool(legacy["EOP"] and not is_context)
        length = 0 if is_context or not d["address"] else d["DTALEN"] if d["DEXT"] else legacy["length"]
        f.data += data[:length]
        self._refuse(f, ends)
        if length and not f.refused:
            f.read = f.data
        if ends:
            self.frame = None
            self._end(f, word)

    def _refuse(self, f: Frame, ends: bool) -> None:
        if ends and not f.data:
            f.refused.add("NULL")
        if len(f.data) > LONGEST and not f.segmented:
            f.refused.add("LONG")
        if f.segmented:
            c = self.contexts.get(1, {"MSS": 0, "HDRLEN": 0, "PAYLEN": 0})
            possible = c["MSS"] and c["PAYLEN"] and 0 < c["HDRLEN"] <= LONGEST_HEADER
            if not possible or c["MSS"] + c["HDRLEN"] > LONGEST_SEGMENT or (ends and 0 < len(f.data) <= c["HDRLEN"]):
                f.refused.add("TSE")

    def _end(self, f: Frame, word: bytes) -> None:
        self.counts["RB_TXFRAME"] += 1
        c = self.contexts.get(int(f.segmented), em.TX_CONTEXT.decode(bytes(16)))
        if f.refused:
            self.counts["RB_TX" + next(name for name in REFUSALS if name in f.refused)] += 1
            if f.segmented and f.read:
                self.counts["TSCTFC"] += 1
                self._segments(f, f.read, c, word)  # what was whole by then
        elif f.segmented:
            self.counts["RB_TXTSO"] += 1
            payload = self._segments(f, f.data, c, word)
            self.counts["TSCTC" if payload == c["PAYLEN"] else "TSCTFC"] += 1
        else:
            self._send(f, f.data, c, word)

    def _segments(self, f: Frame, data: bytes, c: Fields, word: bytes) -> int:
        """Gives the bytes of payload there were."""
        header, payload = data[: c["HDRLEN"]], data[c["HDRLEN"] :]
        l3 = "ipv4" if c["IP"] else "ipv6" if c["TCP"] else None
        l4 = "tcp" if c["TCP"] else "udp" if c["IP"] else None
        sum_at = c["TUCSO"] if l4 and em.TX_DATA.decode(f.first)["TXSM"] else None
        message = Message(header, payload, c["MSS"], l3, c["IPCSS"], l4, c["TUCSS"], sum_at, c["PAYLEN"])
        for segment in segments(message) if payload else []:
            self.counts["RB_TXSEG"] += 1
            self._send(f, segment, c, word)
        return len(payload)

    def _send(self, f: Frame, data: bytes, c: Fields, word: bytes) -> None:
        """Sums of the frame as software gave it, then the tag, then padding, then the FCS."""
        options, last = em.TX_DATA.decode(f.first), em.TX_LEGACY.decode(word)
        sums = list[tuple[int, int] | None]()
        if f.extended and options["IXSM"]:
            sums.append(_sum(data, c["IPCSS"], c["IPCSE"], c["IPCSO"], udp=False))
        if f.extended and options["TXSM"]:
            sums.append(_sum(data, c["TUCSS"], c["TUCSE"], c["TUCSO"], udp=not c["TCP"]))
        if not f.extended and last["IC"]:
            sums.append(_sum(data, em.TX_LEGACY.decode(f.first)["CSS"], 0, last["CSO"], udp=False))
        made = bytearray(data)
        for at, value in filter(None, sums):
            made[at : at + 2] = value.to_bytes(2, "big")
        end = em.TX_LEGACY.decode(f.first) if f.segmented else last
        tagged = end["VLE"] and self.vme
        if tagged and len(made) >= 12:
            made[12:12] = self.vet.to_bytes(2, "big") + end["special"].to_bytes(2, "big")
        out = bytes(made).ljust(60 if self.pad else 0, b"\0")
        self.wire.append(fcs(out) if end["IFCS"] or tagged else out)
        self.counts["RB_TXWIRE"] += 1
