"""A compiled model in the place of a component, on Amaranth's simulator: what drives the component does not notice.

The tests of a block make it by its class. A class from `stand_in` has the same name, ports and parameters; where it is
made with the parameters that the model was made for, its logic is the model's. `BlockSimulator` is Amaranth's with one
more thing: it runs the models of such components, as processes, so clocks, benches and what stands around the block are
as they always are. It must be what the tests call Simulator.

What a model needs of an edge is what its inputs and its reset were before. Inputs come to it through logic, which the
simulator settles after the edge's registers; a register goes to 1 at every edge without a reset, also one that is made
by a ResetInserter.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import amaranth.sim
from amaranth.hdl import Cat, Module, Signal
from amaranth.sim import Simulator

from ringbed.sim.mutate.model import opened
from ringbed.sim.mutate.netlist import ports_of

__all__ = ["BlockSimulator", "arguments_of", "simulate_by", "stand_in"]

Arguments = dict[str, Any]


def arguments_of(kind: Any, args: Sequence[Any], options: dict[str, Any]) -> Arguments:
    """All parameters of a block by name, those too that were left at their defaults."""
    bound = inspect.signature(kind).bind(*args, **options)
    bound.apply_defaults()
    return dict(bound.arguments)


class BlockSimulator(Simulator):  # type: ignore[misc]  # Amaranth has no types
    """Amaranth's simulator, which also runs the models that stand in for components of its design."""

    _waiting: list[_Process] = []  # of the design that is being elaborated

    def __init__(self, toplevel: Any, **options: Any) -> None:
        BlockSimulator._waiting = []
        super().__init__(toplevel, **options)
        for process in BlockSimulator._waiting:
            self.add_process(process.run)


def simulate_by(simulator: type[BlockSimulator]) -> None:
    """Whoever imports Amaranth's simulator from now on gets this one."""
    amaranth.sim.Simulator = simulator


def stand_in(kind: Any, arguments: Arguments, library: Path, mutant: int) -> Any:
    """A class like `kind`, whose instances with these arguments are `mutant` of a library of `sim/mutate/model.py`."""

    class StandIn(kind):  # type: ignore[misc]  # a component, of a class without types
        def __init__(self, *args: Any, **options: Any) -> None:
            self._arguments = arguments_of(kind, args, options)
            super().__init__(*args, **options)

        def elaborate(self, platform: Any) -> Any:
            if self._arguments != arguments:
                return super().elaborate(platform)
            return _logic(self, library, mutant)

    StandIn.__name__ = StandIn.__qualname__ = kind.__name__
    return StandIn


def _logic(component: Any, library: Path, mutant: int) -> Any:
    inputs, outputs = (Cat(*values) for values in ports_of(component))
    m, process = Module(), _Process(library, mutant, len(inputs), len(outputs))
    m.d.comb += [process.inputs.eq(inputs), outputs.eq(process.outputs)]
    m.d.sync += [process.edge.eq(~process.edge), process.free.eq(1)]
    BlockSimulator._waiting.append(process)
    return m


class _Process:
    """One model, between signals."""

    def __init__(self, library: Path, mutant: int, inputs: int, outputs: int) -> None:
        self.library, self.mutant = library, mutant
        self.inputs, self.outputs = Signal(inputs), Signal(outputs)
        self.edge = Signal(reset_less=True)  # changes with each
        self.free = Signal()  # 0 behind an edge with a reset

    async def run(self, ctx: Any) -> None:
        with opened(self.library, self.mutant) as model:
            was, edges = model.settled(0), 0
            ctx.set(self.outputs, was)
            async for edge, free, inputs in ctx.changed(self.edge, self.free, self.inputs):
                if edge != edges:  # what moves with it has not come through logic to `inputs` yet
                    edges = edge
                    out = model.clocked(inputs, inputs, reset=not free)
                else:
                    out = model.settled(inputs)
                if out != was:
                    was = out
                    ctx.set(self.outputs, out)
