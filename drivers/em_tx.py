"""The `em` transmit ring: frames to descriptors, the tail written once a batch, buffers given back when done.

Plain frames take legacy descriptors; frames that ask for sums take data descriptors behind a context descriptor,
which the card keeps, so that it is sent only when it changes (M 3.3.5). RS is set on the last frame of every batch
and on every `rs_every`-th inside: done there means done before it, and nothing is left without a write-back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from ringbed.drivers.em_hw import EmHardware
from ringbed.drivers.em_rx import check_ring
from ringbed.drivers.world import Buffer, Coherent, Direction, Dma, Mapping, TxFrame, TxSum
from ringbed.hw.formats import em

__all__ = ["TxRing"]

# A descriptor is two 64-bit words; these are bits of the second.
_HIGH = 64
LEGACY_FLAGS = em.TX_LEGACY.mask("IFCS") >> _HIGH
DATA_FLAGS = em.TX_DATA.pack(IFCS=1, DEXT=1, DTYP=1) >> _HIGH
EOP = em.TX_DATA.mask("EOP") >> _HIGH
RS = em.TX_DATA.mask("RS") >> _HIGH
DONE = em.TX_DATA.mask("DD") >> _HIGH
SUMS = em.TX_DATA.mask("IXSM", "TXSM") >> _HIGH
LOW_WORD = (1 << _HIGH) - 1
for _name in ("address", "EOP", "RS", "DD"):
    assert em.TX_LEGACY[_name] == em.TX_DATA[_name], _name
assert em.TX_LEGACY["length"].lsb == em.TX_DATA["DTALEN"].lsb == _HIGH  # a length needs no shift
assert em.TX_CONTEXT.size == em.TX_DATA.size == em.TX_LEGACY.size == 16

MAX_SEGMENTS = 16  # a frame in more pieces is copied into one first
IP_SUM_OFFSET, IP_HEADER = 10, 20  # RFC 791
L4_SUMS = {TxSum.TCP: (16, 20), TxSum.UDP: (6, 8)}  # offset of the sum, bytes of the header: RFC 9293, RFC 768


@dataclass(slots=True)
class _Group:
    """Frames that one RS covers: give their buffers back when the descriptor at `last` is done."""

    last: int = 0
    descriptors: int = 0
    frames: int = 0
    buffers: list[Mapping] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Context:
    """A context descriptor, what data descriptors add, and the shortest frame it suits."""

    low: int
    high: int
    options: int
    shortest: int


def build_context(sums: TxSum, l3_offset: int, l4_offset: int) -> _Context | None:
    """The context for these sums, or None when the card cannot make them: its offsets are bytes (M 3.3.5).

    TUCSE stays 0: the TCP or UDP sum runs to the frame's end; IPCSE is the IP header's last byte.
    """
    l4_sum, l4_header = L4_SUMS.get(sums & ~TxSum.IPV4, (0, 0))
    if sums & ~TxSum.IPV4 and not l4_header:
        return None  # TCP and UDP at once
    fields = {"DEXT": 1, "TCP": int(TxSum.TCP in sums), "TUCSS": l4_offset, "TUCSO": l4_offset + l4_sum}
    if TxSum.IPV4 in sums:
        if l4_offset < l3_offset + IP_HEADER:
            return None
        fields |= {"IP": 1, "IPCSS": l3_offset, "IPCSO": l3_offset + IP_SUM_OFFSET, "IPCSE": l4_offset - 1}
    try:
        word = em.TX_CONTEXT.pack(**fields)
    except ValueError:
        return None
    options = em.TX_DATA.pack(IXSM=int(TxSum.IPV4 in sums), TXSM=int(bool(l4_header))) >> _HIGH
    return _Context(word & LOW_WORD, word >> _HIGH, options, l4_offset + l4_header)


class TxRing:
    """One transmit ring; at most N-1 of its N descriptors are the card's.

    Counters. Of the frames `send` took, each is in one: `tx_frames` put on the ring; `tx_null` empty; `tx_long` over
    the MTU or what the card sends; `tx_bad_sums` asked for sums the card cannot make. Of `tx_frames`, each ends in the
    card's RB_TXFRAME or in `tx_reset`: still on the ring, untouched, when the card was reset. `tx_bytes` belongs to
    `tx_frames`; `tx_joined` counts those copied into one buffer because they came in too many pieces.
    """

    def __init__(self, dma: Dma, hardware: EmHardware, size: int, *, longest: int, sums: TxSum) -> None:
        check_ring("TDLEN", size)
        self.size = size
        self.longest = longest
        names = ("tx_frames", "tx_bytes", "tx_joined", "tx_null", "tx_long", "tx_bad_sums", "tx_reset")
        self.counters = dict.fromkeys(names, 0)
        self.completed = 0  # groups given back since the start: the watchdog's sign of life
        self._dma = dma
        self._hardware = hardware
        self._sums = sums
        self._max_segments = min(MAX_SEGMENTS, size - 2)
        self._rs_every = max(1, size // 8)
        self._room_to_restart = max(size // 4, self._max_segments + 1)
        self._contexts: dict[tuple[int, int, int], _Context | None] = {}
        self._ring: Coherent | None = None
        self._words = memoryview(bytearray()).cast("Q")
        self._card_frames = 0
        self._empty()

    def _empty(self) -> None:
        self._tail = 0
        self._free = self.size - 1
        self._groups: deque[_Group] = deque()
        self._open = _Group()
        self._posted = 0  # frames since the ring was programmed
        self._loaded: _Context | None = None  # what the card holds

    def stage(self) -> None:
        """Allocate the ring, once for many resets."""
        if self._ring is None:
            self._ring = self._dma.coherent(em.TX_DATA.size * self.size, em.RING_ALIGN)
            self._words = self._ring.view.cast("Q")

    def release(self) -> None:
        """Free the ring; only after `abandon`."""
        self._words = memoryview(bytearray()).cast("Q")
        if self._ring is not None:
            self._dma.free(self._ring)
            self._ring = None

    def program(self) -> None:
        """Write the ring's registers; the card has been reset. TCTL.EN comes after."""
        assert self._ring is not None
        self._card_frames = self._hardware.read("RB_TXFRAME")
        write = self._hardware.write
        write("TDBAL", self._ring.iova & 0xFFFF_FFFF)
        write("TDBAH", self._ring.iova >> 32)
        write("TDLEN", em.TX_DATA.size * self.size)
        write("TDH", 0)
        write("TDT", 0)

    @property
    def used(self) -> int:
        """Descriptors the card has, done or not."""
        return self.size - 1 - self._free

    @property
    def has_room(self) -> bool:
        """Enough descriptors are free to be worth a restart: any one frame fits."""
        return self._free >= self._room_to_restart

    def send(self, frames: Sequence[TxFrame]) -> int:
        """Put frames on the ring while they fit; how many were taken, refused ones included."""
        taken, before = 0, self._tail
        for frame in frames:
            if not self._send_one(frame):
                break
            taken += 1
        if self._open.frames:
            self._close_group()
        if self._tail != before:
            self._hardware.write("TDT", self._tail)
        return taken

    def _send_one(self, frame: TxFrame) -> bool:
        """False when it does not fit now."""
        segments: Sequence[Buffer] = frame.segments
        length = len(segments[0]) if len(segments) == 1 else sum(map(len, segments))
        context = self._context(frame) if frame.sums else None
        refusal = self._refusal(frame, length, context)
        if refusal:
            self.counters[refusal] += 1
            return True
        if len(segments) > 1:
            segments = [segment for segment in segments if len(segment)]  # an empty one is a null descriptor
        joined = len(segments) > self._max_segments
        if joined:
            segments = [b"".join(segments)]
        changes = context is not None and context != self._loaded
        if len(segments) + changes > self._free:
            return False
        self.counters["tx_joined"] += joined
        self.counters["tx_frames"] += 1
        self.counters["tx_bytes"] += length
        self._put_frame(segments, context)
        return True

    def _context(self, frame: TxFrame) -> _Context | None:
        key = (int(frame.sums), frame.l3_offset, frame.l4_offset)
        try:
            return self._contexts[key]
        except KeyError:
            offered = not frame.sums & ~self._sums
            context = build_context(frame.sums, frame.l3_offset, frame.l4_offset) if offered else None
            self._contexts[key] = context
            return context

    def _refusal(self, frame: TxFrame, length: int, context: _Context | None) -> str:
        """The counter of a frame that the card would refuse or harm, '' when it is fine."""
        if not length:
            return "tx_null"
        if length > self.longest:
            return "tx_long"
        if frame.sums and (context is None or length < context.shortest):
            return "tx_bad_sums"
        return ""

    def _put_frame(self, segments: Sequence[Buffer], context: _Context | None) -> None:
        """One descriptor a segment: the last one carries EOP, the first one the sums wanted."""
        high = LEGACY_FLAGS if context is None else DATA_FLAGS | context.options
        if context is not None and context != self._loaded:
            self._put(context.low, context.high)
            self._loaded = context
        group = self._open
        left = len(segments)
        for segment in segments:
            left -= 1
            mapping = self._dma.map(segment, Direction.TO_DEVICE)
            group.buffers.append(mapping)
            group.last = self._tail
            self._put(mapping.iova, len(segment) | (high if left else high | EOP))
            high = high & ~SUMS
        group.frames += 1
        self._posted += 1
        if group.frames == self._rs_every:
            self._close_group()

    def _put(self, low: int, high: int) -> None:
        tail = self._tail
        self._words[2 * tail] = low
        self._words[2 * tail + 1] = high
        self._tail = tail + 1 if tail + 1 < self.size else 0
        self._free -= 1
        self._open.descriptors += 1

    def _close_group(self) -> None:
        """Ask for a write-back of the last frame's last descriptor."""
        self._words[2 * self._open.last + 1] |= RS
        self._groups.append(self._open)
        self._open = _Group()

    def clean(self) -> None:
        """Give back the buffers of every group that is done, the newest looked at last."""
        groups, words, unmap = self._groups, self._words, self._dma.unmap
        while groups and words[2 * groups[0].last + 1] & DONE:
            group = groups.popleft()
            for buffer in group.buffers:
                unmap(buffer)
            self._free += group.descriptors
            self.completed += 1

    def abandon(self) -> None:
        """After a reset of the card: give back everything, count what the card had not taken.

        A card without the RB window reads 0 there; then all that was not seen done counts as lost.
        """
        in_flight = sum(group.frames for group in self._groups)
        taken = self._hardware.read("RB_TXFRAME") - self._card_frames & 0xFFFF_FFFF
        self.counters["tx_reset"] += min(in_flight, max(0, self._posted - taken))
        for group in self._groups:
            for buffer in group.buffers:
                self._dma.unmap(buffer)
        self._empty()
