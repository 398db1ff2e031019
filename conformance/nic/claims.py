"""What a NIC says that it can do, as data: what a case needs beyond is 'not applicable', with a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ringbed.conformance.references.oracle import Oracle

__all__ = ["EM", "KNOWN", "Claims"]

# Every claim that a case may need.
KNOWN = {
    "tx.ipv4": "puts in the sum of an IPv4 header",
    "tx.l4.ipv4": "puts in the sum of TCP or UDP over IPv4",
    "tx.l4.ipv6": "puts in the sum of TCP or UDP over IPv6",
    "tx.offset.255": "puts in a sum at byte 255 of a frame, and before",
    "tx.offset.any": "puts in a sum beyond byte 255 of a frame",
    "tx.sctp": "puts in SCTP's CRC32c",
    "rx.verdicts": "says of a received frame whether its sums are right",
    "tso.tcp4": "cuts messages of TCP over IPv4",
    "tso.tcp6": "cuts messages of TCP over IPv6",
    "tso.udp4": "cuts messages of UDP over IPv4",
    "tso.udp6": "cuts messages of UDP over IPv6",
    "tso.cwr": "has CWR in the first segment alone",
    "tso.accecn": "keeps CWR in every segment, for AccECN",
    "tso.fixed-id": "keeps the IPv4 identification in every segment",
    "vlan.insert": "puts tags in",
    "vlan.strip": "takes tags out",
    "vlan.filter": "takes only frames of chosen VLANs",
    "vlan.qinq": "puts in and takes out two tags",
    "dma.scatter": "reads a frame from any number of pieces at any address",
    "rings.resize": "takes other ring sizes while it runs",
    "filter": "takes only frames to it, to groups it wants, and to all",
    "counters": "counts frames and octets by the names of ethtool -S",
    "interrupts": "has its interrupts moderated",
}


@dataclass(frozen=True)
class Claims:
    """Of one NIC: `lacks` says for each claim that it does not make why not; `oracle` is its table of verdicts."""

    name: str
    lacks: Mapping[str, str] = field(default_factory=dict)
    oracle: Oracle = field(default_factory=Oracle)

    def __post_init__(self) -> None:
        if unknown := set(self.lacks) - set(KNOWN):
            raise ValueError(f"there is no claim {', '.join(sorted(unknown))}")

    def why_not(self, needs: Sequence[str]) -> str:
        """Why what needs all of this does not apply; empty: it does. Raises KeyError for what nobody can claim."""
        for each in needs:
            if each not in KNOWN:
                raise KeyError(f"there is no claim {each!r}")
        return next((f"{self.name} does not claim that it {KNOWN[each]}: {self.lacks[each]}"
                     for each in needs if each in self.lacks), "")  # fmt: skip


EM = Claims(
    "em",
    {
        "tx.offset.any": "TUCSO has 8 bits (M 3.3.5)",
        "tx.sctp": "its engine makes one's complement sums only (M 3.5)",
        "tso.udp6": "the manual's list of what is edited has no such packet (M 3.5)",
        "tso.cwr": "it edits FIN and PSH, and CWR stays in every segment (M 3.5)",
        "tso.fixed-id": "the identification counts up in each segment (M 3.5)",
        "vlan.qinq": "it has one tag (M 9)",
    },
    Oracle(pcss=14),
)
