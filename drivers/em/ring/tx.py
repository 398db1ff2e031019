"""The `em` transmit ring: frames to descriptors, the tail written once a batch, buffers given back when done.

Plain frames take legacy descriptors; frames that ask for sums, and messages that the card shall cut, take data
descriptors behind a context descriptor. The card keeps one context for either, and each is sent only when it changes
(M 3.3.5). What a tag needs stands in every descriptor: the card looks at the last, or, cutting, at the first.

A batch's last frame ends a group, so that nothing is left without a write-back (`descriptors.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.ring.descriptors import TxDescriptors
from ringbed.drivers.em.ring.memory import HIGH
from ringbed.drivers.em.ring.offload import Context, build_context, build_segmentation, message_header
from ringbed.drivers.world import Buffer, Direction, Dma, TxFrame, TxSum
from ringbed.hw.formats import em

__all__ = ["WORKAROUNDS", "TxRing"]

LEGACY_FLAGS = em.TX_LEGACY.mask("IFCS") >> HIGH
DATA_FLAGS = em.TX_DATA.pack(IFCS=1, DEXT=1, DTYP=1) >> HIGH
EOP = em.TX_DATA.mask("EOP") >> HIGH
SUMS = em.TX_DATA.mask("IXSM", "TXSM") >> HIGH
VLE = em.TX_DATA.mask("VLE") >> HIGH
IDE = em.TX_DATA.mask("IDE") >> HIGH
TAG_SHIFT = em.TX_DATA["special"].lsb - HIGH
for _name in ("address", "EOP", "RS", "VLE", "IDE", "DD", "special"):
    assert em.TX_LEGACY[_name] == em.TX_DATA[_name], _name
assert em.TX_LEGACY["length"].lsb == em.TX_DATA["DTALEN"].lsb == HIGH  # a length needs no shift

MAX_SEGMENTS = 16  # a frame in more pieces is copied into one first
TAG = 4  # bytes of an 802.1Q tag
PIECE = 16384  # most bytes a descriptor of a message takes here; DTALEN would take more than some models do
# What drivers do around errata of the silicon; our card needs none of it. `descriptor_4k`: no descriptor over 4096
# bytes, nor over four times the MSS; `tso_tail`: the last four bytes of a message in a descriptor of their own, so
# that its write-back cannot come before the data is fetched.
WORKAROUNDS = ("descriptor_4k", "tso_tail")
TAIL = 4


def split(segments: Sequence[Buffer], at: int) -> tuple[bytes, list[Buffer]]:
    """The first `at` bytes as one, and what is left, not copied."""
    header, rest = b"", list[Buffer]()
    for segment in segments:
        missing = at - len(header)
        header += bytes(segment[:missing])
        if len(segment) > missing:
            rest.append(memoryview(segment)[missing:])
    return header, rest


class TxRing(TxDescriptors):
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
        super().__init__(dma, hardware, size, dict.fromkeys(self.COUNTERS, 0) if counters is None else counters)
        self.longest = longest  # bytes of a frame without FCS, with its tag
        self.tagging = False  # the card puts tags in: CTRL.VME
        self.delayed = False  # interrupts wait for company: IDE
        self._sums = sums  # what the card can do, whatever is switched on
        self._workarounds = frozenset(workarounds)
        self._max_segments = min(MAX_SEGMENTS, size - 2)
        self._room_to_restart = min(size - 1, max(size // 4, self._max_segments + 2))
        self._contexts: dict[tuple[int, int, int], Context | None] = {}

    def _empty(self) -> None:
        super()._empty()
        self._loaded: list[Context | None] = [None, None]  # what the card holds, for single frames and for messages

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
            self._dma.sync()
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
