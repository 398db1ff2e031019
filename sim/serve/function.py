"""A card's PCI function as a client reads and writes it: BARs and configuration space, by region and offset.

It decodes as hardware does: a BAR answers while the command register lets it, and the card reaches memory while it is
bus master. A BAR that is switched off is EIO, as Linux's VFIO has it.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Protocol

from ringbed.drivers.world import BarKind, PciIdentity
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.device import DeviceOverEngine
from ringbed.sim.seam.engine import Event
from ringbed.sim.seam.pci import SIZE, ConfigSpace
from ringbed.sim.serve.asked import Asking
from ringbed.sim.serve.irq.interrupts import Interrupts, Lined
from ringbed.sim.serve.memory import OFF, ClientMemory
from ringbed.sim.serve.messages import Refusal

__all__ = ["CONFIG", "REGIONS", "Bursting", "PciFunction"]

REGIONS, CONFIG = 9, 7  # VFIO's: six BARs, ROM, configuration space, VGA
WORD = 4
COMMAND, NO_INTX = 0x04, 0x400
DRAIN, STEP = 10_000, 16  # clocks that bursts may take to end; between two looks


class Bursting(Lined, Asking, Protocol):
    """An engine that can let the bursts end that are out, and no others: native."""

    def in_flight(self, iova: int, length: int) -> int: ...

    def shut(self, iova: int, length: int) -> None: ...

    def nobody(self, on: bool) -> None: ...


class PciFunction:
    """`reset` brings the card behind the registers to where it began; no burst is out then.

    `counts` has accesses by kind. What is in BARs is 32-bit words: an access is of whole ones, or refused. MSI-X's
    table is answered here and never reaches the card.
    """

    def __init__(
        self, engine: Bursting, pci: PciIdentity, memory: ClientMemory, interrupts: Interrupts,
        reset: Callable[[], None], frequency: Frequency | None = None,
    ) -> None:  # fmt: skip
        self.pci, self.memory, self.interrupts = pci, memory, interrupts
        self.counts = Counter[str]()
        self._engine, self._reset_card = engine, reset
        self._open = partial(DeviceOverEngine, engine, pci, frequency)
        self._device, self._config = self._open(), ConfigSpace(pci)
        self._follow()

    def size(self, region: int) -> int:
        """Bytes of it, 0 for one that this card has not."""
        if region == CONFIG:
            return SIZE
        return self.pci.bars[region] if region < len(self.pci.bars) else 0

    def refuses(self, region: int, offset: int, count: int) -> Refusal | None:
        """Whether there is such a place; nothing is read or written."""
        if region >= REGIONS or not count or offset + count > self.size(region):
            return Refusal(errno.EINVAL, f"{count} bytes at {offset:#x} of region {region}, which has them not")
        if region != CONFIG and (offset % WORD or count % WORD):
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
        if self._is_table(region):
            self.counts["table reads"] += count // WORD
            words = [self.interrupts.read_table(at) for at in range(offset, offset + count, WORD)]
            return b"".join(word.to_bytes(WORD, "little") for word in words)
        self.counts["register reads"] += count // WORD
        try:
            words = [self._device.read(region, at) for at in range(offset, offset + count, WORD)]
        except TimeoutError as error:
            return Refusal(errno.EIO, str(error))
        return b"".join(word.to_bytes(WORD, "little") for word in words)

    def write(self, region: int, offset: int, data: bytes) -> Refusal | None:
        refusal = self.refuses(region, offset, len(data)) or self._off(region)
        if refusal is not None:
            return refusal
        if region == CONFIG:
            self.counts["configuration writes"] += 1
            self._write_config(offset, data)
            return None
        table = self._is_table(region)
        self.counts["table writes" if table else "register writes"] += len(data) // WORD
        words = (int.from_bytes(data[at : at + WORD], "little") for at in range(0, len(data), WORD))
        if table:
            self.interrupts.write_table(offset, words)
            return None
        for at, word in enumerate(words):
            self._device.write(region, offset + WORD * at, word)
        return None

    def reset(self) -> None:
        """As by RST# of its slot, the statistics of this server aside. What was mapped stays mapped."""
        self.counts["resets"] += 1
        self._engine.nobody(True)
        try:
            self._reset_card()
        finally:
            self._engine.nobody(False)
        self._device, self._config = self._open(), ConfigSpace(self.pci)
        self.interrupts.reset()
        self._follow()

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

    def _off(self, region: int) -> Refusal | None:
        if region == CONFIG:
            return None
        memory, io = self._config.decodes
        if io if self.pci.kind(region) & BarKind.IO else memory:
            return None
        return Refusal(errno.EIO, f"BAR {region} is switched off in the command register")

    def _is_table(self, region: int) -> bool:
        return self.pci.msix is not None and region == self.pci.msix.bar

    def _write_config(self, offset: int, data: bytes) -> None:
        self._config.show(*self.interrupts.shown())
        for at, byte in enumerate(data, offset):
            self._config.write(at, byte, 1)
        self._follow()

    def _follow(self) -> None:
        """What the command register says beside which BARs answer."""
        if self.memory.master and not self._config.master:
            self.drain(0, 1 << 64, OFF)
        self.memory.master = self._config.master
        no_intx = bool(self._config.read(COMMAND, 2) & NO_INTX)
        self.interrupts.follow(self._config.master, no_intx, self._config.masked, self._config.messages)
