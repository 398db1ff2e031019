"""The kernel's side of a TAP device: a helper process in a network namespace of its own, and what it does for us.

    with KernelHost.create("10.77.0.1/24") as host:
        job = host.start("ping", target="10.77.0.2", sizes=[0, 56, 1472])
        while not job.done():
            ...  # pump host.tap and the simulated card
        print(job.result())

This file is the parent's part. The helper (`sim/kernel/child.py`) makes the namespace, as root or else inside a user
namespace, creates the TAP device there, configures it and hands its descriptor over the socket it was started with.
Then it runs jobs (`sim/kernel/jobs.py`), each in a thread of its own, so that the parent can go on pumping frames.
Nothing outside that namespace is touched, and nothing is left: the helper ends when the socket closes, however the
parent came to its end, and the namespace with it. A kernel lives on wall time, so jobs have timeouts in real seconds.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from ringbed.sim.kernel.tap import TUN_DEVICE, Tap, TapUnavailable

__all__ = ["Job", "JobFailed", "KernelHost"]

_MESSAGE = 1 << 20  # bytes of one JSON message at most
START_SECONDS = 20.0
STOP_SECONDS = 5.0


class JobFailed(Exception):
    """A job ended with an error of its own, or the helper is gone."""


class Job:
    """Something the kernel's side was asked to do. It goes on by itself; the parent asks when it likes."""

    def __init__(self, host: KernelHost, number: int, name: str) -> None:
        self._host = host
        self._number = number
        self.name = name

    def done(self) -> bool:
        """Whether `result` will answer; never blocks."""
        self._host._collect(0.0)
        return self._number in self._host._answers

    def wait(self, seconds: float) -> bool:
        """Block up to `seconds` for the end; only where nobody has to pump frames meanwhile."""
        self._host._collect(seconds, self._number)
        return self._number in self._host._answers

    def result(self) -> dict[str, Any]:
        """What the job found; raises JobFailed with its sentence, RuntimeError while it still runs."""
        if not self.done():
            raise RuntimeError(f"job {self.name} still runs")
        answer = self._host._answers[self._number]
        if "error" in answer:
            raise JobFailed(f"{self.name}: {answer['error']}")
        found: dict[str, Any] = answer["ok"]
        return found

    def stop(self) -> None:
        """Ask a job that runs until told, such as a server, to end."""
        self._host._send({"id": self._number, "stop": True})


class KernelHost:
    """A Linux host on the other end of the wire: `tap` is where its frames come out and go in."""

    def __init__(
        self, process: subprocess.Popen[bytes], control: socket.socket, hello: Mapping[str, Any], fd: int
    ) -> None:
        self._process = process
        self._control = control
        self._answers: dict[int, dict[str, Any]] = {}
        self._jobs = 0
        self._gone = False
        self.tap = Tap(fd)
        self.address = ipaddress.IPv4Interface(hello["address"])
        self.lladdr = bytes.fromhex(hello["lladdr"])
        self.mtu: int = hello["mtu"]
        self.user_namespace: bool = hello["user_namespace"]
        self.notes: list[str] = hello["notes"]

    @classmethod
    def create(
        cls, address: str = "10.77.0.1/24", mtu: int = 1500, lladdr: str = "02:00:00:00:77:01", name: str = "ringbed0",
        device: str = TUN_DEVICE,
    ) -> KernelHost:  # fmt: skip
        """Start the helper and take its TAP device over; raises TapUnavailable when there is none to be had."""
        setup = {
            "address": str(ipaddress.IPv4Interface(address)), "mtu": mtu, "name": name, "device": device,
            "lladdr": bytes.fromhex(lladdr.replace(":", "")).hex(),
        }  # fmt: skip
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "ringbed.sim.kernel.child", str(theirs.fileno())], pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
        ours.settimeout(START_SECONDS)
        try:
            ours.send(json.dumps(setup).encode())
            hello, fds = cls._greeting(ours)
        except BaseException:
            _end(process, ours)
            raise
        return cls(process, ours, hello, fds[0])

    @staticmethod
    def _greeting(control: socket.socket) -> tuple[dict[str, Any], list[int]]:
        try:
            data, fds, _, _ = socket.recv_fds(control, _MESSAGE, 1)
        except TimeoutError as error:
            raise TapUnavailable(f"the helper process did not answer in {START_SECONDS:g} s") from error
        if not data:
            raise TapUnavailable("the helper process ended before it had a TAP device; its own message is on stderr")
        hello = json.loads(data)
        if "unavailable" in hello:
            raise TapUnavailable(hello["unavailable"])
        if "error" in hello:
            raise ValueError(hello["error"])
        return hello, fds

    @property
    def fd(self) -> int:
        """The TAP device's descriptor."""
        return self.tap.fd

    def start(self, name: str, **arguments: Any) -> Job:
        """Begin job `name` of `sim/kernel/jobs.py`."""
        self._jobs += 1
        self._send({"id": self._jobs, "job": name, "arguments": arguments})
        return Job(self, self._jobs, name)

    def call(self, name: str, seconds: float = 10.0, **arguments: Any) -> dict[str, Any]:
        """Run a job that needs nobody to pump frames, and wait; raises JobFailed when it takes over `seconds`."""
        job = self.start(name, **arguments)
        if not job.wait(seconds):
            job.stop()
            raise JobFailed(f"{name} did not end in {seconds:g} s")
        return job.result()

    def _send(self, message: Mapping[str, Any]) -> None:
        try:
            self._control.send(json.dumps(message).encode())
        except OSError as error:
            raise JobFailed(f"the helper process is gone: {error.strerror}") from error

    def _collect(self, seconds: float, number: int | None = None) -> None:
        """Take answers that are there; wait up to `seconds` for the one of `number`."""
        while not self._gone and (number is None or number not in self._answers):
            self._control.settimeout(seconds)
            try:
                data = self._control.recv(_MESSAGE)
            except (BlockingIOError, TimeoutError):
                return
            except OSError:
                data = b""
            if not data:
                self._lost()
                return
            answer = json.loads(data)
            self._answers[answer["id"]] = answer

    def _lost(self) -> None:
        """The helper is gone: every job it still had has failed."""
        self._gone = True
        for number in range(1, self._jobs + 1):
            self._answers.setdefault(number, {"error": "the helper process is gone"})

    def close(self) -> None:
        """Remove the device, end the helper and its namespace."""
        self.tap.close()
        _end(self._process, self._control)

    def __enter__(self) -> KernelHost:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
