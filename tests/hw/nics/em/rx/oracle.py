"""What the card must make of a received frame: a naive reading of it under what software has set (M 3.2, 8.7, 9, 13.7).

Where the manual leaves a point open it does as docs/nics/em.notes.md says. Nothing here knows of beats or of time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ringbed.hw.formats import em
from tests.hw.frame_reference import read
from tests.hw.nics.em.bench import fcs, raw_sum

__all__ = ["Address", "Judged", "Setup", "descriptors", "judge"]

HASH_SHIFTS = (4, 3, 2, 0)  # RCTL.MO
ETHER, TAG, FCS = 14, 4, 4  # bytes of them
LONGEST_KEPT = 16384


@dataclass(frozen=True)
class Address:
    """One of RAL and RAH."""

    value: bytes
    valid: bool = True
    by_source: bool = False


@dataclass(frozen=True)
class Setup:
    """What software has written; `rctl`, `rxcsum`: the bits that are 1. `mta`, `vfta`: numbers of the bits set."""

    rctl: frozenset[str]
    addresses: tuple[Address, ...]
    rxcsum: frozenset[str] = frozenset()
    pcss: int = 0
    mo: int = 0
    mta: frozenset[int] = frozenset()
    vfta: frozenset[int] = frozenset()
    vme: bool = False
    vet: int = 0x8100
    fct: int = 0
    pause_da: bytes = bytes(6)

    @property
    def limit(self) -> int:
        return em.MAX_FRAME_LONG if "LPE" in self.rctl else em.MAX_FRAME


@dataclass(frozen=True)
class Judged:
    """`drop`: the RB_RX counter it ends in, unless it is missed; empty: kept. `counts`: statistics if not missed."""

    drop: str
    data: bytes = b""
    checksum: int = 0
    last: dict[str, int] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    if_missed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Frame:
    """A frame as the wire brought it, and what can be said of it at a glance."""

    wire: bytes
    error: bool
    s: Setup

    @property
    def to(self) -> bytes:
        return self.wire[:6]

    @property
    def good_fcs(self) -> bool:
        return fcs(self.wire[:-FCS]) == self.wire

    @property
    def tci(self) -> int | None:
        """The tag's, if there is one."""
        tagged = len(self.wire) >= ETHER + 2 and self.wire[12:14] == self.s.vet.to_bytes(2, "big")
        return int.from_bytes(self.wire[14:16], "big") if tagged else None

    @property
    def stripped(self) -> bool:
        return self.s.vme and self.tci is not None

    @property
    def runt(self) -> bool:
        return len(self.wire) < em.MIN_FRAME

    @property
    def giant(self) -> bool:
        return len(self.wire) > self.s.limit

    @property
    def control(self) -> bool:
        """A MAC control frame in good order."""
        sound = self.good_fcs and not (self.error or self.runt or self.giant)
        return sound and self.s.fct != 0 and int.from_bytes(self.wire[12:14], "big") == self.s.fct

    @property
    def to_station(self) -> bool:
        return self.s.addresses[0].valid and self.to == self.s.addresses[0].value

    @property
    def pause_opcode(self) -> bool:
        return self.wire[14:16] == b"\0\1"

    @property
    def pause(self) -> bool:
        return self.control and self.pause_opcode and (self.to_station or self.to == self.s.pause_da)


def _certain(f: Frame) -> bool:
    """Let in by something other than the hash."""
    s = f.s
    for each in s.addresses:
        if each.valid and (f.wire[6:12] if each.by_source else f.to) == each.value:
            return True
    if not f.to[0] & 1:
        return "UPE" in s.rctl
    return "MPE" in s.rctl or ("BAM" in s.rctl and f.to == b"\xff" * 6)


def _hashed(f: Frame) -> bool:
    index = (f.to[5] << 8 | f.to[4]) >> HASH_SHIFTS[f.s.mo] & 0xFFF
    return bool(f.to[0] & 1) and index in f.s.mta


def _vlan_passes(f: Frame) -> bool:
    rctl, tci = f.s.rctl, f.tci
    if tci is None:
        return True
    if "VFE" in rctl and tci & 0xFFF not in f.s.vfta:
        return False
    return "CFIEN" not in rctl or bool(tci >> 12 & 1) == ("CFI" in rctl)


