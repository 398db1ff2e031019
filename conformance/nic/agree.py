"""Two opinions on every frame: scapy's, through `references`, and `references.rfc`. A case counts where they agree."""

from __future__ import annotations

from dataclasses import dataclass

from ringbed.conformance.nic.case import BrokenSuite, Coming
from ringbed.conformance.references.checksum import Place, inserted
from ringbed.conformance.references.oracle import Oracle
from ringbed.conformance.references.rfc import filled, read, words
from ringbed.hw.formats.em import RxRow
from ringbed.hw.formats.verdict import Verdict
from ringbed.sim.wire.frame import pad

__all__ = ["Judge", "agreed", "must_be_right", "with_sum"]


def agreed(what: str, scapy: bytes, rfc: bytes) -> bytes:
    """Both, being one. Raises BrokenSuite."""
    if scapy != rfc:
        at = next((n for n, (a, b) in enumerate(zip(scapy, rfc, strict=False)) if a != b), min(len(scapy), len(rfc)))
        raise BrokenSuite(
            f"{what}: from byte {at} on scapy has {scapy[at : at + 4].hex(' ')}, "
            f"the RFCs {rfc[at : at + 4].hex(' ')}"
        )  # fmt: skip
    return scapy


def with_sum(what: str, asked: bytes, place: Place) -> bytes:
    """`asked` as it must leave with the sum of TCP or UDP put in; what the field holds is part of the sum."""
    scapy = next(iter(inserted(asked, place)))
    return agreed(what, scapy, filled(asked, place.start, place.offset, udp=place.udp))


def must_be_right(what: str, frame: bytes) -> bytes:
    """`frame`, of which both readers say that its sums are right. Raises BrokenSuite."""
    expected, reading = Oracle(longest=2048)(frame), read(frame, 2048)
    if expected.verdict & (Verdict.L3_BAD | Verdict.L4_BAD) or reading.l3 is False or reading.l4 is False:
        raise BrokenSuite(f"{what}: a sum is wrong; scapy: {expected.verdict!r}, the RFCs: {reading}")
    return frame


@dataclass(frozen=True)
class Judge:
    """What a card must say of a received frame: its verdict table over two readings of the frame."""

    oracle: Oracle

    def coming(self, what: str, frame: bytes, *, taken_out: int | None = None, asked: bool = False) -> Coming:
        """Of `frame` as on the wire; with `asked` its tag, or that it has none, is asked too. Raises BrokenSuite."""
        whole = pad(frame)
        seen = whole if taken_out is None else whole[:12] + whole[16:]
        expected, reading = self.oracle(whole), read(whole, self.oracle.longest)
        row = next((each for each in self.oracle.table if each.kind == reading.kind), None)
        if row is None or not expected.kind.endswith(reading.kind):
            raise BrokenSuite(f"{what}: scapy's reader has {expected.kind!r}, the RFCs' has {reading.kind!r}")
        verdict = self._verdict(row, reading.l3, reading.l4)
        if verdict != expected.verdict:
            raise BrokenSuite(f"{what}: the verdict by scapy is {expected.verdict!r}, by the RFCs {verdict!r}")
        expected = self.oracle(seen)  # of which the sum is: a card that takes a tag out sums what is left
        total = words(seen[self.oracle.pcss :])
        if (total - expected.checksum) % 65535 or bool(total) != bool(expected.checksum):
            raise BrokenSuite(f"{what}: scapy's sum of the packet is {expected.checksum:#06x}, the RFCs' {total:#x}")
        return Coming(seen, verdict, expected.checksum, taken_out, asked)

    def _verdict(self, row: RxRow, l3: bool | None, l4: bool | None) -> Verdict:
        found = Verdict.NONE
        if row.l3 and l3 is not None and self.oracle.ipofl:
            found |= Verdict.L3_GOOD if l3 else Verdict.L3_BAD
        if row.l4 and l4 is not None and self.oracle.tuofl:
            found |= Verdict.L4_GOOD if l4 else Verdict.L4_BAD
        return found
