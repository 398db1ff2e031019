"""A card's ports in Amaranth's simulator: inputs set packed, one-bit outputs read packed, time only for waveforms."""

from __future__ import annotations

from typing import Any

from ringbed.sim.seam.spec import NicSpec, component_ports, in_domain

__all__ = ["Bench"]


class Bench:
    """The card's ports in Amaranth's simulator; `Ports` of `sim/bus/ports.py`."""

    def __init__(self, spec: NicSpec, period_fs: int) -> None:
        from amaranth.hdl import Cat  # the native engine must not pay for Amaranth
        from amaranth.sim import Simulator

        component: Any = spec.elaborate()
        self.signals, missing = component_ports(component, spec.portmap)
        self.scope = "bench.top.card" if missing else "bench.top"  # of the ports, in a waveform
        if missing:
            component, clock, reset = in_domain(component)
            self.signals |= {spec.portmap.clock: clock, spec.portmap.reset.port: reset}
        self._cat: Any = Cat
        self._clk, self._period = spec.portmap.clock, period_fs
        self._time, self._step = 0, 0  # of a waveform, and the step it is to take: fs
        self.now = 0
        self._values = {name: signal.init for name, signal in self.signals.items()}
        self._changed: dict[str, int] = {}
        self._cats: dict[tuple[str, ...], Any] = {}
        bits = [p.name for p in spec.portmap.ports() if p.dir == "out" and p.width == 1]
        self._masks = {name: 1 << index for index, name in enumerate(bits)}
        self._bits_cat, self._bits = Cat(self.signals[name] for name in bits), 0
        self.sim: Any = Simulator(component)
        self.sim.add_testbench(self._keep_time, background=True)
        self._ctx: Any = None
        self.wave_time = False
        self.sim.advance()

    async def _keep_time(self, ctx: Any) -> None:
        """Hands out the context; the engine's calls do the driving, and time moves only for waveforms, by `_until`."""
        self._ctx = ctx
        while True:
            step, self._step = self._step, 0  # a waveform must begin at time 0
            await ctx.delay(step * 1e-15)
            self._time += step

    def put(self, name: str, value: int) -> None:
        value = int(value)
        if self._values[name] != value:
            self._values[name] = self._changed[name] = value

    def value(self, name: str) -> int:
        """Of an input: what was put there."""
        return int(self._values[name])

    def get(self, name: str) -> int:
        return int(self._ctx.get(self.signals[name]))

    def bit(self, name: str) -> bool:
        return bool(self._bits & self._masks[name])

    def low(self) -> None:
        """Clock low, with every `put` since: the card's combinational logic settles."""
        self._until(self.now * self._period)
        self.put(self._clk, 0)
        if self._changed:
            names = tuple(self._changed)
            cat = self._cats.get(names)
            if cat is None:
                cat = self._cats[names] = self._cat(self.signals[name] for name in names)
            packed, at = 0, 0
            for name, value in self._changed.items():
                packed |= value << at
                at += len(self.signals[name])
            self._changed.clear()
            self._ctx.set(cat, packed)
        self._bits = self._ctx.get(self._bits_cat)

    def high(self) -> None:
        self._until(self.now * self._period + self._period // 2)
        self._values[self._clk] = 1
        self._ctx.set(self.signals[self._clk], 1)

    def _until(self, time: int) -> None:
        """What is set from now on changes at `time`, in a waveform that is being recorded."""
        if not self.wave_time or time <= self._time:
            return
        self._step = time - self._time
        while self._time < time:  # once for `_keep_time` to ask for the step, once to take it, once to come back
            self.sim.advance()

    def show(self, signal: Any, value: int) -> None:
        """Of a signal that is not the card's."""
        if self._ctx.get(signal) != value:
            self._ctx.set(signal, value)
