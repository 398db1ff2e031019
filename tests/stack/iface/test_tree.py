from __future__ import annotations

import pytest

from ringbed.stack.iface.iff import InterfaceError
from ringbed.stack.link.interface import Capabilities
from ringbed.stack.stack import Stack
from tests.stack.host import OUR, PEER, FakeInterface, Host, udp_frame


def test_the_tree_goes_up_and_down_again() -> None:
    stack = Stack("host")
    driver = stack.add_driver("em", "Intel 8254x")
    ifd = driver.add_ifd(FakeInterface())
    ifl = ifd.add_ifl()
    ifl.add_iff().add_ifa("10.0.0.1/24")
    assert (ifd.name, ifl.name, ifl.index) == ("em0", "em0.0", 1)
    with pytest.raises(InterfaceError, match="driver em still has em0"):
        stack.remove_driver("em")
    with pytest.raises(InterfaceError, match=r"em0 still has em0\.0"):
        driver.remove_ifd(0)
    with pytest.raises(InterfaceError, match=r"em0\.0 still has inet"):
        ifd.remove_ifl()
    with pytest.raises(InterfaceError, match=r"em0\.0 inet still has the address 10\.0\.0\.1/24"):
        ifl.remove_iff()
    ifl.iffs["inet"].remove_ifa("10.0.0.1/24")
    ifl.remove_iff()
    ifd.remove_ifl()
    driver.remove_ifd(0)
    stack.remove_driver("em")
    assert not list(stack.devices())


def test_an_index_is_never_0_and_never_used_twice() -> None:
    ifd = Stack("host").add_driver("em").add_ifd(FakeInterface())
    seen = []
    for _ in range(3):
        seen.append(ifd.add_ifl().index)
        ifd.remove_ifl()
    assert seen == [1, 2, 3]


def test_em0_is_short_for_em0_0() -> None:
    host = Host()
    assert host.stack.ifl("em0") is host.stack.ifl("em0.0") is host.ifl
    assert host.stack.ifl_by_index(host.ifl.index) is host.ifl
    assert host.stack.ifl_by_index(99) is None
    for name in ("em1", "em0.1", "ix0"):
        with pytest.raises(InterfaceError, match=f"no interface {name}"):
            host.stack.ifl(name)


def test_units_are_the_lowest_free_or_as_asked() -> None:
    driver = Stack("host").add_driver("em")
    assert [driver.add_ifd(FakeInterface(), unit).name for unit in (None, 5, None)] == ["em0", "em5", "em1"]
    with pytest.raises(InterfaceError, match="unit 5 of driver em is taken"):
        driver.add_ifd(FakeInterface(), 5)
    with pytest.raises(InterfaceError, match="unit -1 of driver em is negative"):
        driver.add_ifd(FakeInterface(), -1)


def test_what_a_parent_refuses() -> None:
    host = Host()
    stack, driver = host.stack, host.stack.drivers["em"]
    with pytest.raises(InterfaceError, match="driver em is there already"):
        stack.add_driver("em")
    for name in ("", "em0", "Em", "e m"):
        with pytest.raises(InterfaceError, match="is not lower-case letters"):
            stack.add_driver(name)
    with pytest.raises(InterfaceError, match="no driver ix"):
        stack.remove_driver("ix")
    with pytest.raises(InterfaceError, match="'01:00:00:00:00:01' is no station's link address"):
        driver.add_ifd(FakeInterface(lladdr=b"\x01\0\0\0\0\x01"))
    with pytest.raises(InterfaceError, match="em1: 0 queues"):
        driver.add_ifd(FakeInterface(capabilities=Capabilities(queues=0)))
    with pytest.raises(InterfaceError, match="em7 does not exist"):
        driver.remove_ifd(7)
    with pytest.raises(InterfaceError, match=r"em0\.0 is there already"):
        host.ifd.add_ifl(0)
    with pytest.raises(InterfaceError, match=r"em0\.1 needs an L2_ID of its own: em0\.0 has the frames without one"):
        host.ifd.add_ifl(1)
    with pytest.raises(InterfaceError, match="unit -1 is negative"):
        host.ifd.add_ifl(-1)
    with pytest.raises(InterfaceError, match=r"em0\.4 does not exist"):
        host.ifd.remove_ifl(4)
    with pytest.raises(InterfaceError, match=r"em0\.0 has inet already"):
        host.ifl.add_iff()
    with pytest.raises(InterfaceError, match="no protocol family 'ipx', only inet, inet6"):
        host.ifl.add_iff("ipx")
    with pytest.raises(InterfaceError, match=r"em0\.0 has no inet6"):
        host.ifl.remove_iff("inet6")


def test_a_packet_under_way_outlives_its_interface() -> None:
    host = Host()
    sock = host.stack.udp_socket()
    sock.bind(("0.0.0.0", 7))
    host.give(udp_frame())
    host.iff.remove_ifa(f"{OUR}/24")
    host.ifl.remove_iff()
    host.ifd.remove_ifl()
    message = sock.recvmsg()
    assert message.control == (OUR, host.ifl.index)
    assert host.stack.ifl_by_index(message.control.ifl_index) is None
    with pytest.raises(OSError, match="No route to host"):
        sock.sendmsg(b"x", (PEER, 9), message.control)


def test_removing_a_device_drops_and_counts_what_waits_for_it() -> None:
    host = Host()
    host.below.room = 0
    host.stack.udp_socket().sendto(b"x", (PEER, 9))
    host.stack.run()
    host.iff.remove_ifa(f"{OUR}/24")
    host.ifl.remove_iff()
    host.ifd.remove_ifl()
    ifq = host.ifd.ifqs[0]
    host.stack.drivers["em"].remove_ifd(0)
    assert (len(ifq), ifq.qdrops.value) == (0, 1)


def test_the_rings_are_those_of_the_driver() -> None:
    host = Host()
    assert [(r.name, r.size) for r in host.ifd.rings()] == [("txq", 256)]
