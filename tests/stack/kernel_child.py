"""Run as a script: the Linux kernel and a stack on the two ends of a TAP device; prints what became of it as JSON.

The kernel's side is a child process with ordinary sockets: it pings the stack and exchanges UDP with it, for each
payload size given on the command line; meanwhile the stack pings the kernel with the same sizes.
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

from ringbed.benchmarks.tap_device import TapInterface, tap_in_namespace
from ringbed.stack.socket.icmp import IcmpSocket
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.stack import Stack
from ringbed.stack.wire.checksum import checksum, octets_sum

KERNEL, STACK, PORT = "10.98.0.1", "10.98.0.2", 7


def payload_of(size: int) -> bytes:
    return bytes((7 * i + i // 251) % 255 + 1 for i in range(size))


def kernel_side(sizes: list[int]) -> dict[str, int]:
    ping = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect((STACK, PORT))
    closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    closed.connect((STACK, 9))
    ping.settimeout(5)
    udp.settimeout(5)
    closed.settimeout(5)
    good = {"pings": 0, "echoes": 0, "refused": 0}
    for number, size in enumerate(sizes):
        payload = payload_of(size)
        head = struct.pack("!BBHHH", 8, 0, 0, 77, number)
        body = head[:2] + checksum(octets_sum(head + payload)).to_bytes(2, "big") + head[4:] + payload
        ping.sendto(body, (STACK, 0))
        while True:
            reply = ping.recv(2048)[20:]
            if reply[0] == 0 and reply[4:8] == head[4:8]:
                break
        good["pings"] += reply[8:] == payload
        udp.send(payload)
        good["echoes"] += udp.recv(2048) == payload
    closed.send(b"x")
    try:
        closed.recv(10)
    except ConnectionRefusedError:
        good["refused"] += 1
    return good


def stack_side(tap: int, sizes: list[int], child: int) -> dict[str, object]:
    interface = TapInterface(tap, b"\x02\0\0\0\0\x02")
    stack = Stack("host")
    ifd = stack.add_driver("tap").add_ifd(interface)
    ifd.add_ifl().add_iff().add_ifa(f"{STACK}/24")
    server = stack.udp_socket()
    server.bind(("0.0.0.0", PORT))
    server.set_upcall(echo)
    pinger = stack.icmp_socket()
    answered: list[bool] = []

    def next_ping() -> None:
        if len(answered) < len(sizes):
            pinger.echo_request(KERNEL, 5, len(answered), payload_of(sizes[len(answered)]))

    def on_reply(sock: IcmpSocket) -> None:
        while sock.buffer:
            message = sock.recv()
            if message.type == 0:
                answered.append(message.payload == payload_of(sizes[message.sequence]))
                next_ping()

    pinger.set_upcall(on_reply)
    next_ping()
    stack.run()
    while not os.waitpid(child, os.WNOHANG)[0] or len(answered) < len(sizes):
        interface.receive(ifd.ifiqs[0])
        stack.run()
        select.select([tap], [], [], 0.05)
    return {"pinged": sum(answered), "drops": stack.drops()}


def echo(server: UdpSocket) -> None:
    while server.readable:
        message = server.recvmsg()
        server.sendmsg(message.data, message.source, message.control)


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]]
    tap = tap_in_namespace("tap0", f"{KERNEL}/24")
    result, feed = os.pipe()
    child = os.fork()
    if not child:
        os.write(feed, json.dumps(kernel_side(sizes)).encode())
        os._exit(0)
    seen = stack_side(tap, sizes, child)
    print(json.dumps(json.loads(os.read(result, 4096)) | seen))


if __name__ == "__main__":
    main()
