"""Faults of the memory behind a card's DMA master: what may befall a burst, and the twin of `harness/bus_faults.hpp`.

Each burst has a number among those of its access: `fetch` and `writeback` are reads and writes of memory that driver
and device share (rings), `read` and `write` those of everything else (frames). The count begins with the faults.
Whether a burst is hit is drawn from its number or stands in a list; AXI's rules are kept whatever happens:

* `latency`, `jitter`: its answer comes so many clocks later, or up to so many; answers behind it wait, as always
* `reorder`: the same, but answers of other ids may overtake it; those of its own id never (AMBA AXI A5.3)
* `backpressure`: once it was taken, the ready of its channel (AR; or AW and W) is withheld for so many clocks
* `slverr`, `decerr`: a read is answered so from one of its beats on, and those are poison; of a write, which has one
  answer, nothing is written
"""

from __future__ import annotations

from dataclasses import dataclass

from ringbed.sim.faults.draw import draw, mix
from ringbed.sim.memory.regions import READ, WRITE, DeviceMemory, Response
from ringbed.sim.seam.bus_faults import Access, BusEvent, BusFaults, BusFixed, BusKind

__all__ = ["BusEffect", "BusInjector", "access_of", "bad_beat", "jitter"]

ERRORS = {BusKind.SLVERR: Response.SLVERR, BusKind.DECERR: Response.DECERR}


@dataclass(slots=True)
class BusEffect:
    """The sum of what befalls one burst: clocks until its answer and until ready, and the answer from `beat` on."""

    delay: int = 0
    hold: int = 0
    late: bool = False
    resp: Response = Response.OKAY
    beat: int = 0


def jitter(key: int, ordinal: int, access: Access, clocks: int) -> int:
    """1 to `clocks`, as a rule of that key draws it."""
    return _more(_hash(key, ordinal, access)) % clocks + 1


def bad_beat(key: int, ordinal: int, access: Access) -> int:
    """What a rule of that key takes modulo the burst's beats."""
    return _more(_hash(key, ordinal, access))


def _hash(key: int, ordinal: int, access: Access) -> int:
    return draw(key, ordinal * len(Access) + access)


def _more(drawn: int) -> int:
    return mix(drawn) & 0xFFFF_FFFF


def access_of(memory: DeviceMemory | None, iova: int, write: bool) -> Access:
    """What an access at `iova` is for: memory that both sides read and write is a ring."""
    region = memory.region(iova) if memory is not None else None
    if region is not None and region.shadow is not None:
        if region.shadow[iova - region.iova] & (READ | WRITE) == READ | WRITE:
            return Access.WRITEBACK if write else Access.FETCH
    return Access.WRITE if write else Access.READ


class BusInjector:
    """Looks at every burst in turn, and keeps what happened in `log`."""

    def __init__(self, faults: BusFaults) -> None:
        self.log: list[BusEvent] = []
        self._rules = faults.rules
        self._ordinals = dict.fromkeys(Access, 0)
        self._fixed: dict[tuple[Access, int], list[BusFixed]] = {}
        for fixed in faults.sorted_fixed():
            self._fixed.setdefault((fixed.access, fixed.ordinal), []).append(fixed)

    def look(self, access: Access, address: int, beats: int, now: int) -> BusEffect:
        ordinal = self._ordinals[access]
        self._ordinals[access] += 1
        effect = BusEffect()
        for rule in self._rules:
            if access not in rule.accesses or not rule.span[0] <= address <= rule.span[1]:
                continue
            drawn = _hash(rule.key, ordinal, access)
            if drawn >> 32 >= rule.threshold:
                continue
            more = _more(drawn)
            clocks = more % rule.clocks + 1 if rule.kind is BusKind.JITTER else rule.clocks
            self._apply(effect, BusEvent(now, rule.kind, access, ordinal, clocks, more % beats, address))
        for fixed in self._fixed.get((access, ordinal), ()):
            if fixed.span[0] <= address <= fixed.span[1]:
                event = BusEvent(now, fixed.kind, access, ordinal, fixed.clocks, fixed.beat % beats, address)
                self._apply(effect, event)
        return effect

    def _apply(self, effect: BusEffect, e: BusEvent) -> None:
        """Delays add up; of two errors the first counts."""
        if e.kind in ERRORS:
            if effect.resp:
                return
            effect.resp, effect.beat = ERRORS[e.kind], e.beat
            self.log.append(BusEvent(e.clock, e.kind, e.access, e.ordinal, 0, e.beat, e.address))
            return
        if e.kind is BusKind.BACKPRESSURE:
            effect.hold += e.clocks
        else:
            effect.delay += e.clocks
            effect.late |= e.kind is BusKind.REORDER
        self.log.append(BusEvent(e.clock, e.kind, e.access, e.ordinal, e.clocks, 0, e.address))
