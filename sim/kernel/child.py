"""The helper process of `netns.py`: a network namespace, a TAP device in it, and jobs until the socket closes.

Started as `python -m ringbed.sim.kernel.child FD`, FD being a SOCK_SEQPACKET socket with one JSON object a message.
Without FD it prints why there can be no TAP device here, or nothing when there can (`sim/needs.py` asks so).
First message in: the set-up; first one out: the greeting with the TAP descriptor beside it. After that, jobs.

As root a network namespace is enough. An ordinary user gets a user namespace around it and is root only in there; what
still counts outside is the permission of /dev/net/tun itself. Addresses are set with the classic ioctls: five of them
do it, where a netlink library would be a dependency and an event loop in a process that should start in a blink.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import ipaddress
import json
import os
import socket
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from ringbed.sim.kernel.jobs import JOBS
from ringbed.sim.kernel.tap import TapUnavailable, open_tap

__all__ = ["main"]

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK, _SIOCSIFMTU, _SIOCSIFHWADDR = 0x8914, 0x8916, 0x891C, 0x8922, 0x8924
_IFF_UP, _ARPHRD_ETHER = 1, 1
_MESSAGE = 1 << 20

# Without these the kernel talks by itself: router solicitations, duplicate address detection, MLD reports.
_QUIET = ("net/ipv6/conf/all/disable_ipv6", "net/ipv6/conf/default/disable_ipv6")


def enter_namespace() -> bool:
    """Leave the machine's network for one of our own; True when a user namespace was needed for it.

    Raises TapUnavailable: this user may not.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) == 0:
        return False
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        raise TapUnavailable(_refused(ctypes.get_errno()))
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    except OSError as error:
        raise TapUnavailable(_refused(error.errno or 0)) from None
    return True


def _refused(number: int) -> str:
    if number == errno.ENOSPC:
        return "no user namespaces are left: raise `sysctl user.max_user_namespaces`, or run as root"
    return (
        f"the kernel lets this user make no network namespace ({os.strerror(number)}): run as root, or allow user "
        "namespaces (`sysctl kernel.unprivileged_userns_clone=1`, `kernel.apparmor_restrict_unprivileged_userns=0`)"
    )


def configure(name: str, address: ipaddress.IPv4Interface, lladdr: bytes, mtu: int) -> list[str]:
    """Bring `name` and lo up with these; notes on what could not be made quiet.

    Raises TapUnavailable where this user may set none, OSError when one of these is refused.
    """
    notes = [note for path in _QUIET if (note := _sysctl(path, "1"))]
    try:
        _set_addresses(name, address, lladdr, mtu)
    except PermissionError as error:
        raise TapUnavailable(f"the kernel lets this user set no address: {error.strerror}") from None
    return notes


def _set_addresses(name: str, address: ipaddress.IPv4Interface, lladdr: bytes, mtu: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        _ifreq(sock, _SIOCSIFFLAGS, "lo", struct.pack("=H", _IFF_UP))
        _ifreq(sock, _SIOCSIFHWADDR, name, struct.pack("=H6s", _ARPHRD_ETHER, lladdr))
        _ifreq(sock, _SIOCSIFMTU, name, struct.pack("=i", mtu))
        _ifreq(sock, _SIOCSIFADDR, name, struct.pack("=H2x4s", socket.AF_INET, address.ip.packed))
        _ifreq(sock, _SIOCSIFNETMASK, name, struct.pack("=H2x4s", socket.AF_INET, address.netmask.packed))
        _ifreq(sock, _SIOCSIFFLAGS, name, struct.pack("=H", _IFF_UP))


def _ifreq(sock: socket.socket, request: int, name: str, value: bytes) -> None:
    fcntl.ioctl(sock, request, struct.pack("=16s24s", name.encode(), value))


def _sysctl(path: str, value: str) -> str:
    """Set a sysctl of this namespace; a sentence when it cannot be (a container with /proc read-only)."""
    try:
        (Path("/proc/sys") / path).write_text(value)
    except OSError as error:
        return f"{path} stays as it is: {error.strerror}"
    return ""


def set_up(wish: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Namespace, device and addresses as `wish` says: the greeting and the TAP descriptor."""
    user_namespace = enter_namespace()
    fd = open_tap(wish["name"], wish["device"])
    address, lladdr = ipaddress.IPv4Interface(wish["address"]), bytes.fromhex(wish["lladdr"])
    notes = configure(wish["name"], address, lladdr, wish["mtu"])
    hello = {key: wish[key] for key in ("address", "lladdr", "mtu")}
    return {**hello, "user_namespace": user_namespace, "notes": notes}, fd


def greet(control: socket.socket) -> bool:
    """Set up and say so, or say why not; whether there is anything to serve."""
    wish = json.loads(control.recv(_MESSAGE))
    try:
        hello, fd = set_up(wish)
    except TapUnavailable as error:
        control.send(json.dumps({"unavailable": str(error)}).encode())
        return False
    except OSError as error:
        sentence = f"the kernel refuses {wish['address']}, {wish['lladdr']}, MTU {wish['mtu']}: {error.strerror}"
        control.send(json.dumps({"error": sentence}).encode())
        return False
    except ValueError as error:
        control.send(json.dumps({"error": str(error)}).encode())
        return False
    socket.send_fds(control, [json.dumps(hello).encode()], [fd])
    os.close(fd)  # the parent's is the only one left, and the device ends with it
    return True


def obstacle() -> str:
    """Why there can be no TAP device with an address here, in one sentence, or nothing. Needs a process of its own."""
    try:
        enter_namespace()
        fd = open_tap("ringbed0")
        configure("ringbed0", ipaddress.IPv4Interface("10.77.0.1/24"), bytes.fromhex("020000007701"), 1500)
        os.close(fd)
    except TapUnavailable as error:
        return str(error)
    return ""


class Server:
    """Runs jobs in threads. One message asks for a job or stops one; every job answers once."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._stops: dict[int, threading.Event] = {}

    def serve(self) -> None:
        """Until the parent closes its end or is gone."""
        while data := self._control.recv(_MESSAGE):
            message = json.loads(data)
            if message.get("stop"):
                self._stops[message["id"]].set()
                continue
            stop = self._stops[message["id"]] = threading.Event()
            threading.Thread(target=self._run, args=(message, stop), daemon=True).start()

    def _run(self, message: dict[str, Any], stop: threading.Event) -> None:
        answer: dict[str, Any] = {"id": message["id"]}
        job = JOBS.get(message["job"])
        try:
            if job is None:
                raise ValueError(f"there is no job of this name; jobs are {', '.join(JOBS)}")
            answer["ok"] = job(stop, **message["arguments"])
        except Exception as error:  # whatever ended the job, the parent must not wait for it
            answer["error"] = f"{type(error).__name__}: {error}"
        with suppress(BrokenPipeError):  # the parent is gone, and so are we in a moment
            self._control.send(json.dumps(answer).encode())


def main() -> None:
    """Serve the socket whose descriptor is the first argument; without one, say what stands in the way."""
    if len(sys.argv) == 1:
        print(obstacle())
        return
    with socket.socket(fileno=int(sys.argv[1])) as control:
        try:
            if greet(control):
                Server(control).serve()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the parent is gone
    os._exit(0)  # threads of unfinished jobs are not waited for


if __name__ == "__main__":
    main()
