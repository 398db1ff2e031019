"""Questions about TCP segmentation: a message in, frames out; what is told of each is what a peer would see."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet, Raw

from ringbed.hw.formats import em
from tests.hw.nics.em.against_qemu.ask_statistics import counted
from tests.hw.nics.em.against_qemu.experiments import experiment, sent
from tests.hw.nics.em.bench import STATION, Card, R, raw_sum

SEQUENCE = 0xFFFF_F000  # wraps in a message of 4 KB


def message(size: int, *, v6: bool = False, udp: bool = False, options: int = 0, flags: str = "PA",
            identity: int = 0xFFFE) -> bytes:  # fmt: skip
    """Prototype header and payload as software hands them over: lengths 0, the pseudo sum without a length (M 3.5)."""
    ip: Any = IPv6(src="fd00::1", dst="fd00::2") if v6 else IP(src="10.1.2.3", dst="10.9.8.7", id=identity)
    l4: Any = UDP(sport=4096, dport=53) if udp else TCP(
        sport=4096, dport=80, seq=SEQUENCE, flags=flags, options=[("NOP", None)] * options)  # fmt: skip
    payload = bytes(n * 7 & 0xFF for n in range(size))
    data = bytearray(bytes(Ether(dst=STATION.hex(":"), src="02:00:00:00:00:fe") / ip / l4 / Raw(payload)))
    start = 54 if v6 else 34
    if v6:
        data[18:20] = bytes(2)
        pseudo = raw_sum(bytes(data[22:54]) + bytes([0, 17 if udp else 6]))
    else:
        data[16:18] = data[24:26] = bytes(2)
        pseudo = raw_sum(bytes(data[26:34]) + bytes([0, 17 if udp else 6]))
    at = start + (6 if udp else 16)
    data[at : at + 2] = pseudo.to_bytes(2, "big")
    return bytes(data)


def request(size: int, mss: int, *, v6: bool = False, udp: bool = False, options: int = 0, **fields: int) -> bytes:
    start = 54 if v6 else 34
    header = start + (8 if udp else 20 + options)
    at = start + (6 if udp else 16)
    values = {
        "IPCSS": 14, "IPCSO": 24, "IPCSE": 0 if v6 else 33, "TUCSS": start, "TUCSO": at, "TCP": int(not udp),
        "IP": int(not v6), "TSE": 1, "DEXT": 1, "PAYLEN": size, "HDRLEN": header, "MSS": mss,
    }  # fmt: skip
    return em.TX_CONTEXT.encode(**(values | fields))


def told(data: bytes) -> str:
    """Lengths, identity, sequence, flags and payload of a frame, and which of its sums are not scapy's."""
    packet: Packet = Ether(data)
    ip = packet[IP] if packet.haslayer(IP) else packet[IPv6]
    again = packet.copy()
    for layer in (IP, TCP, UDP):
        if again.haslayer(layer):
            del again[layer].chksum
    rebuilt = Ether(bytes(again))
    wrong = [layer.__name__ for layer in (IP, TCP, UDP)
             if packet.haslayer(layer) and packet[layer].chksum != rebuilt[layer].chksum]  # fmt: skip
    words = [f"{len(data)}", f"len {ip.len if isinstance(ip, IP) else ip.plen}"]
    words += [f"id {ip.id:04x}"] if isinstance(ip, IP) else []
    words += [f"tag {packet[Dot1Q].vlan}"] if packet.haslayer(Dot1Q) else []
    if packet.haslayer(TCP):
        words += [f"seq {packet[TCP].seq - SEQUENCE & 0xFFFF_FFFF}", f"flags {packet[TCP].flags}"]
    if packet.haslayer(UDP):
        words += [f"udp {packet[UDP].len}"]
    return " ".join(words + [f"wrong {name}" for name in wrong])


