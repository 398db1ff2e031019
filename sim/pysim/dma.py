"""Memory behind a card's DMA master, in Python: the twin of `harness/axi_memory.hpp`."""

from __future__ import annotations

from ringbed.sim.bus.bursts import DEPTH, Bursts, pick
from ringbed.sim.bus.ports import Ports
from ringbed.sim.memory.regions import DeviceMemory
from ringbed.sim.seam.axi_checker import Command, Findings, Held, counted

__all__ = ["AxiMemory"]


class AxiMemory(Bursts):
    """The AXI4 slave, clock by clock."""

    def __init__(
        self, prefix: str, bus: int, memory: DeviceMemory | None, latencies: tuple[int, int], seed: int, level: int
    ) -> None:
        super().__init__(prefix, bus, memory, latencies, seed, level)
        self.arready = self.awready = self.wready = self.dirty = True
        self.rvalid = False
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

    def _sample_w(self, c: Ports, f: Findings) -> None:
        valid, held, p = c.bit(self.p + "wvalid"), self.held["W"], self.p
        if valid or held.stalled:
            word = (c.get(p + "wdata"), c.get(p + "wstrb"))
            last = c.bit(p + "wlast")
            held.look(valid, self.wready, (counted(*word), word[1], last), f)
            if valid and self.wready:
                self.write_beats += 1
                self.take_word(word, last, f)
        while self.done and self.awaiting:
            self.match(f)
        is_open = f.now + 1 >= self.w_open
        self.awready = len(self.awaiting) + len(self.resps) + 1 < DEPTH and is_open and not self.aw_hold.hold()
        self.wready = (self.filling is not None or self.slots < DEPTH) and is_open and not self.w_hold.hold()

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
        self.look_up(self.rcmd, f)

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
        self.commit(self.bcmd, f)
