"""Run as a script: router discovery between the Linux kernel and a stack over a TAP device; prints what became of it.

`router`: the stack advertises a prefix, and the kernel makes itself an address and a default route of it.
`host`: an advertisement of the kernel's side, whose bytes are written out here, makes the stack do the same, and the
stack then pings an address of the kernel that is not on the link.
"""

from __future__ import annotations

import ipaddress
import json
import select
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ringbed.benchmarks.tap_device import TapInterface, add_ipv6
from ringbed.sim.kernel.child import configure, enter_namespace
from ringbed.sim.kernel.tap import TUN_DEVICE, open_tap
from ringbed.stack.iface.inet6 import Inet6
from ringbed.stack.stack import Stack

KERNEL_LLADDR, OUR_LLADDR = bytes.fromhex("020000009901"), bytes.fromhex("020000000002")
NET, OURS, KERNELS = "fd98::", "fd98::2", "fd98::ff:fe00:9901"
FAR = "fd96::1"
_TENTATIVE = 0x40  # IFA_F_TENTATIVE
TURN, TURNS = 0.05, 600  # seconds, and how many of them until the kernel has surely done what it does


def host_or_router(tap: int) -> tuple[Stack, Inet6, Callable[[Callable[[], bool]], bool]]:
    """A stack on the TAP with a link-local address, and what runs it until something is so."""
    interface = TapInterface(tap, OUR_LLADDR)
    stack = Stack("stack")
    ifd = stack.add_driver("tap").add_ifd(interface)
    iff = ifd.add_ifl().add_iff("inet6")
    assert isinstance(iff, Inet6)
    iff.add_ifa(iff.link_local())
    stack.tick(5_000_000_000)  # an address that nobody answers for is free

    def until(so: Callable[[], bool]) -> bool:
        for _ in range(TURNS):
            if so():
                return True
            select.select([tap], [], [], TURN)
            interface.receive(ifd.ifiqs[0])
            stack.tick(stack.now + int(TURN * 1e9))
        return False

    return stack, iff, until


def kernels_addresses() -> list[str]:
    """Those of the TAP that it has found to be free."""
    found = []
    for line in Path("/proc/net/if_inet6").read_text().split("\n"):
        words = line.split()
        if words and words[5] == "tap0" and not int(words[4], 16) & _TENTATIVE:
            found.append(str(ipaddress.IPv6Address(bytes.fromhex(words[0]))))
    return found


def kernels_default() -> list[str]:
    """The gateways of its default routes."""
    found = []
    for line in Path("/proc/net/ipv6_route").read_text().split("\n"):
        words = line.split()
        if words and words[1] == "00" and words[0] == "0" * 32 and words[9] == "tap0":
            found.append(str(ipaddress.IPv6Address(bytes.fromhex(words[4]))))
    return found


def router(tap: int) -> dict[str, object]:
    stack, iff, until = host_or_router(tap)
    iff.add_ifa(f"{OURS}/64")
    stack.tick(stack.now + 5_000_000_000)
    stack.set_forwarding(True, "inet6")
    iff.set_advertise(1800)
    server = stack.udp_socket(family="inet6")
    server.bind((OURS, 7))
    for setting, to in (("accept_ra", "2"), ("autoconf", "1"), ("accept_dad", "0"), ("disable_ipv6", "0")):
        Path(f"/proc/sys/net/ipv6/conf/tap0/{setting}").write_text(to)
    made = until(lambda: KERNELS in kernels_addresses() and bool(kernels_default()))
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"from its own", (OURS, 7))
        heard = until(lambda: server.readable)
        sender = server.recvfrom()[1][0] if heard else ""
    return {"made": made, "gateways": kernels_default(), "sender": sender}


def host(tap: int) -> dict[str, object]:
    add_ipv6("tap0", "fd98::1/64")
    add_ipv6("lo", f"{FAR}/128")
    stack, iff, until = host_or_router(tap)
    iff.set_autoconf(True)
    asked = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    asked.setblocking(False)
    asked.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    index = socket.if_nametoindex("tap0")
    all_routers = socket.inet_pton(socket.AF_INET6, "ff02::2") + struct.pack("=I", index)
    asked.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, all_routers)
    question = until(lambda: any(message[0] == 133 for message in messages(asked)))
    until(lambda: any(address.startswith("fe80") for address in kernels_addresses()))
    prefix = struct.pack("!BBBBIII16s", 3, 4, 64, 0xC0, 7200, 3600, 0, socket.inet_pton(socket.AF_INET6, NET))
    advert = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + bytes([1, 1]) + KERNEL_LLADDR + prefix
    asked.sendto(advert, ("ff02::1", 0, 0, index))
    mine = "fd98::ff:fe00:2/64"
    made = until(lambda: any(str(ifa) == mine and ifa.local not in iff.unused for ifa in iff.ifas))
    ping = stack.icmp_socket(family="inet6")
    ping.echo_request(FAR, 3, 4, b"there and back" * 300)
    until(lambda: len(ping.buffer) > 0)
    reply = ping.recv()
    return {"asked": question, "made": made, "reply": [reply.source, reply.type, len(reply.payload)]}


def messages(sock: socket.socket) -> list[bytes]:
    found = []
    while select.select([sock], [], [], 0)[0]:
        found.append(sock.recv(2048))
    return found


def main() -> None:
    enter_namespace()
    tap = open_tap("tap0", TUN_DEVICE)
    configure("tap0", ipaddress.IPv4Interface("10.98.0.1/24"), KERNEL_LLADDR, 1500)
    print(json.dumps({"router": router, "host": host}[sys.argv[1]](tap)))


if __name__ == "__main__":
    main()
