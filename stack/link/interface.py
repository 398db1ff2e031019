"""What the stack needs below an interface. The testbed adapts a driver to it.

The pattern the side below follows:

* RX: build a `Packet` for each frame, `Packet([frame], flags)` with its verdict as flags and the tag that the card took
  out as `tag`, and hand the batch over:
  `ifd.ifiqs[queue].input(packets)`. An answer of True means pressure: back off, the stack is behind.
* TX: `start(ifq)` says that the queue has work. Take a batch and say how much of it went:

      batch = ifq.begin(room)          # the packets stay in the queue
      taken = ...                      # each is packet.wire(), packet.flags & OUT_MASK, packet.l3 - packet.start, ...
      ifq.commit(taken)                # these leave; the rest stays, in order, and nothing is lost
      if taken < len(batch):
          ifq.set_oactive()            # no more `start` until ...

  and when descriptors come back: `ifq.restart()`, and the stack is run.
* It parses nothing and keeps no packet that it did not commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from ringbed.stack.kern.packet import ICMP6_CSUM_OUT, ICMP_CSUM_OUT, IPV4_CSUM_OUT, TCP_CSUM_OUT, UDP_CSUM_OUT
from ringbed.stack.wire.family import INET, INET6, Family

if TYPE_CHECKING:
    from ringbed.stack.kern.ifq import Ifq


class Offload(Enum):
    """The three cases of seed 002, section 9, for TCP and UDP on output; over IPv4 and IPv6 they may differ."""

    NONE = "none"
    PSEUDO = "pseudo-header"  # the folded pseudo-header sum must be in the field
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What is done below, for the stack to leave alone. `mtu` is the largest that can be set.

    Of what follows it the stack asks for nothing yet: messages to be cut (`tso`, the longest in bytes; 0: none) and
    VLANs are told as the driver has them.
    """

    tx_ipv4: bool = False
    tx_l4: Offload = Offload.NONE
    tx_l4_ipv6: Offload = Offload.NONE
    rx_checksum: bool = False
    queues: int = 1
    mtu: int = 1500
    tso: int = 0
    tso_ipv6: bool = False
    udp_segmentation: bool = False
    vlan_insert: bool = False
    vlan_strip: bool = False
    vlan_filter: bool = False

    def l4(self, family: Family) -> Offload:
        """For TCP and UDP over a family."""
        return {INET: self.tx_l4, INET6: self.tx_l4_ipv6}[family]

    def software(self, family: Family) -> int:
        """The flags of OUT_MASK that the stack itself must act on before it hands a packet of the family down."""
        wanted = ICMP_CSUM_OUT | ICMP6_CSUM_OUT  # no card does it
        if not self.tx_ipv4:
            wanted |= IPV4_CSUM_OUT
        if self.l4(family) is not Offload.FULL:
            wanted |= TCP_CSUM_OUT | UDP_CSUM_OUT
        return wanted

    def covers(self, other: Capabilities) -> bool:
        """Whether everything `other` relies on is offered here."""
        l4 = all(other.l4(of) in (Offload.NONE, self.l4(of)) for of in (INET, INET6))
        return l4 and self.tx_ipv4 >= other.tx_ipv4 and self.rx_checksum >= other.rx_checksum


@dataclass(frozen=True, slots=True)
class Attachment:
    """Where the device sits, for the line dmesg prints: `location` such as `pci0 dev 3 function 0`."""

    location: str
    product: str
    revision: int
    interrupt: str  # such as "msix" or "apic 2 int 11"


@dataclass(frozen=True, slots=True)
class Ring:
    """The state of one hardware ring (seed 003: multiqueue is seen only through accessors)."""

    name: str  # "rxq" or "txq"
    queue: int
    size: int
    used: int


class Interface(Protocol):
    """One device below; see the module's text for the pattern."""

    @property
    def lladdr(self) -> bytes: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def attachment(self) -> Attachment: ...

    def start(self, ifq: Ifq) -> None:
        """The queue has work and is not OACTIVE; `ifq.index` is its number."""
        ...

    def rings(self) -> Sequence[Ring]: ...

    def set_groups(self, groups: Sequence[bytes]) -> None:
        """The groups of stations that we are in now, besides that of all: their frames are wanted. More may come."""
        ...
