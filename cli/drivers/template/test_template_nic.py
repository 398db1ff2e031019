"""The driver in template_nic.py on the simulated card, by ringbed's pytest plugin: `pytest test_template_nic.py`."""

from __future__ import annotations

import pytest

from ringbed.lab import TxFrame, ping

STATION, PEER = bytes.fromhex("020000000001"), bytes.fromhex("0200000000fe")
RINGS = 200  # frames: more than three times round a ring


@pytest.mark.ringbed(driver="template_nic:TemplateNic")
def test_every_length_both_ways(ringbed_nic, ringbed_wire):
    """What is shorter than Ethernet's least is padded by the card; every other byte stays as it is."""
    for length in (14, 59, 60, 61, 64, 255, 256, 1513, 1514):
        outward = (PEER + STATION + b"\x88\xb5").ljust(length, b"o")
        inward = (STATION + PEER + b"\x88\xb5").ljust(max(length, 60), b"i")
        assert ringbed_nic.driver.transmit(0, [TxFrame([outward])]) == 1
        ringbed_wire.send(inward)
        ringbed_wire.run(us=100)
        assert ringbed_wire.take() == [outward.ljust(60, b"\0")]
        assert [frame.data for frame in ringbed_nic.upper.take()] == [inward]


def numbered(to, of):
    """A frame of each number, more than three times round a ring."""
    return [(to + of + b"\x88\xb5" + number.to_bytes(2, "big")).ljust(60) for number in range(RINGS)]


@pytest.mark.ringbed(driver="template_nic:TemplateNic", link_bps=1_000_000_000)
def test_the_transmit_ring_wraps_and_fills(ringbed_nic, ringbed_wire):
    """More than fits is offered at once: the driver says how many it took, and asks for the rest."""
    frames, sent = numbered(PEER, STATION), 0
    for _ in range(RINGS):
        sent += ringbed_nic.driver.transmit(0, [TxFrame([frame]) for frame in frames[sent:]])
        ringbed_wire.run(us=200)
        if sent == RINGS:
            break
    assert sent == RINGS, f"the driver took {sent} frames, and then no more"
    assert ringbed_wire.take() == frames
    assert ringbed_nic.upper.restarts >= 3, "the driver was full, and did not say when it no longer was"


@pytest.mark.ringbed(driver="template_nic:TemplateNic")
def test_the_receive_ring_wraps(ringbed_nic, ringbed_wire):
    frames, received = numbered(STATION, PEER), []
    for first in range(0, RINGS, 20):
        for frame in frames[first : first + 20]:
            ringbed_wire.send(frame)
        ringbed_wire.run(us=200)
        received += [frame.data for frame in ringbed_nic.upper.take()]
    assert received == frames


@pytest.mark.ringbed(driver="template_nic:TemplateNic", read_latency=300)
def test_a_stack_pings_with_sums_made_by_the_card(ringbed_host, ringbed_peer):
    for size in (0, 1, 17, 18, 1471, 1472):
        ping(ringbed_host, ringbed_peer, bytes(size))


@pytest.mark.ringbed(driver="template_nic:TemplateNic")
def test_udp_sums_are_the_cards_both_ways(ringbed_host, ringbed_peer, ringbed_wire):
    """A datagram whose sum is wrong would not reach a socket."""
    echo, asker = ringbed_peer.stack.udp_socket(), ringbed_host.upper.stack.udp_socket()
    echo.bind((ringbed_peer.address, 7))
    for payload in (b"", b"1", b"hello", bytes(range(256)) * 5):
        asker.sendto(payload, (ringbed_peer.address, 7))
        ringbed_wire.run(us=500)
        assert echo.buffer, "it did not arrive at the peer"
        asked = echo.recvmsg()
        assert asked.data == payload
        echo.sendto(payload, asked.source)
        ringbed_wire.run(us=500)
        assert asker.buffer, "the answer did not arrive"
        assert asker.recvmsg().data == payload


@pytest.mark.ringbed(driver="template_nic:TemplateNic")
def test_the_link_is_the_cables(ringbed_nic, ringbed_wire):
    for up in (0, 1):
        ringbed_nic.engine.set_pin("link_up", up)
        ringbed_wire.run(us=100)
        assert ringbed_nic.upper.link_up is bool(up)


@pytest.mark.ringbed(driver="template_nic:TemplateNic")
def test_down_gives_everything_back_and_up_begins_again(ringbed_nic, ringbed_wire):
    for _ in range(3):
        ringbed_nic.driver.transmit(0, [TxFrame([(PEER + STATION + b"\x88\xb5").ljust(60)])] * 5)
        ringbed_nic.driver.down()
        assert ringbed_nic.memory.leaks() == []
        ringbed_nic.driver.up()
    ringbed_wire.send((STATION + PEER + b"\x88\xb5").ljust(60))
    ringbed_wire.run(us=100)
    assert len(ringbed_nic.upper.take()) == 1
