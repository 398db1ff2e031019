"""What a driver needs of the world: a device to program, memory to share with it, somewhere to put frames.

These Protocols are declared here, by the room that needs them, and implemented above, in `sim/`. A driver is a plain
object with no thread of its own: it is called when the stack has frames and when an interrupt arrives, and it returns.

The pattern a driver follows:

* `up()`     reset, read the EEPROM, allocate rings, map RX buffers, program, unmask.
* `interrupt()`  read the cause register; for each cause clean the ring; hand received frames on in one batch.
* `transmit()`   take frames while descriptors last, ring the doorbell once; fewer taken than offered means OACTIVE.
* `down()`   mask, stop, reset, unmap everything. What was in flight is counted, never lost silently.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum, IntFlag
from typing import Protocol

from ringbed.drivers.ethtool import Ethtool
from ringbed.hw.formats.verdict import Verdict

__all__ = [
    "AttachError", "BarKind", "Capabilities", "ChecksumOffload", "Coherent", "Device", "Direction", "Dma", "FrameSink",
    "Mapping", "MsixPlace", "Nic", "PciCapability", "PciIdentity", "QueueState", "RxFrame", "Segmentation", "TxFrame",
    "TxSum", "Verdict",
]  # fmt: skip

Buffer = bytes | bytearray | memoryview


class AttachError(Exception):
    """The card is not one of the driver's, or does not answer as it must. One sentence: which driver, what it saw."""


@dataclass(frozen=True, slots=True)
class PciCapability:
    """One entry of the capability list, at byte `offset`: `data` is what follows its number and the pointer on.

    `writable` has a one for every bit of `data` that software may set.
    """

    number: int
    offset: int
    data: bytes
    writable: bytes = b""


class BarKind(IntFlag):
    """What a base address register says of itself: its low bits (PCI 3.0, 6.2.5.1)."""

    MEMORY = 0
    IO = 1
    WIDE = 4  # 64 bits of address: the next BAR is its upper half
    PREFETCHABLE = 8


@dataclass(frozen=True, slots=True)
class MsixPlace:
    """The BAR that holds MSI-X's table and pending bits, with the offset of each in bytes. Of the card's registers the
    first `registers` bytes are there too, but where these two are; 0: it has nothing else.
    """

    bar: int
    table: int
    pba: int
    registers: int = 0


@dataclass(frozen=True, slots=True)
class PciIdentity:
    """What PCI configuration space says, as data. `bars` are sizes in bytes, 0 for one that is not there. BAR 0 has the
    registers, and so has each whose kind is in `kinds`, but for one that is `msix`'s alone. `io_bar` is the number of a
    BAR in I/O space through which those of BAR 0 are reached: their offset is written at 0, the register is at 4.

    `interrupt` is the best that there is, `intx`, `msi` or `msix`, and `vectors` how many messages are of it; `pin` is
    INTx's, 1 for INTA#, 0 for none. `msix` is there where `interrupt` says so; `msi` is how many messages of that kind
    such a card has besides.
    """

    vendor: int
    device: int
    revision: int
    class_code: int
    bars: tuple[int, ...]
    interrupt: str
    vectors: int = 1
    subsystem_vendor: int = 0
    subsystem: int = 0
    io_bar: int | None = None
    capabilities: tuple[PciCapability, ...] = ()
    kinds: tuple[BarKind, ...] = ()
    pin: int = 1
    msix: MsixPlace | None = None
    msi: int = 0

    @property
    def msi_vectors(self) -> int:
        """Of MSI, whether it is the best or not; 0: none."""
        return self.vectors if self.interrupt == "msi" else self.msi

    def kind(self, bar: int) -> BarKind:
        if bar == self.io_bar:
            return BarKind.IO
        return self.kinds[bar] if bar < len(self.kinds) else BarKind.MEMORY

    def has_registers(self, bar: int) -> bool:
        """Whether a driver reaches the card's registers by this BAR, in the window or straight."""
        if not 0 <= bar < len(self.bars) or not self.bars[bar]:
            return False
        if self.msix is not None and bar == self.msix.bar and not self.msix.registers:
            return False
        return bar in (0, self.io_bar) or bar < len(self.kinds)


class Device(Protocol):
    """One card's registers, seen over the bus. Raises ValueError for an access that no BAR of the card takes."""

    pci: PciIdentity

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        """A bus read: costs simulated time, has the register's side effects."""
        ...

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        """A posted write: returns at once, takes effect in order with other accesses."""
        ...

    def peek(self, bar: int, offset: int) -> int:
        """The register's value with no side effect and no time spent; for tools and reports, not for drivers."""
        ...

    def delay(self, nanoseconds: int) -> None:
        """Let simulated time pass: a driver's udelay. The interrupt line is not looked at meanwhile."""
        ...

    def interrupted(self, nanoseconds: int) -> bool:
        """Let time pass until the interrupt line is up, at most so long; whether it is. For a self test."""
        ...


class Direction(Enum):
    """Who writes a streaming mapping."""

    TO_DEVICE = "to device"
    FROM_DEVICE = "from device"


class Coherent(Protocol):
    """Memory both sides see at all times, such as a ring. `iova` is what the device is told."""

    iova: int
    view: memoryview


class Mapping(Protocol):
    """A buffer that the device owns until it is unmapped."""

    iova: int
    length: int

    def read(self, length: int) -> bytes:
        """The first `length` bytes as the device left them (a sync for the CPU; the mapping stays the device's)."""
        ...


