"""A driver of mini_nic that has the five methods of docs/bring-your-own-nic.md and nothing beside them."""

from __future__ import annotations

from collections.abc import Sequence

from ringbed.drivers.plain import PlainNic
from ringbed.drivers.world import Coherent, Direction, Mapping, QueueState, RxFrame, TxFrame

SLOTS, BUFFER, MASK = 16, 2048, 0xFFFF
CTRL, STATUS, RX, RX_GIVEN, RX_DONE, TX, TX_GIVEN, TX_DONE = 0x00, 0x04, 0x08, 0x18, 0x1C, 0x20, 0x2C, 0x30


class Five(PlainNic):
    memory: tuple[Coherent, Coherent]
    given: tuple[list[Mapping], list[Mapping]]  # oldest first
    done: list[int]

    def start(self) -> None:
        self.memory, self.given, self.done = (self.dma.coherent(256), self.dma.coherent(256)), ([], []), [0, 0]
        for ring, base in zip(self.memory, (RX, TX), strict=True):
            self.device.write(0, base, ring.iova & 0xFFFF_FFFF)
            self.device.write(0, base + (8 if base == RX else 4), ring.iova >> 32)
            self.device.write(0, base + (12 if base == RX else 8), SLOTS)
        for _ in range(SLOTS):
            self._put(0, self.dma.map(bytes(BUFFER), Direction.FROM_DEVICE), 0)
        self.device.write(0, RX_GIVEN, SLOTS)
        self.device.write(0, CTRL, 0b111)

    def stop(self) -> None:
        self.device.write(0, CTRL, 0)
        self.device.read(0, CTRL)
        self.count["tx_reset"] += len(self.given[1])
        for mapping in (*self.given[0], *self.given[1]):
            self.dma.unmap(mapping)
        for ring in self.memory:
            self.dma.free(ring)

    def transmit(self, queue: int, frames: Sequence[TxFrame]) -> int:
        self._sent()
        taken = frames[: SLOTS - len(self.given[1])]
        for frame in taken:
            whole = b"".join(frame.segments)
            self._put(1, self.dma.map(whole, Direction.TO_DEVICE), len(whole))
        self.count["tx_frames"] += len(taken)
        self.device.write(0, TX_GIVEN, self.done[1] + len(self.given[1]) & MASK)
        return len(taken)

    def interrupt(self, vector: int) -> None:
        self.device.write(0, STATUS, self.device.read(0, STATUS))
        frames = []
        for slot, mapping in self._taken(0, RX_DONE):
            frames.append(RxFrame(mapping.read(int.from_bytes(self.memory[0].view[slot + 8 : slot + 10], "little"))))
            self.dma.unmap(mapping)
            self._put(0, self.dma.map(bytes(BUFFER), Direction.FROM_DEVICE), 0)
        self.device.write(0, RX_GIVEN, self.done[0] + SLOTS & MASK)
        self.count["rx_frames"] += len(frames)
        self.sink.input(0, frames)
        self._sent()
        self.sink.restart(0)

    def queues(self) -> Sequence[QueueState]:
        return [QueueState("rxq", SLOTS, SLOTS), QueueState("txq", SLOTS, len(self.given[1]) if self.running else 0)]

    # ---- its own ----

    def _put(self, ring: int, mapping: Mapping, length: int) -> None:
        slot = (self.done[ring] + len(self.given[ring])) % SLOTS * 16
        self.memory[ring].view[slot : slot + 16] = mapping.iova.to_bytes(8, "little") + length.to_bytes(8, "little")
        self.given[ring].append(mapping)

    def _taken(self, ring: int, register: int) -> list[tuple[int, Mapping]]:
        """What the card is done with, and where in the ring its descriptor is."""
        came = []
        for _ in range(self.device.read(0, register) - self.done[ring] & MASK):
            came.append((self.done[ring] % SLOTS * 16, self.given[ring].pop(0)))
            self.done[ring] += 1
        return came

    def _sent(self) -> None:
        for _, mapping in self._taken(1, TX_DONE):
            self.dma.unmap(mapping)
