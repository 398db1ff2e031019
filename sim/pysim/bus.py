"""The AXI4-Lite master before a card's registers, in Python.

It, `dma.py` and `wire.py` are the twins of `harness/*.hpp`, step for step and draw for draw, so that a card's trace is
the same on both engines. `drive` puts what this clock shows on the ports, `sample` runs before the
clock edge with all ports settled and prepares the next clock. Read the C++ for the reasons.
"""

from __future__ import annotations

from collections import deque

from ringbed.sim.bus.ports import Pattern, Ports
from ringbed.sim.seam.axi_checker import Findings, Held
from ringbed.sim.seam.words import seen

__all__ = ["AxiLite"]


class AxiLite:
    """The AXI4-Lite master: one access on the bus at a time, in order. `answer` is the last read's, None before it."""

    def __init__(self, prefix: str, seed: int, level: int) -> None:
        self.p, self.answer = prefix, None
        self.aw_hold, self.w_hold, self.ar_hold, self.b_hold, self.r_hold = (
            Pattern(seed, channel, level) for channel in range(8, 13)
        )
        self.queue: deque[tuple[int, int | None]] = deque()  # (offset, value); None: a read
        self.op: tuple[int, int | None] | None = None
        self.show = {"aw": False, "w": False, "ar": False}
        self.wait = {"aw": False, "w": False, "ar": False}
        self.bready = self.rready = self.dirty = True
        self.b = Held("axil", "BVALID fell before BREADY", "BRESP changed while BVALID waited for BREADY")
        self.r = Held("axil", "RVALID fell before RREADY", "RDATA or RRESP changed while RVALID waited for RREADY")

    answer: int | None

    def take_answer(self) -> int | None:
        answer, self.answer = self.answer, None
        return answer

    def quiet(self) -> bool:
        return self.op is None and not self.queue

    def under_way(self) -> int:
        """The access on the bus, by `words.seen`."""
        offset, value = self.op or (0, None)
        return seen(offset, value is not None, not any(self.show.values()) and not any(self.wait.values()))

    def drive(self, c: Ports) -> None:
        if self.op is None and self.queue:
            self._start()
        if not self.dirty:
            return
        self.dirty, p = False, self.p
        for channel, shown in self.show.items():
            c.put(f"{p}{channel}valid", shown)
        c.put(p + "bready", self.bready)
        c.put(p + "rready", self.rready)
        if self.op is not None:
            offset, value = self.op
            if self.show["aw"] or self.show["w"]:
                c.put(p + "awaddr", offset)
                c.put(p + "wdata", value or 0)
                c.put(p + "wstrb", 15)
            if self.show["ar"]:
                c.put(p + "araddr", offset)

    def _start(self) -> None:
        self.op, self.dirty = self.queue.popleft(), True
        writing = self.op[1] is not None
        for channel, hold, wanted in (
            ("aw", self.aw_hold, writing),
            ("w", self.w_hold, writing),
            ("ar", self.ar_hold, not writing),
        ):
            self.wait[channel] = wanted and hold.hold()
            self.show[channel] = wanted and not self.wait[channel]

    def sample(self, c: Ports, f: Findings) -> None:
        bvalid, rvalid = c.bit(self.p + "bvalid"), c.bit(self.p + "rvalid")
        busy = self.op is not None or bvalid or rvalid or self.b.stalled or self.r.stalled
        if not busy and self.b_hold.level == 0:
            return
        self.dirty = True
        if f.check:
            self._check(c, f, bvalid, rvalid)
        for channel, hold in (("aw", self.aw_hold), ("w", self.w_hold), ("ar", self.ar_hold)):
            if self.show[channel] and c.bit(f"{self.p}{channel}ready"):
                self.show[channel] = False
            elif self.wait[channel] and not hold.hold():
                self.wait[channel], self.show[channel] = False, True
        if self.op is not None and self.op[1] is not None and bvalid and self.bready:
            self._finish(c.get(self.p + "bresp"), "write", f)
        elif self.op is not None and self.op[1] is None and rvalid and self.rready:
            self.answer = c.get(self.p + "rdata")
            self._finish(c.get(self.p + "rresp"), "read", f)
        self.bready, self.rready = not self.b_hold.hold(), not self.r_hold.hold()

    def _finish(self, resp: int, what: str, f: Findings) -> None:
        offset = self.op[0] if self.op is not None else 0
        self.op = None
        if resp:
            f.add("register.error", f"a register {what} at {offset:#x} is answered {resp}")

    def _check(self, c: Ports, f: Findings, bvalid: bool, rvalid: bool) -> None:
        writing = self.op is not None and self.op[1] is not None
        reading = self.op is not None and self.op[1] is None
        untaken = {channel: self.show[channel] or self.wait[channel] for channel in self.show}
        if bvalid and (not writing or untaken["aw"] or untaken["w"]):
            f.add("axil.unasked", "BVALID before its write was taken")
        if rvalid and (not reading or untaken["ar"]):
            f.add("axil.unasked", "RVALID before its read was taken")
        self.b.look(bvalid, self.bready, c.get(self.p + "bresp"), f)
        self.r.look(rvalid, self.rready, (c.get(self.p + "rdata"), c.get(self.p + "rresp")), f)