def segmented(card: Card, size: int, mss: int, cuts: list[int], special: dict[str, int] | None = None,
              asked: dict[str, Any] | None = None, **shape: Any) -> list[str]:  # fmt: skip
    flags = shape.pop("flags", "PA")
    data = message(size, flags=flags, **shape)
    wants: dict[str, Any] = {"IXSM": int(not shape.get("v6")), "TXSM": 1} | (special or {})
    pieces = card.pieces(data, cuts, extended=True, TSE=1, **wants)
    return [told(each) for each in sent(card, [request(size, mss, **shape, **(asked or {})), *pieces])]


@experiment()
def segments_of_ipv4(card: Card) -> list[str]:
    return segmented(card, 5000, 1460, [54])


@experiment()
def segments_of_ipv6(card: Card) -> list[str]:
    return segmented(card, 3000, 1440, [74], v6=True)


@experiment()
def segments_with_tcp_options(card: Card) -> list[str]:
    return segmented(card, 3000, 1000, [66], options=12)


@experiment()
def segments_of_an_exact_multiple(card: Card) -> list[str]:
    return segmented(card, 3000, 1000, [54])


@experiment()
def segments_with_one_byte_left(card: Card) -> list[str]:
    return segmented(card, 2001, 1000, [54])


@experiment()
def segment_alone(card: Card) -> list[str]:
    return segmented(card, 700, 1460, [54])


@experiment()
def segments_whose_last_has_fin(card: Card) -> list[str]:
    return segmented(card, 2500, 1000, [54], flags="FPAU")


@experiment()
def segments_of_odd_size(card: Card) -> list[str]:
    return segmented(card, 1000, 333, [54])


@experiment()
def segments_of_data_in_pieces(card: Card) -> list[str]:
    return segmented(card, 3000, 1000, [54, 55, 900, 1100, 2999])


@experiment()
def segments_with_header_and_data_in_one_descriptor(card: Card) -> list[str]:
    return segmented(card, 3000, 1000, [])


@experiment()
def segments_with_the_header_in_two_descriptors(card: Card) -> list[str]:
    return segmented(card, 2500, 1000, [14, 54])


@experiment()
def segments_of_udp(card: Card) -> list[str]:
    return segmented(card, 2500, 1000, [42], udp=True)


@experiment()
def segments_without_sums(card: Card) -> list[str]:
    """IXSM and TXSM clear: headers are made, sums are not."""
    return segmented(card, 2000, 1000, [54], special={"IXSM": 0, "TXSM": 0})


@experiment()
def segments_with_a_tag(card: Card) -> list[str]:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    return segmented(card, 2500, 1000, [54], special={"VLE": 1, "special": 5})


@experiment()
def segments_of_more_data_than_was_said(card: Card) -> list[str]:
    """PAYLEN 1500 for 2500 bytes."""
    return segmented(card, 2500, 1000, [54], asked={"PAYLEN": 1500})


@experiment()
def segments_of_less_data_than_was_said(card: Card) -> list[str]:
    """PAYLEN 3500 for 2500 bytes."""
    return segmented(card, 2500, 1000, [54], asked={"PAYLEN": 3500})


@experiment()
def segment_context_leaves_the_plain_one(card: Card) -> list[str]:
    """A plain frame by the context loaded before the message."""
    from tests.hw.nics.em.against_qemu.experiments import context
    from tests.hw.nics.em.packets import tcp4, unsummed

    plain = unsummed(tcp4(b"after the message, longer than any pad of zeros"), 34, 50)
    sent(card, [context(34, 50, True)])
    segmented(card, 2000, 1000, [54])
    return [told(each) for each in sent(card, card.pieces(plain, extended=True, TXSM=1, IXSM=1))]


@experiment()
def one_context_for_two_messages(card: Card) -> list[str]:
    data = message(1500)
    pieces = [card.pieces(data, [54], extended=True, TSE=1, IXSM=1, TXSM=1) for _ in range(2)]
    return [told(each) for each in sent(card, [request(1500, 1000)], *pieces)]


@experiment()
def counts_of_segments(card: Card) -> dict[str, int]:
    counted(card)
    segmented(card, 2500, 1000, [54])
    return counted(card)


@experiment()
def counts_of_a_message_of_one_segment(card: Card) -> dict[str, int]:
    counted(card)
    segmented(card, 700, 1000, [54])
    return counted(card)
