"""The driver of the `em` NIC (Intel 8254x): attach, up, down, interrupt, watchdog.

The rings are in `rx.py` and `tx.py`, what the card sums and cuts in `offload.py`; what it is told in
`setup.py`, of which the receive filter is in `filter.py`, moderation in `coalesce.py`, flow control in
`flow.py`; statistics in `stats.py`, EEPROM, PHY and reset in `hardware.py`; `ethtool.py` is what tools ask. The
driver knows the card only by `hw/formats` and memory only by the Dma Protocol. It parses no frame: it moves whole ones
between ring and queue; only of a message that the card shall cut it completes the header.

It relies on no reset value, since there are models whose reset clears nothing, and on none of ringbed's own RB_*
registers: elsewhere they read 0, and only the account of a reset is less exact.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice

from ringbed.drivers.em.ethtool import EmEthtool
from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.rx import RxRing
from ringbed.drivers.em.setup import BUFFER_CODES, ENABLED_CAUSES, HEADER, LINK_CHANGE, MAX_MTU, EmSetup
from ringbed.drivers.em.stats import Statistics
from ringbed.drivers.em.tx import WORKAROUNDS, TxRing
from ringbed.drivers.ethtool import Ethtool, Features
from ringbed.drivers.world import (
    AttachError,
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

MIN_MTU = 68  # RFC 791's least
DRAIN_NS, DRAINS = 100_000, 100  # how long a ring that is to be replaced may take to empty: 10 ms
BUFFER_NS = 150_000  # 16 KB, the transmit packet buffer, at 1 Gb/s
COLLECT_EVERY = 256  # calls of the watchdog, one a second: a 32-bit count of frames lasts 2,886 s at 1 Gb/s

_ICR = em.REGISTERS["ICR"]
RX_CAUSES = _ICR.mask("RXT0", "RXDMT0", "RXO")
TX_CAUSES = _ICR.mask("TXDW", "TXQE")
OVERRUN = _ICR.mask("RXO")
LINK_UP, PAUSED = em.REGISTERS["STATUS"].mask("LU"), em.REGISTERS["STATUS"].mask("TXOFF")
RECEIVING = em.REGISTERS["RCTL"].mask("EN")


def _check_options(buffer_size: int, mtu: int, offloads: Collection[str], workarounds: Collection[str]) -> None:
    """Raise ValueError with the bad value."""
    if buffer_size not in BUFFER_CODES:
        raise ValueError(f"RX buffers have one of {sorted(BUFFER_CODES)} bytes, not {buffer_size}")
    if not MIN_MTU <= mtu <= MAX_MTU:
        raise ValueError(f"the MTU is {MIN_MTU} to {MAX_MTU}, not {mtu}")
    for what, given, known in (("offloads", offloads, OFFLOADS), ("workarounds", workarounds, WORKAROUNDS)):
        if not set(given) <= set(known):
            raise ValueError(f"{what} are named {', '.join(known)}; {given!r} has others")


class Em:
    """One `em` card. The constructor attaches: it raises AttachError when the card is not an `em` or does not answer.

    Shapes: rings of 8, 16, ... descriptors; `buffer_size` one of `em.BUFFER_SIZES`, a longer frame takes several;
    `mtu` above 1500 turns long frames on. `offloads` names the checksum engines the card was built with. `features`
    are those switched on from the start: when not given all but the VLAN ones, which the side above must know of.
    `workarounds`: see `tx.WORKAROUNDS`.

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
        _check_options(buffer_size, mtu, offloads, workarounds)
        self.name = name
        self.mtu = mtu
        self.link = False
        self.oactive = False
        self.running = False  # between up and down
        self.hardware = EmHardware(device, name, eeprom)
        self.dma = dma
        self._statistics = Statistics(self.hardware)
        self._sink = sink
        self._ready = False  # running, and the card is programmed
        self._busy_at: tuple[int, ...] = ()  # `_progress` when the watchdog last saw work that could move; (): none
        self._watches = 0
        self._oactives = 0
        self._counters = dict.fromkeys(_EVENTS, 0)
        sums, checks = "tx_checksum" in offloads, "rx_checksum" in offloads
        available = Features(checks, sums, tso=sums, vlan_strip=True, vlan_insert=True, vlan_filter=True)
        self.setup = EmSetup(self.hardware, name, mtu, available)
        self._sums = TxSum.IPV4 | TxSum.TCP | TxSum.UDP if sums else TxSum.NONE
        self._buffer_size = buffer_size
        self._workarounds = tuple(workarounds)
        self._rx, self._tx = self._make_rx(rx_ring), self._make_tx(tx_ring)
        self.setup.set_features(Features(checks, sums, tso=sums) if features is None else features)
        self.apply()
        self.ethtool: Ethtool = EmEthtool(self, device.pci)
        self._attach()

    def _make_rx(self, size: int, counters: dict[str, int] | None = None) -> RxRing:
        return RxRing(
            self.dma, self.hardware, size, self._buffer_size, verdicts=False, wants=self.setup.filter.wants,
            counters=counters,
        )  # fmt: skip

    def _make_tx(self, size: int, counters: dict[str, int] | None = None) -> TxRing:
        return TxRing(
            self.dma, self.hardware, size, longest=self.mtu + HEADER, sums=self._sums, workarounds=self._workarounds,
            counters=counters,
        )  # fmt: skip

    def _attach(self) -> None:
        """Is it our card, does it answer, what is its address?"""
        self.hardware.check_identity()
        self.hardware.reset()
        words = self.hardware.read_eeprom()
        self.hardware.check_phy()
        self.setup.filter.station = b"".join(word.to_bytes(2, "little") for word in words[:3])

    # ---- up and down ----

    def up(self) -> None:
        """Reset, allocate, program, unmask. The link may come up now or later; the sink hears of it."""
        if self.running:
            return
        self.hardware.reset()
        self.setup.flow.advertise()
        self.hardware.restart_autonegotiation()
        self._statistics.discard()
        self._rx.stage()
        self._tx.stage()
        self.setup.program(self._rx, self._tx)
        self.running = self._ready = True
        self._check_link()

    def down(self) -> None:
        """Stop the card and give all memory back. Frames it had received are still handed on, unsent ones counted."""
        if not self.running:
            return
        self.running = self._ready = False
        try:
            self._abandon_rings()
        finally:
            self._set_link(False)

    def _abandon_rings(self) -> None:
        """Reset, and give the rings' memory back, even of a card that does not answer (AttachError)."""
        try:
            self._reset()
        finally:
            self._empty_rings()
            self._rx.release()
            self._tx.release()

    def _reset(self) -> None:
        """As the hardware's, and no statistics are lost."""
        self.setup.stop()
        self.hardware.stop()
        self._statistics.collect()
        self.hardware.reset()

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
        self._rx.set_verdicts(self.setup.features.rx_checksum)
        self._tx.tagging = self.setup.features.vlan_insert
        self._tx.delayed = self.setup.moderation.delays_tx

    def set_rings(self, rx: int, tx: int) -> None:
        """Other sizes; raises ValueError. A running card sends what it has, hands on what it got, and is reset."""
        new_rx, new_tx = self._make_rx(rx, self._rx.counters), self._make_tx(tx, self._tx.counters)
        if self.running:
            try:
                new_rx.stage()
                new_tx.stage()
            except Exception:
                new_rx.release()
                new_tx.release()
                raise
            self._drain()
            self._ready = False
        try:
            if self.running:
                self._abandon_rings()
        finally:  # a card that does not come back now is tried again by the watchdog
            self._rx, self._tx, self._busy_at = new_rx, new_tx, ()
            self.apply()
        if self.running:
            self._begin_again()

    def _drain(self) -> None:
        """Give the transmit ring time to empty, as long as the link is up, and the card's buffer behind it."""
        for turn in range(DRAINS):
            self._receive()
            self._tx.clean()
            if not self._tx.used or not self._ready or not self.link:
                if turn:
                    self.hardware.delay(BUFFER_NS)
                return
            self.hardware.delay(DRAIN_NS)

    # ---- frames ----

    def transmit(self, queue: int, frames: Sequence[TxFrame]) -> int:
        """How many were taken, refused and counted ones included; fewer than all means OACTIVE, and a restart later."""
        if queue:
            raise ValueError(f"{self.name} has one transmit queue, number 0; there is no {queue}")
        taken = 0
        if self._ready and self.link:
            if not self._tx.has_room:
                self._tx.clean()
            taken = self._tx.send(frames)
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
            self._tx.clean()
            self._restart()
        if causes & RX_CAUSES and self.setup.moderation.adaptive:
            frames, octets = self._moved()
            self.setup.moderation.adapt(frames - before[0], octets - before[1])

    def _moved(self) -> tuple[int, int]:
        """Frames and bytes received so far."""
        return self._rx.counters["rx_frames"], self._rx.counters["rx_bytes"]

    def _receive(self) -> None:
        frames = self._rx.clean()
        if frames:
            self._sink.input(0, frames)

    def _restart(self) -> None:
        """The queue waited; any one frame fits now."""
        if self.oactive and self._ready and self.link and self._tx.has_room:
            self.oactive = False
            self._sink.restart(0)

    def _check_link(self) -> None:
        self._set_link(bool(self.hardware.read("STATUS") & LINK_UP))

    def _set_link(self, up: bool) -> None:
        if up == self.link:
            return
        self.link = up
        self._busy_at = ()
        self._counters["link_changes"] += 1
        if up:
            self._settle_flow()
        self._sink.link(up)
        self._restart()

    def _settle_flow(self) -> None:
        """Without the PHY's answer there is no flow control."""
        try:
            self.setup.settle_flow()
        except AttachError:
            self._counters["phy_failures"] += 1

    # ---- trouble ----

    def watchdog(self, now: int) -> None:
        """Make up for lost interrupts, then look whether a direction stands still: if so reset and attach anew.

        A transmit ring stands still when it had work at the last call and nothing of it is done, with the link up and
        no partner's pause holding it. What is done is what the head has passed: on a slow wire a second is not enough
        for all that one write-back is asked for.
        """
        if not self.running:
            return
        if not self._ready:
            self._recover()
            return
        self._receive()
        self._check_link()
        self._tx.clean()
        self._restart()
        if self._stands_still() or self._has_forgotten():
            self._recover()
        self._busy_at = self._progress() if self._tx.used and self.link and not self._paused() else ()
        self._watches += 1
        if not self._watches % COLLECT_EVERY:
            self._statistics.collect()

    def _stands_still(self) -> bool:
        """Count why, in each direction."""
        rx = self.hardware.read("RB_RXSTOP")
        tx = self.hardware.read("RB_TXSTOP")
        silent = self.link and self._tx.used > 0 and self._busy_at == self._progress() and not self._paused()
        for letter, stop, still in (("rx", rx, bool(rx)), ("tx", tx, bool(tx) or silent)):
            if still:
                self._counters[f"watchdog_{letter}"] += 1
            if stop:
                known = stop < len(em.StopCause.NAMES)
                self._counters[f"{letter}_stop_{em.StopCause.NAMES[stop] if known else 'unknown'}"] += 1
        return bool(rx) or bool(tx) or silent

    def _progress(self) -> tuple[int, ...]:
        """The transmit ring's sign of life: groups given back, and the card's head."""
        return self._tx.completed, self.hardware.read("TDH")

    def _paused(self) -> bool:
        """A pause frame of the partner holds transmission back."""
        return bool(self.hardware.read("STATUS") & PAUSED)

    def _has_forgotten(self) -> bool:
        """A reset that was not ours: receive is off, the interrupts are masked, and the link may never come back."""
        forgotten = not self.hardware.read("RCTL") & RECEIVING
        self._counters["watchdog_card"] += forgotten
        return forgotten

    def _recover(self) -> None:
        """Reset and program again with the same rings. A card that does not come back is tried at the next call."""
        self._ready = False
        try:
            self._reset()
            self._empty_rings()
        except AttachError:
            self._counters["reset_failures"] += 1
            self._set_link(False)
            return
        self._counters["resets"] += 1
        self._begin_again()

    def _begin_again(self) -> None:
        """Program a card just reset, and go on."""
        self.setup.program(self._rx, self._tx)
        self._ready = True
        self._check_link()
        self._restart()

    def _empty_rings(self) -> None:
        """After a reset: hand on what the card had finished, give back what it had not."""
        frames = self._rx.take()
        if frames:
            self._sink.input(0, frames)
        self._tx.clean()
        self._tx.abandon()

    # ---- reports ----

    def queues(self) -> Sequence[QueueState]:
        """Both rings: `used` are descriptors filled and not yet cleaned (rxq), or given to the card (txq)."""
        return (
            QueueState("rxq", self._rx.size, self._rx.used, counters=dict(self._rx.counters)),
            QueueState("txq", self._tx.size, self._tx.used, self.oactive, self._oactives, dict(self._tx.counters)),
        )

    def counters(self) -> dict[str, int]:
        """All of them; the class says what each means."""
        return self._tx.counters | self._rx.counters | self._counters

    def statistics(self) -> dict[str, int]:
        """The card's, since the driver attached."""
        if self._ready:
            self._statistics.collect()
        return self._statistics.values()


_STOPS = (*islice(em.StopCause.NAMES, 1, None), "unknown")
_EVENTS = (
    "tx_waits", "interrupts", "interrupts_spurious", "rx_overruns", "link_changes", "watchdog_tx", "watchdog_rx",
    "watchdog_card",
    *(f"tx_stop_{cause}" for cause in _STOPS), *(f"rx_stop_{cause}" for cause in _STOPS), "resets", "reset_failures",
    "phy_failures",
)  # fmt: skip
