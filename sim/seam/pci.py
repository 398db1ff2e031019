"""A card's PCI configuration space, 256 bytes of header type 0, made of its `PciIdentity` (PCI 2.2, chapter 6; of
messages PCI 3.0, 6.8).

It is what a driver that is not ours finds the card by: ids, BARs that tell their size, the capability list. Writes
change what the specification lets software change. Power states are stored and shown; they stop nothing.
"""

from __future__ import annotations

from ringbed.drivers.world import BarKind, PciCapability, PciIdentity

__all__ = ["ConfigSpace"]

SIZE, FIRST, MOST_BARS = 256, 0x40, 6  # FIRST: where capabilities may begin
COMMAND, STATUS, BARS, CAPABILITIES, INTERRUPT = 0x04, 0x06, 0x10, 0x34, 0x3C
IO, MEMORY, MASTER = 1, 2, 4
COMMANDS = IO | MEMORY | MASTER | 0x40 | 0x100 | 0x400  # parity, SERR#, interrupt disable
WAITS, HAS_LIST, MEDIUM = 1 << 3, 1 << 4, 1 << 9  # of STATUS: INTx is up within; a capability list; DEVSEL# timing
POWER, D3 = 1, 3  # number of the power management capability; its state besides D0
MSI, MSIX = 5, 0x11  # numbers of the capabilities for messages
MSI_WIDE, MSI_MASKS, MSI_MOST = 1 << 7, 1 << 8, 32  # control: 64 bits of address; a mask a vector. Vectors
MASKS, PENDING = 16, 20  # of MSI's capability, where these bits are
MSIX_MASKED, MSIX_MOST = 1 << 14, 2048


class ConfigSpace:
    """The space as software reads and writes it: 1, 2 or 4 bytes, naturally aligned. Raises ValueError otherwise."""

    def __init__(self, pci: PciIdentity) -> None:
        self._pci = pci
        self._msi = self._msix = 0  # where these capabilities are
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
        at, kind = BARS + 4 * index, self._pci.kind(index)
        above = self.read(at + 4) << 32 if kind & BarKind.WIDE else 0
        return above | self.read(at) & (~3 if kind & BarKind.IO else ~15)

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

    @property
    def masked(self) -> int:
        """The vectors of MSI whose mask bit is set."""
        return self.read(self._msi + MASKS) if self._msi else 0

    @property
    def gated(self) -> bool:
        """All vectors of MSI-X are masked, by its function mask."""
        return bool(self._msix and self.read(self._msix + 2, 2) & MSIX_MASKED)

    @property
    def messages(self) -> int:
        """How many of MSI's software has given a number of their own (Multiple Message Enable)."""
        return min(1 << (self.read(self._msi + 2, 2) >> 4 & 7), self._pci.msi_vectors) if self._msi else 0

    def show(self, masked: int, pending: int, waits: bool) -> None:
        """What the function has: MSI's mask and pending bits (of MSI-X both are elsewhere), and whether INTx `waits` to
        be dealt with, which the command register's bit for it does not change (PCI 3.0, 6.2.3).
        """
        self._bytes[STATUS] = self._bytes[STATUS] & ~WAITS | (WAITS if waits else 0)
        if self._msi:
            bits = masked.to_bytes(4, "little") + pending.to_bytes(4, "little")
            self._bytes[self._msi + MASKS : self._msi + PENDING + 4] = bits

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
        io = any(pci.kind(bar) & BarKind.IO for bar in range(len(pci.bars)))
        self._put(COMMAND, 0, 2, COMMANDS if io else COMMANDS & ~IO)
        self._put(STATUS, MEDIUM | (HAS_LIST if pci.capabilities or pci.interrupt != "intx" else 0), 2)
        self._put(0x08, pci.class_code << 8 | pci.revision, 4)
        self._put(0x0C, 0, 2, 0xFFFF)  # cache line size, latency timer
        self._put(0x2C, pci.subsystem_vendor, 2)
        self._put(0x2E, pci.subsystem, 2)
        self._put(INTERRUPT, pci.pin << 8, 2, 0x00FF)  # line; pin 1 is INTA#

    def _bars(self) -> None:
        """A BAR's address bits below its size read 0, which is how software learns the size."""
        if len(self._pci.bars) > MOST_BARS:
            raise ValueError(f"a card has {MOST_BARS} BARs at most, not {len(self._pci.bars)}")
        if (io := self._pci.io_bar) is not None and (io >= len(self._pci.bars) or not self._pci.bars[io]):
            raise ValueError(f"the I/O window is to be BAR {io}, and the card has none of that number")
        for index, size in enumerate(self._pci.bars):
            if not size:
                continue
            kind = self._pci.kind(index)
            least = 4 if kind & BarKind.IO else 16
            if size & (size - 1) or not least <= size < 1 << 32:
                raise ValueError(f"BAR {index} cannot have {size} bytes: a power of two of {least} or more")
            self._put(BARS + 4 * index, int(kind), 4, -size & 0xFFFF_FFFF)
            if kind & BarKind.WIDE:
                self._upper_half(index)

    def _upper_half(self, index: int) -> None:
        above = index + 1
        if above == MOST_BARS or any(self._pci.bars[above : above + 1]):
            raise ValueError(
                f"BAR {index} has 64 bits of address: BAR {above} is its upper half, and cannot be another"
            )
        self._put(BARS + 4 * above, 0, 4, 0xFFFF_FFFF)

    def _list(self) -> None:
        """Each entry points at the next; the header points at the first."""
        self._power, pointer = 0, CAPABILITIES
        for entry in (*self._pci.capabilities, *_messages(self._pci)):
            body = self._body(entry)
            self._bytes[pointer], self._bytes[entry.offset] = entry.offset, entry.number
            self._bytes[body], self._writable[body] = entry.data, entry.writable.ljust(len(entry.data), b"\0")
            pointer = entry.offset + 1
            if entry.number == POWER:
                self._power = entry.offset + 4  # PMCSR
            elif entry.number == MSI:
                self._msi = entry.offset
            elif entry.number == MSIX:
                self._msix = entry.offset

    def _body(self, entry: PciCapability) -> slice:
        """Where its data lies: behind the header, on a boundary of four bytes, in no other's place."""
        end = entry.offset + 2 + len(entry.data)
        if entry.offset % 4 or not FIRST <= entry.offset < end <= SIZE or any(self._bytes[entry.offset : end]):
            raise ValueError(
                f"capability {entry.number} of {end - entry.offset} bytes has no room at {entry.offset:#x}"
            )
        return slice(entry.offset + 2, end)


