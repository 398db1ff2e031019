"""Suite `checksum`, receiving: the frames that the ready tests of blocks ask about too, kind by kind.

The number of frames of a kind stands here, so that the table is made without them; a test holds it. Of `jumbo` the last
are left out: they are longer than any frame that `em` takes. Frames of all kinds
are those of one seed: who wants others asks the block's tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random

from ringbed.conformance.frames.kinds import frames_of
from ringbed.conformance.nic.agree import Judge
from ringbed.conformance.nic.case import Case, Plan
from ringbed.conformance.nic.suites.checksum_rx import NEEDS, arrived
from ringbed.conformance.nic.suites.rules import rules
from ringbed.conformance.nic.target import Setup

__all__ = ["KINDS", "RULES", "SEED", "cases"]

SEED = 1
LONG = Setup(mtu=16_000)
# kind, what stands in ids, how many, the rule's sentence and source
KINDS = (
    ("two hosts", "hosts", 433, "Frames between two Linux hosts have right sums", "RFC 1071 1"),
    ("every protocol", "protocols", 494, "Each row of the card's table of verdicts, bare, tagged and behind LLC/SNAP",
     "M Table 3-5"),
    ("carries", "carries", 160, "A carry that the fold of a carry makes is added too", "RFC 1071 2"),
    ("tunnels", "tunnel-ports", 128, "UDP to a tunnel's port is UDP: what is behind it does not matter",
     "erratum tx-special-udp-port-treated-as-tunnel"),
    ("packets in tunnels", "tunnels", 42, "Of a packet in a tunnel the outer sums are judged",
     "erratum rx-outer-l4-bad-reported-good"),
    ("offset limits", "limits", 80, "Headers on both sides of where narrow offsets end are found or left alone",
     "M 3.2.9.4"),
    ("both sums wrong", "both", 32, "Where both sums are wrong both are bad, in every stack",
     "erratum rx-l3-error-masks-l4-error"),
    ("one sum wrong", "one", 96, "Where one sum is wrong the other is good", "M Table 3-5"),
    ("sums wrong their own way", "inverted", 80, "A sum that is not inverted, or of swapped bytes, is bad",
     "RFC 1071 2"),
    ("fragments", "fragments", 38, "Of fragments the header's sum alone is checked", "M Table 3-6"),
    ("stacked tags", "tags", 20, "Behind two tags nothing is checked", "M 3.2.9.2"),
    ("sctp and udp-lite", "sctp", 40, "SCTP and UDP-Lite are no TCP and no UDP: not checked",
     "erratum rx-sctp-min-frame-flagged-bad"),
    ("lengths that lie", "lies-length", 40, "Of an IP packet whose length lies TCP and UDP are not checked",
     "erratum rx-error-bit-not-only-checksum"),
    ("ip headers that lie", "lies-ip", 38, "A header of another version, or too short, is no header",
     "M 3.2.9.3"),
    ("tcp headers that lie", "lies-tcp", 40, "TCP's data offset is in no sum's way", "RFC 9293 3.1"),
    ("udp lengths that lie", "lies-udp", 40, "UDP whose length is not IP's is not checked", "RFC 768"),
    ("short udp lengths", "short-udp", 36, "UDP that is shorter than IP says is not checked", "RFC 768"),
    ("packets cut short", "cut", 38, "Of a packet that ends in a header nothing behind it is checked",
     "erratum tx-truncated-ipv4-confuses-parser"),
    ("0x0000 and 0xffff", "zeros", 28, "Both zeros are right where the sum is 0, and wrong where it is not",
     "RFC 1071 1"),
    ("nothing but 00 and ff", "nothing", 36, "Frames of nothing but 00 or ff come as they are", "RFC 1071 1"),
    ("noise", "noise", 96, "Bytes that are no protocol come as they are, not checked", "M 3.2.9.2"),
    ("jumbo", "jumbo", 36, "Sums of frames beyond 2 KiB and 9,000 bytes are checked",
     "erratum tx-csum-limited-by-fifo-mvneta"),
)  # fmt: skip
RULES = rules(*((f"csum.rx.kind.{slug}", sentence, source) for _, slug, _, sentence, source in KINDS))


def cases(judge: Judge) -> Iterator[Case]:
    for kind, slug, count, _, _ in KINDS:
        rule = RULES[f"csum.rx.kind.{slug}"]
        setup = LONG if kind == "jumbo" else Setup()
        for number in range(count):
            id_ = f"csum.rx.kind.{slug}.{number}"
            yield Case(id_, rule, partial(_of_kind, judge, id_, kind, number), setup, NEEDS,
                       kind if count > 200 else "")  # fmt: skip


def _of_kind(judge: Judge, name: str, kind: str, number: int, rng: Random) -> Plan:
    return arrived(judge, name, lambda _: frames_of(kind, SEED)[number], rng)
