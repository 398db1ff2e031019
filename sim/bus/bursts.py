"""The AXI4 slave before host memory, but for its signals: requests, data and answers in the order that a seed gives.

The twin of `harness/axi_memory.hpp` less its clocks: `sim/pysim/dma.py` samples a card's ports at each, and
`sim/cocotb/memory.py` is told by cocotbext-axi's channels.
"""

from __future__ import annotations

from ringbed.sim.bus.ports import Pattern, Ports
from ringbed.sim.faults.bus import BusEffect, BusInjector, access_of
from ringbed.sim.memory.regions import POISON, DeviceMemory, Response
from ringbed.sim.memory.strays import Going, worded
from ringbed.sim.seam.axi_checker import Command, Findings, check_request, check_strobes
from ringbed.sim.seam.engine import Finding

__all__ = ["DEPTH", "Bursts", "Queued", "pick"]

DEPTH = 64  # requests outstanding, per direction


class Queued:
    """A request that waits for its answer, with its data when it is a write."""

    __slots__ = ("command", "effect", "ready_at", "resp", "words")

    def __init__(self, command: Command, ready_at: int, words: list[tuple[int, int]], effect: BusEffect) -> None:
        self.command, self.ready_at, self.words, self.effect = command, ready_at + effect.delay, words, effect
        self.resp = effect.resp  # of a write


def pick(queue: list[Queued], now: int, pattern: Pattern) -> int:
    """Which entry answers next; -1 when none may. In order, or by pattern among the first of each id."""
    if not queue or pattern.level == 0:
        return _in_order(queue, now)
    able, seen = [], set()
    for index, entry in enumerate(queue):
        if entry.ready_at <= now and entry.command.id not in seen:
            able.append(index)
        seen.add(entry.command.id)
    return able[(pattern.draw() >> 16) % len(able)] if able else -1


def _in_order(queue: list[Queued], now: int) -> int:
    """The first, or when it is late the first ready behind late ones and those of their ids; -1 for none."""
    seen = set()
    for index, entry in enumerate(queue):
        first = entry.command.id not in seen
        if first and entry.ready_at <= now:
            return index
        if first and not entry.effect.late:
            return -1
        seen.add(entry.command.id)
    return -1


