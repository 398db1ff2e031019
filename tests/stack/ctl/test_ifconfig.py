from ringbed.stack.ctl.ifconfig import attach_line, flags_text, ifconfig
from ringbed.stack.link.interface import Attachment, Capabilities
from ringbed.stack.stack import Stack
from tests.stack.host import FakeInterface, Host


def test_the_block() -> None:
    host = Host()
    host.ifd.media = "1000baseT full-duplex"
    assert ifconfig(host.ifl).splitlines() == [
        "em0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1500",
        "\tlladdr 02:00:00:00:00:02",
        "\tindex 1 priority 0 llprio 3",
        "\tmedia: Ethernet autoselect (1000baseT full-duplex)",
        "\tstatus: active",
        "\tinet 10.0.0.2 netmask 0xffffff00 broadcast 10.0.0.255",
    ]


def test_the_flags_follow_the_state() -> None:
    assert flags_text(0x8C43) == "8c43<UP,BROADCAST,RUNNING,OACTIVE,SIMPLEX,MULTICAST>", "as seed 000 prints it"
    host = Host()
    host.ifd.ifqs[0].set_oactive()
    assert "flags=8c43<" in ifconfig(host.ifl)
    host.ifd.link_up = False
    text = ifconfig(host.ifl)
    assert "flags=8c03<UP,BROADCAST,OACTIVE,SIMPLEX,MULTICAST>" in text
    assert "\tstatus: no carrier" in text
    bare = host.stack.add_driver("ix").add_ifd(FakeInterface()).add_ifl()
    assert ifconfig(bare).splitlines()[0] == "ix0: flags=8802<BROADCAST,SIMPLEX,MULTICAST> mtu 1500"


def test_the_attach_line_of_seed_000() -> None:
    below = FakeInterface(
        bytes.fromhex("a036 9fe0 5255"),
        Capabilities(queues=4),
        Attachment("pci1 dev 0 function 1", "Intel X550T", 1, "msix"),
    )
    ifd = Stack("host").add_driver("ix").add_ifd(below, 1)
    assert attach_line(ifd) == (
        'ix1 at pci1 dev 0 function 1 "Intel X550T" rev 0x01, msix, 4 queues, address a0:36:9f:e0:52:55'
    )
    one = Stack("host").add_driver("em").add_ifd(FakeInterface())
    assert attach_line(one) == (
        'em0 at pci0 dev 3 function 0 "Intel 82540EM" rev 0x02, irq 11, address 02:00:00:00:00:02'
    )
