"""The tree of interfaces: ifdriver -> ifd -> ifl -> iff -> ifa (seed 004, 'Interfaces and Interface Structures').

    em          ifdriver  code for a kind of device
    em0         ifd       one device: link address, queues, the L2 demux of what it receives
    em0.0       ifl       a group of neighbours; what packets and routes mean by 'interface', by its ifl_index
    em0.42      ifl       another, by its L2_ID, a VLAN; on the ifd, or on an ifl whose tags are then the outer ones
    em0.0 inet  iff       IPv4 on it: MTU, offloads, routing instance       (iff.py, inet.py; inet6.py)
    10.0.0.1/24 ifa       an address                                       (iff.py)

Each is added to its parent at run time, and the parent decides what may sit on it; each is removed when nothing sits
on it any more. A name without a `.` means unit 0 where an ifl is meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from ringbed.stack.iface.iff import IfFamily, InterfaceError
from ringbed.stack.iface.inet import Inet
from ringbed.stack.iface.inet6 import Inet6
from ringbed.stack.ip.core import Core
from ringbed.stack.kern.config import changing
from ringbed.stack.kern.ifq import Ifiq, Ifq, Tap
from ringbed.stack.kern.owned import Owned
from ringbed.stack.link.carrier import Carrier, L2Id
from ringbed.stack.link.ether import EtherInput
from ringbed.stack.link.groups import Groups
from ringbed.stack.link.interface import Capabilities, Interface, Ring
from ringbed.stack.wire.family import INET

__all__ = ["IfDevice", "IfDriver", "IfLogical", "InterfaceError"]

KINDS: dict[str, type[IfFamily]] = {kind.family.name: kind for kind in (Inet, Inet6)}
UNTAGGED = L2Id()


class IfLogical(Owned):
    """A group of neighbours, told from others of the ifd by the tags of their frames. `on` is what it stands on."""

    def __init__(self, ifd: IfDevice, unit: int, on: IfDevice | IfLogical, l2_id: L2Id, core: Core) -> None:
        self.ifd = ifd
        self.on = on
        self.unit = unit
        self.core = core
        self.carrier: Carrier = on.carrier.within(l2_id)
        self.above: dict[int, IfLogical] = {}  # what stands on it, by unit
        self.name: str = f"{ifd.name}.{unit}"
        self.index: int = core.new_ifl_index()
        self.iffs: dict[str, IfFamily] = {}
        self.queue = self.config = core.config

    @changing
    def add_ifl(self, unit: int, l2_id: L2Id) -> IfLogical:
        """Another ifl on this one. Raises InterfaceError."""
        return self.ifd.add_ifl(unit, l2_id, self)

    @changing
    def add_iff(
        self,
        family: str = INET.name,
        mtu: int | None = None,
        capabilities: Capabilities | None = None,
        instance: int = 0,
    ) -> IfFamily:
        """A protocol family; from now on its packets are for us. Raises InterfaceError."""
        if family not in KINDS:
            raise InterfaceError(f"{self.name}: no protocol family {family!r}, only {', '.join(KINDS)}")
        if family in self.iffs:
            raise InterfaceError(f"{self.name} has {family} already")
        made = self.iffs[family] = KINDS[family](self, mtu, capabilities, instance)
        made.open()
        return made

    @changing
    def remove_iff(self, family: str = INET.name) -> None:
        """Raises InterfaceError while it has addresses."""
        if family not in self.iffs:
            raise InterfaceError(f"{self.name} has no {family}")
        self.iffs[family].close()
        del self.iffs[family]


class IfDevice(Owned):
    """One device. Its ifiqs are where the driver puts frames, its ifqs where it takes them.

    Shared: what the driver says of the link.
    """

    shared = frozenset({"link_up", "media"})

    def __init__(self, driver: IfDriver, unit: int, interface: Interface, core: Core) -> None:
        capabilities = interface.capabilities
        if len(interface.lladdr) != 6 or interface.lladdr[0] & 1:
            raise InterfaceError(f"{driver.name}{unit}: {interface.lladdr.hex(':')!r} is no station's link address")
        if capabilities.queues < 1:
            raise InterfaceError(f"{driver.name}{unit}: {capabilities.queues} queues")
        self.driver = driver
        self.unit = unit
        self.name = f"{driver.name}{unit}"
        self.interface = interface
        self.link_up = True
        self.media = ""  # as the driver's PHY says, such as "1000baseT full-duplex"
        self.ifls: dict[int, IfLogical] = {}
        self._ids: dict[L2Id, IfLogical] = {}
        self._core = core
        self.ether = EtherInput(interface.lladdr, core.stats.ether)
        numbers = range(capabilities.queues)
        handler, scheduler = self.ether.ether_input, core.scheduler
        self.ifiqs = [Ifiq(f"{self.name}:0:rxq:{n}", handler, scheduler) for n in numbers]
        self.ifqs = [Ifq(f"{self.name}:0:txq:{n}", n, interface.start, scheduler) for n in numbers]
        groups = Groups(interface.set_groups)
        self.carrier = Carrier(interface.lladdr, capabilities.mtu, capabilities, self.ether.demux, self.ifqs[0], groups)
        self.queue = self.config = core.config

    @changing
    def add_ifl(self, unit: int = 0, l2_id: L2Id = UNTAGGED, on: IfLogical | None = None) -> IfLogical:
        """By its L2_ID (`vlan(42)`), on the device itself or on one of its ifls. Without one: the untagged frames.

        Raises InterfaceError for a unit or an L2_ID that is taken: nothing would tell the two apart.
        """
        if unit < 0:
            raise InterfaceError(f"{self.name}: unit {unit} is negative")
        if unit in self.ifls:
            raise InterfaceError(f"{self.ifls[unit].name} is there already")
        whole = (on or self).carrier.within(l2_id).l2_id
        if (other := self._ids.get(whole)) is not None:
            of = f"the frames of {whole}" if whole.tags else "the frames without one"
            raise InterfaceError(f"{self.name}.{unit} needs an L2_ID of its own: {other.name} has {of}")
        made = self.ifls[unit] = self._ids[whole] = IfLogical(self, unit, on or self, l2_id, self._core)
        if on is not None:
            on.above[unit] = made
        return made

    @changing
    def remove_ifl(self, unit: int = 0) -> None:
        """Raises InterfaceError while something is on it."""
        ifl = self.ifls.get(unit)
        if ifl is None:
            raise InterfaceError(f"{self.name}.{unit} does not exist")
        if above := [*ifl.iffs, *(other.name for other in ifl.above.values())]:
            raise InterfaceError(f"{ifl.name} still has {', '.join(above)}")
        del self.ifls[unit], self._ids[ifl.carrier.l2_id]
        if isinstance(ifl.on, IfLogical):
            del ifl.on.above[unit]

    def set_tap(self, tap: Tap | None) -> None:
        """Copy every frame, in and out, to `tap`; None ends it."""
        for ifiq in self.ifiqs:
            ifiq.tap = tap
        for ifq in self.ifqs:
            ifq.tap = tap

    def rings(self) -> Sequence[Ring]:
        """The state of the hardware rings, as the driver tells it."""
        return self.interface.rings()


class IfDriver(Owned):
    """Code for a kind of device; the root of its devices."""

    def __init__(self, name: str, description: str, core: Core) -> None:
        if not (name.isascii() and name.isalpha() and name.islower()):
            raise InterfaceError(f"driver name {name!r} is not lower-case letters")
        self.name = name
        self.description = description
        self.ifds: dict[int, IfDevice] = {}
        self._core = core
        self.queue = self.config = core.config

    @changing
    def add_ifd(self, interface: Interface, unit: int | None = None) -> IfDevice:
        """A device, by default under the lowest free unit. Raises InterfaceError when the unit is taken."""
        if unit is None:
            unit = next(n for n in count() if n not in self.ifds)
        if unit < 0 or unit in self.ifds:
            raise InterfaceError(f"unit {unit} of driver {self.name} is {'taken' if unit >= 0 else 'negative'}")
        made = self.ifds[unit] = IfDevice(self, unit, interface, self._core)
        return made

    @changing
    def remove_ifd(self, unit: int) -> None:
        """What still waits for the device is dropped and counted. Raises InterfaceError while it has an ifl."""
        ifd = self.ifds.get(unit)
        if ifd is None:
            raise InterfaceError(f"{self.name}{unit} does not exist")
        if ifd.ifls:
            raise InterfaceError(f"{ifd.name} still has {', '.join(ifl.name for ifl in ifd.ifls.values())}")
        for ifq in ifd.ifqs:
            ifq.purge()
        del self.ifds[unit]
