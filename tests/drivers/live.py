"""The driver on a card that runs: our RTL or QEMU's model, the same calls for both; what the live tests share.

Nothing here or in the tests looks at the card but through driver and wire, so that a test cannot tell which it has.
QEMU's time is wall time: a test waits for what is to come (`until`), and never for a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ringbed.drivers.em.driver import Em
from ringbed.drivers.world import RxFrame, TxFrame
from ringbed.hw.formats import em
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.wire.frame import fcs_good, from_wire, to_wire

__all__ = ["ENGINES", "MAC", "Live", "Opener"]

ENGINES = ("native", "qemu")
MAC = bytes.fromhex("020000000001")
LIMIT_NS = {"native": 2_000_000_000, "qemu": 60_000_000_000}
STEP_NS = 1_000_000


class Live:
    """One card with its driver up and the link too, unless `up` is False. Options are the driver's.

    `link_bps` paces the wire; QEMU's has no pace.
    """

    def __init__(
        self, engine: str, *, up: bool = True, mac: bytes = MAC, link_bps: int | None = None, **options: Any
    ) -> None:  # fmt: skip
        settings: dict[str, Any] = {"leap": True} if engine == "qemu" else {"link_bps": link_bps}
        self.engine = engine
        self.host: Host[Collector] = open_host(
            "em0", Collector(), engine=engine, mac=mac, driver_options=options, **settings,
        )  # fmt: skip
        assert isinstance(self.host.driver, Em)
        self.driver = self.host.driver
        self.frames: list[RxFrame] = []
        self._sent: list[bytes] = []
        if up:
            self.up()

    def up(self) -> None:
        self.host.up()
        self.until(lambda: self.host.upper.link_up)

    def close(self) -> None:
        """The driver goes down without a leak, and no checker saw anything."""
        self.host.down()
        assert self.host.engine.findings() == []
        self.host.engine.close()

    # ---- time ----

    def step(self) -> None:
        """A little time; what came and left is kept."""
        self.host.advance(self.host.now + STEP_NS)
        self.frames += self.host.upper.take()
        for _, wire in self.host.engine.wire_out():
            assert fcs_good(wire)
            self._sent.append(from_wire(wire))

    def until(self, done: Callable[[], bool]) -> None:
        end = self.host.now + LIMIT_NS[self.engine]
        while not done():
            assert self.host.now < end, f"waited too long: {self.counters}"
            self.step()

    # ---- frames ----

    def send(self, *frames: bytes | TxFrame) -> int:
        return self.driver.transmit(0, [TxFrame([item]) if isinstance(item, bytes) else item for item in frames])

    def send_all(self, frames: Sequence[bytes | TxFrame]) -> None:
        """All of them, waiting where the ring is full, until all have left."""
        waiting, before, taken = list(frames), len(self._sent), 0
        while waiting:
            count = self.send(*waiting)
            waiting, taken = waiting[count:], taken + count
            if waiting:
                self.step()
        self.until(lambda: len(self._sent) >= before + taken)

    def sent(self) -> list[bytes]:
        """Bare frames that left since the last call, with their pad."""
        out, self._sent = self._sent, []
        return out

    def arrive_later(self, frame: bytes) -> None:
        """Put a bare frame on the wire; nobody waits."""
        self.host.engine.wire_in(to_wire(frame), self.host.engine.now)

    def until_received(self, count: int) -> None:
        self.until(lambda: len(self.frames) >= count)

    def arrive(self, frames: Sequence[bytes], batch: int = 32) -> list[bytes]:
        """Give the card bare frames, so many at once, each batch received before the next; what was handed on."""
        taken: list[RxFrame] = []
        for at in range(0, len(frames), batch):
            some = frames[at : at + batch]
            for frame in some:
                self.arrive_later(frame)
            self.until_received(len(some))
            taken += self.take()
        return [frame.data for frame in taken]

    def take(self) -> list[RxFrame]:
        """What was handed on since the last call."""
        taken, self.frames = self.frames, []
        return taken

    # ---- looking, and being unkind ----

    def mask(self) -> None:
        """Interrupts never reach the host from now on."""
        self.host.device.write(0, em.REGISTERS["IMC"].offset, (1 << em.REGISTERS["IMC"].bits) - 1)

    def cause(self, name: str) -> bool:
        return bool(self.host.device.peek(0, em.REGISTERS["ICR"].offset) & em.REGISTERS["ICR"].mask(name))

    @property
    def counters(self) -> dict[str, int]:
        return {name: count for name, count in self.driver.counters().items() if count}


Opener = Callable[..., Live]  # what the fixture `live` gives: options of the driver in, a card out
