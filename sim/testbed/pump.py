"""Simulated time for several hosts and the links between them, and how it follows wall time on a TAP device.

Hosts run in windows shorter than a link's latency, so that no frame can arrive before its host is there; between
windows links carry what left. A window begins when the next thing is due, and a host with nothing due in it is left
where it is: an idle host costs a look. Within a window hosts know nothing of each other, so it makes no difference
whether they run one after the other or in threads: the trace is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import NEVER
from ringbed.sim.testbed.crew import Crew
from ringbed.sim.testbed.host import Host
from ringbed.sim.wire.cable import LATENCY_NS, Cable
from ringbed.sim.wire.frame import HostEnd, WireEnd

__all__ = ["HostLink", "Link", "Pump", "TimedLink", "WallPump"]

WINDOW_NS = LATENCY_NS // 2  # a driver's register reads may carry a host a little past the end of its window


class Link(Protocol):
    """What carries frames: a Cable, a Loopback, a HostLink, a SwitchLink."""

    def move(self) -> int:
        """Carry one batch each way; how many frames that was."""
        ...


@runtime_checkable
class TimedLink(Protocol):
    """A Link that keeps frames for a while, such as a switch, and must know the time."""

    def move(self) -> int: ...

    def advance(self, now: int) -> None:
        """Said before every `move`: every host has come to `now` ns, what leaves one from here on leaves later."""
        ...

    def due(self) -> int:
        """When it wants to be moved next at the latest, ns; `NEVER` when it keeps nothing."""
        ...


class HostLink:
    """A card's wire to a port of the real host (a TAP device): polled at every move, stamped with the card's clock.

    `wire` is the card's end, the engine itself or a link around it such as a TappedEnd.
    """

    def __init__(self, host: Host[Any], end: HostEnd, wire: WireEnd | None = None) -> None:
        self.end = end
        self._host = host
        self._cable = Cable(wire or host.engine, end, LATENCY_NS, host.frequency, Frequency(host.frequency.hz))

    def advance(self, now: int) -> None:
        """What the port has now goes out at `now` ns, also to a card that was left behind."""
        self.end.now = max(self.end.now, self._host.frequency.clocks(now))

    def due(self) -> int:
        return NEVER

    def move(self) -> int:
        self.end.now = max(self.end.now, self._host.engine.now)
        moved = self._cable.move()
        self.end.flush()
        return moved


class Pump:
    """Hosts and links as one simulation. `now` is in ns, the time of the host that is furthest behind.

    `window_ns` is shorter than the latency of every link, with room for a driver's register reads at a window's end.
    `threads` beyond 1 share the hosts of a window; call `close`, or use it as a context manager, to end them.
    """

    def __init__(
        self, hosts: Sequence[Host[Any]], links: Sequence[Link] = (), window_ns: int = WINDOW_NS, threads: int = 1
    ) -> None:  # fmt: skip
        if not hosts or window_ns < 1:
            raise ValueError(f"{len(hosts)} hosts in windows of {window_ns} ns do not make a simulation")
        self.hosts = tuple(hosts)
        self.links = list(links)
        self.activity = 0  # windows in which something happened
        self._window = window_ns
        self._crew = Crew(threads)

    @property
    def now(self) -> int:
        return min(host.now for host in self.hosts)

    def deadline(self) -> int:
        """When something is due by itself, ns."""
        return min(host.deadline() for host in self.hosts)

    def run(self, until: int, at_rest: bool = False) -> bool:
        """Run to `until` ns, at least one window; with `at_rest`, return as soon as nothing is in flight anywhere.

        True when everything is at rest.
        """
        now, timed = self.now, self._timed()
        while True:
            now, resting = self._step(now, until, timed, at_rest)
            if now >= until or (resting and at_rest):
                self._catch_up(now)
                return resting

    def run_until(self, done: Callable[[], bool], limit: int) -> bool:
        """Run until `done()`, asked after every window in which something could happen, or until `limit` ns.

        Whether it was done. `done` may put in new work.
        """
        now, timed = self.now, self._timed()
        while not done():
            if now >= limit:
                return False
            now, _ = self._step(now, limit, timed)
            self._catch_up(now)
        return True

    def close(self) -> None:
        """End the threads; the hosts are their opener's to close."""
        self._crew.close()

    def __enter__(self) -> Pump:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _timed(self) -> list[TimedLink]:
        return [link for link in self.links if isinstance(link, TimedLink)]

    def _step(self, now: int, until: int, timed: Sequence[TimedLink], at_rest: bool = False) -> tuple[int, bool]:
        """One window, from when the next thing is due: the time it ended at, and whether everything is at rest.

        Hosts with nothing due in it are left where they are. At rest, with `at_rest`, nothing is jumped over.
        """
        dues = [host.due() for host in self.hosts]
        begin = max(now, min(dues + [link.due() for link in timed]))
        if at_rest and begin > now and self._at_rest(timed):
            begin = now
        end = min(until, begin + self._window)
        self._crew.advance([host for host, due in zip(self.hosts, dues, strict=True) if due < end], end)
        for link in timed:
            link.advance(end)
        moved = sum(link.move() for link in self.links)
        resting = not moved and self._at_rest(timed)
        self.activity += not resting
        return end, resting

    def _at_rest(self, timed: Sequence[TimedLink]) -> bool:
        return all(host.at_rest for host in self.hosts) and all(link.due() == NEVER for link in timed)

    def _catch_up(self, now: int) -> None:
        """Whoever looks at a host, or puts something in, finds it at `now`: nothing happens in those that were left."""
        for host in self.hosts:
            host.skip(now)


class WallPump:
    """A Pump with somebody real at the other end: simulated time that is idle follows wall time; busy, it lags.

    `clock` gives wall time in ns. `wait(seconds)` returns early when the other end has frames; it is not called while
    there is something to simulate.
    """

    SLICE_NS = 50_000  # simulated, between two looks at `done`
    NAP_NS = 20_000_000  # the longest wait, so that `done` is asked now and then

    def __init__(self, pump: Pump, clock: Callable[[], int], wait: Callable[[float], None]) -> None:
        self._pump = pump
        self._clock = clock
        self._wait = wait

    def run_until(self, done: Callable[[], bool], limit_ns: int) -> bool:
        """Run until `done()` or for `limit_ns` of wall time; whether it was done."""
        pump, begin = self._pump, self._clock()
        while not done():
            if self._clock() - begin >= limit_ns:
                return False
            before = pump.activity
            if pump.run(pump.now + self.SLICE_NS, at_rest=True) and pump.activity == before:
                self._idle()
        return True

    def _idle(self) -> None:
        """Nothing to do before the next deadline or frame: let as much simulated time pass as wall time."""
        pump, before = self._pump, self._clock()
        self._wait(min(self.NAP_NS, max(0, pump.deadline() - pump.now)) / 1e9)
        pump.run(pump.now + self._clock() - before, at_rest=False)
