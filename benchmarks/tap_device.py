"""A TAP device in a network namespace of its own, and a stack on it with nothing in between: for benches and tests.

Linux only, no root needed where user namespaces are allowed. Everything happens in the calling process, which is moved
into the new namespace: call it in a child.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ringbed.sim.kernel.child import configure, enter_namespace
from ringbed.sim.kernel.tap import TUN_DEVICE, TapUnavailable, open_tap
from ringbed.stack.kern.ifq import Ifiq, Ifq
from ringbed.stack.kern.packet import Packet
from ringbed.stack.link.interface import Attachment, Capabilities, Ring

BATCH = 64
_KERNEL_LLADDR = bytes.fromhex("020000009901")
_SIOCSIFADDR = 0x8916
_TENTATIVE = 5.0  # seconds in which the kernel finds an address free, where it cannot be told not to ask


def tap_in_namespace(name: str, address: str) -> int:
    """A non-blocking descriptor of a TAP device that is up, with `address` (such as 10.0.0.1/24) on the kernel's side.

    Raises TapUnavailable when the kernel allows no new namespace or address, or has no TUN device.
    """
    enter_namespace()
    tap = open_tap(name, TUN_DEVICE)
    configure(name, ipaddress.IPv4Interface(address), _KERNEL_LLADDR, 1500)
    return tap


def add_ipv6(name: str, address: str) -> None:
    """`address` (such as fd00::1/64) on the kernel's side as well, and usable. Raises TapUnavailable: no IPv6 here."""
    value = ipaddress.IPv6Interface(address)
    for setting, to in (("disable_ipv6", "0"), ("accept_dad", "0")):
        with suppress(OSError):
            Path(f"/proc/sys/net/ipv6/conf/{name}/{setting}").write_text(to)
    request = struct.pack("=16sIi", value.ip.packed, value.network.prefixlen, socket.if_nametoindex(name))
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, _SIOCSIFADDR, request)
    except OSError as error:
        raise TapUnavailable(f"the kernel gives {name} no IPv6 address: {error.strerror}") from None
    _wait_until_usable(str(value.ip))


def _wait_until_usable(address: str) -> None:
    until = time.monotonic() + _TENTATIVE
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        while True:
            try:
                return sock.bind((address, 0))
            except OSError as error:
                if time.monotonic() > until:
                    raise TapUnavailable(f"the kernel does not use {address}: {error.strerror}") from None
                time.sleep(0.05)


class TapInterface:
    """The kernel's TAP device as the interface below a stack: no checksum offload in either direction."""

    def __init__(self, fd: int, lladdr: bytes) -> None:
        self.fd = fd
        self.lladdr = lladdr
        self.capabilities = Capabilities()
        self.attachment = Attachment("mainbus0", "Linux TAP", 0, "polled")

    def rings(self) -> Sequence[Ring]:
        return ()

    def set_groups(self, groups: Sequence[bytes]) -> None:
        """There is no filter: every frame comes."""

    def start(self, ifq: Ifq) -> None:
        """Write what waits; a full TAP queue makes it OACTIVE until `receive` finds it ready again."""
        batch = ifq.begin(BATCH)
        taken = 0
        try:
            for packet in batch:
                os.writev(self.fd, packet.wire())
                taken += 1
        except BlockingIOError:
            ifq.set_oactive()
        ifq.commit(taken)

    def receive(self, ifiq: Ifiq) -> int:
        """Read up to a batch of frames into `ifiq`; how many."""
        batch: list[Packet] = []
        read, fd, append = os.read, self.fd, batch.append
        try:
            for _ in range(BATCH):
                append(Packet([read(fd, 2048)]))
        except BlockingIOError:
            pass
        ifiq.input(batch)
        return len(batch)
