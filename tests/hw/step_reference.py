"""What the two halves of the receive parser must say of a frame, naively: a step a beat, and what the frame was.

Written from the frame's bytes and from `frame_reference.read`, sharing nothing with the card. A field to which a frame
gives no meaning is not among those of its steps.
"""

from __future__ import annotations

from tests.hw.frame_reference import Found, link, read

__all__ = ["Fields", "as_parsed", "body_of", "marked", "moved"]

FCS = 4
END = 1 << 15  # positions stay at the last beat below it
Fields = dict[str, int]


def as_parsed(found: Found) -> Fields:
    """The parser's fields that mean something for such a frame."""
    fields: Fields = {"ipv4": found.ipv4, "ipv6": found.ipv6, "tcp": found.l4 == 6, "udp": found.l4 == 17}
    if found.ipv4 or found.ipv6:
        fields |= {"l3_offset": found.l3, "vlan": found.vlan, "snap": found.snap}
    if found.ipv4:
        fields |= {"protocol": found.protocol, "fragment": found.fragment}
    if found.l4:
        fields |= {"l4_offset": found.l4_at, "l4_length": found.l4_length, "protocol": found.protocol}
        fields |= {"udp_sum": found.udp_sum} if found.l4 == 17 else {}
    return fields


def body_of(length: int, at: int, lanes: int) -> Fields:
    """Of a frame's beat that begins at byte `at`: bytes of it before the FCS, and the place of its first."""
    return {"body": max(0, min(lanes, length - FCS - at)), "position": min(at, END - lanes)}


def _lane(vlan: bool) -> int:
    """Where in a word of eight bytes an L3 packet begins."""
    return 2 if vlan else 6


def moved(frame: bytes, lanes: int) -> list[Fields]:
    """A frame's steps; a tag's type is 0x8100.

    `words` are the packet's from where it begins, `known` a mask of those bits of them that lie in the frame.
    """
    steps = [body_of(len(frame), at, lanes) for at in range(0, len(frame), lanes)]
    found = link(frame)
    if found is None or len(frame) < 32:  # what of a header is beyond the frame's end has no meaning
        return steps
    kind, l3, vlan, snap = found
    for step in steps:
        step |= {"begin": 0, "ipv4": 0, "ipv6": 0}
    if kind not in (0x0800, 0x86DD):
        return steps
    begins, bit = divmod(l3 - _lane(vlan), lanes)
    steps[begins] |= {
        "begin": 1 << bit // 8,
        "ipv4": kind == 0x0800,
        "ipv6": kind == 0x86DD,
        "vlan": vlan,
        "snap": snap,
    }
    for number, step in enumerate(steps[begins:], begins):
        at = number * lanes + _lane(vlan)
        first = bit if number == begins else 0
        step["words"] = int.from_bytes(frame[at : at + lanes], "little")
        step["known"] = sum(0xFF << 8 * lane for lane in range(first, max(0, min(lanes, len(frame) - at))))
    return steps


def marked(frame: bytes) -> tuple[bytes | None, bytes | None]:
    """The bytes that count for the IPv4 header's sum and for the TCP or UDP sum; None where no sum comes of them."""
    found, header, payload = read(frame), None, None
    packet = frame[found.l3 : -FCS]
    if found.ipv4:
        header = packet[: 4 * (packet[0] & 15)]
    if found.ipv6:
        header = b""
    if found.l4:
        start = found.l4_at - found.l3
        addresses = packet[12:20] if found.ipv4 else packet[8:40]
        payload = addresses + packet[start : start + found.l4_length]
    return header, payload