def _messages(pci: PciIdentity) -> tuple[PciCapability, ...]:
    """The capabilities for messages, first of all places, one behind the other; none for a card with INTx alone."""
    msi = (_msi(pci.msi_vectors),) if pci.interrupt == "msi" or pci.msi else ()
    behind = FIRST + sum(2 + len(entry.data) for entry in msi)
    return (*msi, _msix(pci, behind)) if pci.interrupt == "msix" else msi


def _msi(vectors: int) -> PciCapability:
    """64 bits of address and a mask a vector: control, address, data, masks, pending bits (PCI 3.0, 6.8.1)."""
    if vectors & (vectors - 1) or not 1 <= vectors <= MSI_MOST:
        raise ValueError(f"MSI has a power of two of messages, 1 to {MSI_MOST}, not {vectors}")
    control = MSI_WIDE | MSI_MASKS | vectors.bit_length() - 1 << 1
    writable = b"\x71\0" + b"\xfc" + b"\xff" * 9 + b"\0\0" + ((1 << vectors) - 1).to_bytes(4, "little")
    return PciCapability(MSI, FIRST, control.to_bytes(2, "little") + bytes(20), writable)


def _msix(pci: PciIdentity, offset: int) -> PciCapability:
    """Control, and where table and pending bits are (PCI 3.0, 6.8.2)."""
    if pci.msix is None or not 1 <= pci.vectors <= MSIX_MOST:
        raise ValueError(f"MSI-X has 1 to {MSIX_MOST} vectors, not {pci.vectors}, and a table in a BAR")
    places = (where | pci.msix.bar for where in (pci.msix.table, pci.msix.pba))
    data = (pci.vectors - 1).to_bytes(2, "little") + b"".join(place.to_bytes(4, "little") for place in places)
    return PciCapability(MSIX, offset, data, b"\0\xc0")
