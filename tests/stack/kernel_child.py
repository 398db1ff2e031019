"""Run as a script: the Linux kernel and a stack on the two ends of a TAP device; prints what became of it as JSON.

The kernel's side is a child process with ordinary sockets: it pings the stack and exchanges UDP with it, for each
payload size given on the command line behind the family; meanwhile the stack pings the kernel with the same sizes.
Over IPv6 each finds the other by neighbour discovery, and the stack tries its address before it uses it.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ringbed.benchmarks.tap_device import TapInterface, add_ipv6, tap_in_namespace
from ringbed.stack.iface.iff import IfFamily
from ringbed.stack.socket.icmp import IcmpSocket
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.stack import Stack
from ringbed.stack.wire.checksum import checksum, octets_sum

KERNEL, STACK = {"inet": "10.98.0.1", "inet6": "fd98::1"}, {"inet": "10.98.0.2", "inet6": "fd98::2"}
LENGTH, PORT = {"inet": 24, "inet6": 64}, 7


def payload_of(size: int) -> bytes:
    return bytes((7 * i + i // 251) % 255 + 1 for i in range(size))


def kernel_side(family: str, sizes: list[int]) -> dict[str, int]:
    six = family == "inet6"
    kind, request, answer, header = (socket.AF_INET6, 128, 129, 0) if six else (socket.AF_INET, 8, 0, 20)
    ping = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
    udp = socket.socket(kind, socket.SOCK_DGRAM)
    udp.connect((STACK[family], PORT))
    closed = socket.socket(kind, socket.SOCK_DGRAM)
    closed.connect((STACK[family], 9))
    ping.settimeout(5)
    udp.settimeout(5)
    closed.settimeout(5)
    good = {"pings": 0, "echoes": 0, "refused": 0}
    for number, size in enumerate(sizes):
        payload = payload_of(size)
        head = struct.pack("!BBHHH", request, 0, 0, 77, number)  # the kernel sums ICMPv6 itself
        body = head[:2] + checksum(octets_sum(head + payload)).to_bytes(2, "big") + head[4:] + payload
        ping.sendto(body, (STACK[family], 0))
        while True:
            reply = ping.recv(70000)[header:]
            if reply[0] == answer and reply[4:8] == head[4:8]:
                break
        good["pings"] += reply[8:] == payload
        udp.send(payload)
        good["echoes"] += udp.recv(70000) == payload
    closed.send(b"x")
    try:
        closed.recv(10)
    except ConnectionRefusedError:
        good["refused"] += 1
    return good


def stack_side(tap: int, family: str, sizes: list[int], begin: int) -> dict[str, object]:
    interface = TapInterface(tap, b"\x02\0\0\0\0\x02")
    stack = Stack("host")
    ifd = stack.add_driver("tap").add_ifd(interface)
    iff = ifd.add_ifl().add_iff(family)
    iff.add_ifa(f"{STACK[family]}/{LENGTH[family]}")
    stack.tick(5_000_000_000)  # an address that nobody answers for is free
    server = stack.udp_socket(family=family)
    server.bind((STACK[family], PORT))
    server.set_upcall(echo)
    pinger = stack.icmp_socket(family=family)
    answered: list[bool] = []

    def next_ping() -> None:
        if len(answered) < len(sizes):
            pinger.echo_request(KERNEL[family], 5, len(answered), payload_of(sizes[len(answered)]))

    def on_reply(sock: IcmpSocket) -> None:
        while sock.buffer:
            message = sock.recv()
            if message.type in (0, 129):
                answered.append(message.payload == payload_of(sizes[message.sequence]))
                next_ping()

    pinger.set_upcall(on_reply)
    next_ping()
    stack.run()
    child = fork_kernel_side(begin, family, sizes)
    while not os.waitpid(child, os.WNOHANG)[0] or len(answered) < len(sizes):
        interface.receive(ifd.ifiqs[0])
        stack.run()
        select.select([tap], [], [], 0.05)
    return {"pinged": sum(answered), "drops": stack.drops(), "neighbours": sorted(map(str, states(iff)))}


def states(iff: IfFamily) -> list[str]:
    return [neighbour.state.value for neighbour in iff.resolver.neighbours.values()]


def fork_kernel_side(feed: int, family: str, sizes: list[int]) -> int:
    child = os.fork()
    if not child:
        os.write(feed, json.dumps(kernel_side(family, sizes)).encode())
        os._exit(0)
    return child


def echo(server: UdpSocket) -> None:
    while server.readable:
        message = server.recvmsg()
        server.sendmsg(message.data, message.source, message.control)


def main() -> None:
    family, sizes = sys.argv[1], [int(word) for word in sys.argv[2:]]
    tap = tap_in_namespace("tap0", f"{KERNEL['inet']}/24")
    if family == "inet6":
        add_ipv6("tap0", f"{KERNEL[family]}/{LENGTH[family]}")
    result, feed = os.pipe()
    seen = stack_side(tap, family, sizes, feed)
    print(json.dumps(json.loads(os.read(result, 4096)) | seen))


if __name__ == "__main__":
    main()
