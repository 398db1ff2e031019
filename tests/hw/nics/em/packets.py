"""TCP and UDP by scapy: as they are on the wire, and as software gives them to the card to finish."""

from __future__ import annotations

from typing import Any

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from tests.hw.nics.em.bench import PEER, STATION, raw_sum

__all__ = ["pseudo", "tcp4", "tcp6", "udp4", "udp6", "unsummed", "with_bad"]


def _text(mac: bytes) -> str:
    return mac.hex(":")


def _frame(packet: Any, dst: bytes) -> bytes:
    return bytes(Ether(dst=_text(dst), src=_text(PEER)) / packet)


def udp4(payload: bytes, dst: bytes = STATION, options: bytes = b"", **fields: Any) -> bytes:
    ip = IP(src="10.1.2.3", dst="10.9.8.7", options=[] if not options else [_option(options)])
    return _frame(ip / UDP(sport=4096, dport=53, **fields) / Raw(payload), dst)


def tcp4(payload: bytes, dst: bytes = STATION, options: bytes = b"", **fields: Any) -> bytes:
    ip = IP(src="10.1.2.3", dst="10.9.8.7", options=[] if not options else [_option(options)])
    return _frame(ip / TCP(sport=4096, dport=80, **fields) / Raw(payload), dst)


def udp6(payload: bytes, extension: bool = False) -> bytes:
    ip: Any = IPv6(src="fd00::1", dst="fd00::2")
    return _frame((ip / IPv6ExtHdrDestOpt() if extension else ip) / UDP(sport=4096, dport=53) / Raw(payload), STATION)


def tcp6(payload: bytes, extension: bool = False) -> bytes:
    ip: Any = IPv6(src="fd00::1", dst="fd00::2")
    return _frame((ip / IPv6ExtHdrDestOpt() if extension else ip) / TCP(sport=4096, dport=80) / Raw(payload), STATION)


def _option(raw: bytes) -> Any:
    from scapy.layers.inet import IPOption

    return IPOption(raw)


def pseudo(frame: bytes, l4: int) -> int:
    """The pseudo-header's sum, not complemented: addresses, protocol, L4 length."""
    if frame[14] >> 4 == 4:
        addresses, protocol = frame[26:34], frame[23]
    else:
        addresses, protocol = frame[22:54], 17 if frame[l4 + 4 : l4 + 6] == (len(frame) - l4).to_bytes(2, "big") else 6
    return raw_sum(addresses + (len(frame) - l4).to_bytes(4, "big") + protocol.to_bytes(4, "big"))


def unsummed(frame: bytes, l4: int, at: int, ip: bool = True) -> bytes:
    """The frame as a driver hands it over: the pseudo-header's sum in the field at `at`, the IPv4 header's sum 0."""
    data = bytearray(frame)
    data[at : at + 2] = pseudo(frame, l4).to_bytes(2, "big")
    if ip and frame[14] >> 4 == 4:
        data[24:26] = bytes(2)
    return bytes(data)


def with_bad(frame: bytes, at: int) -> bytes:
    """One bit of byte `at` turned."""
    return frame[:at] + bytes([frame[at] ^ 0x10]) + frame[at + 1 :]
