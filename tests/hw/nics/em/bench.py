"""The `em` card on an engine, programmed by registers and rings alone: what its tests share. No driver in between.

Every receive buffer is a mapping of its own of exactly the buffer's size, and bytes beside a transmit buffer read as
poison, so a byte too many either way is a finding or a wrong frame. `settle` lets the card work until it is idle.
"""

from __future__ import annotations

import random
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ringbed.drivers.world import Direction, Mapping
from ringbed.hw.formats import em
from ringbed.sim.cards import em as em_spec
from ringbed.sim.engines import open_engine
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.seam.engine import Event

R = em.REGISTERS
STATION = bytes.fromhex("020000000001")  # the port map's `mac` pin
PEER = bytes.fromhex("0200000000fe")
DROPS = tuple("RB_RX" + name for name in ("OFF", "CRC", "RUNT", "GIANT", "FILTER", "VLAN", "PAUSE", "MISS", "FLUSH"))
REFUSALS = tuple("RB_TX" + name for name in ("NULL", "LONG", "TSE", "MIX"))
RCTL = ("EN", "UPE", "MPE", "BAM", "SECRC")
SIZES = {bytes_: code for code, bytes_ in em.BUFFER_SIZES.items()}
WALL_LIMIT = 60 * 125_000_000  # clocks
CAUSE = {field.name: field.mask for field in em.CAUSES}


def fcs(frame: bytes) -> bytes:
    """The frame as the wire carries it."""
    return frame + zlib.crc32(frame).to_bytes(4, "little")


def frame(wire: int, seed: int = 0, to: bytes = STATION) -> bytes:
    """A good frame of `wire` bytes with its FCS, of a type no offload knows; under 18 bytes just bytes."""
    rng = random.Random(seed << 20 | wire)
    if wire < 18:
        return rng.randbytes(wire)
    return fcs((to + PEER + b"\x88\xb5" + rng.randbytes(wire))[: wire - 4])


def on_wire(data: bytes, pad: bool = True, crc: bool = True) -> bytes:
    """What the card must send for the bytes software gave it."""
    data = data.ljust(60, b"\0") if pad else data
    return fcs(data) if crc else data


def raw_sum(data: bytes) -> int:
    """The packet checksum of RX descriptors: one's complement, not inverted (docs/nics/em.notes.md)."""
    total = sum(data[0::2]) * 256 + sum(data[1::2])
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@dataclass(frozen=True)
class Received:
    """A frame as the ring tells it: its bytes, and every descriptor's upper half by field name."""

    data: bytes
    parts: tuple[dict[str, int], ...]

    @property
    def last(self) -> dict[str, int]:
        return self.parts[-1]


class Ring:
    """`count` descriptors, those from `next` to `tail` the card's; `slots` keeps what each of them points at."""

    def __init__(self, card: Card, letter: str, count: int) -> None:
        self.card, self.letter, self.count = card, letter, count
        self.memory = card.memory.coherent(count * 16)
        self.tail = self.next = 0
        self.slots: list[Mapping | None] = [None] * count

    def program(self, base: int | None = None, length: int | None = None) -> None:
        """Base, length, head and tail, from an empty ring."""
        for index in range(self.count):
            self.release(index)
        self.memory.view[:] = bytes(16 * self.count)
        base, name = self.memory.iova if base is None else base, self.letter + "D"
        self.tail = self.next = 0
        values = {"BAL": base & 0xFFFF_FFFF, "BAH": base >> 32, "LEN": self.count * 16 if length is None else length}
        for register, value in (values | {"H": 0, "T": 0}).items():
            self.card.set(name + register, value)

    @property
    def free(self) -> int:
        return (self.next - self.tail - 1) % self.count

    def put(self, descriptor: bytes, slot: Mapping | None = None) -> None:
        assert self.free, "the ring is full"
        self.memory.view[16 * self.tail : 16 * self.tail + 16] = descriptor
        self.slots[self.tail] = slot
        self.tail = (self.tail + 1) % self.count

    def bell(self) -> None:
        self.card.set(self.letter + "DT", self.tail)

    def at(self, index: int) -> bytes:
        return bytes(self.memory.view[16 * index : 16 * index + 16])

    def release(self, index: int) -> None:
        slot, self.slots[index] = self.slots[index], None
        if slot is not None:
            self.card.memory.unmap(slot)


