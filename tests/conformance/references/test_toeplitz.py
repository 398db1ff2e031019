from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.conformance.frames.made import captured, made
from ringbed.conformance.references.toeplitz import MICROSOFT_KEY, VECTORS, Flow, Vector, flow_of, toeplitz
from ringbed.hw.formats.blocks import HashKind


@pytest.mark.parametrize("vector", VECTORS)
def test_microsofts_vectors(vector: Vector) -> None:
    kind = vector.flow.kind
    assert vector.flow.hash(MICROSOFT_KEY, kind.without_ports) == vector.addresses
    assert vector.flow.hash(MICROSOFT_KEY, kind) == vector.ports
    assert vector.flow.swapped().hash(MICROSOFT_KEY, kind) == vector.swapped


def naive(key: bytes, data: bytes) -> int:
    """As Microsoft's page puts it: a window of 32 bits over the key that moves one bit to the left each time."""
    window, rest, result = key[:4], [key[4 + at // 8] >> 7 - at % 8 & 1 for at in range(8 * len(data))], 0
    state = int.from_bytes(window, "big")
    for byte in data:
        for bit in format(byte, "08b"):
            if bit == "1":
                result ^= state
            state = (state << 1 | rest.pop(0)) & 0xFFFFFFFF
    return result


@given(st.binary(min_size=40, max_size=40), st.binary(max_size=36))
def test_against_a_moving_window(key: bytes, data: bytes) -> None:
    assert toeplitz(key, data) == naive(key, data)


@given(st.binary(min_size=40, max_size=40), st.binary(min_size=36, max_size=36), st.binary(min_size=36, max_size=36))
def test_the_hash_is_linear(key: bytes, one: bytes, other: bytes) -> None:
    both = bytes(a ^ b for a, b in zip(one, other, strict=True))
    assert toeplitz(key, both) == toeplitz(key, one) ^ toeplitz(key, other)


def test_a_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(ValueError, match="36 bytes of input need 40 bytes of key, there are 39"):
        toeplitz(bytes(39), bytes(36))


def test_the_flows_of_two_hosts_are_scapys() -> None:
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether

    seen = set()
    for frame in captured():
        packet, flow = Ether(frame), flow_of(frame)
        if packet.payload.__class__ not in (IP, IPv6):
            assert flow is None
            continue
        assert flow is not None
        seen.add(flow.kind)
        l3, l4 = packet.payload, packet.payload.payload
        ports = (l4.sport, l4.dport) if isinstance(l4, TCP | UDP) else (0, 0)
        fragment = isinstance(l3, IP) and (l3.flags.MF or l3.frag)
        assert (flow.sport, flow.dport) == ((0, 0) if fragment else ports)
        assert len(flow.src) == (4 if isinstance(l3, IP) else 16)
    assert seen == set(HashKind) - {HashKind.NONE}


def test_no_fragment_has_ports_and_addresses_alone_are_12_or_36_bytes_of_key() -> None:
    flows = [flow for frame in made(1) if (flow := flow_of(frame))]
    assert {len(flow.data(flow.kind.without_ports)) for flow in flows} == {8, 32}
    assert {len(flow.data(flow.kind)) for flow in flows} == {8, 12, 32, 36}
    assert Flow(HashKind.NONE, b"", b"").hash(MICROSOFT_KEY, HashKind.NONE) == 0
