"""The demo on the TAP device: a Linux kernel on one end of the wire, our stack, driver and card on the other."""

from __future__ import annotations

import select
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ringbed.cli.demo.exchange import Exchanged, StackExchange
from ringbed.cli.demo.journey import Follower, StageBook
from ringbed.drivers.world import RxFrame, Verdict
from ringbed.sim.kernel.netns import Job, KernelHost
from ringbed.sim.testbed.assembly import StackOnDriver
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.host import Host
from ringbed.sim.testbed.pump import HostLink, Pump, WallPump
from ringbed.sim.wire.capture import CaptureWriter, TappedEnd
from ringbed.sim.wire.frame import HostEnd
from ringbed.stack.socket.udp import UdpSocket

__all__ = ["KERNEL", "STACK", "CountingUpper", "TapDemo"]

KERNEL, STACK = "10.77.0.1", "10.77.0.2"
ECHO_PORT, KERNEL_PORT, FOLLOWED = 7, 7007, 256  # bytes of the datagram whose journey is shown
IDENT = 0x5242
PROBE_NS = 100_000_000

Progress = Callable[[str, int, int], None]  # exchange, how many are done, of how many


class CountingUpper(StackOnDriver):
    """Counts the card's verdicts on their way up."""

    verdicts: Counter[Verdict]

    def input(self, queue: int, frames: list[RxFrame]) -> None:
        self.verdicts.update(frame.verdict for frame in frames)
        super().input(queue, frames)


class TapDemo:
    """`sizes` are the payload sizes of one pass; `patience` the seconds an answer may take, in wall time."""

    def __init__(
        self,
        host: Host[CountingUpper],
        kernel: KernelHost,
        capture: CaptureWriter,
        sizes: list[int],
        patience: float,
        faults: Faults,
        book: StageBook,
    ) -> None:
        self.host, self.kernel, self.sizes, self.patience = host, kernel, sizes, patience
        self.stack = host.upper.stack
        self.results: dict[str, Exchanged] = {}
        interface = capture.interface("em0", "em0, its wire")
        self.follower = Follower(host, FOLLOWED, ECHO_PORT, book)
        wire = faults.end(host, TappedEnd(self.follower, capture, interface, host.frequency.ns))
        self.end = HostEnd(kernel.tap)
        self.pump = Pump([host], [faults.link(HostLink(host, self.end, wire))])
        self.wall = WallPump(self.pump, time.monotonic_ns, self._wait)
        self._serve()

    def _wait(self, seconds: float) -> None:
        select.select([self.kernel.tap], [], [], seconds)

    def _serve(self) -> None:
        """The stack's echo server: an upcall, run as a process would be."""
        server = self.stack.udp_socket()
        server.bind(("0.0.0.0", ECHO_PORT))
        server.buffer.limit = 1 << 20
        server.set_upcall(_echo)

    def one_pass(self, seed: int, progress: Progress) -> bool:
        """The four exchanges, once; False when one of them did not end in time."""
        ended = self._kernel_asks("kernel pings stack", "ping", seed, progress, target=STACK)
        ended &= self._stack_pings(seed, progress)
        ended &= self._kernel_asks("kernel's UDP, echoed by the stack", "udp_exchange", seed, progress, target=STACK,
                                   port=ECHO_PORT)  # fmt: skip
        ended &= self._stack_asks_udp(seed, progress)
        return ended

    def settle(self, wall_ns: int) -> None:
        """Let what is in flight arrive, so that the account can be taken."""
        self.wall.run_until(lambda: False, wall_ns)

    def _limit(self) -> int:
        return int((3 * self.patience + 0.05 * len(self.sizes)) * 1e9)

    def _kernel_asks(self, name: str, job: str, seed: int, progress: Progress, **arguments: Any) -> bool:
        running = self.kernel.start(job, sizes=self.sizes, seed=seed, window=8, seconds=self.patience, **arguments)
        before, total = self.host.driver.counters()["rx_frames"], len(self.sizes)

        def done() -> bool:
            progress(name, min(total, self.host.driver.counters()["rx_frames"] - before), total)
            return running.done()

        ended = self.wall.run_until(done, self._limit())
        self._add(_judged(name, running, ended))
        progress(name, total, total)
        return ended

    def _stack_pings(self, seed: int, progress: Progress) -> bool:
        socket = self.stack.icmp_socket()
        exchange = StackExchange(
            "stack pings kernel", self.sizes, seed,
            lambda key, data: socket.echo_request(KERNEL, IDENT, key & 0xFFFF, data), int(self.patience * 1e9),
        )  # fmt: skip

        def arrived(_: object) -> None:
            while socket.buffer:
                message = socket.recv()
                if message.type == 0 and message.ident == IDENT:
                    exchange.answered(message.sequence, message.payload)

        socket.set_upcall(arrived)
        ended = self._exchange(exchange, progress)
        socket.close()
        return ended

    def _stack_asks_udp(self, seed: int, progress: Progress) -> bool:
        server = self.kernel.start("udp_echo", port=KERNEL_PORT)
        socket = self.stack.udp_socket()
        socket.bind((STACK, 0))
        exchange = StackExchange(
            "stack's UDP, echoed by the kernel", self.sizes, seed,
            lambda key, data: socket.sendto(data, (KERNEL, KERNEL_PORT)), int(self.patience * 1e9),
        )  # fmt: skip

        def arrived(_: UdpSocket) -> None:
            while socket.readable:
                data, _peer = socket.recvfrom()
                exchange.answered(None, data)

        socket.set_upcall(arrived)
        ended = self._answers()
        if ended:
            ended = self._exchange(exchange, progress)
        else:
            self._add(exchange.give_up())
        socket.close()
        server.stop()
        self.wall.run_until(server.done, int(self.patience * 1e9))
        return ended

    def _answers(self) -> bool:
        """Wait for the kernel's echo server, which needs a moment to bind: ask until it answers."""
        probe = self.stack.udp_socket()
        asked = 0

        def answered() -> bool:
            nonlocal asked
            if time.monotonic_ns() - asked > PROBE_NS:
                asked = time.monotonic_ns()
                with suppress(OSError):  # a refusal of the question before
                    probe.sendto(b"ready?", (KERNEL, KERNEL_PORT))
            return probe.readable

        came = self.wall.run_until(answered, self._limit())
        probe.close()
        return came

    def _exchange(self, exchange: StackExchange, progress: Progress) -> bool:
        name, total = exchange.result.name, len(self.sizes)

        def done() -> bool:
            progress(name, exchange.result.good, total)
            return exchange.proceed(time.monotonic_ns())

        ended = self.wall.run_until(done, self._limit())
        self._add(exchange.give_up())
        return ended

    def _add(self, result: Exchanged) -> None:
        if result.name in self.results:
            self.results[result.name].add(result)
        else:
            self.results[result.name] = result


def _echo(server: UdpSocket) -> None:
    """Answers where it was asked, from the address that was asked: control data handed back unchanged."""
    while server.readable:
        message = server.recvmsg()
        server.sendmsg(message.data, message.source, message.control, journey=message.journey)


def _judged(name: str, job: Job, ended: bool) -> Exchanged:
    if not ended:
        job.stop()
        return Exchanged(name, lost=[-1])
    found = job.result()
    return Exchanged(name, found["sent"], found["good"], found["wrong"], found["lost"], found["strays"])
