"""A component of Amaranth as RTLIL, with a register before every input and behind every output: its collar.

Timing tools look at paths from register to register. With a collar a block's paths from and to its ports are such
paths too, so that what does not fit into a clock inside a block, or straight through it, is seen. A collar's registers
are no part of the block: `in_collar` tells them by name, and they are not counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ringbed.sim.native.assertions import with_words

__all__ = ["BLOCK", "CLOCK", "in_collar", "port_of", "rtlil_of", "verilog_of_block"]

CLOCK, BLOCK, COLLAR, TOP = "clk", "block", "collar__", "top"
CHECK = re.compile(r"^(?:  attribute \\src .*\n)?  cell \$check .*\n(?:    .*\n)*  end\n", re.MULTILINE)  # no hardware


def in_collar(net: str) -> bool:
    """Whether a net of the netlist is a register of the collar."""
    return net.startswith(COLLAR)


def port_of(net: str) -> str:
    """The block's port whose register `net` is."""
    return net.removeprefix(COLLAR)


def rtlil_of(component: Any, wires: Iterable[tuple[str, Any, Any]] | None = None) -> str:
    """The component in its collar, module `top`, clocked by `clk`; the reset is a port that no register holds up.

    `wires`: name, flow and value of each of its ports, when it is not a component that knows them itself.
    It says of every signal where in the source it was made; `synth_names.without_sources` takes that away.
    """
    from amaranth.back import rtlil  # a page from the cache must not pay for Amaranth
    from amaranth.hdl import Signal
    from amaranth.lib.wiring import In

    m, ports = _clocked(component)
    for name, flow, value in _wires(component) if wires is None else wires:
        port = Signal(len(value), name=name)
        # kept, or an input that nothing reads would take its register along, and the block's figures would differ
        held = Signal(len(value), name=COLLAR + name, reset_less=True, attrs={"keep": 1})
        if flow == In:
            m.d.sync += held.eq(port)
            m.d.comb += value.eq(held)
        else:
            m.d.sync += held.eq(value)
            m.d.comb += port.eq(held)
        ports[name] = (port, _way(flow))
    convert: Any = rtlil.convert
    return CHECK.sub("", str(convert(m, name=TOP, ports=ports, emit_src=True)))


def verilog_of_block(component: Any, name: str) -> str:
    """The component alone, module `name`, with `clk`, `rst` and its own ports."""
    from amaranth.back import verilog

    m, ports = _clocked(component)
    ports |= {port: (value, _way(flow)) for port, flow, value in _wires(component)}
    convert: Any = verilog.convert
    return with_words(str(convert(m, name=name, ports=ports, emit_src=False, strip_internal_attrs=True)))


def _clocked(component: Any) -> tuple[Any, dict[str, Any]]:
    """A module with the component and its clock domain in it, and the ports of that domain."""
    from amaranth.hdl import ClockDomain, Module

    m: Any = Module()
    m.domains.sync = domain = ClockDomain("sync")
    m.submodules[BLOCK] = component
    inward = _way(None)
    return m, {CLOCK: (domain.clk, inward), "rst": (domain.rst, inward)}


def _wires(component: Any) -> Iterator[tuple[str, Any, Any]]:
    """Name, flow and value of every port; a stream that is always ready has no such port."""
    from amaranth.hdl import Const, Value

    for path, member, wire in component.signature.flatten(component):
        value = Value.cast(wire)
        if len(value) and not isinstance(value, Const):
            yield "_".join(map(str, path)), member.flow, value


def _way(flow: Any) -> Any:
    """What the back ends call a port's direction; the clock's has no flow."""
    from amaranth.hdl._ir import PortDirection
    from amaranth.lib.wiring import Out

    return PortDirection.Output if flow == Out else PortDirection.Input
