from ringbed.stack.ctl.netstat import netstat_ss
from ringbed.stack.stack import Stack
from tests.stack.host import OUR, Host, icmp_frame, udp_frame


def test_only_what_happened_in_the_words_of_netstat() -> None:
    assert netstat_ss(Stack("idle")) == ""
    host = Host()
    sock = host.stack.udp_socket()
    sock.bind((OUR, 7))
    sock.buffer.limit = 100
    host.give(udp_frame(), udp_frame(), udp_frame(dst="192.0.2.1"), icmp_frame())
    assert netstat_ss(host.stack).splitlines() == [
        "ip:",
        "\t4 total packets received",
        "\t3 packets for this host",
        "\t1 packet not forwardable",
        "\t1 packet sent from this host",
        "\t4 input datagrams software-checksummed",
        "\t1 output datagram software-checksummed",
        "icmp:",
        "\t1 message received",
        "\t1 message response generated",
        "\t1 input message software-checksummed",
        "\t1 output message software-checksummed",
        "\t1 input echo",
        "\t1 output echo reply",
        "udp:",
        "\t2 datagrams received",
        "\t2 input packets software-checksummed",
        "\t1 dropped due to full socket buffers",
        "\t1 delivered",
        "arp:",
        "\t1 ARP packet received",
        "\t1 ARP request received",
        "\t1 ARP replies sent",
        "\t1 neighbour learned",
        "ether:",
        "\t5 total frames received",
        "\t5 frames passed to a protocol",
        "\t2 frames queued for output",
    ]
