"""The life of an `em` card: up, its link, resets when a direction stands still, rings of other sizes, down."""

from __future__ import annotations

from ringbed.drivers.em.drain import Drain
from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.em.rings import Rings
from ringbed.drivers.em.setup import EmSetup
from ringbed.drivers.em.stats import Statistics
from ringbed.drivers.em.watchdog import Watchdog
from ringbed.drivers.world import AttachError, FrameSink
from ringbed.hw.formats import em

__all__ = ["EmLife"]

COLLECT_EVERY = 256  # calls of the watchdog, one a second: a 32-bit count of frames lasts 2,886 s at 1 Gb/s
LINK_UP = em.REGISTERS["STATUS"].mask("LU")
EVENTS = (
    "tx_waits", "interrupts", "interrupts_spurious", "rx_overruns", "link_changes", *Watchdog.COUNTERS, "resets",
    "reset_failures", "phy_failures",
)  # fmt: skip


class EmLife:
    """A card that runs between `up` and `down`: what it receives, and its link, go to `sink`."""

    def __init__(self, sink: FrameSink, hardware: EmHardware, setup: EmSetup, rings: Rings) -> None:
        self.hardware, self.setup, self.rings = hardware, setup, rings
        self.link = False
        self.oactive = False
        self.running = False  # between up and down
        self._sink = sink
        self._ready = False  # running, and the card is programmed
        self._statistics = Statistics(hardware)
        self._counters = dict.fromkeys(EVENTS, 0)
        self._watchdog = Watchdog(hardware, self._counters)
        self._watches = 0

    def up(self) -> None:
        """Reset, allocate, program, unmask. The link may come up now or later; the sink hears of it."""
        if self.running:
            return
        self.hardware.reset()
        self.setup.flow.advertise()
        self.hardware.restart_autonegotiation()
        self._statistics.discard()
        self.rings.stage()
        self.setup.program(self.rings.rx, self.rings.tx)
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
            self.rings.release()

    def _reset(self) -> None:
        """As the hardware's, and no statistics are lost."""
        self.setup.stop()
        self.hardware.stop()
        self._statistics.collect()
        self.hardware.reset()

    def set_rings(self, rx: int, tx: int) -> None:
        """Other sizes; raises ValueError. A running card sends what it has, hands on what it got, and is reset. What is
        offered meanwhile waits.
        """
        others = self.rings.others(rx, tx, staged=self.running)
        if self._ready:
            self._ready = False
            try:
                self._drain()
            except BaseException:  # the old rings stay, and the watchdog finds them
                self.rings.unstage(others)
                raise
        try:
            if self.running:
                self._abandon_rings()
            else:  # whoever was handed a frame may have taken the card down
                self.rings.unstage(others)
        finally:  # a card that does not come back now is tried again by the watchdog
            self.rings.replace(others)
            self._watchdog.begin_again()
        if self.running:
            self._begin_again()

    def _drain(self) -> None:
        """Let go on the wire what was given to the card."""
        drain = Drain(self.hardware, self._statistics, self.rings.tx)
        while self.running and (wait := drain.wait()):
            self.hardware.delay(wait)
            self._receive()

    # ---- what comes in, and the link ----

    def _receive(self) -> None:
        frames = self.rings.rx.clean()
        if frames:
            self._sink.input(0, frames)

    def _restart(self) -> None:
        """The queue waited; any one frame fits now."""
        if self.oactive and self._ready and self.link and self.rings.tx.has_room:
            self.oactive = False
            self._sink.restart(0)

    def _check_link(self) -> None:
        self._set_link(bool(self.hardware.read("STATUS") & LINK_UP))

    def _set_link(self, up: bool) -> None:
        if up == self.link:
            return
        self.link = up
        self._watchdog.begin_again()
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
        """Make up for lost interrupts, then look whether a direction stands still: if so reset and attach anew."""
        if not self.running:
            return
        if not self._ready:
            self._recover()
            return
        self._receive()
        self._check_link()
        self.rings.tx.clean()
        self._restart()
        if self._watchdog.trouble(self.rings.tx, self.link):
            self._recover()
        self._watchdog.look(self.rings.tx, self.link)
        self._watches += 1
        if not self._watches % COLLECT_EVERY:
            self._statistics.collect()

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
        self.setup.program(self.rings.rx, self.rings.tx)
        self._ready = True
        self._check_link()
        self._restart()

    def _empty_rings(self) -> None:
        """After a reset: hand on what the card had finished, give back what it had not."""
        frames = self.rings.rx.take()
        if frames:
            self._sink.input(0, frames)
        self.rings.tx.clean()
        self.rings.tx.abandon()
