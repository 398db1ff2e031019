"""A TAP device: the Linux kernel's own end of a simulated wire, as batches of frames on a non-blocking descriptor.

Frames here are a host's: no FCS, and short ones stay short (`sim/wire/frame.py` pads and adds the FCS). All offloads
are off, so the kernel computes every checksum it sends and verifies every one it receives. A device exists as long as
its descriptor is open. `netns.py` makes one in a network namespace of its own; nothing here touches an interface that
was there before.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Sequence

from ringbed.sim.needs import Missing

__all__ = ["TUN_DEVICE", "Tap", "TapUnavailable", "open_tap"]

TUN_DEVICE = "/dev/net/tun"
IFNAMSIZ = 16
MAX_FRAME = 65536  # above what the kernel hands out with any MTU
MIN_FRAME = 14  # an Ethernet header; the kernel refuses less

# linux/if_tun.h
_TUNSETIFF = 0x400454CA
_TUNSETOFFLOAD = 0x400454D0
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000

_WHY = {
    errno.ENOENT: "{device} does not exist: load the tun module (`modprobe tun`), or give the container the device",
    errno.ENODEV: "{device} has no driver behind it: load the tun module (`modprobe tun`)",
    errno.EACCES: "{device} is closed to this user: run as root, or open it with `sudo chmod 0666 {device}`",
    errno.EPERM: "the kernel refuses a TAP device: run as root, or with CAP_NET_ADMIN in a network namespace",
    errno.EBUSY: "there is a TAP device of this name already, and somebody else has it open",
}


class TapUnavailable(Missing):
    """There is no TAP device to be had here; the sentence says what is missing and what to do."""


def unavailable(error: OSError, device: str = TUN_DEVICE) -> TapUnavailable:
    """The sentence for `error`, met while opening or creating a TAP device."""
    known = _WHY.get(error.errno or 0)
    return TapUnavailable(known.format(device=device) if known else f"{device} cannot be used: {error.strerror}")


def open_tap(name: str, device: str = TUN_DEVICE) -> int:
    """Create TAP device `name` in the caller's network namespace; its non-blocking descriptor.

    Raises TapUnavailable when the kernel or its permissions do not allow it, ValueError for a name the kernel refuses.
    """
    if not 0 < len(name.encode()) < IFNAMSIZ:
        raise ValueError(f"an interface name has 1..{IFNAMSIZ - 1} bytes, {name!r} does not")
    if name in (".", "..") or not name.isprintable() or set(name) & set("/: %"):
        raise ValueError(f"{name!r} is no name of an interface: no blank, '/', ':' or '%' is in one")
    try:
        fd = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise unavailable(error, device) from error
    try:
        fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
        fcntl.ioctl(fd, _TUNSETOFFLOAD, 0)
    except OSError as error:
        os.close(fd)
        raise unavailable(error, device) from error
    return fd


class Tap:
    """A `FramePort` on a TAP descriptor, which it owns.

    Counters: `read`, `written`, `runt` (under 14 bytes, the kernel would refuse it), `refused` (the kernel took it for
    wrong: the interface is down or the frame too long), `full` (the kernel asked to come back later).
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.counters = {"read": 0, "written": 0, "runt": 0, "refused": 0, "full": 0}

    def fileno(self) -> int:
        """The descriptor, for `select`."""
        return self.fd

    def read(self, limit: int = 64) -> list[bytes]:
        """At most `limit` frames the kernel has sent; none when it has none. Raises OSError when the device is gone."""
        frames: list[bytes] = []
        try:
            while len(frames) < limit:
                frames.append(os.read(self.fd, MAX_FRAME))
        except BlockingIOError:
            pass
        self.counters["read"] += len(frames)
        return frames

    def write(self, frames: Sequence[bytes]) -> int:
        """Give `frames` to the kernel; how many are done with, refused ones included, before it asked to wait."""
        for index, frame in enumerate(frames):
            try:
                self._write(frame)
            except BlockingIOError:
                self.counters["full"] += 1
                return index
        return len(frames)

    def _write(self, frame: bytes) -> None:
        if len(frame) < MIN_FRAME:
            self.counters["runt"] += 1
            return
        try:
            os.write(self.fd, frame)
            self.counters["written"] += 1
        except OSError as error:
            if error.errno not in (errno.EIO, errno.EINVAL):
                raise
            self.counters["refused"] += 1

    def close(self) -> None:
        """Give the device back; the kernel removes it."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1
