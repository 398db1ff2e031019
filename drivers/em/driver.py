"""The driver of the `em` NIC (Intel 8254x): attach, settings, frames, interrupt.

Up, down, link and watchdog are in `life.py`, with the look for trouble in `watchdog.py`; the rings in `ring/`, both of
them in `rings.py`; what the card is told in `setup.py`, of which the receive filter is in `filter.py`, moderation in
`coalesce.py`, flow control in `flow.py`; statistics in `stats.py`, EEPROM, PHY and reset in `hardware.py`; `ethtool.py`
is what tools ask. The driver knows the card only by `hw/formats` and memory only by the Dma Protocol. It parses no
frame: it moves whole ones between ring and queue; only of a message that the card shall cut it completes the header.

It relies on no reset value, since there are models whose reset clears nothing, and on none of ringbed's own RB_*
registers: elsewhere they read 0, and only the account of a reset is less exact.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ringbed.drivers.em.ethtool import EmEthtool
from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.life import EmLife
from ringbed.drivers.em.rings import Rings
from ringbed.drivers.em.setup import ENABLED_CAUSES, HEADER, LINK_CHANGE, MAX_MTU, EmSetup, check_options
from ringbed.drivers.ethtool import Ethtool, Features
from ringbed.drivers.world import (
    Capabilities,
    Device,
    Dma,
    FrameSink,
    QueueState,
    TxFrame,
    TxSum,
)
from ringbed.hw.formats import em
from ringbed.hw.formats.em import OFFLOADS

__all__ = ["MAX_MTU", "Em"]

_ICR = em.REGISTERS["ICR"]
RX_CAUSES = _ICR.mask("RXT0", "RXDMT0", "RXO")
TX_CAUSES = _ICR.mask("TXDW", "TXQE")
OVERRUN = _ICR.mask("RXO")


class Em(EmLife):
    """One `em` card. The constructor attaches: it raises AttachError when the card is not an `em` or does not answer.

    Shapes: rings of 8, 16, ... descriptors; `buffer_size` one of `em.BUFFER_SIZES`, a longer frame takes several;
    `mtu` above 1500 turns long frames on. `offloads` names the checksum engines the card was built with. `features`
    are those switched on from the start: when not given all but the VLAN ones, which the side above must know of.
    `workarounds`: see `ring.tx.WORKAROUNDS`.

    Counters, kept over resets and over down and up:

    * transmit. Of the frames `transmit` took: `tx_frames` reached the ring, the others are in one of `tx_null`,
      `tx_long`, `tx_bad_sums`, `tx_bad_tso`, `tx_bad_vlan`. Of `tx_frames`: the card's RB_TXFRAME, or `tx_reset` when
      a reset found them untouched on the ring, or still on the ring.
    * receive. The card's RB_RXDONE = `rx_frames` (handed on) + `rx_errors` + `rx_bad_length` + `rx_overlong` +
      `rx_not_for_us` + still on the ring. The rest of the card's RB_RX* counters are its own drops.
    * not frames: `tx_waits` batches refused as a whole because the link or the card is down (the queue keeps them);
      `interrupts`, of them `interrupts_spurious`; `rx_overruns`, `link_changes`; `watchdog_tx`, `watchdog_rx` resets
      because a direction stood still, `watchdog_card` because the card had forgotten its set-up, `tx_stop_CAUSE`,
      `rx_stop_CAUSE` why the card said so; `resets`, `reset_failures`; `phy_failures` the PHY did not answer when the
      link came up, so that there is no flow control. `tx_bytes`, `rx_bytes`, `tx_joined`, `tx_tso`: see the rings.
    """

    TX_DROPS: tuple[str, ...] = ("tx_null", "tx_long", "tx_bad_sums", "tx_bad_tso", "tx_bad_vlan", "tx_reset")
    RX_DROPS: tuple[str, ...] = ("rx_errors", "rx_bad_length", "rx_overlong", "rx_not_for_us")

    def __init__(
        self,
        device: Device,
        dma: Dma,
        sink: FrameSink,
        *,
        name: str = "em0",
        rx_ring: int = 256,
        tx_ring: int = 256,
        buffer_size: int = 2048,
        mtu: int = 1500,
        offloads: Collection[str] = OFFLOADS,
        features: Features | None = None,
        eeprom: str = "auto",
        workarounds: Collection[str] = (),
    ) -> None:
        check_options(buffer_size, mtu, offloads, workarounds)
        self.name = name
        self.mtu = mtu
        self.dma = dma
        sums, checks = "tx_checksum" in offloads, "rx_checksum" in offloads
        available = Features(checks, sums, tso=sums, vlan_strip=True, vlan_insert=True, vlan_filter=True)
        hardware = EmHardware(device, name, eeprom)
        setup = EmSetup(hardware, name, mtu, available)
        rings = Rings(
            dma, hardware, setup, rx_ring, tx_ring, buffer_size=buffer_size, longest=mtu + HEADER,
            sums=TxSum.IPV4 | TxSum.TCP | TxSum.UDP if sums else TxSum.NONE, workarounds=workarounds,
        )  # fmt: skip
        super().__init__(sink, hardware, setup, rings)
        self._oactives = 0
        self.setup.set_features(Features(checks, sums, tso=sums) if features is None else features)
        self.apply()
        self.ethtool: Ethtool = EmEthtool(self, device.pci)
        self._attach()

    def _attach(self) -> None:
        """Is it our card, does it answer, what is its address?"""
        self.hardware.check_identity()
        self.hardware.reset()
        words = self.hardware.read_eeprom()
        self.hardware.check_phy()
        self.setup.filter.station = b"".join(word.to_bytes(2, "little") for word in words[:3])

    # ---- settings ----

    @property
    def lladdr(self) -> bytes:
        return self.setup.filter.station

    @property
    def capabilities(self) -> Capabilities:
        """What may be asked of the card with the features that are on."""
        return self.setup.capabilities()

    def set_lladdr(self, lladdr: bytes) -> None:
        """Take another station address, now and after every reset; raises ValueError when it is none."""
        if lladdr == bytes(6):
            raise ValueError(f"{self.name}: an address of zeros is no station's")
        self.setup.filter.station = lladdr

    def set_promiscuous(self, on: bool) -> None:
        """Receive every frame on the wire, or only those wanted."""
        self.setup.filter.promiscuous = on
        self.setup.write_rctl()

    def set_all_multicast(self, on: bool) -> None:
        """Receive every group's frames, or only those of the list."""
        self.setup.filter.all_multicast = on
        self.setup.write_rctl()

    def set_multicast(self, groups: Sequence[bytes]) -> None:
        """Receive these groups' frames, and broadcast; raises ValueError for what is no group's address."""
        self.setup.filter.set_groups(groups)
        self.setup.write_rctl()

    def set_vlans(self, vids: Collection[int]) -> None:
        """The VLANs that pass the filter while it is on; raises ValueError."""
        self.setup.filter.set_vids(vids)

    def apply(self) -> None:
        """What the rings must know of the settings: after a change, and for new ones."""
        self.rings.apply()

    # ---- frames ----

    def transmit(self, queue: int, frames: Sequence[TxFrame]) -> int:
        """How many were taken, refused and counted ones included; fewer than all means OACTIVE, and a restart later."""
        if queue:
            raise ValueError(f"{self.name} has one transmit queue, number 0; there is no {queue}")
        taken = 0
        if self._ready and self.link:
            ring = self.rings.tx
            if not ring.has_room:
                ring.clean()
            taken = ring.send(frames)
        elif frames:
            self._counters["tx_waits"] += 1
        full = taken < len(frames)
        self._oactives += full and not self.oactive
        self.oactive = full
        return taken

    def interrupt(self, vector: int) -> None:
        """Read the causes once, which clears them, and do what they ask."""
        if vector:
            raise ValueError(f"{self.name} has one interrupt, number 0; there is no {vector}")
        self._counters["interrupts"] += 1
        causes = self.hardware.read("ICR")  # always: a line nobody answers would stay up for ever
        if not self._ready:
            causes = 0
        if not causes & ENABLED_CAUSES:
            self._counters["interrupts_spurious"] += 1
        before = self._moved()
        if causes & OVERRUN:
            self._counters["rx_overruns"] += 1
        if causes & RX_CAUSES:
            self._receive()
        if causes & LINK_CHANGE:
            self._check_link()
        if causes & TX_CAUSES:
            self.rings.tx.clean()
            self._restart()
        if causes & RX_CAUSES and self.setup.moderation.adaptive:
            frames, octets = self._moved()
            self.setup.moderation.adapt(frames - before[0], octets - before[1])

    def _moved(self) -> tuple[int, int]:
        """Frames and bytes received so far."""
        counters = self.rings.rx.counters
        return counters["rx_frames"], counters["rx_bytes"]

    # ---- reports ----

    def queues(self) -> Sequence[QueueState]:
        """Both rings: `used` are descriptors filled and not yet cleaned (rxq), or given to the card (txq)."""
        return self.rings.states(self.oactive, self._oactives)

    def counters(self) -> dict[str, int]:
        """All of them; the class says what each means."""
        return self.rings.tx.counters | self.rings.rx.counters | self._counters

    def statistics(self) -> dict[str, int]:
        """The card's, since the driver attached."""
        if self._ready:
            self._statistics.collect()
        return self._statistics.values()
