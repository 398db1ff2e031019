"""A card's PCI configuration space, 256 bytes of header type 0, made of its `PciIdentity` (PCI 2.2, chapter 6).

It is what a driver that is not ours finds the card by: ids, BARs that tell their size, the capability list. Writes
change what the specification lets software change. Power states are stored and shown; they stop nothing.
"""

from __future__ import annotations

from ringbed.drivers.world import PciCapability, PciIdentity

__all__ = ["ConfigSpace"]

SIZE, FIRST, MOST_BARS = 256, 0x40, 6  # FIRST: where capabilities may begin
COMMAND, STATUS, BARS, CAPABILITIES, INTERRUPT = 0x04, 0x06, 0x10, 0x34, 0x3C
IO, MEMORY, MASTER = 1, 2, 4
COMMANDS = IO | MEMORY | MASTER | 0x40 | 0x100 | 0x400  # parity, SERR#, interrupt disable
HAS_LIST, MEDIUM = 1 << 4, 1 << 9  # of STATUS: there is a capability list; DEVSEL# timing
SPACE_IO = 1  # bit 0 of a BAR
POWER, D3 = 1, 3  # number of the power management capability; its state besides D0


class ConfigSpace:
    """The space as software reads and writes it: 1, 2 or 4 bytes, naturally aligned. Raises ValueError otherwise."""

    def __init__(self, pci: PciIdentity) -> None:
        self._pci = pci
        self._bytes, self._writable = bytearray(SIZE), bytearray(SIZE)
        self._header()
        self._bars()
        self._list()

    def read(self, offset: int, size: int = 4) -> int:
        self._check(offset, size)
        return int.from_bytes(self._bytes[offset : offset + size], "little")

    def write(self, offset: int, value: int, size: int = 4) -> None:
        self._check(offset, size)
        if not 0 <= value < 1 << 8 * size:
            raise ValueError(f"{value:#x} does not fit {size} bytes of configuration space")
        state = self.power_state
        for at, byte in enumerate(value.to_bytes(size, "little"), offset):
            mask = self._writable[at]
            self._bytes[at] = self._bytes[at] & ~mask & 0xFF | byte & mask
        if self.power_state not in (0, D3):  # a state the card has not: the write changes nothing
            self._bytes[self._power] = self._bytes[self._power] & ~D3 | state

    def bar(self, index: int) -> int:
        """Where BAR `index` was put; 0: nowhere yet."""
        io = index == self._pci.io_bar
        return self.read(BARS + 4 * index) & (~3 if io else ~15)

    @property
    def decodes(self) -> tuple[bool, bool]:
        """Whether the card answers in memory space and in I/O space."""
        command = self.read(COMMAND, 2)
        return bool(command & MEMORY), bool(command & IO)

    @property
    def master(self) -> bool:
        """Whether the card may read and write host memory."""
        return bool(self.read(COMMAND, 2) & MASTER)

    @property
    def power_state(self) -> int:
        """0 or 3: D0 or D3; always 0 without the capability."""
        return self._bytes[self._power] & D3 if self._power else 0

    def _check(self, offset: int, size: int) -> None:
        if size not in (1, 2, 4) or offset % size or not 0 <= offset < SIZE:
            raise ValueError(f"configuration space has 256 bytes, not {size} bytes at {offset:#x}")

    def _put(self, offset: int, value: int, size: int, writable: int = 0) -> None:
        self._bytes[offset : offset + size] = value.to_bytes(size, "little")
        self._writable[offset : offset + size] = writable.to_bytes(size, "little")

    def _header(self) -> None:
        pci = self._pci
        self._put(0x00, pci.vendor, 2)
        self._put(0x02, pci.device, 2)
        self._put(COMMAND, 0, 2, COMMANDS if pci.io_bar is not None else COMMANDS & ~IO)
        self._put(STATUS, MEDIUM | (HAS_LIST if pci.capabilities else 0), 2)
        self._put(0x08, pci.class_code << 8 | pci.revision, 4)
        self._put(0x0C, 0, 2, 0xFFFF)  # cache line size, latency timer
        self._put(0x2C, pci.subsystem_vendor, 2)
        self._put(0x2E, pci.subsystem, 2)
        self._put(INTERRUPT, 1 << 8 if pci.interrupt == "intx" else 0, 2, 0x00FF)  # line; pin 1 is INTA#

    def _bars(self) -> None:
        """A BAR's address bits below its size read 0, which is how software learns the size."""
        if len(self._pci.bars) > MOST_BARS:
            raise ValueError(f"a card has {MOST_BARS} BARs at most, not {len(self._pci.bars)}")
        if (io := self._pci.io_bar) is not None and (io >= len(self._pci.bars) or not self._pci.bars[io]):
            raise ValueError(f"the I/O window is to be BAR {io}, and the card has none of that number")
        for index, size in enumerate(self._pci.bars):
            if not size:
                continue
            io = index == self._pci.io_bar
            if size & (size - 1) or not (4 if io else 16) <= size < 1 << 32:
                raise ValueError(f"BAR {index} cannot have {size} bytes: a power of two of {4 if io else 16} or more")
            self._put(BARS + 4 * index, SPACE_IO if io else 0, 4, -size & 0xFFFF_FFFF)

    def _list(self) -> None:
        """Each entry points at the next; the header points at the first."""
        self._power, pointer = 0, CAPABILITIES
        for entry in self._pci.capabilities:
            body = self._body(entry)
            self._bytes[pointer], self._bytes[entry.offset] = entry.offset, entry.number
            self._bytes[body], self._writable[body] = entry.data, entry.writable.ljust(len(entry.data), b"\0")
            pointer = entry.offset + 1
            if entry.number == POWER:
                self._power = entry.offset + 4  # PMCSR

    def _body(self, entry: PciCapability) -> slice:
        """Where its data lies: behind the header, on a boundary of four bytes, in no other's place."""
        end = entry.offset + 2 + len(entry.data)
        if entry.offset % 4 or not FIRST <= entry.offset < end <= SIZE or any(self._bytes[entry.offset : end]):
            raise ValueError(
                f"capability {entry.number} of {end - entry.offset} bytes has no room at {entry.offset:#x}"
            )
        return slice(entry.offset + 2, end)
