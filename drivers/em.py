"""The driver of the `em` NIC (Intel 8254x): attach, up, down, interrupt, watchdog.

The rings are in `em_rx.py` and `em_tx.py`, EEPROM, PHY and reset in `em_hw.py`. The driver knows the card only by
`hw/formats` and memory only by the Dma Protocol. It parses no frame: it moves whole ones between ring and queue.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice

from ringbed.drivers.em_hw import EmHardware
from ringbed.drivers.em_rx import RxRing
from ringbed.drivers.em_tx import TxRing
from ringbed.drivers.world import (
    AttachError,
    Capabilities,
    ChecksumOffload,
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

HEADER = 14 + 4  # Ethernet's, and room for one tag: what fills MAX_FRAME at an MTU of 1500
MIN_MTU, MAX_MTU = 68, em.MAX_TX_FRAME - HEADER  # RFC 791's least; the most the card sends
TIPG = em.REGISTERS["TIPG"].pack(IPGT=10, IPGR1=8, IPGR2=6)  # M Table 13-77
COLLISIONS, COLLISION_DISTANCE = 0x0F, 0x40  # recommended for full duplex: M Table 13-76

_ICR, _CTRL, _RCTL = em.REGISTERS["ICR"], em.REGISTERS["CTRL"], em.REGISTERS["RCTL"]
RX_CAUSES = _ICR.mask("RXT0", "RXDMT0", "RXO")
TX_CAUSES = _ICR.mask("TXDW", "TXQE")
OVERRUN, LINK_CHANGE = _ICR.mask("RXO"), _ICR.mask("LSC")
ENABLED_CAUSES = RX_CAUSES | LINK_CHANGE | _ICR.mask("TXDW")  # TXQE comes with a TXDW of ours
LINK_UP = em.REGISTERS["STATUS"].mask("LU")


class Em:
    """One `em` card. The constructor attaches: it raises AttachError when the card is not an `em` or does not answer.

    Shapes: rings of 8, 16, ... descriptors; `buffer_size` one of `em.BUFFER_SIZES`, a longer frame takes several;
    `mtu` above 1500 turns long frames on. `offloads` names the checksum engines the card was built with.

    Counters, kept over resets and over down and up:

    * transmit. Of the frames `transmit` took: `tx_frames` reached the ring, the others are in one of `tx_null`,
      `tx_long`, `tx_bad_sums`. Of `tx_frames`: the card's RB_TXFRAME, or `tx_reset` when a reset found them untouched
      on the ring, or still on the ring.
    * receive. The card's RB_RXDONE = `rx_frames` (handed on) + `rx_errors` + `rx_bad_length` + `rx_overlong` + still
      on the ring. The rest of the card's RB_RX* counters are its own drops.
    * not frames: `tx_waits` batches refused as a whole because the link or the card is down (the queue keeps them);
      `interrupts`, of them `interrupts_spurious`; `rx_overruns`, `link_changes`; `watchdog_tx`, `watchdog_rx` resets
      because a direction stood still, `watchdog_card` because the card had forgotten its set-up, `tx_stop_CAUSE`,
      `rx_stop_CAUSE` why the card said so; `resets`, `reset_failures`.
      `tx_bytes`, `rx_bytes`, `tx_joined`: see the rings.
    """

    TX_DROPS: tuple[str, ...] = ("tx_null", "tx_long", "tx_bad_sums", "tx_reset")
    RX_DROPS: tuple[str, ...] = ("rx_errors", "rx_bad_length", "rx_overlong")

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
        eeprom: str = "auto",
    ) -> None:
        if buffer_size not in em.BUFFER_SIZES.values():
            raise ValueError(f"RX buffers have one of {sorted(set(em.BUFFER_SIZES.values()))} bytes, not {buffer_size}")
        if not MIN_MTU <= mtu <= MAX_MTU:
            raise ValueError(f"the MTU is {MIN_MTU} to {MAX_MTU}, not {mtu}")
        if not set(offloads) <= set(OFFLOADS):
            raise ValueError(f"offloads are named {', '.join(OFFLOADS)}; {offloads!r} has others")
        self.name = name
        self.mtu = mtu
        self.capabilities = Capabilities(
            tx_ipv4="tx_checksum" in offloads,
            tx_l4=ChecksumOffload.PSEUDO if "tx_checksum" in offloads else ChecksumOffload.NONE,
            rx_checksum="rx_checksum" in offloads,
            mtu=MAX_MTU,
        )
        self.link = False
        self.oactive = False
        self._sink = sink
        self._running = False  # between up and down
        self._ready = False  # running, and the card is programmed
        self._promiscuous = False
        self._busy_at = -1  # TX groups done when the watchdog last saw work that could move, -1: none
        self._oactives = 0
        self._counters = dict.fromkeys(_EVENTS, 0)
        self._hardware = EmHardware(device, name, eeprom)
        sums = TxSum.IPV4 | TxSum.TCP | TxSum.UDP if "tx_checksum" in offloads else TxSum.NONE
        self._rx = RxRing(dma, self._hardware, rx_ring, buffer_size, verdicts="rx_checksum" in offloads)
        self._tx = TxRing(dma, self._hardware, tx_ring, longest=mtu + HEADER, sums=sums)
        self.lladdr = self._attach()

    def _attach(self) -> bytes:
        """Is it our card, does it answer, what is its address?"""
        self._hardware.check_identity()
        self._hardware.reset()
        words = self._hardware.read_eeprom()
        self._hardware.check_phy()
        return b"".join(word.to_bytes(2, "little") for word in words[:3])

    # ---- up and down ----

    def up(self) -> None:
        """Reset, allocate, program, unmask. The link may come up now or later; the sink hears of it."""
        if self._running:
            return
        self._hardware.reset()
        self._hardware.restart_autonegotiation()
        self._rx.stage()
        self._tx.stage()
        self._program()
        self._running = self._ready = True
        self._check_link()

    def down(self) -> None:
        """Stop the card and give all memory back. Frames it had received are still handed on, unsent ones counted."""
        if not self._running:
            return
        self._running = self._ready = False
        try:
            self._hardware.reset()
        finally:
            self._empty_rings()
            self._rx.release()
            self._tx.release()
            self._set_link(False)

    def _program(self) -> None:
        """All registers of a card just reset, receive and transmit enabled last, then the interrupts."""
        write = self._hardware.write
        self._hardware.write_receive_address(self.lladdr)
        write("TIPG", TIPG)
        write("RXCSUM", self._rxcsum())
        self._rx.program()
        self._tx.program()
        forced = _CTRL.mask("FRCSPD", "FRCDPLX", "ILOS", "ASDE")  # speed and duplex are the PHY's to say
        write("CTRL", self._hardware.read("CTRL") & ~forced | _CTRL.mask("SLU"))
        write("TCTL", em.REGISTERS["TCTL"].pack(EN=1, PSP=1, CT=COLLISIONS, COLD=COLLISION_DISTANCE))
        write("RCTL", self._rctl())
        write("IMS", ENABLED_CAUSES)

    def _rxcsum(self) -> int:
        """Every check the card has; the packet checksum begins behind the Ethernet header."""
        if not self.capabilities.rx_checksum:
            return 0
        return em.REGISTERS["RXCSUM"].pack(PCSS=14, IPOFL=1, TUOFL=1, IPV6OFL=1)

    def _rctl(self) -> int:
        """Broadcast on, FCS stripped, RXDMT0 when half of the ring is left (RDMTS 0)."""
        sizes = {size: code for code, size in em.BUFFER_SIZES.items()}
        bsex, bsize = sizes[self._rx.buffer_size]
        return _RCTL.pack(
            EN=1,
            BAM=1,
            SECRC=1,
            BSEX=bsex,
            BSIZE=bsize,
            LPE=int(self.mtu + HEADER + 4 > em.MAX_FRAME),
            UPE=int(self._promiscuous),
            MPE=int(self._promiscuous),
        )

    def set_lladdr(self, lladdr: bytes) -> None:
        """Take another station address, now and after every reset; raises ValueError when it is none."""
        self._hardware.write_receive_address(lladdr)
        self.lladdr = bytes(lladdr)

    def set_promiscuous(self, on: bool) -> None:
        """Receive every frame on the wire, or only ours and broadcast."""
        self._promiscuous = on
        if self._ready:
            self._hardware.write("RCTL", self._rctl())

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
        causes = self._hardware.read("ICR")  # always: a line nobody answers would stay up for ever
        if not self._ready:
            causes = 0
        if not causes & ENABLED_CAUSES:
            self._counters["interrupts_spurious"] += 1
        if causes & OVERRUN:
            self._counters["rx_overruns"] += 1
        if causes & RX_CAUSES:
            self._receive()
        if causes & LINK_CHANGE:
            self._check_link()
        if causes & TX_CAUSES:
            self._tx.clean()
            self._restart()

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
        self._set_link(bool(self._hardware.read("STATUS") & LINK_UP))

    def _set_link(self, up: bool) -> None:
        if up == self.link:
            return
        self.link = up
        self._busy_at = -1
        self._counters["link_changes"] += 1
        self._sink.link(up)
        self._restart()

    # ---- trouble ----

    def watchdog(self, now: int) -> None:
        """Make up for lost interrupts, then look whether a direction stands still: if so reset and attach anew.

        A transmit ring stands still when it had work at the last call and nothing of it is done, with the link up.
        """
        if not self._running:
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
        self._busy_at = self._tx.completed if self._tx.used and self.link else -1

    def _stands_still(self) -> bool:
        """Count why, in each direction."""
        rx = self._hardware.read("RB_RXSTOP")
        tx = self._hardware.read("RB_TXSTOP")
        silent = self.link and self._tx.used > 0 and self._busy_at == self._tx.completed
        for letter, stop, still in (("rx", rx, bool(rx)), ("tx", tx, bool(tx) or silent)):
            if still:
                self._counters[f"watchdog_{letter}"] += 1
            if stop:
                known = stop < len(em.StopCause.NAMES)
                self._counters[f"{letter}_stop_{em.StopCause.NAMES[stop] if known else 'unknown'}"] += 1
        return bool(rx) or bool(tx) or silent

    def _has_forgotten(self) -> bool:
        """A reset that was not ours: receive is off, the interrupts are masked, and the link may never come back."""
        forgotten = not self._hardware.read("RCTL") & _RCTL.mask("EN")
        self._counters["watchdog_card"] += forgotten
        return forgotten

    def _recover(self) -> None:
        """Reset and program again with the same rings. A card that does not come back is tried at the next call."""
        self._ready = False
        try:
            self._hardware.reset()
            self._empty_rings()
            self._program()
        except AttachError:
            self._counters["reset_failures"] += 1
            self._set_link(False)
            return
        self._counters["resets"] += 1
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


_STOPS = (*islice(em.StopCause.NAMES, 1, None), "unknown")
_EVENTS = (
    "tx_waits", "interrupts", "interrupts_spurious", "rx_overruns", "link_changes", "watchdog_tx", "watchdog_rx",
    "watchdog_card",
    *(f"tx_stop_{cause}" for cause in _STOPS), *(f"rx_stop_{cause}" for cause in _STOPS), "resets", "reset_failures",
)  # fmt: skip
