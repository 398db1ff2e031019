from ringbed.stack.ip.core import Core
from ringbed.stack.wire.address import ipv4
from tests.stack.host import Host


def test_broadcast_addresses_follow_the_ifas() -> None:
    host = Host()
    ip = host.stack._core.ip
    assert ip.broadcasts == {0xFFFFFFFF, ipv4("10.0.0.255")}
    host.iff.add_ifa("172.16.0.1/16")
    assert ip.broadcasts == {0xFFFFFFFF, ipv4("10.0.0.255"), ipv4("172.16.255.255")}
    host.iff.remove_ifa("10.0.0.2/24")
    assert ip.broadcasts == {0xFFFFFFFF, ipv4("172.16.255.255")}


def test_a_new_host_has_no_interface_to_broadcast_on() -> None:
    core = Core(0)
    assert core.families == {}
    assert core._broadcaster(0) is None
    assert core.new_ifl_index() == 1
