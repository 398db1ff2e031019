"""What tools ask of an `em` card and set on it: the Protocol of `ethtool.py`, over the driver's own parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.selftest import OfflineTest
from ringbed.drivers.em.setup import EmSetup
from ringbed.drivers.ethtool import Check, Coalesce, DriverInfo, Features, LinkState, Pause, RegisterValue, RingSizes
from ringbed.drivers.world import Dma, PciIdentity, QueueState
from ringbed.hw.formats import em
from ringbed.hw.formats.em.statistics import STATISTICS_REGISTERS
from ringbed.hw.formats.field import Access, Register

__all__ = ["EmEthtool"]

SPEEDS = (10, 100, 1000, 1000)  # STATUS.SPEED in Mb/s
COUNTERS = {register.name for register in STATISTICS_REGISTERS}


class Driver(Protocol):
    """What it needs of the `em` driver."""

    name: str
    running: bool
    link: bool
    hardware: EmHardware
    dma: Dma
    setup: EmSetup

    @property
    def lladdr(self) -> bytes: ...

    def up(self) -> None: ...

    def down(self) -> None: ...

    def apply(self) -> None:
        """The rings are to know of a changed setting."""
        ...

    def set_rings(self, rx: int, tx: int) -> None: ...

    def queues(self) -> Sequence[QueueState]: ...

    def statistics(self) -> dict[str, int]: ...


class EmEthtool:
    """One card's. It keeps nothing of its own."""

    def __init__(self, driver: Driver, pci: PciIdentity) -> None:
        self._driver = driver
        self._pci = pci
        self._hardware = driver.hardware
        self._setup = driver.setup

    def info(self) -> DriverInfo:
        where = f"pci {self._pci.vendor:04x}:{self._pci.device:04x} revision {self._pci.revision:02x}"
        return DriverInfo("em", self._driver.name, where, self._driver.lladdr.hex(":"))

    def link(self) -> LinkState:
        """As the card has it now."""
        status = em.REGISTERS["STATUS"].unpack(self._hardware.read("STATUS"))
        up, flow = bool(status["LU"]), self._setup.flow
        return LinkState(
            up, SPEEDS[status["SPEED"]] if up else 0, bool(up and status["FD"]), up and flow.rx, up and flow.tx
        )

    # ---- settings ----

    def rings(self) -> RingSizes:
        rx, tx = (queue.size for queue in self._driver.queues())
        return RingSizes(rx, tx)

    def ring_limits(self) -> RingSizes:
        return RingSizes(
            em.REGISTERS["RDLEN"].mask("LEN") // em.RX_LEGACY.size, em.REGISTERS["TDLEN"].mask("LEN") // em.TX_DATA.size
        )

    def set_rings(self, sizes: RingSizes) -> None:
        if sizes != self.rings():
            self._driver.set_rings(sizes.rx, sizes.tx)

    def coalesce(self) -> Coalesce:
        return self._setup.moderation.get()

    def set_coalesce(self, wanted: Coalesce) -> None:
        self._setup.moderation.set(wanted)
        self._driver.apply()
        if self._setup.live:
            self._setup.moderation.program()

    def available(self) -> Features:
        return self._setup.available

    def features(self) -> Features:
        return self._setup.features

    def set_features(self, wanted: Features) -> None:
        self._setup.set_features(wanted)
        self._driver.apply()

    def pause(self) -> Pause:
        return self._setup.flow.wanted

    def set_pause(self, wanted: Pause) -> None:
        """Any of them is possible; with `autoneg` the link may go down and come up again."""
        self._setup.flow.wanted = wanted
        self._setup.renegotiate()
        if self._setup.live and self._driver.link:
            self._setup.settle_flow()

    # ---- reports ----

    def statistics(self) -> dict[str, int]:
        return self._driver.statistics()

    def registers(self, names: Sequence[str] = ()) -> list[RegisterValue]:
        """Of an array those entries that are not 0, and the first. Statistics are not here: a read clears them."""
        self._hardware.read("STATUS")  # behind it every posted write is done
        wanted = [em.REGISTERS[name] for name in names] if names else list(em.REGISTERS)
        return [value for register in wanted if _is_safe(register) for value in self._values(register)]

    def _values(self, register: Register) -> list[RegisterValue]:
        found = []
        for index in range(register.count):
            value = self._hardware.peek(register.name, index)
            if value or not index:
                name = f"{register.name}[{index}]" if register.count > 1 else register.name
                found.append(RegisterValue(name, register.at(index), value, register.unpack(value)))
        return found

    def eeprom(self) -> tuple[int, ...]:
        return self._hardware.read_eeprom()

    # ---- self test ----

    def self_test(self, offline: bool = True) -> list[Check]:
        """Online: link and EEPROM. Offline also registers, interrupts and loopback, with the card down meanwhile."""
        driver, was_running = self._driver, self._driver.running
        checks = [Check("link", self.link().up, "" if self.link().up else "STATUS.LU is 0: there is no link")]
        test = OfflineTest(self._hardware, driver.dma)
        if not offline:
            return [*checks, test.eeprom()]
        driver.down()
        try:
            checks += test.run()
        finally:
            self._setup.filter.forget()
            self._setup.filter.station = driver.lladdr
            if was_running:
                driver.up()
        return checks


def _is_safe(register: Register) -> bool:
    """Whether a look at it has a meaning, and no effect on any card."""
    return register.access is not Access.WO and register.name not in COUNTERS
