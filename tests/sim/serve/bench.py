"""An `em` that is served, and its server in the test's own thread, turned round by hand, away from wall time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ringbed.drivers.em.driver import Em
from ringbed.drivers.world import FrameSink, PciIdentity
from ringbed.sim.cards import EM_PCI, em, reset_em
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.serve.asked import AskedMemory
from ringbed.sim.serve.served import WireMaker, serve
from ringbed.sim.testbed.host import Collector
from ringbed.sim.wire.frame import WireEnd, to_wire
from tests.sim.serve.client import Client, SocketDevice, map_far, map_memory

__all__ = ["Bench", "Machine", "TestWire", "asked_of"]

LIMIT = 20_000  # turns


class TestWire:
    """Frames in a test's hands."""

    __test__ = False

    def __init__(self, end: WireEnd, frequency: Frequency) -> None:
        self.end, self.frequency = end, frequency
        self.out: list[bytes] = []
        self.next: list[bytes] = []

    def move(self, now: int) -> int:
        left, coming = self.end.wire_out(), self.next
        self.out += [frame for _, frame in left]
        self.next = []
        for frame in coming:
            self.end.wire_in(to_wire(frame), self.frequency.clocks(now))
        return len(left) + len(coming)

    def files(self) -> list[int]:
        return []

    def deadline(self) -> None:
        return None


class Bench:
    """`wall` is the server's wall clock, in ns; `said` what it told."""

    def __init__(
        self, folder: Path, spec: NicSpec | None = None, make_wire: WireMaker = TestWire,
        pci: PciIdentity | None = None, **more: Any,
    ) -> None:  # fmt: skip
        """An `em`, or with `pci` a card that its reset port resets."""
        self.wall, self.said = 0, list[str]()
        self.path = folder / "card.sock"
        reset = NativeEngine.reset if pci else reset_em
        self.far = list[Client]()  # those that are asked for memory, and answer between two turns
        self.served = serve(
            self.path, spec or em(), pci or EM_PCI, reset, make_wire, lambda: self.wall, say=self.said.append, **more
        )
        self.engine, self.memory = self.served.engine, self.served.memory
        if pci is None:
            self.engine.set_pin("mac", 0x02_00_00_00_00_01)

    @property
    def wire(self) -> TestWire:
        wire = self.served.wire
        assert isinstance(wire, TestWire)
        return wire

    def turn(self) -> None:
        self.served.server.turn(wait=False)

    def hear(self) -> None:
        for client in self.far:
            client.serve()

    def client(self, greet: bool = True) -> Client:
        return Client(self.path, self.turn, greet)

    def wait(self, nanoseconds: int) -> None:
        """Let so much simulated time pass, the wall's with it."""
        until = self.engine.now + self.engine.frequency.clocks(nanoseconds)
        self.wall += nanoseconds
        for _ in range(LIMIT):
            if self.engine.now >= until:
                return
            self.turn()
            self.hear()
            self.wall += 100  # what was busy has lagged
        raise AssertionError("time stands still")

    def rest(self) -> None:
        """Until nothing is in flight."""
        for _ in range(LIMIT):
            self.turn()
            self.hear()
            if not self.served.server.busy:
                return
        raise AssertionError("the card does not come to rest")

    def close(self) -> None:
        self.served.close()


def asked_of(bench: Bench) -> AskedMemory:
    """For a session without a socket, whose memory without a file nobody is asked for."""
    function = bench.served.function
    return AskedMemory(bench.engine, function.memory, function.counts, lambda data: None, lambda: 0)


class Machine:
    """A client with memory, ringbed's own driver of `em` over the socket, and an interrupt controller.

    `far`: which pages of its memory are lent without a file; `most`: bytes of one message, where that is agreed.
    """

    def __init__(
        self, bench: Bench, above: FrameSink | None = None, far: Callable[[int], bool] | None = None,
        most: int | None = None,
    ) -> None:  # fmt: skip
        self.bench, self.client = bench, bench.client(greet=most is None)
        if most is not None:
            self.client.greet({"max_data_xfer_size": most})
        self.memory, self.sink = HostMemory(4 << 20), Collector()
        if far is None:
            map_memory(self.client, self.memory)
        else:
            map_far(self.client, self.memory, far)
            bench.far.append(self.client)
        self.device = SocketDevice(self.client, EM_PCI, bench.wait)
        self.driver = Em(self.device, self.memory, above or self.sink)

    def up(self) -> None:
        self.driver.up()
        self.work()
        assert self.sink.link_up

    def work(self, microseconds: int = 300) -> None:
        """Let time pass and serve interrupts."""
        for _ in range(microseconds // 10):
            self.bench.wait(10_000)
            while self.device.taken():
                self.driver.interrupt(0)
                self.device.unmask()
                self.bench.turn()

    def down(self) -> None:
        self.driver.down()
        assert self.memory.leaks() == []

    def close(self) -> None:
        if self.client in self.bench.far:
            self.bench.far.remove(self.client)
        self.client.close()
        self.device.close()
        self.bench.turn()
