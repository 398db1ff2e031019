"""An engine without RTL: the driver tests' fake card behind the Engine Protocol, for tests of the testbed itself."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

from ringbed.drivers.em.driver import Em
from ringbed.hw.formats.em import WINDOW
from ringbed.hw.formats.window import Window
from ringbed.sim.memory.host import HostMemory, Response
from ringbed.sim.seam.bus_faults import BusEvent, BusFaults
from ringbed.sim.seam.engine import NEVER, EngineStats, Event, Finding
from ringbed.sim.testbed.assembly import EM_PCI
from ringbed.sim.testbed.host import Host, U
from ringbed.sim.wire.frame import fcs_good, from_wire, to_wire
from tests.drivers.fake_card import FakeCard
from tests.drivers.fake_dma import FakeDma, FakeFault
from tests.drivers.fake_pins import FakeEeprom, eeprom_words

__all__ = ["FakeEngine", "fake_host"]

STEP = 50  # clocks for a frame through the card


class MemoryBus(FakeDma):
    """The device's side of a HostMemory, as the fake card wants it."""

    def __init__(self, memory: HostMemory) -> None:
        super().__init__()
        self._memory = memory

    def fetch(self, iova: int, length: int) -> bytes:
        data, answer = self._memory.device_read(iova, length)
        if answer is not Response.OKAY:
            raise FakeFault(self._memory.locate(iova).text)
        return data

    def store(self, iova: int, data: bytes) -> None:
        if self._memory.device_write(iova, data, (1 << len(data)) - 1) is not Response.OKAY:
            raise FakeFault(self._memory.locate(iova).text)


class FakeEngine:
    kind = "fake"
    deterministic_time = True
    window: Window | None = WINDOW

    def __init__(self, memory: HostMemory, mac: bytes = bytes.fromhex("020000000001")) -> None:
        self.card = FakeCard(MemoryBus(memory), FakeEeprom(eeprom_words(mac)))
        self.now = 0
        self.runs = 0
        self.reports: list[Finding] = []
        self._irq_from = 0
        self._in: deque[tuple[int, bytes, bool]] = deque()
        self._out: list[tuple[int, bytes]] = []

    def read(self, offset: int) -> int:
        self.now += 10
        return self.card.read(0, offset)

    def write(self, offset: int, value: int) -> None:
        self.card.write(0, offset, value)

    def peek(self, offset: int) -> int:
        return self.card.peek(0, offset)

    def _busy(self) -> bool:
        card = self.card
        sending = card._fifo or (card._link and not card.hangs and card._tx_ready())
        return bool(sending or (card._buffer and card._rx_ready()))

    def run(self, until: int, stop: Event = Event.IRQ) -> Event:
        self.runs += 1
        while True:
            event = Event.TIME if self.now >= until else Event.NONE
            event |= Event.IRQ if self.card.irq and self.now >= self._irq_from else Event.NONE
            event |= Event.WIRE if self._out else Event.NONE
            event |= Event.IDLE if not self._busy() and not self._in else Event.NONE
            if event & (stop | Event.TIME):
                return event
            if self._busy():
                self.card.step(1)
                self.now += STEP
                self._out += [(self.now, to_wire(frame)) for frame in self.card.wire]
                self.card.wire.clear()
            else:
                self.now = min(until, max(self.now + 1, self.due()))
            while self._in and self._in[0][0] <= self.now:
                _, frame, error = self._in.popleft()
                self.card.receive(from_wire(frame), "crc" if error or not fcs_good(frame) else "")

    def due(self) -> int:
        if self._busy():
            return self.now
        come = max(self.now, self._in[0][0]) if self._in else NEVER
        return min(come, max(self.now, self._irq_from)) if self.card.irq else come

    def skip(self, until: int) -> None:
        assert until <= self.due()
        self.now = max(self.now, until)

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self._in.append((at, frame, error))

    def wire_out(self) -> list[tuple[int, bytes]]:
        left, self._out = self._out, []
        return left

    def set_pin(self, name: str, value: int) -> None:
        assert name == "link_up"
        self.card.set_carrier(bool(value))

    def get_pin(self, name: str) -> int:
        return int(self.card.carrier)

    def hold_irq(self, until: int) -> None:
        self._irq_from = until

    def set_bus_faults(self, faults: BusFaults) -> None:
        raise ValueError("the fake engine has no memory bus that could have faults")

    def bus_fault_log(self) -> list[BusEvent]:
        return []

    def findings(self) -> list[Finding]:
        found, self.reports = self.reports, []
        return found

    def stats(self) -> EngineStats:
        return EngineStats(self.now)

    def report(self, rule: str, text: str) -> None:
        self.reports.append(Finding(self.now, rule, text))

    def trace(self, path: Path | str | None) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


def fake_host(upper: U, mac: int = 1, name: str = "em0", up: bool = True, **driver: Any) -> Host[U]:
    """A host on a fake engine, station address 02:00:00:00:00:`mac`."""
    memory = HostMemory()
    engine = FakeEngine(memory, bytes([2, 0, 0, 0, 0, mac]))
    host = Host(
        name,
        engine,
        memory,
        EM_PCI,
        lambda device, dma, sink: Em(device, dma, sink, name=name, **driver),
        upper,
    )
    if up:
        host.up()
    return host
