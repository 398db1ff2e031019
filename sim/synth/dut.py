"""Somebody's Verilog as a design for synthesis: the top module of a port map in the collar that every block has.

Of the map count the sources, the parameters, the ties, and which ports are clocks and resets; a bus need not be one
that ringbed knows how to drive. All of a card's clocks are one here, so a path between two of them is measured as if
it were within one, and so are resets.
"""

from __future__ import annotations

from pathlib import Path

from ringbed.sim.dut.block import reader_of
from ringbed.sim.dut.map import Reader
from ringbed.sim.seam.portmap import PortMapError
from ringbed.sim.synth.collar import rtlil_of
from ringbed.sim.synth.flow import Design
from ringbed.sim.synth.names import without_sources

__all__ = ["design_of_map"]


def design_of_map(path: Path) -> Design:
    """The top module of a map, called after it. Raises OSError, PortMapError, BuildError as the readers do."""
    reader = reader_of(path)
    if reader.problems:
        raise PortMapError(f"{path}: {reader.problems[0]}")
    clocks = (reader.dut.clock, *(clock.port for clock in reader.dut.clocks))
    return Design(path.name, _width(reader), without_sources(_rtlil(reader)), rtl=reader.rtl, clocks=clocks)


def _width(reader: Reader) -> int:
    """Of its widest bus; one without a bus has its widest port."""
    buses = [bus.data_width for bus in reader.dut.buses().values()]
    return max(buses or [port.width for port in reader.ports.values()])


def _rtlil(reader: Reader) -> str:
    from amaranth.hdl import ClockSignal, Const, Instance, ResetSignal, Signal  # slow to import
    from amaranth.lib.wiring import In, Out

    dut = reader.dut
    given: dict[str, object] = {f"p_{name}": value for name, value in dut.parameters.items()}
    given |= {f"i_{name}": Const(value, width) for name, (width, value) in dut.ties.items()}
    given |= {f"i_{name}": ClockSignal() for name in (dut.clock, *(clock.port for clock in dut.clocks))}
    given |= {f"i_{reset.port}": ResetSignal() for reset in dut.resets}  # low or high: it is a wire without a source
    wires = []
    for port in reader.ports.values():
        key = f"{port.dir[0]}_{port.name}"
        if key not in given:
            given[key] = wire = Signal(port.width, name=port.name)
            wires.append((port.name, In if port.dir == "in" else Out, wire))
    return rtlil_of(Instance(dut.top, **given), wires)