class Dma(Protocol):
    """The mapping layer; `sim/memory/host.py` implements it and checks every use of it."""

    def coherent(self, size: int, align: int = 128) -> Coherent: ...

    def free(self, memory: Coherent) -> None: ...

    def map(self, data: Buffer, direction: Direction) -> Mapping:
        """Give `data` to the device. FROM_DEVICE needs only its length: its content comes back through `read`."""
        ...

    def unmap(self, mapping: Mapping) -> None: ...

    def sync(self) -> None:
        """A write barrier: what was stored into coherent memory until now is seen before what comes, a doorbell above
        all. A register read is one too, and the start of an interrupt; a register write is none.
        """
        ...


class TxSum(IntFlag):
    """Checksums the stack wants put into a frame by the card."""

    NONE = 0
    IPV4 = 1
    TCP = 2
    UDP = 4


class ChecksumOffload(Enum):
    """The three cases of seed 002, section 9. `PSEUDO`: the pseudo-header sum must already be in the field."""

    NONE = "none"
    PSEUDO = "pseudo-header"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a card does for its host, per direction, with the features that are switched on. The stack does the rest.

    `tso` is the longest message in bytes, headers included, that may be handed down for the card to cut; 0: none.
    """

    tx_ipv4: bool = False  # header checksum
    tx_l4: ChecksumOffload = ChecksumOffload.NONE
    rx_checksum: bool = False
    queues: int = 1
    mtu: int = 1500  # largest the driver can be set to
    tso: int = 0
    tso_ipv6: bool = False  # IPv6 too, not only IPv4
    udp_segmentation: bool = False  # UDP over IPv4 too, not only TCP
    vlan_insert: bool = False
    vlan_strip: bool = False
    vlan_filter: bool = False


@dataclass(frozen=True, slots=True)
class Segmentation:
    """How the card cuts a message. Each piece gets a copy of the first `header` bytes, Ethernet to TCP or UDP, and up
    to `mss` bytes of payload; lengths, IPv4 IDs, sequence numbers, flags and sums are made right in each.
    """

    mss: int
    header: int
    tcp: bool = True  # else UDP
    ipv6: bool = False


@dataclass(slots=True)
class TxFrame:
    """A whole frame without FCS, in segments the driver maps one by one. Offsets count from the frame's first byte.

    `vlan` is the tag the card shall put in (PRI, CFI, VID); offsets are those of the frame without it. With
    `segmentation` the frame is a message longer than a frame; all its sums are the card's, whatever `sums` says, and
    what its length and sum fields hold does not matter.
    """

    segments: Sequence[Buffer]
    sums: TxSum = TxSum.NONE
    l3_offset: int = 14
    l4_offset: int = 34
    vlan: int | None = None
    segmentation: Segmentation | None = None


@dataclass(slots=True)
class RxFrame:
    """A whole frame without FCS, as the card delivered it. `vlan` is the tag the card took out, None: it took none."""

    data: bytes
    verdict: Verdict = Verdict.NONE
    checksum: int = 0  # the card's packet checksum, raw
    tick: int = 0
    vlan: int | None = None


class FrameSink(Protocol):
    """Where a driver puts what it received: a batch of raw frames, per queue."""

    def input(self, queue: int, frames: list[RxFrame]) -> None: ...

    def restart(self, queue: int) -> None:
        """TX descriptors came back while the queue was OACTIVE: offer frames again."""
        ...

    def link(self, up: bool) -> None: ...


@dataclass(slots=True)
class QueueState:
    """One ring, as `kstat` and `ifconfig` show it."""

    name: str  # "rxq" or "txq"
    size: int
    used: int
    oactive: bool = False
    oactives: int = 0
    counters: dict[str, int] = field(default_factory=dict)


class Nic(Protocol):
    """A driver attached to one card."""

    name: str
    mtu: int  # what it is set to; `capabilities.mtu` is the largest it could be
    ethtool: Ethtool  # settings, statistics, registers, self test
    RX_DROPS: tuple[str, ...]  # names in `counters` of causes for which a frame ended in the driver
    TX_DROPS: tuple[str, ...]

    @property
    def lladdr(self) -> bytes: ...

    @property
    def capabilities(self) -> Capabilities:
        """As they are now: `ethtool` may switch them. What was offered before a switch is still done after it."""
        ...

    def up(self) -> None: ...

    def down(self) -> None: ...

    def set_lladdr(self, lladdr: bytes) -> None:
        """Another station address, for the card; raises ValueError when it is none.

        What sits above reads `lladdr` once, when it attaches: a stack that is to use the address wants it set before.
        """
        ...

    def set_promiscuous(self, on: bool) -> None: ...

    def set_all_multicast(self, on: bool) -> None: ...

    def set_multicast(self, groups: Sequence[bytes]) -> None:
        """The whole list of group addresses wanted, in place of the last one; raises ValueError when one is none."""
        ...

    def set_vlans(self, vids: Collection[int]) -> None:
        """The VLANs wanted, in place of the last ones; they count while `vlan_filter` is on. Raises ValueError."""
        ...

    def transmit(self, queue: int, frames: Sequence[TxFrame]) -> int:
        """How many of `frames` were taken, from the first on; fewer than all of them means OACTIVE."""
        ...

    def interrupt(self, vector: int) -> None: ...

    def watchdog(self, now: int) -> None:
        """Called by the testbed every simulated second (`now` in ns): a TX ring that stands still is reset."""
        ...

    def queues(self) -> Sequence[QueueState]: ...

    def counters(self) -> dict[str, int]:
        """The driver's own counters, drops (one per cause) and events; at least `tx_frames` and `rx_frames` beside."""
        ...