def _drop(f: Frame, wanted: bool) -> str:
    rctl, size = f.s.rctl, len(f.wire)
    bad = "SBP" in rctl
    if f.runt and not (bad and size >= ETHER + FCS + (TAG if f.stripped else 0)):
        return "RUNT"
    if f.giant and not (bad and size <= LONGEST_KEPT):
        return "GIANT"
    if (not f.good_fcs or f.error) and not bad:
        return "CRC"
    if f.control and (not wanted or (f.pause and f.to_station and "DPF" in rctl)):
        return "PAUSE"
    return "FILTER" if not wanted else "VLAN" if not _vlan_passes(f) else ""


def _statistics(f: Frame, wanted: bool, missed: bool) -> Counter[str]:
    """The registers of M 13.7, RNBC apart."""
    size, found = len(f.wire), Counter[str]()
    passed = wanted and _vlan_passes(f)
    if f.pause:
        found["XOFFRXC" if f.wire[16:18] != b"\0\0" else "XONRXC"] += 1
    found["FCRUC"] += f.control and not f.pause_opcode
    if passed or f.pause:
        found += Counter({"TPR": 1, "TOR": size})
    found["MPC"] += missed
    if not passed:
        return +found
    if f.runt or f.giant:
        found["RLEC"] += 1
        found[("RUC" if f.good_fcs else "RFC") if f.runt else ("ROC" if f.good_fcs else "RJC")] += 1
    found["CRCERRS"] += not f.good_fcs and not f.runt
    found["RXERRC"] += f.error and not f.runt
    if f.good_fcs and not (f.error or missed or f.runt or f.giant or f.pause):
        edges = {"PRC64": 64, "PRC127": 127, "PRC255": 255, "PRC511": 511, "PRC1023": 1023, "PRC1522": 1 << 20}
        found += Counter({"GPRC": 1, "GORC": size, next(name for name, top in edges.items() if size <= top): 1})
        found["BPRC"] += f.to == b"\xff" * 6
        found["MPRC"] += bool(f.to[0] & 1) and f.to != b"\xff" * 6
    return +found


def _verdict(s: Setup, wire: bytes) -> dict[str, int]:
    """What the sums' engines say of a frame whose tag is gone already, if it was to go."""
    tag, other = s.vet.to_bytes(2, "big"), b"\x88\xb5"
    kind = wire[12:14]
    kind = b"\x81\x00" if kind == tag else other if kind == b"\x81\x00" else kind
    found = read(wire[:12] + kind + wire[14:])
    ip = found.ipv4 and "IPOFL" in s.rxcsum
    summed = found.l4 == 6 or (found.l4 == 17 and found.udp_sum)
    top = summed and "TUOFL" in s.rxcsum and (found.ipv4 or "IPV6OFL" in s.rxcsum)
    return {
        "IPCS": ip, "TCPCS": top, "IXSM": not (ip or top), "IPE": ip and not found.l3_good,
        "TCPE": top and not found.l4_good,
    }  # fmt: skip


def judge(s: Setup, wire: bytes, error: bool = False) -> Judged:
    """`error`: the wire said that the frame is damaged."""
    if len(wire) < ETHER:
        return Judged("RUNT")  # there are no addresses to look at
    f = Frame(wire, error, s)
    certain, hashed = _certain(f), _hashed(f)
    wanted = certain or hashed or (f.control and not f.pause_opcode and "PMCF" in s.rctl)
    counts, drop = _statistics(f, wanted, False), _drop(f, wanted)
    if drop:
        return Judged(drop, counts=counts)
    whole = wire[:12] + wire[16:] if f.stripped else wire
    data = whole[:-FCS] if "SECRC" in s.rctl else whole
    said = _verdict(s, whole) | {
        "DD": 1, "EOP": 1, "VP": f.stripped, "special": f.tci or 0 if f.stripped else 0,
        "PIF": hashed and not certain, "CE": not f.good_fcs, "RXE": error,
    }  # fmt: skip
    last = {name: int(value) for name, value in said.items()}
    return Judged("", data, raw_sum(data[s.pcss :]), last, counts, _statistics(f, wanted, True))


def descriptors(judged: Judged, addresses: list[int], size: int) -> list[bytes]:
    """What the descriptors at `addresses`, as many as the frame was given, must say; 0 is no buffer."""
    left, first, made = len(judged.data), True, list[bytes]()
    for address in addresses:
        here = min(left, size) if address else 0
        values = {"address": address, "DD": 1, "length": here}
        if address:
            values["checksum"] = judged.checksum if first else 0
            first, left = False, left - here
            values |= {} if left else judged.last
        made.append(em.RX_LEGACY.encode(**values))
    return made
