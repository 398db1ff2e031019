"""Time for several hosts, links between them, jumps over what is idle, and wall time on a real end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ringbed.drivers.world import TxFrame
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.testbed.pump import HostLink, Pump, WallPump
from ringbed.sim.wire.cable import Cable, Loopback
from ringbed.sim.wire.frame import HostEnd, to_wire
from tests.drivers.bench import frame
from tests.drivers.fake_card import MAC
from tests.sim.fake_engine import FakeEngine, fake_host

SECOND = 1_000_000_000


class Port:
    """A FramePort in memory."""

    def __init__(self) -> None:
        self.ready: list[bytes] = []
        self.written: list[bytes] = []

    def read(self, limit: int = 64) -> list[bytes]:
        taken, self.ready = self.ready[:limit], self.ready[limit:]
        return taken

    def write(self, frames: Sequence[bytes]) -> int:
        self.written += frames
        return len(frames)


def test_frames_cross_a_cable_both_ways_and_take_its_latency() -> None:
    a, b = fake_host(Collector(), 1), fake_host(Collector(), 2)
    pump = Pump([a, b], [Cable(a.engine, b.engine, 2000)])
    pump.run(max(a.now, b.now) + 1000)
    begin = pump.now
    to_b, to_a = frame(60, 1, bytes([2, 0, 0, 0, 0, 2])), frame(60, 2, MAC)
    a.driver.transmit(0, [TxFrame([to_b])])
    b.driver.transmit(0, [TxFrame([to_a])])
    assert pump.run_until(lambda: bool(a.upper.frames and b.upper.frames), begin + SECOND)
    assert begin + 2000 < pump.now < begin + 10_000
    assert ([f.data for f in b.upper.frames], [f.data for f in a.upper.frames]) == ([to_b], [to_a])


def test_at_rest_it_returns_or_jumps() -> None:
    host = fake_host(Collector())
    assert isinstance(host.engine, FakeEngine)
    pump = Pump([host], [Loopback(host.engine)])
    host.driver.transmit(0, [TxFrame([frame(60, seed)]) for seed in range(20)])
    assert pump.run(pump.now + SECOND // 2, at_rest=True)
    assert len(host.upper.frames) == 20
    assert pump.now < SECOND // 10
    runs = host.engine.runs
    assert pump.run(10 * SECOND)
    assert pump.now >= 10 * SECOND
    assert host.engine.runs - runs < 200  # a jump or two for every watchdog


def test_a_card_that_waits_for_a_frame_far_off_costs_little() -> None:
    host = fake_host(Collector())
    assert isinstance(host.engine, FakeEngine)
    loop = Loopback(host.engine)
    pump = Pump([host], [loop])
    host.engine.wire_in(to_wire(frame(60)), host.engine.now + 100_000_000)  # 0.8 s
    runs = host.engine.runs
    assert pump.run_until(lambda: bool(host.upper.frames), SECOND * 2)
    assert host.engine.runs - runs < 1000


class OnTime:
    """A host's end of a wire, which wants every frame before the host is at its time."""

    def __init__(self, host: Host[Collector]) -> None:
        self.host, self.early = host, list[int]()

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self.early.append(at - self.host.engine.now)
        self.host.engine.wire_in(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        return self.host.engine.wire_out()


def test_no_frame_arrives_before_its_host_is_there() -> None:
    """However far time jumps between: one host answers frames that come rarely, the other sends by itself."""
    a, b = fake_host(Collector(), 1), fake_host(Collector(), 2)
    ends = OnTime(a), OnTime(b)
    pump = Pump([a, b], [Cable(*ends)])
    pump.run(max(a.now, b.now) + 10_000)
    for index in range(20):
        a.engine.wire_in(to_wire(frame(60)), a.engine.now + 50_000 * index)  # every 0.4 ms

    def answer() -> bool:
        for one, other in ((a, 2), (b, 1)):
            if one.upper.take():
                one.driver.transmit(0, [TxFrame([frame(60, 1, bytes([2, 0, 0, 0, 0, other]))])])
        return False

    begin, activity = pump.now, pump.activity
    pump.run_until(answer, begin + 10_000_000)
    assert [len(end.early) > 20 for end in ends] == [True, True]
    assert min(ends[0].early + ends[1].early) > 0
    assert pump.activity - activity < 10_000  # ten thousand windows long
    assert pump.now == begin + 10_000_000


def test_run_until_gives_up_at_its_limit() -> None:
    host = fake_host(Collector())
    pump = Pump([host])
    assert not pump.run_until(lambda: False, 3 * SECOND)
    assert pump.now >= 3 * SECOND


def test_work_that_done_puts_in_is_not_jumped_over() -> None:
    a, b = fake_host(Collector(), 1), fake_host(Collector(), 2)
    pump = Pump([a, b], [Cable(a.engine, b.engine)])
    pump.run(max(a.now, b.now) + 10_000)
    asked_at: list[int] = []

    def done() -> bool:
        asked_at.append(pump.now)
        if len(asked_at) == 2:  # everything was at rest a moment ago
            a.driver.transmit(0, [TxFrame([frame(60, 1, bytes([2, 0, 0, 0, 0, 2]))])])
        return bool(b.upper.frames)

    assert pump.run_until(done, pump.now + 3 * SECOND)
    assert asked_at[-1] - asked_at[1] < 20_000


def test_a_real_end_is_stamped_with_the_card_s_clock() -> None:
    host, port = fake_host(Collector()), Port()
    taken: list[int] = []

    class Wire:
        def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
            taken.append(at)

        def wire_out(self) -> list[tuple[int, bytes]]:
            return []

    port.ready.append(frame(60))
    assert HostLink(host, HostEnd(port), Wire()).move() == 1
    assert taken == [host.engine.now + host.frequency.clocks(2000)]


def test_a_pump_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 hosts in windows of 1000 ns"):
        Pump([])


# ---- a real host at the other end ----


class Wall:
    """A fake wall clock: a look costs 1 us, a wait what it is asked, or less when `port` has frames."""

    def __init__(self, port: Port, plan: dict[int, bytes] | None = None) -> None:
        self.now = 5 * SECOND
        self.begin = self.now
        self.waits = 0
        self._port = port
        self._plan = dict(plan or {})

    def clock(self) -> int:
        self.now += 1000
        for at in [at for at in self._plan if self.begin + at <= self.now]:
            self._port.ready.append(self._plan.pop(at))
        return self.now

    def wait(self, seconds: float) -> None:
        assert not self._port.ready, "waits though there is something to do"
        self.waits += 1
        end = self.now + int(seconds * SECOND)
        due = min((self.begin + at for at in self._plan), default=end)
        self.now = max(self.now, min(end, due))


def test_idle_time_follows_wall_time() -> None:
    host, port = fake_host(Collector()), Port()
    pump = Pump([host], [HostLink(host, HostEnd(port))])
    wall = Wall(port)
    begin = pump.now
    assert not WallPump(pump, wall.clock, wall.wait).run_until(lambda: False, 3 * SECOND)
    passed, real = pump.now - begin, wall.now - wall.begin
    assert real == pytest.approx(3 * SECOND, rel=0.01)
    assert passed == pytest.approx(real, rel=0.02)


def test_frames_both_ways_with_a_real_end() -> None:
    host, port = fake_host(Collector()), Port()
    end = HostEnd(port)
    pump = Pump([host], [HostLink(host, end)])
    frames = {at * 1_000_000: frame(60 + at, at) for at in range(1, 30)}
    wall = Wall(port, frames)
    host.driver.transmit(0, [TxFrame([frame(100)])])
    assert WallPump(pump, wall.clock, wall.wait).run_until(lambda: len(host.upper.frames) == 29, SECOND)
    assert [item.data for item in host.upper.frames] == list(frames.values())
    assert port.written == [frame(100)]
    assert wall.waits >= 29
    assert end.counters["refused"] == 0


def test_busy_time_lags_and_nobody_waits_meanwhile() -> None:
    host, port = fake_host(Collector()), Port()
    pump = Pump([host], [Loopback(host.engine)])
    wall = Wall(port)
    begin = pump.now
    sent = 0

    def feed() -> bool:
        nonlocal sent
        sent += host.driver.transmit(0, [TxFrame([frame(60, seed)]) for seed in range(64)])
        return len(host.upper.frames) > 2000

    assert WallPump(pump, wall.clock, wall.wait).run_until(feed, SECOND)
    assert wall.waits == 0
    assert pump.now - begin < 3_000_000
