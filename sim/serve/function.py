"""A card's PCI function as a client reads and writes it: BARs and configuration space, by region and offset.

It decodes as hardware does: a BAR answers while the command register lets it, and the card reaches memory while it is
bus master. A BAR that is switched off is EIO, as Linux's VFIO has it.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import groupby
from typing import NamedTuple, Protocol

from ringbed.drivers.world import BarKind, Device, PciIdentity
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.device import DeviceOverEngine
from ringbed.sim.seam.engine import CardEnded, EngineClosed, Event
from ringbed.sim.seam.pci import SIZE, ConfigSpace
from ringbed.sim.serve.asked import Asking
from ringbed.sim.serve.irq.interrupts import Interrupts, Lined
from ringbed.sim.serve.memory import OFF, ClientMemory
from ringbed.sim.serve.messages import Refusal
from ringbed.sim.serve.queues import Queues

__all__ = ["CONFIG", "REGIONS", "Bursting", "PciFunction", "RegisterAccess", "Watch"]

REGIONS, CONFIG = 9, 7  # VFIO's: six BARs, ROM, configuration space, VGA
WORD = 4
COMMAND, NO_INTX = 0x04, 0x400
DRAIN, STEP = 10_000, 16  # clocks that bursts may take to end; between two looks


class Bursting(Lined, Asking, Protocol):
    """An engine that can let the bursts end that are out, and no others: native."""

    def in_flight(self, iova: int, length: int) -> int: ...

    def shut(self, iova: int, length: int) -> None: ...

    def nobody(self, on: bool) -> None: ...

    @property
    def hurt(self) -> bool: ...


class RegisterAccess(NamedTuple):
    """A word of a BAR: clocks at which it was asked for and done."""

    begin: int
    end: int
    write: bool
    bar: int
    offset: int
    value: int


class Watch(Protocol):
    """Who holds the driver to rules: it stands before the registers, and is told what else happens to the card."""

    def device(self, device: Device) -> Device: ...

    def reset(self) -> None:
        """By the function's own, not by a register."""
        ...

    def unmapping(self, address: int, size: int) -> None:
        """The client takes maps back; they are there still."""
        ...

    def stopped(self, maps: int) -> None:
        """The card is bus master no more, and there are so many maps."""
        ...


