"""A small driver of `em` written from its page alone, for tests of what the testbed says of somebody's own driver.

It moves plain frames, one buffer each; a subclass plants one fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ringbed.drivers.plain import PlainNic
from ringbed.drivers.world import Coherent, Device, Direction, Dma, FrameSink, Mapping, QueueState, RxFrame, TxFrame
from ringbed.hw.formats import em
from ringbed.sim import cards
from ringbed.sim.engines import open_engine
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.testbed.assembly import EM_PCI
from ringbed.sim.testbed.host import Collector, Host

__all__ = ["EmMini", "opened"]

AT = {register.name: register.offset for register in em.REGISTERS}
DD, SIZE = 1 << 32, 2048
MAC = bytes.fromhex("020000000001")


class Ring:
    """N-1 of its N descriptors are the card's at most."""

    def __init__(self, dma: Dma, size: int) -> None:
        self.size = size
        self.memory: Coherent = dma.coherent(16 * size)
        self.slots: list[Mapping | None] = [None] * size
        self.head = self.tail = 0  # next to clean, next to fill

    def put(self, low: int, high: int, slot: Mapping | None) -> None:
        data = low.to_bytes(8, "little") + high.to_bytes(8, "little")
        self.memory.view[16 * self.tail : 16 * self.tail + 16] = data
        self.slots[self.tail] = slot
        self.tail = (self.tail + 1) % self.size

    def high(self, at: int) -> int:
        return int.from_bytes(self.memory.view[16 * at + 8 : 16 * at + 16], "little")

    def take(self) -> Mapping | None:
        slot, self.slots[self.head] = self.slots[self.head], None
        self.head = (self.head + 1) % self.size
        return slot

    @property
    def used(self) -> int:
        return (self.tail - self.head) % self.size


class EmMini(PlainNic):
    """See the head of the file."""

    def __init__(self, device: Device, dma: Dma, sink: FrameSink, *, size: int = 64) -> None:
        self.size = size
        self.rings: tuple[Ring, ...] = ()
        super().__init__(device, dma, sink, name="em0", lladdr=MAC)

    def write(self, name: str, value: int) -> None:
        self.device.write(0, AT[name], value)

    def read(self, name: str) -> int:
        return self.device.read(0, AT[name])

    def reset(self) -> None:
        self.write("IMC", 0xFFFF_FFFF)
        self.write("CTRL", em.REGISTERS["CTRL"].mask("RST"))
        while self.read("CTRL") & em.REGISTERS["CTRL"].mask("RST"):
            self.device.delay(1000)

    def start(self) -> None:
        self.reset()
        self.write("CTRL", em.REGISTERS["CTRL"].mask("SLU", "FD"))
        self.rx, self.tx = self.rings = Ring(self.dma, self.size), Ring(self.dma, self.size)
        for ring, letter in ((self.rx, "R"), (self.tx, "T")):
            self.write(letter + "DBAL", ring.memory.iova & 0xFFFF_FFFF)
            self.write(letter + "DBAH", ring.memory.iova >> 32)
            self.write(letter + "DLEN", 16 * self.size)
        self.write("TCTL", em.REGISTERS["TCTL"].mask("EN", "PSP"))
        self.write("RCTL", em.REGISTERS["RCTL"].mask("EN", "BAM", "UPE", "SECRC"))
        self.fill()
        self.write("IMS", em.REGISTERS["IMS"].mask("TXDW", "RXT0", "RXO"))
        self.read("ICR")

    def fill(self) -> None:
        while self.rx.used < self.size - 1:
            buffer = self.dma.map(bytes(SIZE), Direction.FROM_DEVICE)
            self.rx.put(buffer.iova, 0, buffer)
        self.write("RDT", self.rx.tail)

    def stop(self) -> None:
        self.reset()
        self.count["tx_reset"] += self.tx.used
        self.release()

    def release(self) -> None:
        for ring in self.rings:
            for buffer in filter(None, ring.slots):
                self.dma.unmap(buffer)
            self.dma.free(ring.memory)
        self.rings = ()

    def transmit(self, queue: int, frames: Sequence[TxFrame]) -> int:
        taken = 0
        for frame in frames[: self.size - 1 - self.tx.used]:
            data = b"".join(frame.segments)
            buffer = self.dma.map(data, Direction.TO_DEVICE)
            flags = em.TX_LEGACY.pack(length=len(data), EOP=1, IFCS=1, RS=1) >> 64
            self.tx.put(buffer.iova, flags, buffer)
            taken += 1
        self.count["tx_frames"] += taken
        self.write("TDT", self.tx.tail)
        return taken

    def clean(self) -> None:
        while self.tx.used and self.tx.high(self.tx.head) & DD:
            if (buffer := self.tx.take()) is not None:
                self.dma.unmap(buffer)

    def receive(self) -> None:
        frames = []
        while self.rx.used and (high := self.rx.high(self.rx.head)) & DD:
            buffer = self.rx.take()
            assert buffer is not None
            frames.append(RxFrame(buffer.read(high & 0xFFFF)))
            self.dma.unmap(buffer)
        if frames:
            self.fill()
            self.count["rx_frames"] += len(frames)
            self.sink.input(0, frames)

    def interrupt(self, vector: int) -> None:
        self.read("ICR")
        self.receive()
        self.clean()

    def queues(self) -> Sequence[QueueState]:
        rx, tx = (ring.used for ring in self.rings) if self.rings else (0, 0)
        return [QueueState("rxq", self.size, rx), QueueState("txq", self.size, tx)]


@contextmanager
def opened(make: Callable[..., EmMini], engine: str = "native", **settings: Any) -> Iterator[Host[Collector]]:
    """A host of `em` with this driver, up."""
    memory = HostMemory()
    card = open_engine(engine, cards.em(), memory, **settings)
    try:
        host = Host("em0", card, memory, EM_PCI, make, Collector(), card.frequency)
        host.up()
        host.advance(host.now + 100_000)
        yield host
    finally:
        card.close()
