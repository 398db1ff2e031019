"""Simulated time for several hosts and the links between them, and how it follows wall time on a TAP device.

Hosts run one after the other in windows shorter than a link's latency, so that no frame can arrive before its host is
there; between windows links carry what left. When everything is at rest, time jumps to whatever is due next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ringbed.sim.cable import LATENCY_NS, Cable
from ringbed.sim.clock import Frequency
from ringbed.sim.engine import Event
from ringbed.sim.host import Host
from ringbed.sim.wire import HostEnd, WireEnd

__all__ = ["HostLink", "Link", "Pump", "WallPump"]

WINDOW_NS = LATENCY_NS // 2  # a driver's register reads may carry a host a little past the end of its window
LONGEST_NS = 10_000_000  # a window while a single card waits for what it knows will come


class Link(Protocol):
    """What carries frames: a Cable, a Loopback, a HostLink."""

    def move(self) -> int:
        """Carry one batch each way; how many frames that was."""
        ...


class HostLink:
    """A card's wire to a port of the real host (a TAP device): polled at every move, stamped with the card's clock.

    `wire` is the card's end, the engine itself or a link around it such as a TappedEnd.
    """

    def __init__(self, host: Host[Any], end: HostEnd, wire: WireEnd | None = None) -> None:
        self.end = end
        self._engine = host.engine
        self._cable = Cable(wire or host.engine, end, LATENCY_NS, host.frequency, Frequency(host.frequency.hz))

    def move(self) -> int:
        self.end.now = self._engine.now
        moved = self._cable.move()
        self.end.flush()
        return moved


class Pump:
    """Hosts and links as one simulation. `now` is in ns, the time of the host that is furthest behind."""

    def __init__(self, hosts: Sequence[Host[Any]], links: Sequence[Link] = (), window_ns: int = WINDOW_NS) -> None:
        if not hosts or window_ns < 1:
            raise ValueError(f"{len(hosts)} hosts in windows of {window_ns} ns do not make a simulation")
        self.hosts = tuple(hosts)
        self.links = list(links)
        self.activity = 0  # windows in which something happened
        self._window = window_ns

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
        window = self._window
        while True:
            resting, window = self._step(until, window)
            if self.now >= until or (resting and at_rest):
                return resting

    def run_until(self, done: Callable[[], bool], limit: int) -> bool:
        """Run until `done()`, asked after every window, or until `limit` ns; whether it was done."""
        window = self._window
        while not done():
            if self.now >= limit:
                return False
            resting, window = self._step(limit, window)
            if resting:  # jump now: `done` may put in new work
                self._step(limit, window)
                window = self._window
        return True

    def _step(self, until: int, window: int) -> tuple[bool, int]:
        """One window, which ends at `until` at the latest: is everything at rest, and how long may the next one be?"""
        stop = Event.WIRE if self.links and window > self._window else Event.NONE
        end = min(until, self.now + window)
        events = [host.advance(end, stop) for host in self.hosts]
        moved = sum(link.move() for link in self.links)
        resting = not moved and all(event == Event.IDLE for event in events)
        waiting = not moved and not any(events)
        self.activity += not resting
        return resting, self._next_window(resting, waiting, window)

    def _next_window(self, resting: bool, waiting: bool, window: int) -> int:
        """At rest: to what is due next. A single card that waits: longer and longer, cut short by a frame leaving."""
        if resting:
            return max(self._window, self.deadline() - self.now)
        if waiting and len(self.hosts) == 1:
            return min(2 * window, LONGEST_NS)
        return self._window


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
