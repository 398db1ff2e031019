"""Suite `filters`: which frames come to the host, address by address, group by group, VLAN by VLAN, and which do not.

Each case has a frame in question between two that are for the station, so that one too many shows as well as one too
few. What must come is an invariant of the settings; no oracle is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from ringbed.conformance.frames.made import PEER, STATION
from ringbed.conformance.nic.case import Case, Coming, Difference, Plan
from ringbed.conformance.nic.compare import received
from ringbed.conformance.nic.suites.rules import rules
from ringbed.conformance.nic.target import Arrival, NicUnderTest, Setup
from ringbed.sim.wire.payload import payload

__all__ = ["RULES", "Wish", "cases"]

RULES = rules(
    ("filt.station", "A frame to the station comes", "M 13.4.22"),
    ("filt.other", "A frame to another station does not come", "M 13.4.22"),
    ("filt.bit", "An address that differs from the station's in one bit is another's",
     "erratum mac-address-bytes-reversed-nforce"),
    ("filt.broadcast", "A broadcast comes", "M 13.4.22"),
    ("filt.group", "A frame to a group that is wanted comes", "M 13.5.1"),
    ("filt.group-bit", "A group's address that differs in one bit is another group's",
     "erratum filter-mc-hash-shift-by-8"),
    ("filt.group-off", "A frame to a group that is wanted no more does not come", "M 13.5.1"),
    ("filt.groups-exact", "Each group of a short list comes", "M 13.5.2"),
    ("filt.groups-hash", "Each group of a list that is longer than the exact entries comes",
     "erratum filter-mta-odd-write-clobbers-even"),
    ("filt.all-multicast", "With all groups wanted each group's frame comes", "M 13.4.22"),
    ("filt.all-multicast-other", "With all groups wanted another station's frame does not come", "M 13.4.22"),
    ("filt.promiscuous", "With everything wanted everything comes", "M 13.4.22"),
    ("filt.promiscuous-off", "With everything wanted no more another station's frame does not come", "M 13.4.22"),
    ("filt.bad-fcs", "A frame with a wrong FCS does not come, whomever it is to", "IEEE 802.3 4.2.4.1"),
    ("filt.vlan", "With VLANs chosen a frame of one of them comes", "M 9.3"),
    ("filt.vlan-bit", "A VLAN whose number differs in one bit is another", "M 9.3"),
    ("filt.vlan-untagged", "With VLANs chosen a frame without a tag comes", "M 9.3"),
    ("filt.vlan-priority", "Priority and CFI do not choose", "M 9.3"),
    ("filt.vlan-other", "With VLANs chosen a frame of one of them to another station does not come", "M 9.3"),
    ("filt.vlan-off", "With no VLANs chosen every VLAN's frame comes", "M 9.3"),
)  # fmt: skip
SETUP = Setup(promiscuous=False)
VLANS = SETUP.features | {"vlan_filter"}
NEEDS = ("filter",)
BROADCAST = b"\xff" * 6
GROUP = bytes.fromhex("01005e010203")
MANY = tuple(GROUP[:3] + bytes((n % 5, 7 * n % 128, n)) for n in range(40))


@dataclass(frozen=True, slots=True)
class Wish:
    """What the host wants; `vlans` of None is no filter of VLANs. `before` was wanted first."""

    promiscuous: bool = False
    all_multicast: bool = False
    groups: Sequence[bytes] = ()
    vlans: tuple[int, ...] | None = None
    before: Wish | None = None

    def set(self, nic: NicUnderTest) -> None:
        if self.before is not None:
            self.before.set(nic)
        nic.set_features(SETUP.features if self.vlans is None else VLANS)
        nic.set_filter(promiscuous=self.promiscuous, all_multicast=self.all_multicast, groups=self.groups,
                       vlans=self.vlans or ())  # fmt: skip

    def takes(self, to: bytes, tci: int | None) -> bool:
        """Whether a frame to that address, with that tag, is wanted."""
        if self.promiscuous:
            return True
        if self.vlans is not None and tci is not None and tci & 0xFFF not in self.vlans:
            return False
        return to in (STATION, BROADCAST, *self.groups) or (self.all_multicast and bool(to[0] & 1))


def cases() -> Iterator[Case]:
    for rows in (_stations(), _groups(), _modes(), _vlans()):
        for rule, name, wish, to, tci, bad_fcs in rows:
            needs = (*NEEDS, "vlan.filter") if rule.startswith("filt.vlan") else NEEDS
            yield Case(f"filt.{name}", RULES[rule], partial(_plan, wish, to, tci, bad_fcs), SETUP, needs, scripted=True)


Row = tuple[str, str, Wish, bytes, int | None, bool]  # rule, name, wanted, address, tag, with a bad FCS


def _turned(address: bytes, bit: int) -> bytes:
    """One bit changed; bit 0 is the first of the first byte on the wire."""
    return bytes(byte ^ (1 << bit % 8 if at == bit // 8 else 0) for at, byte in enumerate(address))


def _stations() -> Iterator[Row]:
    for length in range(4):
        yield "filt.station", f"station.{length}", Wish(), STATION, None, False
        yield "filt.broadcast", f"broadcast.{length}", Wish(), BROADCAST, None, False
        yield "filt.other", f"other.{length}", Wish(), bytes((2, 0, 0, 0, length, 0x77)), None, False
    for bit in range(1, 48):
        yield "filt.bit", f"bit-{bit}", Wish(), _turned(STATION, bit), None, False


def _groups() -> Iterator[Row]:
    one, several = Wish(groups=(GROUP,)), Wish(groups=MANY[:8])
    yield "filt.group", "group", one, GROUP, None, False
    for number, group in enumerate((b"\x33\x33\0\0\0\x01", b"\x01\x80\xc2\0\0\x0e", b"\x03\0\0\0\0\x01")):
        yield "filt.group", f"group.{number}", Wish(groups=(group,)), group, None, False
    for bit in range(1, 48):
        yield "filt.group-bit", f"group-bit-{bit}", one, _turned(GROUP, bit), None, False
    for number, group in enumerate(MANY[:8]):
        yield "filt.groups-exact", f"groups-exact.{number}", several, group, None, False
        yield "filt.group-off", f"group-off.{number}", Wish(before=several), group, None, False
    for number, group in enumerate(MANY):
        yield "filt.groups-hash", f"groups-hash.{number}", Wish(groups=MANY), group, None, False
    for number in range(8):
        late = Wish(before=Wish(groups=MANY))
        yield "filt.group-off", f"group-off-hash.{number}", late, MANY[-1 - number], None, False


def _modes() -> Iterator[Row]:
    others = [bytes((first, 0x5E, 1, 2, 3, 4)) for first in (0, 2, 4, 6, 0x80, 0xFE)]
    for number, other in enumerate(others):
        group = bytes((other[0] | 1,)) + other[1:]
        every, all_groups = Wish(promiscuous=True), Wish(all_multicast=True)
        yield "filt.all-multicast", f"all-multicast.{number}", all_groups, group, None, False
        yield "filt.all-multicast-other", f"all-multicast-other.{number}", all_groups, other, None, False
        yield "filt.promiscuous", f"promiscuous.{number}", every, other, None, False
        yield "filt.promiscuous", f"promiscuous-group.{number}", every, group, None, False
        yield "filt.promiscuous-off", f"promiscuous-off.{number}", Wish(before=every), other, None, False
        yield "filt.promiscuous-off", f"promiscuous-off-group.{number}", Wish(before=every), group, None, False
        for name, wish in (("plain", Wish()), ("promiscuous", every), ("all-multicast", all_groups)):
            yield "filt.bad-fcs", f"bad-fcs.{name}.{number}", wish, (STATION, BROADCAST, group)[number % 3], None, True


def _vlans() -> Iterator[Row]:
    for vid in (1, 2, 31, 32, 33, 100, 1023, 2048, 4094):
        chosen = Wish(vlans=(vid,))
        yield "filt.vlan", f"vlan-{vid}", chosen, STATION, vid, False
        yield "filt.vlan-untagged", f"vlan-{vid}.untagged", chosen, STATION, None, False
        yield "filt.vlan-other", f"vlan-{vid}.other", chosen, bytes.fromhex("020000000077"), vid, False
        yield "filt.vlan-off", f"vlan-{vid}.off", Wish(before=chosen), STATION, vid ^ 5, False
        for top in (0x1000, 0x8000, 0xF000):
            yield "filt.vlan-priority", f"vlan-{vid}.top-{top:04x}", chosen, STATION, vid | top, False
    for vid in (0x5A5, 0x7FF):
        for bit in range(12):
            yield "filt.vlan-bit", f"vlan-{vid}.bit-{bit}", Wish(vlans=(vid,)), STATION, vid ^ 1 << bit, False


def _plan(wish: Wish, to: bytes, tci: int | None, bad_fcs: bool, rng: Random) -> Plan:
    tag = b"" if tci is None else b"\x81\0" + tci.to_bytes(2, "big")
    asked = to + PEER + tag + b"\x88\xb5" + payload(rng.randrange(3), 60)
    before, behind = (STATION + PEER + b"\x88\xb5" + rng.randbytes(50) for _ in range(2))
    frames = [Arrival(before), Arrival(asked, bad_fcs), Arrival(behind)]
    right = [before, *([asked] if wish.takes(to, tci) and not bad_fcs else []), behind]

    def script(nic: NicUnderTest) -> Iterator[Difference]:
        wish.set(nic)
        nic.receive(())  # what came before is nobody's here
        came = nic.receive(frames)
        Wish().set(nic)
        for _, difference in received([Plan(comes=[Coming(each) for each in right])], came):
            yield difference

    return Plan(script=script)
