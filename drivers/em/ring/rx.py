"""The `em` receive ring: buffers mapped once, frames copied out, descriptors armed again, the tail written in one go.

The hardware owns [head, tail). Tail is always the descriptor before the next one to be cleaned, so that N-1 of N
descriptors are the card's and a full ring cannot look like an empty one (M 3.2.6).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.ring.memory import HIGH, RingMemory
from ringbed.drivers.world import Direction, Dma, Mapping, RxFrame, Verdict
from ringbed.hw.formats import em

__all__ = ["RxRing"]

LAYOUT = em.RX_LEGACY
# Of a descriptor's two words: the first is the address, these are the second's.
LENGTH = LAYOUT["length"].mask >> HIGH
CHECKSUM_SHIFT, CHECKSUM = LAYOUT["checksum"].lsb - HIGH, (1 << LAYOUT["checksum"].width) - 1
DONE = LAYOUT["DD"].mask >> HIGH
EOP = LAYOUT["EOP"].mask >> HIGH
ERRORS = LAYOUT.mask("CE", "SE", "SEQ", "CXE", "RXE") >> HIGH
INEXACT, STRIPPED = LAYOUT["PIF"].mask >> HIGH, LAYOUT["VP"].mask >> HIGH
TAG_SHIFT = LAYOUT["special"].lsb - HIGH
STATUS_SHIFT, ERROR_SHIFT = LAYOUT["DD"].lsb - HIGH, LAYOUT["CE"].lsb - HIGH
assert LAYOUT["address"].mask == (1 << HIGH) - 1
assert LAYOUT["length"].lsb == HIGH  # so that LENGTH needs no shift
assert LAYOUT["special"].lsb + LAYOUT["special"].width == 2 * HIGH  # the tag needs no mask
assert ERROR_SHIFT == STATUS_SHIFT + 8  # `verdict` takes the two as bytes, and they are neighbours


@cache  # few of the 65,536 status words ever come
def _verdict(word: int) -> Verdict:
    """`word`: status in the low byte, errors in the high one."""
    return em.verdict(word & 0xFF, word >> 8)


def _no_verdict(word: int) -> Verdict:
    """A card without checksum engines: whatever its bits say, nothing was checked."""
    return Verdict.NONE


@dataclass(slots=True)
class _Chain:
    """A frame of several descriptors that has not ended yet. `trouble` names the counter it will end in, if any."""

    checksum: int
    length: int = 0
    trouble: str = ""
    parts: list[bytes] = field(default_factory=list)


class RxRing:
    """One receive ring. `stage` allocates, `program` tells the card, `clean` takes what came, `release` gives back.

    Counters, each frame in one: `rx_frames` handed on; `rx_errors` the card flagged it damaged (only with RCTL.SBP);
    `rx_bad_length` a descriptor claims more than its buffer; `rx_overlong` descriptors went on and on without an end;
    `rx_not_for_us` passed only the card's hash (PIF), and `wants`, asked about the destination, says no.
    Their sum is the card's RB_RXDONE when the ring is clean. `rx_bytes` belongs to `rx_frames`.
    """

    COUNTERS = ("rx_frames", "rx_bytes", "rx_errors", "rx_bad_length", "rx_overlong", "rx_not_for_us")

    def __init__(
        self, dma: Dma, hardware: EmHardware, size: int, buffer_size: int, *, verdicts: bool,
        wants: Callable[[bytes], bool], counters: dict[str, int] | None = None,
    ) -> None:  # fmt: skip
        self._memory = RingMemory(dma, "R", size)
        self.size = size
        self.buffer_size = buffer_size
        self.counters = dict.fromkeys(self.COUNTERS, 0) if counters is None else counters
        self._dma = dma
        self._hardware = hardware
        self._wants = wants
        self.set_verdicts(verdicts)
        self._words = self._memory.words
        self._buffers: list[Mapping] = []
        self._chain: _Chain | None = None
        self._next = 0

    def set_verdicts(self, on: bool) -> None:
        """Whether the card's checksum bits are looked at."""
        self._verdict: Callable[[int], Verdict] = _verdict if on else _no_verdict

    def stage(self) -> None:
        """Allocate the ring and map its buffers, once for many resets."""
        if self._memory.staged:
            return
        self._memory.stage()
        self._words = self._memory.words
        for _ in range(self.size):
            self._buffers.append(self._dma.map(bytearray(self.buffer_size), Direction.FROM_DEVICE))

    def release(self) -> None:
        """Unmap and free; only after a reset of the card."""
        for buffer in self._buffers:
            self._dma.unmap(buffer)
        self._buffers = []
        self._memory.release()

    def program(self) -> None:
        """Arm every descriptor and write the ring's registers; the card has been reset. RCTL.EN comes after."""
        for index, buffer in enumerate(self._buffers):
            self._words[2 * index] = buffer.iova
            self._words[2 * index + 1] = 0
        self._next = 0
        self._chain = None  # a frame the card never ended is in its own RB_RXFLUSH
        self._memory.program(self._hardware, tail=self.size - 1)

    @property
    def used(self) -> int:
        """Descriptors the card has filled and nobody has cleaned yet."""
        count = 0
        while count < len(self._buffers) and self._words[2 * ((self._next + count) % self.size) + 1] & DONE:
            count += 1
        return count

    def clean(self) -> list[RxFrame]:
        """Take every whole frame and give the descriptors back to the card, the tail written once."""
        before = self._next
        frames = self.take()
        if self._next != before:
            self._dma.sync()
            self._hardware.write("RDT", self._next - 1 if self._next else self.size - 1)
        return frames

    def take(self) -> list[RxFrame]:
        """Take every whole frame and arm its descriptors; the card is not told. Alone it is for a card just reset."""
        frames: list[RxFrame] = []
        words, buffers, size = self._words, self._buffers, self.size
        index = self._next
        for _ in range(size - 1):
            word = words[2 * index + 1]
            if not word & DONE:
                break
            if word & EOP and self._chain is None:
                self._whole_frame(word, buffers[index], frames)
            else:
                self._part_of_frame(word, buffers[index], frames)
            words[2 * index] = buffers[index].iova
            words[2 * index + 1] = 0
            index = index + 1 if index + 1 < size else 0
        self._next = index
        return frames

    def _whole_frame(self, word: int, buffer: Mapping, frames: list[RxFrame]) -> None:
        """The usual case: one descriptor, one frame."""
        length = word & LENGTH
        if word & ERRORS or length > buffer.length:
            self.counters["rx_errors" if word & ERRORS else "rx_bad_length"] += 1
            return
        self._deliver(buffer.read(length), word, word >> CHECKSUM_SHIFT & CHECKSUM, frames)

    def _part_of_frame(self, word: int, buffer: Mapping, frames: list[RxFrame]) -> None:
        """One descriptor of several: lengths add up, the sum stands in the first, the status in the last."""
        chain = self._chain
        if chain is None:
            chain = self._chain = _Chain(word >> CHECKSUM_SHIFT & CHECKSUM)
        length = word & LENGTH
        chain.length += length
        if length > buffer.length:
            chain.trouble = "rx_bad_length"
        elif chain.length > em.MAX_FRAME_LONG:
            chain.trouble = chain.trouble or "rx_overlong"
        if chain.trouble:
            chain.parts.clear()
        else:
            chain.parts.append(buffer.read(length))
        if not word & EOP:
            return
        if chain.trouble or word & ERRORS:
            self.counters[chain.trouble or "rx_errors"] += 1
        else:
            self._deliver(b"".join(chain.parts), word, chain.checksum, frames)
        self._chain = None

    def _deliver(self, data: bytes, word: int, checksum: int, frames: list[RxFrame]) -> None:
        if word & INEXACT and not self._wants(data[:6]):
            self.counters["rx_not_for_us"] += 1
            return
        tag = word >> TAG_SHIFT if word & STRIPPED else None
        frames.append(RxFrame(data, self._verdict(word >> STATUS_SHIFT & 0xFFFF), checksum, vlan=tag))
        self.counters["rx_frames"] += 1
        self.counters["rx_bytes"] += len(data)
