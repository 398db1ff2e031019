"""The NIC under test, as the suite sees it: frames are offered to it and put on its wire, and all that comes is taken.

Suites of frames need `send` and `receive` alone; those that act step by step the rest: settings, statistics, time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ringbed.hw.formats.verdict import Verdict

__all__ = ["Arrival", "Cut", "NicUnderTest", "Offer", "Opener", "Place", "Received", "Setup"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of a frame lies in the host's memory; `behind` is what lies right after it, and must not leave."""

    address: int
    behind: bytes = b""


@dataclass(frozen=True, slots=True)
class Cut:
    """A message to be cut: `header` bytes in front of each `mss` bytes of payload."""

    mss: int
    header: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A frame without FCS in pieces, and what is asked of the NIC; offsets count from its first byte.

    `l4` is `tcp`, `udp` or nothing: whose sum the NIC shall make. What the fields hold before is part of the frame.
    """

    pieces: tuple[bytes, ...]
    l3_at: int = 14
    l4_at: int = 34
    ipv4: bool = False
    l4: str = ""
    ipv6: bool = False
    vlan: int | None = None
    cut: Cut | None = None
    places: tuple[Place, ...] = ()  # of each piece; none: wherever the driver's memory has room

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame on the wire, without FCS; with `bad_fcs` its FCS is wrong."""

    data: bytes
    bad_fcs: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """A frame as the host got it; `vlan` is the tag that the NIC took out."""

    data: bytes
    verdict: Verdict
    checksum: int
    vlan: int | None


@dataclass(frozen=True, slots=True)
class Setup:
    """What a NIC is opened with. `features` are the names of `drivers/ethtool.py`, others are off."""

    features: frozenset[str] = frozenset({"rx_checksum", "tx_checksum", "tso"})
    mtu: int = 1500
    rx_ring: int = 256
    tx_ring: int = 256
    buffer_size: int = 2048
    promiscuous: bool = True
    rx_offset: int | None = None  # of receive buffers, modulo 4096; None: wherever there is room

    @property
    def key(self) -> tuple[object, ...]:
        """For an order that is the same in every process."""
        return (" ".join(sorted(self.features)), self.mtu, self.rx_ring, self.tx_ring, self.buffer_size,
                self.promiscuous, -1 if self.rx_offset is None else self.rx_offset)  # fmt: skip


class NicUnderTest(Protocol):
    """A NIC with its link up. Nothing of it raises for what the NIC does wrong: that is for the suite to see."""

    def send(self, offers: Sequence[Offer]) -> list[bytes]:
        """Offer all, as there is room, and wait for rest: the frames that left, without FCS, in their order."""
        ...

    def receive(self, arrivals: Sequence[Arrival]) -> list[Received]:
        """Put all on the wire, as the host keeps up, and wait for rest: what came, in its order."""
        ...

    def offer(self, offers: Sequence[Offer]) -> int:
        """Offer once, without waiting: how many were taken, from the first on."""
        ...

    def left(self) -> list[bytes]:
        """Take what left since, without FCS."""
        ...

    def arrive(self, arrival: Arrival) -> None:
        """Put one on the wire, now, without waiting."""
        ...

    def came(self) -> list[Received]:
        """Take what came to the host since."""
        ...

    def rest(self) -> None:
        """Wait until nothing is left to do."""
        ...

    def wait(self, nanoseconds: int) -> None:
        """Let simulated time pass."""
        ...

    def wrongs(self) -> list[str]:
        """Take what no NIC may do whatever it is asked: a sentence each."""
        ...

    def statistics(self) -> Mapping[str, int]:
        """Its counters since it was opened, by the names of `ethtool -S`."""
        ...

    def set_features(self, names: frozenset[str]) -> None: ...

    def set_rings(self, rx: int, tx: int) -> None:
        """Other sizes, with frames that were offered still to be sent."""
        ...

    def set_filter(
        self, *, promiscuous: bool = False, all_multicast: bool = False, groups: Sequence[bytes] = (),
        vlans: Sequence[int] = (),
    ) -> None: ...  # fmt: skip

    def set_moderation(self, **usecs: int) -> None:
        """The fields of `Coalesce` of `drivers/ethtool.py`."""
        ...

    def interrupts(self) -> int:
        """How many were taken since it was opened."""
        ...

    def now(self) -> int:
        """Simulated time in ns."""
        ...

    def close(self) -> None: ...


Opener = Callable[[Setup], NicUnderTest]
