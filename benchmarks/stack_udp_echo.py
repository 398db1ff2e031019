"""UDP echo by the stack alone: a kernel socket sends, the stack answers over a TAP device, payloads are compared.

    python -m ringbed.benchmarks.stack_udp_echo [--seconds N] [--profile]

One process is the stack, pinned to one core; one is the load generator, pinned to another when there is one. The
generator keeps `in_flight` datagrams under way, each with its own sequence number, and counts an echo when its bytes
are the ones sent.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import select
import socket
import struct
import subprocess
import sys
import time

from ringbed.benchmarks.tap_device import TapInterface, add_ipv6, tap_in_namespace
from ringbed.sim.kernel.tap import TapUnavailable
from ringbed.stack.ctl.netstat import netstat_ss
from ringbed.stack.iface.inet6 import Inet6
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.stack import Stack

SIZES = (18, 1400)
ROWS = {"inet": "udp_echo", "inet6": "udp6_echo"}
BAR = 15_000  # echoes/s
_KERNEL, _STACK, _PORT = {"inet": "10.99.0.1", "inet6": "fd99::1"}, {"inet": "10.99.0.2", "inet6": "fd99::2"}, 7
_LENGTH, _ANY = {"inet": 24, "inet6": 64}, {"inet": "0.0.0.0", "inet6": "::"}
_LLADDR = b"\x02\x00\x00\x00\x00\x02"
_PATIENCE = 1.0  # seconds without an echo before what is under way counts as lost


def run(
    payload: int, seconds: float = 2.0, in_flight: int = 64, profile: bool = False, family: str = "inet"
) -> dict[str, float]:
    """Echo `payload` bytes for `seconds` in child processes.

    Gives `echoes_per_s`, `echoes`, `lost`, `wrong`, and `cpu_us`: the stack's processor time for each echo.
    Raises TapUnavailable, or RuntimeError with the child's words when it could not be run for another reason.
    """
    wish = json.dumps([payload, seconds, in_flight, profile, family])
    command = [sys.executable, "-m", "ringbed.benchmarks.stack_udp_echo", "--child", wish]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode:
        raise RuntimeError(f"echo bench: {(child.stderr.strip() or 'no word').splitlines()[-1]}")
    sys.stderr.write(child.stderr)
    result = json.loads(child.stdout)
    if "unavailable" in result:
        raise TapUnavailable(result["unavailable"])
    return {name: float(value) for name, value in result.items()}


def _child(payload: int, seconds: float, in_flight: int, profile: bool, family: str) -> None:
    """In a process of its own, since it moves into a new namespace."""
    try:
        tap = tap_in_namespace("tap0", f"{_KERNEL['inet']}/24")
        if family == "inet6":
            add_ipv6("tap0", f"{_KERNEL[family]}/64")
    except TapUnavailable as error:
        print(json.dumps({"unavailable": str(error)}))
        return
    cores = sorted(os.sched_getaffinity(0))
    result, feed = os.pipe()
    generator = os.fork()
    if not generator:
        os.sched_setaffinity(0, {cores[-1]})
        os.write(feed, json.dumps(_generate(payload, seconds, in_flight, family)).encode())
        os._exit(0)
    os.sched_setaffinity(0, {cores[0]})
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    stack = _serve(tap, in_flight, generator, family)
    profiler.disable()
    numbers = json.loads(os.read(result, 4096))
    numbers["cpu_us"] = time.process_time() * 1e6 / max(1, numbers["echoes"])
    print(json.dumps(numbers))
    if profile:
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(25)
        print(netstat_ss(stack), file=sys.stderr)


def _serve(tap: int, in_flight: int, generator: int, family: str) -> Stack:
    """The stack's side: an echo server as an upcall, until the generator ends."""
    interface = TapInterface(tap, _LLADDR)
    stack = Stack("echo")
    ifd = stack.add_driver("tap", "kernel TAP").add_ifd(interface)
    iff = ifd.add_ifl().add_iff(family)
    if isinstance(iff, Inet6):
        iff.attempts = 0
    iff.add_ifa(f"{_STACK[family]}/{_LENGTH[family]}")
    server = stack.udp_socket(family=family)
    server.bind((_ANY[family], _PORT))
    server.buffer.limit = 4096 * in_flight
    server.set_upcall(_echo)
    ifiq, ifq = ifd.ifiqs[0], ifd.ifqs[0]
    while True:
        if interface.receive(ifiq):
            stack.run()
        elif os.waitpid(generator, os.WNOHANG)[0]:
            return stack
        else:
            select.select([tap], [], [], 0.01)
        if ifq.oactive:
            ifq.restart()
            stack.run()


def _echo(server: UdpSocket) -> None:
    while server.readable:
        data, peer = server.recvfrom()
        server.sendto(data, peer)


def _generate(payload: int, seconds: float, in_flight: int, family: str) -> dict[str, float]:
    """The kernel's side: keep `in_flight` numbered datagrams under way and look at what comes back."""
    body = bytes((7 * i + i // 251) % 255 + 1 for i in range(payload - 4))
    pack = struct.Struct("!I").pack
    wire = socket.socket(socket.AF_INET6 if family == "inet6" else socket.AF_INET, socket.SOCK_DGRAM)
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
    wire.connect((_STACK[family], _PORT))
    wire.settimeout(_PATIENCE)
    outstanding: dict[bytes, None] = {}
    sent = echoes = lost = wrong = 0
    begin = last = time.perf_counter()
    while last - begin < seconds:
        while len(outstanding) < in_flight:
            data = pack(sent & 0xFFFFFFFF) + body
            outstanding[data] = None
            sent += 1
            wire.send(data)
        for _ in range(in_flight):
            try:
                answer = wire.recv(2048)
            except TimeoutError:
                lost += len(outstanding)
                outstanding.clear()
                break
            if answer in outstanding:
                del outstanding[answer]
                echoes += 1
                data = pack(sent & 0xFFFFFFFF) + body
                outstanding[data] = None
                sent += 1
                wire.send(data)
            else:
                wrong += 1
        last = time.perf_counter()
    return {"echoes_per_s": echoes / (last - begin), "echoes": echoes, "lost": lost, "wrong": wrong}


def main() -> int:
    parser = argparse.ArgumentParser(description="UDP echo by the stack alone, over a TAP device.")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--family", choices=list(_KERNEL), default="inet")
    parser.add_argument("--profile", action="store_true", help="where the stack's time goes, and its netstat -ss")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        _child(*json.loads(options.child))
        return 0
    good = True
    for size in SIZES:
        r = run(size, options.seconds, options.in_flight, options.profile, options.family)
        ok = r["echoes_per_s"] >= BAR and not r["wrong"]
        good &= ok or options.profile
        name = f"stack.{ROWS[options.family]}.{size}"
        print(
            f"{name:<20} {r['echoes_per_s']:>9,.0f} echoes/s  bar {BAR:,}  {'ok' if ok else 'BELOW'}"
            f"  ({r['cpu_us']:.1f} us of stack each, {r['lost']:.0f} lost, {r['wrong']:.0f} wrong)"
        )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
