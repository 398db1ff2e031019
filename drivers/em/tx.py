"""The `em` transmit ring: frames to descriptors, the tail written once a batch, buffers given back when done.

Plain frames take legacy descriptors; frames that ask for sums, and messages that the card shall cut, take data
descriptors behind a context descriptor. The card keeps one context for either, and each is sent only when it changes
(M 3.3.5). What a tag needs stands in every descriptor: the card looks at the last, or, cutting, at the first.

RS is set on the last frame of every batch and on every `rs_every`-th inside: done there means done before it, and
nothing is left without a write-back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.offload import Context, build_context, build_segmentation, message_header
from ringbed.drivers.em.rx import check_ring
from ringbed.drivers.world import Buffer, Coherent, Direction, Dma, Mapping, TxFrame, TxSum
from ringbed.hw.formats import em

__all__ = ["WORKAROUNDS", "TxRing"]

# A descriptor is two 64-bit words; these are bits of the second.
_HIGH = 64
LEGACY_FLAGS = em.TX_LEGACY.mask("IFCS") >> _HIGH
DATA_FLAGS = em.TX_DATA.pack(IFCS=1, DEXT=1, DTYP=1) >> _HIGH
EOP = em.TX_DATA.mask("EOP") >> _HIGH
RS = em.TX_DATA.mask("RS") >> _HIGH
DONE = em.TX_DATA.mask("DD") >> _HIGH
SUMS = em.TX_DATA.mask("IXSM", "TXSM") >> _HIGH
VLE = em.TX_DATA.mask("VLE") >> _HIGH
IDE = em.TX_DATA.mask("IDE") >> _HIGH
TAG_SHIFT = em.TX_DATA["special"].lsb - _HIGH
for _name in ("address", "EOP", "RS", "VLE", "IDE", "DD", "special"):
    assert em.TX_LEGACY[_name] == em.TX_DATA[_name], _name
assert em.TX_LEGACY["length"].lsb == em.TX_DATA["DTALEN"].lsb == _HIGH  # a length needs no shift
assert em.TX_CONTEXT.size == em.TX_DATA.size == em.TX_LEGACY.size == 16

MAX_SEGMENTS = 16  # a frame in more pieces is copied into one first
TAG = 4  # bytes of an 802.1Q tag
PIECE = 16384  # most bytes a descriptor of a message takes here; DTALEN would take more than some models do
# What drivers do around errata of the silicon; our card needs none of it. `descriptor_4k`: no descriptor over 4096
# bytes, nor over four times the MSS; `tso_tail`: the last four bytes of a message in a descriptor of their own, so
# that its write-back cannot come before the data is fetched.
WORKAROUNDS = ("descriptor_4k", "tso_tail")
TAIL = 4


@dataclass(slots=True)
class _Group:
    """Frames that one RS covers: give their buffers back when the descriptor at `last` is done."""

    last: int = 0
    descriptors: int = 0
    frames: int = 0
    buffers: list[Mapping] = field(default_factory=list)


def split(segments: Sequence[Buffer], at: int) -> tuple[bytes, list[Buffer]]:
    """The first `at` bytes as one, and what is left, not copied."""
    header, rest = b"", list[Buffer]()
    for segment in segments:
        missing = at - len(header)
        header += bytes(segment[:missing])
        if len(segment) > missing:
            rest.append(memoryview(segment)[missing:])
    return header, rest


class TxRing:
    """One transmit ring; at most N-1 of its N descriptors are the card's.

    Counters. Of the frames `send` took, each is in one: `tx_frames` put on the ring; `tx_null` empty; `tx_long` over
    the MTU or what the card sends; `tx_bad_sums` asked for sums the card cannot make; `tx_bad_tso` to be cut as the
    card cannot; `tx_bad_vlan` to be tagged with tagging off, or with no tag. Of `tx_frames`, each ends in the card's
    RB_TXFRAME or in `tx_reset`: still on the ring, untouched, when the card was reset. `tx_bytes` belongs to
    `tx_frames`; `tx_tso` counts the messages among them; `tx_joined` those copied into one buffer because they came in
    too many pieces.
    """

    COUNTERS = (
        "tx_frames", "tx_bytes", "tx_tso", "tx_joined", "tx_null", "tx_long", "tx_bad_sums", "tx_bad_tso",
        "tx_bad_vlan", "tx_reset",
    )  # fmt: skip

    def __init__(
        self, dma: Dma, hardware: EmHardware, size: int, *, longest: int, sums: TxSum,
        workarounds: Collection[str] = (), counters: dict[str, int] | None = None,
    ) -> None:  # fmt: skip
        check_ring("TDLEN", size)
        self.size = size
        self.longest = longest  # bytes of a frame without FCS, with its tag
        self.counters = dict.fromkeys(self.COUNTERS, 0) if counters is None else counters
        self.completed = 0  # groups given back since the start: the watchdog's sign of life
        self.tagging = False  # the card puts tags in: CTRL.VME
        self.delayed = False  # interrupts wait for company: IDE
        self._dma = dma
        self._hardware = hardware
        self._sums = sums  # what the card can do, whatever is switched on
        self._workarounds = frozenset(workarounds)
        self._max_segments = min(MAX_SEGMENTS, size - 2)
        self._rs_every = max(1, size // 8)
        self._room_to_restart = min(size - 1, max(size // 4, self._max_segments + 2))
        self._contexts: dict[tuple[int, int, int], Context | None] = {}
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
        self._loaded: list[Context | None] = [None, None]  # what the card holds, for single frames and for messages

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
        context: Context | None = None
        if frame.segmentation is not None:
            context = (
                build_segmentation(frame, frame.segmentation, length, self._room_for(frame)) if self._sums else None
            )
        elif frame.sums:
            context = self._context(frame)
        refusal = self._refusal(frame, length, context)
        if refusal:
            self.counters[refusal] += 1
            return True
        if len(segments) > 1:
            segments = [segment for segment in segments if len(segment)]  # an empty one is a null descriptor
        if frame.segmentation is not None:
            return self._send_message(frame, segments, length, context)
        joined = len(segments) > self._max_segments
        if joined:
            segments = [b"".join(segments)]
        changes = context is not None and context != self._loaded[0]
        if len(segments) + changes > self._free:
            return False
        self._count(length, joined)
        self._put_frame(segments, context, frame.vlan)
        return True

    def _count(self, length: int, joined: bool) -> None:
        self.counters["tx_joined"] += joined
        self.counters["tx_frames"] += 1
        self.counters["tx_bytes"] += length

    def _room_for(self, frame: TxFrame) -> int:
        """The longest frame as software gives it: a tag is to fit too."""
        return self.longest if frame.vlan is None else self.longest - TAG

    def _context(self, frame: TxFrame) -> Context | None:
        key = (int(frame.sums), frame.l3_offset, frame.l4_offset)
        try:
            return self._contexts[key]
        except KeyError:
            offered = not frame.sums & ~self._sums
            context = build_context(frame.sums, frame.l3_offset, frame.l4_offset) if offered else None
            self._contexts[key] = context
            return context

    def _refusal(self, frame: TxFrame, length: int, context: Context | None) -> str:
        """The counter of a frame that the card would refuse or harm, '' when it is fine."""
        if not length:
            return "tx_null"
        if frame.vlan is not None and not (self.tagging and 0 <= frame.vlan <= 0xFFFF):
            return "tx_bad_vlan"
        if frame.segmentation is not None:
            return "" if context is not None else "tx_bad_tso"
        if length > self._room_for(frame):
            return "tx_long"
        if frame.sums and (context is None or length < context.shortest):
            return "tx_bad_sums"
        return ""

    def _put_frame(self, segments: Sequence[Buffer], context: Context | None, vlan: int | None) -> None:
        """One descriptor a segment: the last one carries EOP, the first one the sums wanted."""
        high = LEGACY_FLAGS if context is None else DATA_FLAGS | context.options
        if vlan is not None:
            high |= VLE | vlan << TAG_SHIFT
        if self.delayed:
            high |= IDE
        if context is not None and context != self._loaded[0]:
            self._put(context.low, context.high)
            self._loaded[0] = context
        group = self._open
        left = len(segments)
        for segment in segments:
            left -= 1
            mapping = self._dma.map(segment, Direction.TO_DEVICE)
            group.buffers.append(mapping)
            group.last = self._tail
            self._put(mapping.iova, len(segment) | (high if left else high | EOP))
            high = high & ~SUMS
        self._end_frame()

    # ---- messages that the card cuts ----

    def _send_message(self, frame: TxFrame, segments: Sequence[Buffer], length: int, context: Context | None) -> bool:
        """The header, made ready, in a buffer of its own; the payload as it came. False when it does not fit now."""
        cut = frame.segmentation
        assert cut is not None
        assert context is not None
        header, payload = split(segments, cut.header)
        limit = min(PIECE, 4096, 4 * cut.mss) if "descriptor_4k" in self._workarounds else PIECE
        joined = self._descriptors(payload, limit) > self._max_segments
        if joined:
            payload = [b"".join(payload)]
        needed = 1 + self._descriptors(payload, limit) + (context != self._loaded[1])
        if needed > self.size - 1:
            self.counters["tx_bad_tso"] += 1  # never would: the ring is too small
            return True
        if needed > self._free:
            return False
        self._count(length, joined)
        self.counters["tx_tso"] += 1
        self._put_message([message_header(header, frame, cut), *payload], limit, context, frame.vlan)
        return True

    def _descriptors(self, payload: Sequence[Buffer], limit: int) -> int:
        """How many `_put_message` will use for it."""
        return sum(-(-len(buffer) // limit) for buffer in payload) + ("tso_tail" in self._workarounds)

    def _put_message(self, buffers: Sequence[Buffer], limit: int, context: Context, vlan: int | None) -> None:
        """A buffer is mapped once and may take several descriptors; the first carries the sums, the last EOP."""
        if context != self._loaded[1]:
            self._put(context.low, context.high)
            self._loaded[1] = context
        high = DATA_FLAGS | context.options | (IDE if self.delayed else 0)
        if vlan is not None:
            high |= VLE | vlan << TAG_SHIFT
        group = self._open
        pieces: list[tuple[int, int]] = []
        for buffer in buffers:
            mapping = self._dma.map(buffer, Direction.TO_DEVICE)
            group.buffers.append(mapping)
            pieces += [(mapping.iova + at, min(limit, len(buffer) - at)) for at in range(0, len(buffer), limit)]
        if "tso_tail" in self._workarounds and pieces[-1][1] > TAIL:
            iova, length = pieces.pop()
            pieces += [(iova, length - TAIL), (iova + length - TAIL, TAIL)]
        for iova, length in pieces:
            group.last = self._tail
            self._put(iova, length | high)
            high &= ~SUMS
        self._words[2 * group.last + 1] |= EOP
        self._end_frame()

    # ---- descriptors ----

    def _end_frame(self) -> None:
        self._open.frames += 1
        self._posted += 1
        if self._open.frames == self._rs_every:
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
