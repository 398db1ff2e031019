"""Run as a script: two Linux kernels' namespaces with a stack between them as their router; prints what they saw.

    kernel A 10.98.0.1 fd98::1 -- tap, MTU 1500 -- stack -- tap, MTU 1300 -- kernel B 10.99.0.1 fd99::1

A's process looks for the MTU of the way as tracepath does: by what the kernel makes of our errors (IP_RECVERR, IP_MTU).
B's echoes. The one argument is the family.
"""

from __future__ import annotations

import fcntl
import ipaddress
import json
import os
import select
import signal
import socket
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ringbed.benchmarks.tap_device import TapInterface, add_ipv6
from ringbed.sim.kernel.child import configure, enter_namespace
from ringbed.sim.kernel.tap import TUN_DEVICE, open_tap
from ringbed.stack.iface.inet6 import Inet6
from ringbed.stack.kern.ifq import Ifiq
from ringbed.stack.stack import Stack

A, B = {"inet": "10.98.0.1", "inet6": "fd98::1"}, {"inet": "10.99.0.1", "inet6": "fd99::1"}
US_A, US_B = {"inet": "10.98.0.2", "inet6": "fd98::2"}, {"inet": "10.99.0.2", "inet6": "fd99::2"}
NOWHERE = {"inet": "192.0.2.9", "inet6": "2001:db8::9"}
LENGTH, PORT, MTU = {"inet": 24, "inet6": 64}, 7, 1300
HEADERS = {"inet": 28, "inet6": 48}
_SIOCADDRT, _GATEWAY = 0x890B, 3  # RTF_UP and RTF_GATEWAY
_MSG_ERRQUEUE = 0x2000
# linux/in.h and in6.h, by family: the level, and the options IP_MTU_DISCOVER, IP_MTU, IP_RECVERR, IP_TTL
OPTIONS = {"inet": (socket.IPPROTO_IP, 10, 14, 11, 2), "inet6": (socket.IPPROTO_IPV6, 23, 24, 25, 16)}
DONT, WANT, DO = 0, 1, 2


def kernel_with_tap(
    name: str, lladdr: bytes, family: str, ours: dict[str, str], router: dict[str, str], mtu: int
) -> int:
    """A new namespace, with a default route by the router; the calling process is in it. The TAP's descriptor."""
    enter_namespace()
    tap = open_tap(name, TUN_DEVICE)
    configure(name, ipaddress.IPv4Interface(f"{ours['inet']}/24"), lladdr, mtu)
    if family == "inet6":
        add_ipv6(name, f"{ours['inet6']}/64")
        gateway = ipaddress.IPv6Address(router["inet6"]).packed
        index = socket.if_nametoindex(name)
        wish = struct.pack("@16s16s16sIHHILIi", b"", b"", gateway, 0, 0, 0, 1, 0, _GATEWAY, index)
        add_route(socket.AF_INET6, wish)
    else:
        gateway = struct.pack("=HH4s8x", socket.AF_INET, 0, ipaddress.IPv4Address(router["inet"]).packed)
        any_host = struct.pack("=HH12x", socket.AF_INET, 0)
        wish = struct.pack("@L16s16s16sHhLBB3hhPLLH0L", 0, any_host, gateway, any_host, _GATEWAY, *[0] * 12)
        add_route(socket.AF_INET, wish)
    return tap


def add_route(family: int, wish: bytes) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCADDRT, wish)