class PciFunction:
    """`reset` brings the card behind the registers to where it began; no burst is out then.

    `counts` has accesses by kind. What is in BARs is 32-bit words. A part of one is read as the whole, and the rest
    is nobody's; as for writing it, see `refuses`. MSI-X's table is answered here and never reaches the card. `watch` is
    nobody, or who looks on.
    """

    def __init__(
        self, engine: Bursting, pci: PciIdentity, memory: ClientMemory, interrupts: Interrupts,
        reset: Callable[[], None], frequency: Frequency | None = None, watch: Watch | None = None,
    ) -> None:  # fmt: skip
        self.pci, self.memory, self.interrupts = pci, memory, interrupts
        self.counts = Counter[str]()
        self.on_access: Callable[[RegisterAccess], None] | None = None  # told of each access of a register
        self._engine, self._reset_card = engine, reset
        self._watch, self._frequency = watch, frequency or Frequency()
        self._queues = Queues(engine)
        self._device, self._config = self._open(), ConfigSpace(pci)
        self._follow()

    def size(self, region: int) -> int:
        """Bytes of it, 0 for one that this card has not."""
        if region == CONFIG:
            return SIZE
        return self.pci.bars[region] if region < len(self.pci.bars) else 0

    def refuses(self, region: int, offset: int, count: int, write: bool = False) -> Refusal | None:
        """Whether there is such a place; nothing is read or written. A register is written whole: its bus would have
        the other bytes changed too, or say to nobody that it has not done it. The I/O window has words only.
        """
        if region >= REGIONS or not count or offset + count > self.size(region):
            return Refusal(errno.EINVAL, f"{count} bytes at {offset:#x} of region {region}, which has them not")
        if region == CONFIG or not (offset % WORD or count % WORD):
            return None
        ends = {offset // WORD * WORD} if offset % WORD else set[int]()
        ends |= {(offset + count) // WORD * WORD} if (offset + count) % WORD else set()
        if region == self.pci.io_bar or (write and not all(self._in_table(region, at) for at in ends)):
            return Refusal(errno.EINVAL, f"{count} bytes at {offset:#x} of BAR {region}, whose registers are words")
        return None

    def read(self, region: int, offset: int, count: int) -> bytes | Refusal:
        refusal = self.refuses(region, offset, count) or self._off(region)
        if refusal is not None:
            return refusal
        if region == CONFIG:
            self.counts["configuration reads"] += 1
            self._config.show(*self.interrupts.shown())
            return bytes(self._config.read(at, 1) for at in range(offset, offset + count))
        skipped = offset % WORD
        try:
            words = [self._read_word(region, at) for at in range(offset - skipped, offset + count, WORD)]
        except TimeoutError as error:
            return Refusal(errno.EIO, str(error))
        return b"".join(word.to_bytes(WORD, "little") for word in words)[skipped : skipped + count]

    def write(self, region: int, offset: int, data: bytes) -> Refusal | None:
        """A queue that stands still is looked for first: what is written may be the reset that starts it again."""
        refusal = self.refuses(region, offset, len(data), write=True) or self._off(region)
        if refusal is not None:
            return refusal
        if region == CONFIG:
            self.counts["configuration writes"] += 1
            self._write_config(offset, data)
            return None
        self.look_at_queues(self._frequency.ns(self._engine.now))
        touched = range(offset // WORD * WORD, offset + len(data), WORD)
        for table, places in groupby(touched, partial(self._in_table, region)):
            words = [(at, self._word(at, offset, data)) for at in places]
            self.counts["table writes" if table else "register writes"] += len(words)
            if table:
                self.interrupts.write_table(words[0][0], [word for _, word in words])
                continue
            for at, word in words:
                if self._has(region, at):
                    self._device.write(region, at, word)
                    self._told(self._engine.now, True, region, at, word)
        return None

    def reset(self) -> None:
        """As by RST# of its slot, the statistics of this server aside. What was mapped stays mapped."""
        self.counts["resets"] += 1
        self.look_at_queues()
        self._engine.nobody(True)
        try:
            self._reset_card()
        finally:
            self._engine.nobody(False)
        self._device, self._config = self._open(), ConfigSpace(self.pci)
        if self._watch is not None:
            self._watch.reset()
        self.interrupts.reset()
        self._follow()

    def take_back(self, address: int, size: int, why: str) -> None:
        """The client takes these bytes back: `drain`, and the maps there may go."""
        if self._watch is not None:
            self._watch.unmapping(address, size)
        self.drain(address, size, why)

    def look_at_queues(self, now: int | None = None) -> None:
        """A queue that stands still is a finding, unless faults were put in; with `now`, in ns, only now and then."""
        self._queues.expects_stops |= self._engine.hurt
        with suppress(CardEnded, EngineClosed):
            self._queues.look_now() if now is None else self._queues.look(now)

    def held(self) -> dict[str, int]:
        """The frames behind a queue that stands still, by its name and why."""
        with suppress(CardEnded, EngineClosed):
            return self._queues.held()
        return {}

    def drain(self, address: int, size: int, why: str) -> None:
        """Bursts to these bytes that are out are answered still; those the card begins meanwhile find no memory. One
        that waits for a message is given up, if it is to these bytes or in the way: the client waits for us.

        `why` ends the words of such a finding: "inside 4096 bytes at 0x1000 that ...".
        """
        self.memory.closing = address, size, why
        self._engine.shut(address, size)
        for _ in range(DRAIN // STEP):
            if not self._engine.in_flight(address, size):
                break
            if any(map(self._engine.asked, (False, True))):
                self._engine.nobody(True)
            self._engine.run(self._engine.now + STEP, Event.NONE)
        self._engine.nobody(False)
        self._engine.shut(0, 0)
        self.memory.closing = None

    def _told(self, begin: int, write: bool, bar: int, offset: int, word: int) -> None:
        if self.on_access is not None:
            self.on_access(RegisterAccess(begin, self._engine.now, write, bar, offset, word))

    def _open(self) -> Device:
        device: Device = DeviceOverEngine(self._engine, self.pci, self._frequency)
        return device if self._watch is None else self._watch.device(device)

    def _off(self, region: int) -> Refusal | None:
        if region == CONFIG:
            return None
        memory, io = self._config.decodes
        if io if self.pci.kind(region) & BarKind.IO else memory:
            return None
        return Refusal(errno.EIO, f"BAR {region} is switched off in the command register")

    def _in_table(self, region: int, at: int) -> bool:
        """Whether MSI-X answers for this word: of a BAR of its own for all of them."""
        place, table = self.pci.msix, self.interrupts.table
        if place is None or table is None or region != place.bar:
            return False
        return not place.registers or table.holds(at)

    def _has(self, region: int, at: int) -> bool:
        """Whether the card has a register there: it may have fewer than its BAR, if MSI-X is there too."""
        place = self.pci.msix
        return place is None or region != place.bar or at < place.registers

    def _read_word(self, region: int, at: int) -> int:
        if self._in_table(region, at):
            self.counts["table reads"] += 1
            return self.interrupts.read_table(at)
        self.counts["register reads"] += 1
        if not self._has(region, at):
            return 0
        begin = self._engine.now
        word = self._device.read(region, at)
        self._told(begin, False, region, at, word)
        return word

    def _word(self, at: int, offset: int, data: bytes) -> int:
        """The word at `at` with what `data`, which goes to `offset`, has of it; the rest is what the table has."""
        begin, end = max(at, offset), min(at + WORD, offset + len(data))
        part = data[begin - offset : end - offset]
        if len(part) == WORD:
            return int.from_bytes(part, "little")
        word = bytearray(self.interrupts.read_table(at).to_bytes(WORD, "little"))
        word[begin - at : end - at] = part
        return int.from_bytes(word, "little")

    def _write_config(self, offset: int, data: bytes) -> None:
        self._config.show(*self.interrupts.shown())
        master = self._config.master
        for at, byte in enumerate(data, offset):
            self._config.write(at, byte, 1)
        self._follow()
        if self._watch is not None and master and not self._config.master:
            self._watch.stopped(self.memory.windows)

    def _follow(self) -> None:
        """What the command register says beside which BARs answer."""
        if self.memory.master and not self._config.master:
            self.drain(0, 1 << 64, OFF)
        self.memory.master = self._config.master
        no_intx = bool(self._config.read(COMMAND, 2) & NO_INTX)
        config = self._config
        self.interrupts.follow(config.master, no_intx, config.masked, config.messages, config.gated)