class Bursts:
    """What is under way. `fault` is set by a stray access, with its findings' addresses worded at once."""

    def __init__(
        self, prefix: str, bus: int, memory: DeviceMemory | None, latencies: tuple[int, int], seed: int, level: int
    ) -> None:
        self.p, self.bus, self.memory = prefix, bus, memory
        self.read_latency, self.write_latency = latencies
        holds = [Pattern(seed, channel, level) for channel in range(7)]
        self.ar_hold, self.aw_hold, self.w_hold, self.r_hold, self.b_hold, self.r_pick, self.b_pick = holds
        self.reads: list[Queued] = []
        self.awaiting: list[Command] = []
        self.resps: list[Queued] = []
        self.done: list[list[tuple[int, int]]] = []  # bursts of data whose AW has not come
        self.filling: list[tuple[int, int]] | None = None
        self.slots = 0  # write bursts held anywhere
        self.read_beats = self.write_beats = 0  # of data, taken by the other side
        self.injected: BusInjector | None = None
        self.ar_open = self.w_open = 0  # clocks until which a fault withholds the readies
        self.reffect = BusEffect()
        self.rcmd: Command | None = None
        self.rbeat, self.rdata, self.rresp = 0, 0, Response.OKAY
        self.bcmd: Queued | None = None
        self.faults, self.fault, self.going = 0, False, Going()

    def quiet(self, c: Ports) -> bool:
        p = self.p
        waiting = self.reads or self.awaiting or self.resps or self.done or self.filling or self.rcmd or self.bcmd
        return not (waiting or c.bit(p + "awvalid") or c.bit(p + "arvalid") or c.bit(p + "wvalid"))

    def take_read(self, n: Command, f: Findings) -> None:
        """An AR, at clock `f.now`; readies stay away as long as the longest of the faults so far wants."""
        if f.check:
            check_request("AR", n, self.bus, f)
        effect = self._effect(n, False, f.now)
        self.ar_open = max(self.ar_open, f.now + 1 + effect.hold)
        self.reads.append(Queued(n, f.now + self.read_latency, [], effect))

    def take_write(self, n: Command, f: Findings) -> None:
        """An AW; its faults are those of request and data together."""
        if f.check:
            check_request("AW", n, self.bus, f)
        self.awaiting.append(n)

    def _effect(self, n: Command, write: bool, now: int) -> BusEffect:
        """What befalls a burst that was taken at clock `now`."""
        if self.injected is None:
            return BusEffect()
        beats = 1 if write else n.len + 1  # a write is answered once: an error is that of all its beats
        return self.injected.look(access_of(self.memory, n.addr, write), n.addr, beats, now)

    def take_word(self, word: tuple[int, int], last: bool, f: Findings) -> None:
        if self.filling is None:
            self.filling = []
            self.slots += 1
        self.filling.append(word)
        beats = len(self.filling)
        overdue = not self.done and bool(self.awaiting) and beats == self.awaiting[0].len + 1
        if last or overdue or beats == 256:
            if f.check and not last:
                f.add("axi.wlast", f"no WLAST with beat {beats}, the last of its burst")
            self.done.append(self.filling)
            self.filling = None

    def match(self, f: Findings) -> None:
        n, words = self.awaiting.pop(0), self.done.pop(0)
        if f.check and len(words) < n.len + 1:
            f.add("axi.wlast", f"WLAST with beat {len(words)} of a burst of {n.len + 1} beats")
        if f.check and len(words) > n.len + 1:
            f.add("axi.wlast", f"{len(words)} beats of data for a burst of {n.len + 1}")
        if f.check:
            check_strobes(n, [strobe for _data, strobe in words], self.bus, f)
        effect = self._effect(n, True, f.now)
        self.w_open = max(self.w_open, f.now + 1 + effect.hold)
        self.resps.append(Queued(n, f.now + self.write_latency, words, effect))

    def look_up(self, command: Command, f: Findings) -> None:
        """`rdata` and `rresp` of beat `rbeat`."""
        addr = command.beat(self.rbeat)
        low = addr & (self.bus - 1)
        data, self.rresp = self._read(addr, self.bus - low)
        self.rdata = int.from_bytes(bytes([POISON]) * low + data, "little")
        if self.rresp:
            self._stray("dma.read", "reads", addr, addr + len(data), self.rresp, f)
        elif self.reffect.resp and self.rbeat >= self.reffect.beat:
            self.rdata, self.rresp = int.from_bytes(bytes([POISON]) * self.bus, "little"), self.reffect.resp

    def _read(self, addr: int, length: int) -> tuple[bytes, Response]:
        if self.memory is None:
            return bytes([POISON]) * length, Response.DECERR
        return self.memory.device_read(addr, length)

    def commit(self, entry: Queued, f: Findings) -> None:
        for index, (word, strobe) in enumerate([] if entry.effect.resp else entry.words):
            addr = entry.command.beat(index) & -self.bus
            resp = Response.DECERR if strobe else Response.OKAY
            if self.memory is not None:
                resp = self.memory.device_write(addr, word.to_bytes(self.bus, "little"), strobe)
            if resp:
                first, end = addr + (strobe & -strobe).bit_length() - 1, addr + strobe.bit_length()
                self._stray("dma.write", "writes", first, end, resp, f)
                entry.resp = resp

    def _stray(self, rule: str, verb: str, addr: int, end: int, resp: Response, f: Findings) -> None:
        self.faults += 1
        self.fault = True
        start = self.going.began(rule, resp.name, addr, end)
        text = f"the device {verb} {start:#x} and is answered {resp.name}"
        f.keep(worded(self.memory, Finding(f.now, rule, text), start, end))
