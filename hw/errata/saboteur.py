"""What a saboteur is: one emulated bug at one tap, off until it is switched on.

Most bugs are 'when this, then that': a function of (module, `Here`) says both, and `Saboteur` is what all share. The
clean card does not know this folder: its Verilog is the same whether `hw/errata` exists or not, and a test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Act", "Here", "Saboteur", "Switch"]


class Switch:
    """The registers of one erratum: `on`, `every`, its own conditions; and signals that its parts share.

    A saboteur over two taps has two parts: what one drives by `shared(name)`, the other reads.
    """

    def __init__(self, name: str, conditions: Mapping[str, tuple[int, int]]) -> None:
        """`conditions` are width and default by name."""
        self.name = name
        self.on = Signal(name=f"{name}_on")
        self.values = {key: Signal(width, init=init, name=f"{name}_{key}") for key, (width, init) in conditions.items()}
        self._shared: dict[str, Signal] = {}

    def shared(self, name: str, width: int = 1) -> Signal:
        """The signal of that name, made when it is first asked for; one part drives it."""
        return self._shared.setdefault(name, Signal(width, name=f"{self.name}_{name}"))


class Here:
    """What a bug's function is given of its tap.

    `payload` comes in, `out` goes out: the same, but for what the function assigns. `valid`: something is there;
    `moves`: and passes in this clock. `on`: the bug is on. `set`: its conditions by name. `hold` and `drop`, where they
    are driven: what is there does not pass, or is taken and does not come out; only for streams that can be stopped.
    The tap's side information has its own names.
    """

    def __init__(self, saboteur: Saboteur, switch: Switch) -> None:
        self._saboteur, self._switch = saboteur, switch
        self.payload, self.out, self.valid = saboteur.i.payload, saboteur.o.payload, saboteur.i.valid
        self.on, self.set, self.shared = switch.on, switch.values, switch.shared
        self.hold, self.drop, self.moves = Signal(), Signal(), Signal()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._saboteur, name)

    def fires(self, m: Module, condition: Any, when: Any = None) -> Signal:
        """The bug is on, `condition` holds of what is there, and it is the `every`-th time.

        Times are counted as things pass, or in clocks with `when`; the answer stands while a thing waits to pass.
        """
        count, hit, due, fires = Signal(16), Signal(), Signal(), Signal()
        passes = self.moves if when is None else when
        there = self.valid if when is None else when
        m.d.comb += [
            hit.eq(self.on & there & condition), due.eq(count + 1 >= self.set["every"]), fires.eq(hit & due),
        ]  # fmt: skip
        with m.If(hit & passes):
            m.d.sync += count.eq(Mux(due, 0, count + 1))
        return fires


Act = Callable[[Module, Here], None]


class Saboteur(wiring.Component):
    """What comes in at `i` goes out at `o` in the same clock, as `act` changes it; side information has ports too."""

    def __init__(self, act: Act, switch: Switch, signature: Any, side: Mapping[str, Any]) -> None:
        self.act, self.switch = act, switch
        ports: dict[str, Any] = {name: In(value.shape()) for name, value in side.items()}
        super().__init__({"i": In(signature), "o": Out(signature), **ports})

    def elaborate(self, platform: Any) -> Module:
        m, here = Module(), Here(self, self.switch)
        m.d.comb += [
            Value.cast(self.o.payload).eq(Value.cast(self.i.payload)),
            self.o.valid.eq(self.i.valid & ~here.hold & ~here.drop),
            here.moves.eq(self.i.valid),
        ]
        if not self.i.signature.always_ready:
            m.d.comb += [
                self.i.ready.eq((self.o.ready | here.drop) & ~here.hold),
                here.moves.eq(self.i.valid & self.i.ready),
            ]
        self.act(m, here)
        return m
