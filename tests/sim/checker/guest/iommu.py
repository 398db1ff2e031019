"""A driver's Dma behind an IOMMU: each map is pages of a file and a message, each unmap a message, at once."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ringbed.drivers.em.driver import Em
from ringbed.drivers.world import Buffer, Coherent, Direction, Mapping
from ringbed.hw.formats.em.rules import RULES
from ringbed.sim.cards import EM_PCI
from ringbed.sim.checker.guest.checker import GuestChecker
from ringbed.sim.testbed.host import Collector
from tests.sim.checker.guest.proxy import Fault, Proxy
from tests.sim.serve.bench import Bench
from tests.sim.serve.client import Client, SocketDevice

__all__ = ["Guest", "StrictDma"]

PAGE, PAGES = 4096, 2048
STEP = 10_000  # ns of the wall's between two looks
FIRST = 0x1_0000_0000  # the address of the first map: above 4 GiB, as Linux's are below or above
FLAGS = {Direction.TO_DEVICE: 1, Direction.FROM_DEVICE: 2}


@dataclass(eq=False)
class Mapped:
    """A Mapping, and a Coherent."""

    iova: int
    length: int
    view: memoryview

    def read(self, length: int) -> bytes:
        return bytes(self.view[:length])


class StrictDma:
    """See the head of the file. Pages are used once, in order."""

    def __init__(self, client: Client) -> None:
        self.file = os.memfd_create("guest")
        os.ftruncate(self.file, PAGE * PAGES)
        self._memory, self._client, self._next = memoryview(mmap.mmap(self.file, PAGE * PAGES)), client, 0

    def _map(self, size: int, flags: int) -> Mapped:
        at, pages = self._next * PAGE, -(-size // PAGE)
        self._next += pages + 1  # with a gap
        for page in range(pages):  # as an IOMMU tells it: page by page
            self._client.map(FIRST + at + page * PAGE, PAGE, self.file, at + page * PAGE, flags)
        return Mapped(FIRST + at, size, self._memory[at : at + size])

    def coherent(self, size: int, align: int = 128) -> Mapped:
        return self._map(size, 3)

    def free(self, memory: Coherent) -> None:
        self._unmap(memory.iova, len(memory.view))

    def map(self, data: Buffer, direction: Direction) -> Mapped:
        mapped = self._map(len(data), FLAGS[direction])
        mapped.view[:] = data
        return mapped

    def unmap(self, mapping: Mapping) -> None:
        self._unmap(mapping.iova, mapping.length)

    def _unmap(self, address: int, size: int) -> None:
        self._client.unmap(address, -(-size // PAGE) * PAGE)

    def sync(self) -> None:
        pass


class Guest:
    """ringbed's own driver of `em`, behind an IOMMU, a proxy with a fault, and a socket, on a card that is checked."""

    def __init__(self, folder: Path, fault: Fault | None = None, iommu: bool = True) -> None:
        self.bench = Bench(folder, check=partial(GuestChecker, RULES, iommu=iommu))
        self.proxy = Proxy(folder / "proxy.sock", self.bench.path, fault)
        self.client = Client(self.proxy.path, self._turn)
        self.dma, self.sink = StrictDma(self.client), Collector()
        self.device = SocketDevice(self.client, EM_PCI, self.wait)
        self.driver = Em(self.device, self.dma, self.sink, rx_ring=64, tx_ring=64)

    def _turn(self) -> None:
        self.proxy.turn()
        self.bench.turn()
        self.proxy.turn()

    def wait(self, nanoseconds: int) -> None:
        for _ in range(8):
            self._turn()  # what was posted comes before
        engine = self.bench.engine
        until = engine.now + engine.frequency.clocks(nanoseconds)
        while engine.now < until:  # the card may be ahead of the wall: each turn of a busy one is a slice
            self.bench.wall += STEP
            self.bench.turn()

    def work(self, microseconds: int = 300) -> None:
        """Let time pass and serve interrupts."""
        for _ in range(microseconds // 10):
            self.wait(10_000)
            for _ in range(8):  # a line that nobody hears stays up
                if not self.device.taken():
                    break
                self.driver.interrupt(0)
                self.device.unmask()
                self._turn()

    def up(self) -> None:
        self.driver.up()
        self.work()

    @property
    def checker(self) -> GuestChecker:
        assert self.bench.served.checker is not None
        return self.bench.served.checker

    def rules(self) -> list[str]:
        """Those that were broken since the last call, in order."""
        return [finding.rule for finding in self.checker.take()]

    def close(self) -> None:
        self.client.close()
        self._turn()
        self.proxy.close()
        self.device.close()
        self.bench.close()
        os.close(self.dma.file)
