"""The driver of a card that can do nothing but move frames: what is the same for all such cards.

A driver of one's own begins as a subclass: `start`, `stop`, `transmit`, `interrupt` and `queues` are its own, and
whatever its card learns to do later is overridden then. The card hands on every frame, so all filters are as wanted.
docs/bring-your-own-nic.md goes through one; `drivers/world.py` says what each method owes its callers.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ringbed.drivers.ethtool import (
    SPEED_UNKNOWN,
    Check,
    Coalesce,
    DriverInfo,
    Ethtool,
    Features,
    LinkState,
    Pause,
    RegisterValue,
    RingSizes,
)
from ringbed.drivers.world import Capabilities, Device, Dma, FrameSink, QueueState, TxFrame

__all__ = ["PlainEthtool", "PlainNic"]


class PlainNic:
    """See the head of the file. `lladdr` is the address the stack shall use: such a card knows none.

    A subclass counts in `count`: `tx_frames` it gave to the card, `rx_frames` it handed on, and drops by the names in
    RX_DROPS and TX_DROPS. Beside what a MAC drops those are all the causes that the account
    (`sim/testbed/accounting.py`) has of such a card. `name` is what the stack calls the interface.
    """

    RX_DROPS: tuple[str, ...] = ()
    TX_DROPS: tuple[str, ...] = ("tx_reset", "tx_toobig")
    mtu = 1500
    speed = SPEED_UNKNOWN  # Mb/s, of a subclass whose card can tell

    def __init__(self, device: Device, dma: Dma, sink: FrameSink, *, name: str = "nic0", lladdr: bytes) -> None:
        self.device, self.dma, self.sink, self.name = device, dma, sink, name
        self._lladdr = b""
        self.set_lladdr(lladdr)
        self.running = False
        self.count = dict.fromkeys(("tx_frames", "rx_frames", *self.RX_DROPS, *self.TX_DROPS), 0)
        self.ethtool: Ethtool = PlainEthtool(self)

    # ---- a subclass's own ----

    def start(self) -> None:
        """Rings and registers: the card works from here on."""
        raise NotImplementedError

    def stop(self) -> None:
        """The card off, everything it held given back; frames it had not sent are counted as `tx_reset`."""
        raise NotImplementedError

    def transmit(self, queue: int, frames: Sequence[TxFrame]) -> int:
        raise NotImplementedError

    def interrupt(self, vector: int) -> None:
        raise NotImplementedError

    def queues(self) -> Sequence[QueueState]:
        raise NotImplementedError

    # ---- the same for all ----

    @property
    def lladdr(self) -> bytes:
        return self._lladdr

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities()

    def up(self) -> None:
        if not self.running:
            self.start()
            self.running = True
            self.sink.link(True)

    def down(self) -> None:
        if self.running:
            self.running = False
            self.stop()
            self.sink.link(False)

    def set_lladdr(self, lladdr: bytes) -> None:
        if len(lladdr) != 6 or lladdr[0] & 1 or not any(lladdr):
            raise ValueError(f"{lladdr.hex(':')} is no address of a station")
        self._lladdr = lladdr

    def set_promiscuous(self, on: bool) -> None:
        pass

    def set_all_multicast(self, on: bool) -> None:
        pass

    def set_multicast(self, groups: Sequence[bytes]) -> None:
        for group in groups:
            if len(group) != 6 or not group[0] & 1:
                raise ValueError(f"{group.hex(':')} is no address of a group")

    def set_vlans(self, vids: Collection[int]) -> None:
        for vid in vids:
            if not 0 <= vid < 4096:
                raise ValueError(f"{vid} is no VLAN")

    def watchdog(self, now: int) -> None:
        pass

    def counters(self) -> dict[str, int]:
        return dict(self.count)


class PlainEthtool:
    """`Ethtool` of a card with nothing to set: what is asked for is told, what would be changed is refused."""

    def __init__(self, driver: PlainNic) -> None:
        self._driver = driver

    def info(self) -> DriverInfo:
        return DriverInfo(type(self._driver).__name__, self._driver.name, "", self._driver.lladdr.hex(":"))

    def link(self) -> LinkState:
        return LinkState(self._driver.running, self._driver.speed if self._driver.running else 0, True, False, False)

    def rings(self) -> RingSizes:
        """Of several queues one way, the largest: `ethtool -g` has one number for each way."""
        queues = self._driver.queues()
        rx, tx = (max((each.size for each in queues if each.name.startswith(way)), default=0) for way in ("rx", "tx"))
        return RingSizes(rx, tx)

    def ring_limits(self) -> RingSizes:
        return self.rings()

    def set_rings(self, sizes: RingSizes) -> None:
        self._refuse("rings", sizes, self.rings())

    def coalesce(self) -> Coalesce:
        return Coalesce()

    def set_coalesce(self, wanted: Coalesce) -> None:
        self._refuse("coalescing", wanted, Coalesce())

    def available(self) -> Features:
        return Features()

    def features(self) -> Features:
        return Features()

    def set_features(self, wanted: Features) -> None:
        self._refuse("features", wanted, Features())

    def pause(self) -> Pause:
        return Pause(False, False, False)

    def set_pause(self, wanted: Pause) -> None:
        self._refuse("flow control", wanted, self.pause())

    def statistics(self) -> dict[str, int]:
        return self._driver.counters()

    def registers(self, names: Sequence[str] = ()) -> list[RegisterValue]:
        if names:
            raise KeyError(names[0])
        return []

    def eeprom(self) -> tuple[int, ...]:
        return ()

    def self_test(self, offline: bool = True) -> list[Check]:
        return [Check("link", self.link().up, "" if self.link().up else "it is down")]

    def _refuse(self, what: str, wanted: object, there: object) -> None:
        if wanted != there:
            raise ValueError(f"{self._driver.name} has no other {what} than {there}")
