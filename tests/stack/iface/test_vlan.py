"""Interfaces by their tags: each with addresses of its own, and what is for one is not for another."""

from __future__ import annotations

import pytest

from ringbed.stack.ctl.ifconfig import ifconfig
from ringbed.stack.iface.iff import InterfaceError
from ringbed.stack.iface.tree import IfLogical
from ringbed.stack.kern.packet import Packet
from ringbed.stack.link.carrier import L2Id, vlan
from ringbed.stack.link.interface import Capabilities, Offload
from ringbed.stack.wire import arp
from ringbed.stack.wire.udp import Udp
from tests.stack.host import OUR, OUR_MAC, PEER, Host, arp_frame, icmp_frame, udp_frame

TAGS = {0: "", 5: "81000005", 6: "81000006", 7: "88a80007", 8: "88a8000781000005", 9: "88a80007810000058100000a"}


def tagged(frame: bytes, unit: int) -> bytes:
    return frame[:12] + bytes.fromhex(TAGS[unit]) + frame[12:]


def trunk(capabilities: Capabilities | None = None) -> tuple[Host, dict[int, IfLogical]]:
    """em0 with the same subnet on every unit of `TAGS`, each in an instance of its own; the peer is known on all."""
    host = Host(capabilities)
    ifls = {0: host.ifl, 5: host.ifd.add_ifl(5, vlan(5)), 6: host.ifd.add_ifl(6, vlan(6))}
    ifls[7] = host.ifd.add_ifl(7, vlan(7, 0x88A8))
    ifls[8] = ifls[7].add_ifl(8, vlan(5))
    ifls[9] = ifls[8].add_ifl(9, vlan(10))
    for unit, ifl in ifls.items():
        if unit:
            host.stack.add_instance(unit)
            ifl.add_iff(instance=unit).add_ifa(f"{OUR}/24")
            host.give(tagged(arp_frame(arp.REQUEST, PEER, OUR), unit))
            assert [frame[: 16 + len(TAGS[unit]) // 2] for frame in host.taken()] == [
                frame_head(unit) + b"\x08\x06\0\x01"
            ]
    return host, ifls


def frame_head(unit: int) -> bytes:
    return b"\x02\0\0\0\0\x01" + OUR_MAC + bytes.fromhex(TAGS[unit])


@pytest.mark.parametrize("unit", TAGS)
def test_what_comes_with_its_tags_is_answered_with_them(unit: int) -> None:
    host, ifls = trunk()
    sock = host.stack.udp_socket(unit)
    sock.bind((OUR, 7))
    host.give(tagged(udp_frame(b"in"), unit), tagged(icmp_frame(), unit))
    message = sock.recvmsg()
    assert (message.data, message.control.ifl_index) == (b"in", ifls[unit].index)
    sock.sendmsg(b"out" * 100, message.source, message.control)
    host.stack.run()
    pong, answer = host.taken()
    assert pong.startswith(frame_head(unit) + b"\x08\x00")
    at = 14 + len(TAGS[unit]) // 2
    assert answer.startswith(frame_head(unit) + b"\x08\x00")
    assert Udp.parse(answer, at + 20).payload == b"out" * 100
    assert host.stack.drops() == {}


def test_a_tag_that_the_card_took_out_is_the_interfaces_too() -> None:
    host, ifls = trunk()
    for unit in (5, 8):
        sock = host.stack.udp_socket(unit)
        sock.bind((OUR, 7))
        whole = tagged(udp_frame(), unit)
        outer = int.from_bytes(whole[12:16], "big")
        host.ifd.ifiqs[0].input([Packet([whole[:12] + whole[16:]], tag=outer | 0x6000)])  # of some priority
        host.stack.run()
        assert sock.recvmsg().control.ifl_index == ifls[unit].index


def test_the_sums_of_tagged_frames_are_where_their_headers_are() -> None:
    """A card is told the offsets, whatever is in front."""
    host, _ = trunk(Capabilities(tx_ipv4=True, tx_l4=Offload.PSEUDO))
    host.below.offsets.clear()
    for unit in TAGS:
        host.stack.udp_socket(unit).sendto(b"x", (PEER, 9))
        host.stack.run()
    assert host.below.offsets == [(14 + len(tags) // 2, 34 + len(tags) // 2) for tags in TAGS.values()]


def test_frames_of_tags_that_nobody_has_are_counted() -> None:
    host, _ = trunk()
    for tags in ("8100002a", "88a80006", "88a8000781000006", "88a8000781000005810000058100000a"):
        frame = udp_frame()
        host.give(frame[:12] + bytes.fromhex(tags) + frame[12:])
    assert host.stack.drops() == {"ether: frames for unknown/unsupported protocol": 4}


def test_the_mtu_is_what_the_tags_leave() -> None:
    host, ifls = trunk()
    assert [ifl.iffs["inet"].mtu for ifl in ifls.values()] == [1500, 1500, 1500, 1500, 1496, 1492]
    sock = host.stack.udp_socket(9)
    sock.set_dontfragment(True)
    with pytest.raises(OSError, match="Message too long"):
        sock.sendto(bytes(1465), (PEER, 9))
    sock.sendto(bytes(1464), (PEER, 9))
    host.stack.run()
    assert [len(frame) for frame in host.taken()] == [1518]


def test_what_a_device_refuses_and_what_goes_first() -> None:
    host, ifls = trunk()
    for unit, l2_id, why in (
        (42, vlan(5), r"em0\.42 needs an L2_ID of its own: em0\.5 has the frames of 0x8100:5"),
        (42, L2Id(((0x88A8, 7), (0x8100, 5))), r"em0\.8 has the frames of 0x88a8:7 0x8100:5"),
        (6, vlan(42), r"em0\.6 is there already"),
    ):
        with pytest.raises(InterfaceError, match=why):
            host.ifd.add_ifl(unit, l2_id)
    with pytest.raises(InterfaceError, match=r"em0\.7 still has inet, em0\.8"):
        host.ifd.remove_ifl(7)
    for unit in (9, 8, 7):
        ifls[unit].iffs["inet"].remove_ifa(f"{OUR}/24")
        ifls[unit].remove_iff()
        host.ifd.remove_ifl(unit)
    host.give(tagged(udp_frame(), 8))
    assert host.stack.drops() == {"ether: frames for unknown/unsupported protocol": 1}
    assert host.ifd.add_ifl(8, L2Id(((0x88A8, 7), (0x8100, 5)))).index > ifls[9].index


def test_a_vlan_is_shown_with_its_parent() -> None:
    _, ifls = trunk()
    assert "\tencap: vnetid 5 parent em0\n" in ifconfig(ifls[5])
    assert ifconfig(ifls[8]).startswith("em0.8: flags=")
    assert "\tencap: vnetid 5 parent em0.7\n" in ifconfig(ifls[8])
    assert "encap" not in ifconfig(ifls[0])