class Card:
    """One card on an engine of `kind`. `provoked`: findings are expected; the test takes them itself."""

    def __init__(self, kind: str, *, rx: int = 64, tx: int = 64, size: int = 2048, rctl: Sequence[str] = RCTL,
                 tctl: Sequence[str] = ("EN", "PSP"), up: bool = True, width: int = 64,
                 **options: Any) -> None:  # fmt: skip
        self.memory = HostMemory()
        self.engine = open_engine(kind, em_spec(width=width), self.memory, **options)
        self.provoked = False
        self.rx, self.tx = Ring(self, "R", rx), Ring(self, "T", tx)
        self.size, self.rctl, self.tctl = size, tuple(rctl), tuple(tctl)
        self._blank, self._given = bytes(16384), dict[int, Mapping]()
        self._data, self._parts = b"", list[dict[str, int]]()  # of a received frame not whole yet
        if up:
            self.up()

    # Registers --------------------------------------------------------------------------------------------------

    def set(self, name: str, value: int) -> None:
        self.engine.write(R[name].offset, value)

    def get(self, name: str) -> int:
        return self.engine.read(R[name].offset)

    def peek(self, name: str) -> int:
        return self.engine.peek(R[name].offset)

    def up(self) -> None:
        """Link, both rings empty, both directions on."""
        self._data, self._parts = b"", []
        self.set("CTRL", R["CTRL"].mask("SLU"))
        self.rx.program()
        self.tx.program()
        self.set("RXCSUM", R["RXCSUM"].mask("IPOFL", "TUOFL", "IPV6OFL"))
        self.set("TCTL", R["TCTL"].mask(*self.tctl))
        self.receive_on(*self.rctl)

    def receive_on(self, *bits: str) -> None:
        """RCTL with these bits and the code of `size`."""
        bsex, bsize = SIZES[self.size]
        value = R["RCTL"].mask(*bits) | bsize << R["RCTL"]["BSIZE"].lsb | bsex << R["RCTL"]["BSEX"].lsb
        self.set("RCTL", value)
        self.get("STATUS")  # writes are posted: a frame that begins now meets these bits

    def reset(self, limit: int = 20_000) -> None:
        """CTRL.RST, and wait until it has cleared itself."""
        self.set("CTRL", R["CTRL"].mask("RST"))
        end = self.engine.now + limit
        while self.get("CTRL") & R["CTRL"].mask("RST"):
            assert self.engine.now < end, "CTRL.RST does not clear itself"

    def settle(self, limit: int = 400_000) -> None:
        limit = max(limit, WALL_LIMIT) if self.engine.kind == "qemu" else limit  # wall time is not ours to bound
        event = self.engine.run(self.engine.now + limit, Event.IDLE)
        assert event & Event.IDLE, f"still busy after {limit} clocks: {self.counts()}"

    def run(self, clocks: int) -> None:
        self.engine.run(self.engine.now + clocks, Event.NONE)

    # Receive ----------------------------------------------------------------------------------------------------

    def post(self, count: int | None = None, offsets: Iterable[int | None] = ()) -> None:
        """Give the card buffers: `count` of them (all that fit), or one for each of `offsets` in a page."""
        where = list(offsets) or [None] * (self.rx.free if count is None else count)
        for offset in where:
            buffer = self.memory.map(self._blank[: self.size], Direction.FROM_DEVICE, offset)
            self.rx.put(em.RX_LEGACY.encode(address=buffer.iova), buffer)
        self.rx.bell()

    def arrive(self, *frames: bytes, at: int = 0, error: bool = False) -> None:
        for each in frames:
            self.engine.wire_in(each, at, error)

    def harvest(self) -> list[Received]:
        """Whole frames the card has written back since the last time; their descriptors can be used again."""
        found: list[Received] = []
        while self.rx.next != self.rx.tail:
            index = self.rx.next
            part, slot = em.RX_LEGACY.decode(self.rx.at(index)), self.rx.slots[index]
            if not part["DD"]:
                break
            self._data += slot.read(part["length"]) if slot is not None else b""
            self._parts.append(part)
            self.rx.release(index)
            self.rx.next = (index + 1) % self.rx.count
            if part["EOP"]:
                found.append(Received(self._data, tuple(self._parts)))
                self._data, self._parts = b"", []
        return found

    # Transmit ---------------------------------------------------------------------------------------------------

    def buffer(self, data: bytes, offset: int | None = None) -> int:
        """The address of a mapping that holds `data`; given back when its descriptor is done."""
        mapping = self.memory.map(data, Direction.TO_DEVICE, offset)
        self._given[mapping.iova] = mapping
        return mapping.iova

    def pieces(self, data: bytes, cuts: Iterable[int] = (), *, extended: bool = False,
               offsets: Iterable[int] = (), **fields: int) -> list[bytes]:  # fmt: skip
        """Descriptors for one frame cut at `cuts`; the last has EOP and RS, all of them IFCS and `fields`."""
        edges, starts, made = [0, *cuts, len(data)], iter(offsets), list[bytes]()
        for begin, end in zip(edges, edges[1:], strict=False):
            address = self.buffer(data[begin:end], next(starts, None)) if end > begin else 0
            final = {"EOP": 1, "RS": 1} if end == len(data) and len(made) == len(edges) - 2 else {}
            values = {"IFCS": 1} | final | fields
            if extended:
                kind = {"DTYP": 1, "DEXT": 1} | values
                made.append(em.TX_DATA.encode(address=address, DTALEN=end - begin, **kind))
            else:
                made.append(em.TX_LEGACY.encode(address=address, length=end - begin, **values))
        return made

    def push(self, descriptors: Iterable[bytes], step: int = 0) -> None:
        """On the ring with them, the tail moving by `step` (0: as far as it goes); waits when the ring is full."""
        waiting = deque(descriptors)
        while waiting:
            room = min(self.tx.free, step or self.tx.count)
            for _ in range(min(room, len(waiting))):
                descriptor = waiting.popleft()
                self.tx.put(descriptor, self._given.pop(int.from_bytes(descriptor[:8], "little"), None))
            self.tx.bell()
            if waiting and not self.tx.free:
                self.settle()
                self.reclaim()

    def reclaim(self) -> list[bytes]:
        """The descriptors the head has passed, as they are in memory now."""
        head, done = self.get("TDH"), list[bytes]()
        while self.tx.next != head:
            done.append(self.tx.at(self.tx.next))
            self.tx.release(self.tx.next)
            self.tx.next = (self.tx.next + 1) % self.tx.count
        return done

    def sent(self) -> list[bytes]:
        return [data for _, data in self.engine.wire_out()]

    # The account ------------------------------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """Every RB_ register that is not 0."""
        return {r.name: self.peek(r.name) for r in R if r.name.startswith("RB_") and self.peek(r.name)}

    def inside(self) -> tuple[int, int]:
        """Frames the counters have not seen the end of: received, to be sent."""
        c = self.counts()
        received = c.get("RB_RXWIRE", 0) - sum(c.get(name, 0) for name in ("RB_RXDONE", *DROPS))
        sending = c.get("RB_TXFRAME", 0) - c.get("RB_TXTSO", 0) + c.get("RB_TXSEG", 0)
        sending -= sum(c.get(name, 0) for name in ("RB_TXWIRE", "RB_TXFLUSH", *REFUSALS))
        return received, sending

    def close(self) -> None:
        found = self.engine.findings()
        self.engine.close()
        assert self.provoked or found == [], found[:5]


Opener = Callable[..., Card]  # what the fixtures hand out
