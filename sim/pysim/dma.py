"""Memory behind a card's DMA master, in Python: the twin of `harness/axi_memory.hpp`."""

from __future__ import annotations

from ringbed.sim.faults.bus import BusEffect, BusInjector, access_of
from ringbed.sim.memory.regions import POISON, DeviceMemory, Response
from ringbed.sim.memory.strays import Going, worded
from ringbed.sim.pysim.bus import Pattern, Ports
from ringbed.sim.seam.axi_checker import Command, Findings, Held, check_request, check_strobes, counted
from ringbed.sim.seam.engine import Finding

__all__ = ["AxiMemory", "Queued", "pick"]

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


class AxiMemory:
    """The AXI4 slave. `fault` is set by a stray access, with its findings' addresses worded at once."""

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
        self.arready = self.awready = self.wready = self.dirty = True
        self.read_beats = self.write_beats = 0  # of data, taken by the other side
        self.injected: BusInjector | None = None
        self.ar_open = self.w_open = 0  # clocks until which a fault withholds the readies
        self.reffect = BusEffect()
        self.rcmd: Command | None = None
        self.rbeat, self.rdata, self.rresp, self.rvalid = 0, 0, Response.OKAY, False
        self.bcmd: Queued | None = None
        self.faults, self.fault, self.going = 0, False, Going()
        self.held = {
            ch: Held("axi", f"{ch}VALID fell before {ch}READY", f"{ch} changed while {ch}VALID waited for {ch}READY")
            for ch in ("AR", "AW", "W")
        }

    def drive(self, c: Ports) -> None:
        if not self.dirty:
            return
        self.dirty, p = False, self.p
        c.put(p + "arready", self.arready)
        c.put(p + "awready", self.awready)
        c.put(p + "wready", self.wready)
        c.put(p + "rvalid", self.rvalid)
        c.put(p + "bvalid", self.bcmd is not None)
        if self.rvalid and self.rcmd is not None:
            c.put(p + "rid", self.rcmd.id)
            c.put(p + "rdata", self.rdata)
            c.put(p + "rresp", self.rresp)
            c.put(p + "rlast", self.rbeat == self.rcmd.len)
        if self.bcmd is not None:
            c.put(p + "bid", self.bcmd.command.id)
            c.put(p + "bresp", self.bcmd.resp)

    def quiet(self, c: Ports) -> bool:
        p = self.p
        waiting = self.reads or self.awaiting or self.resps or self.done or self.filling or self.rcmd or self.bcmd
        return not (waiting or c.bit(p + "awvalid") or c.bit(p + "arvalid") or c.bit(p + "wvalid"))

    def sample(self, c: Ports, f: Findings) -> None:
        if self.quiet(c) and self.ar_hold.level == 0:
            if any(held.stalled for held in self.held.values()):
                for held in self.held.values():
                    held.look(False, True, None, f)
            return
        self.dirty = True
        self._sample_request(c, "ar", self.arready, f)
        self._sample_request(c, "aw", self.awready, f)
        self._sample_w(c, f)
        self._sample_r(c, f)
        self._sample_b(c, f)
        self.arready = len(self.reads) != DEPTH and f.now + 1 >= self.ar_open and not self.ar_hold.hold()

    def _sample_request(self, c: Ports, channel: str, ready: bool, f: Findings) -> None:
        valid, name, p = c.bit(self.p + channel + "valid"), channel.upper(), self.p + channel
        held = self.held[name]
        if not valid and not held.stalled:
            return
        n = None
        if valid:
            n = Command(c.get(p + "addr"), c.get(p + "id"), c.get(p + "len"), c.get(p + "size"), c.get(p + "burst"))
        held.look(valid, ready, n, f)
        if n is None or not ready:
            return
        if channel == "ar":
            self.take_read(n, f)
        else:
            self.take_write(n, f)

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

    def _sample_w(self, c: Ports, f: Findings) -> None:
        valid, held, p = c.bit(self.p + "wvalid"), self.held["W"], self.p
        if valid or held.stalled:
            word = (c.get(p + "wdata"), c.get(p + "wstrb"))
            last = c.bit(p + "wlast")
            held.look(valid, self.wready, (counted(*word), word[1], last), f)
            if valid and self.wready:
                self.write_beats += 1
                self._take_word(word, last, f)
        while self.done and self.awaiting:
            self._match(f)
        is_open = f.now + 1 >= self.w_open
        self.awready = len(self.awaiting) + len(self.resps) + 1 < DEPTH and is_open and not self.aw_hold.hold()
        self.wready = (self.filling is not None or self.slots < DEPTH) and is_open and not self.w_hold.hold()

    def _take_word(self, word: tuple[int, int], last: bool, f: Findings) -> None:
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

    def _match(self, f: Findings) -> None:
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

    def _sample_r(self, c: Ports, f: Findings) -> None:
        if self.rvalid and self.rcmd is not None and c.bit(self.p + "rready"):
            self.rvalid = False
            self.read_beats += 1
            self.rbeat += 1
            if self.rbeat == self.rcmd.len + 1:
                self.rcmd = None
        if self.rvalid:
            return
        if self.rcmd is None:
            index = pick(self.reads, f.now + 1, self.r_pick)
            if index < 0:
                return
            entry = self.reads.pop(index)
            self.rcmd, self.reffect, self.rbeat = entry.command, entry.effect, 0
        if self.r_hold.hold():
            return
        self.rvalid = True
        self._look_up(self.rcmd, f)

    def _look_up(self, command: Command, f: Findings) -> None:
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

    def _sample_b(self, c: Ports, f: Findings) -> None:
        if self.bcmd is not None and c.bit(self.p + "bready"):
            self.bcmd = None
            self.slots -= 1
        if self.bcmd is not None:
            return
        index = pick(self.resps, f.now + 1, self.b_pick)
        if index < 0 or self.b_hold.hold():
            return
        self.bcmd = self.resps.pop(index)
        self._commit(self.bcmd, f)

    def _commit(self, entry: Queued, f: Findings) -> None:
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
