"""The driver of mini_nic: one ring each way, no offload. What `drivers/plain.py` leaves to a driver, and no more."""

from __future__ import annotations

from collections.abc import Sequence

from ringbed.lab import Coherent, Device, Direction, Dma, FrameSink, Mapping, PlainNic, QueueState, RxFrame, TxFrame

CTRL, STATUS, RX_BASE, RX_SIZE, RX_GIVEN, RX_DONE = 0x00, 0x04, 0x08, 0x14, 0x18, 0x1C
TX_BASE, TX_SIZE, TX_GIVEN, TX_DONE, DROPS = 0x20, 0x28, 0x2C, 0x30, 0x34
RX_HIGH, TX_HIGH = 0x10, 0x24
ON, QUIET, RECEIVED, SENT = 0b111, 0b100, 1, 2
LAST_FRAME_NS = 200_000
BUFFER, DESCRIPTOR, MASK = 2048, 16, 0xFFFF


class Ring:
    """Descriptors in memory both sides see, and the mapping behind each; counters run freely."""

    def __init__(self, dma: Dma, size: int) -> None:
        self.size, self.memory = size, dma.coherent(size * DESCRIPTOR)
        self.slots: list[Mapping | None] = [None] * size
        self.given = self.done = 0

    def put(self, mapping: Mapping, length: int = 0) -> None:
        at = self.given % self.size
        raw = mapping.iova.to_bytes(8, "little") + length.to_bytes(8, "little")
        self.memory.view[at * DESCRIPTOR : (at + 1) * DESCRIPTOR] = raw
        self.slots[at] = mapping
        self.given += 1

    def take(self) -> tuple[Mapping, int]:
        """The oldest descriptor's mapping, and the length that is in it."""
        at = self.done % self.size
        mapping, self.slots[at] = self.slots[at], None
        assert mapping is not None
        self.done += 1
        return mapping, int.from_bytes(self.memory.view[at * DESCRIPTOR + 8 : at * DESCRIPTOR + 10], "little")

    @property
    def used(self) -> int:
        return self.given - self.done


class MiniNic(PlainNic):
    """Of frames that the card did not put into memory, `rx_missed` is the card's own count."""

    RX_DROPS = ("rx_missed", "rx_reset")

    def __init__(
        self, device: Device, dma: Dma, sink: FrameSink, *, name: str = "mini0", lladdr: bytes, size: int = 64
    ) -> None:
        self.size, self.oactive, self.oactives = size, False, 0
        self.rings: tuple[Ring, ...] = ()
        self.drops = 0  # of the card, when it was last asked
        super().__init__(device, dma, sink, name=name, lladdr=lladdr)

    def start(self) -> None:
        self.rx, self.tx = self.rings = Ring(self.dma, self.size), Ring(self.dma, self.size)
        for ring, base, high, size in ((self.rx, RX_BASE, RX_HIGH, RX_SIZE), (self.tx, TX_BASE, TX_HIGH, TX_SIZE)):
            self._tell(ring.memory, base, high)
            self.device.write(0, size, self.size)
        for _ in range(self.size):
            self.rx.put(self.dma.map(bytes(BUFFER), Direction.FROM_DEVICE))
        self.dma.sync()  # descriptors are in memory before the card is told of them
        self.device.write(0, RX_GIVEN, self.rx.given)
        self.device.write(0, CTRL, ON)
        self.device.read(0, CTRL)  # writes are posted: behind a read they are done

    def _tell(self, memory: Coherent, base: int, high: int) -> None:
        self.device.write(0, base, memory.iova & 0xFFFF_FFFF)
        self.device.write(0, high, memory.iova >> 32)

    def stop(self) -> None:
        self.device.write(0, CTRL, QUIET)  # takes no frame and begins none; the one under way is finished
        self.device.delay(LAST_FRAME_NS)
        self._clean_tx()
        self.count["rx_reset"] += (self.device.read(0, RX_DONE) - self.rx.done) & MASK  # nobody was told of these
        self.device.write(0, CTRL, 0)  # what it still holds is thrown away, and counted
        self.device.read(0, CTRL)
        self._count_drops()
        self.count["tx_reset"] += self.tx.used
        for ring in self.rings:
            while ring.used:
                self.dma.unmap(ring.take()[0])
            self.dma.free(ring.memory)
        self.rings, self.oactive = (), False

    def transmit(self, queue: int, frames: Sequence[TxFrame]) -> int:
        self._clean_tx()
        room = self.size - self.tx.used
        for frame in frames[:room]:
            whole = b"".join(frame.segments)
            if len(whole) > self.mtu + 14:
                self.count["tx_toobig"] += 1
                continue
            self.tx.put(self.dma.map(whole, Direction.TO_DEVICE), len(whole))
            self.count["tx_frames"] += 1
        self.dma.sync()
        self.device.write(0, TX_GIVEN, self.tx.given & MASK)
        if len(frames) > room:
            self.oactive, self.oactives = True, self.oactives + 1
        return min(room, len(frames))

    def interrupt(self, vector: int) -> None:
        causes = self.device.read(0, STATUS)
        self.device.write(0, STATUS, causes)
        if causes & RECEIVED:
            self._receive()
        if causes & SENT:
            self._clean_tx()
        if self.oactive and self.tx.used < self.size // 2:
            self.oactive = False
            self.sink.restart(0)

    def _receive(self) -> None:
        frames = []
        for _ in range((self.device.read(0, RX_DONE) - self.rx.done) & MASK):
            mapping, length = self.rx.take()
            frames.append(RxFrame(mapping.read(length)))
            self.dma.unmap(mapping)
            self.rx.put(self.dma.map(bytes(BUFFER), Direction.FROM_DEVICE))
        self.dma.sync()
        self.device.write(0, RX_GIVEN, self.rx.given & MASK)
        self.count["rx_frames"] += len(frames)
        if frames:
            self.sink.input(0, frames)

    def _count_drops(self) -> None:
        drops = self.device.read(0, DROPS)
        self.count["rx_missed"] += (drops - self.drops) & 0xFFFF_FFFF
        self.drops = drops

    def counters(self) -> dict[str, int]:
        """The card says nothing when it drops, so it is asked; a card that is down was asked last in `stop`."""
        if self.running:
            self._count_drops()
        return super().counters()

    def _clean_tx(self) -> None:
        for _ in range((self.device.read(0, TX_DONE) - self.tx.done) & MASK):
            self.dma.unmap(self.tx.take()[0])

    def queues(self) -> Sequence[QueueState]:
        rx, tx = (ring.used for ring in self.rings) if self.rings else (0, 0)
        return [QueueState("rxq", self.size, rx), QueueState("txq", self.size, tx, self.oactive, self.oactives)]