class Way:
    """A socket of A to one host, and what the kernel has heard of the way there."""

    def __init__(self, family: str, to: str, discover: int, hops: int = 64) -> None:
        self.family = family
        self.level, at_discover, self.at_mtu, at_errors, at_hops = OPTIONS[family]
        self.sock = socket.socket(socket.AF_INET6 if family == "inet6" else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(self.level, at_discover, discover)
        self.sock.setsockopt(self.level, at_errors, 1)
        self.sock.setsockopt(self.level, at_hops, hops)
        self.sock.settimeout(5)
        self.sock.connect((to, PORT))

    def error(self) -> tuple[int, int, int, str]:
        """The next ICMP error about what was sent: type, code, what it says of the MTU, whose it is."""
        select.select([], [], [self.sock], 5)
        *_, _ = data = self.sock.recvmsg(2048, 512, _MSG_ERRQUEUE)
        ((_, _, told),) = data[1]
        _, _, kind, code, mtu = struct.unpack_from("=IBBBxI", told)
        at = 24 if self.family == "inet6" else 20
        size, known = (16, socket.AF_INET6) if self.family == "inet6" else (4, socket.AF_INET)
        return kind, code, mtu, socket.inet_ntop(known, told[at : at + size])

    def mtu(self) -> int:
        """Of the way, as the kernel knows it by now."""
        return self.sock.getsockopt(self.level, self.at_mtu)

    def echoed(self, size: int) -> bool:
        """Whether as many bytes came back as they were."""
        payload = bytes(n * 7 % 251 for n in range(size))
        self.sock.send(payload)
        return self.sock.recv(70000) == payload


def side_a(family: str) -> dict[str, object]:
    seen: dict[str, object] = {}
    if family == "inet":  # as long as the kernel knows of no smaller MTU, the router has to cut
        seen["cut"] = [Way(family, B[family], DONT).echoed(size) for size in (1400, 8000, 30000)]
    seen["hop"] = ask(Way(family, B[family], DO, hops=1), 10)
    way = Way(family, B[family], DO)
    seen["mtu before"] = way.mtu()
    seen["too big"] = ask(way, 1500 - HEADERS[family])
    seen["mtu after"] = way.mtu()
    way.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # else the next call is told of it once more
    seen["fits"] = way.echoed(MTU - HEADERS[family])
    try:
        way.sock.send(bytes(MTU - HEADERS[family] + 1))
        seen["one more"] = 0
    except OSError as error:
        seen["one more"] = error.errno
    seen["in pieces"] = [
        Way(family, B[family], how).echoed(size) for how in (DONT, WANT) for size in (1400, 8000, 30000)
    ]
    seen["nowhere"] = ask(Way(family, NOWHERE[family], DONT), 10)
    return seen


def ask(way: Way, size: int) -> tuple[int, int, int, str]:
    way.sock.send(bytes(size))
    return way.error()


def side_b(family: str) -> None:
    """Echo until the end."""
    with socket.socket(socket.AF_INET6 if family == "inet6" else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((B[family], PORT))
        while True:
            data, sender = sock.recvfrom(70000)
            sock.sendto(data, sender)


def router(taps: dict[str, int], family: str) -> tuple[Stack, list[tuple[TapInterface, Ifiq]]]:
    stack = Stack("router")
    ends = []
    for number, (name, ours) in enumerate((("a", US_A), ("b", US_B))):
        interface = TapInterface(taps[name], bytes([2, 0, 0, 0, 0, 2 + number]))
        ifd = stack.add_driver(f"tap{name}").add_ifd(interface)
        iff = ifd.add_ifl().add_iff(family, MTU if name == "b" else None)
        if isinstance(iff, Inet6):
            iff.attempts = 0
            iff.add_ifa(iff.link_local())
        iff.add_ifa(f"{ours[family]}/{LENGTH[family]}")
        ends.append((interface, ifd.ifiqs[0]))
    stack.set_forwarding(True, family)
    return stack, ends


def main() -> None:
    (family,) = sys.argv[1:]
    taps = {"a": kernel_with_tap("tapa", b"\x02\0\0\0\x99\x01", family, A, US_A, 1500)}
    go, start = os.pipe()
    result, feed = os.pipe()
    if not (child_a := os.fork()):
        os.read(go, 1)
        os.write(feed, json.dumps(side_a(family)).encode())
        os._exit(0)
    taps["b"] = kernel_with_tap("tapb", b"\x02\0\0\0\x99\x02", family, B, US_B, MTU)
    if not (child_b := os.fork()):
        side_b(family)
    stack, ends = router(taps, family)
    os.write(start, b"!")
    while not os.waitpid(child_a, os.WNOHANG)[0]:
        for interface, ifiq in ends:
            interface.receive(ifiq)
        stack.run()
        select.select([*taps.values()], [], [], 0.05)
    os.kill(child_b, signal.SIGKILL)
    os.waitpid(child_b, 0)
    counters = stack.stats.ip if family == "inet" else stack.stats.ip6
    seen = json.loads(os.read(result, 4096))
    print(json.dumps(seen | {"cuts": counters.ips_fragmented.value, "drops": counters.drops()}))


if __name__ == "__main__":
    main()
