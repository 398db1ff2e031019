"""A TAP device in a network namespace of its own, and a stack on it with nothing in between: for benches and tests.

Linux only, no root needed where user namespaces are allowed. Everything happens in the calling process, which is moved
into the new namespace: call it in a child.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Sequence
from errno import ENODEV

from ringbed.stack.ifq import Ifiq, Ifq
from ringbed.stack.interface import Attachment, Capabilities, Ring
from ringbed.stack.packet import Packet

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
_SIOCSIFADDR, _SIOCSIFNETMASK, _SIOCSIFFLAGS, _IFF_UP_RUNNING = 0x8916, 0x891C, 0x8914, 0x41
BATCH = 64


def tap_in_namespace(name: str, address: str, netmask: str) -> int:
    """A non-blocking file descriptor of a TAP device that is up, with `address` on the kernel's side.

    Raises OSError when the kernel allows no new namespace or has no TUN device.
    """
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET if uid == 0 else _CLONE_NEWUSER | _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "no new network namespace")
    if uid:
        for file, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
            with open(f"/proc/self/{file}", "w") as f:
                f.write(text)
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, netmask)):
            sockaddr = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(control, request, struct.pack("16s16s", name.encode(), sockaddr))
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", name.encode(), _IFF_UP_RUNNING))
    return tap


def probe() -> None:
    """Raises OSError when `tap_in_namespace` could not work here. Tried in a child, which is gone afterwards."""
    child = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=False)
    if child.returncode:
        raise OSError(ENODEV, child.stderr.strip().rpartition("\n")[2])


class TapInterface:
    """The kernel's TAP device as the interface below a stack: no checksum offload in either direction."""

    def __init__(self, fd: int, lladdr: bytes) -> None:
        self.fd = fd
        self.lladdr = lladdr
        self.capabilities = Capabilities()
        self.attachment = Attachment("mainbus0", "Linux TAP", 0, "polled")

    def rings(self) -> Sequence[Ring]:
        return ()

    def start(self, ifq: Ifq) -> None:
        """Write what waits; a full TAP queue makes it OACTIVE until `receive` finds it ready again."""
        batch = ifq.begin(BATCH)
        taken = 0
        try:
            for packet in batch:
                os.writev(self.fd, packet.segments)
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


if __name__ == "__main__":
    tap_in_namespace("tap0", "10.97.0.1", "255.255.255.0")
