"""What somebody's Verilog has otherwise than their map: clocks, resets, undriven outputs, inputs held at 0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ringbed.hw.formats.block_setup import BlockPorts
from ringbed.hw.formats.dut import IN, BusKind, Dut
from ringbed.hw.formats.number import several
from ringbed.sim.dut.block import BlockReader
from ringbed.sim.dut.buses import TABLES, Found, found_buses
from ringbed.sim.dut.map import Reader
from ringbed.sim.dut.toml import key
from ringbed.sim.seam.spec import Rtl
from ringbed.sim.yosys.netlist import MADE, Netlist, read_netlist

__all__ = ["netlist_problems", "silent_ties"]

# of a stream: what a map would say that has the signal
SAYS = {"tstart": "start = true", "tkeep": 'keep = "keep"', "tempty": 'keep = "empty"', "tready": "ready = true"}


def netlist_problems(dut: Dut, rtl: Rtl, seconds: float, block: BlockPorts | None = None) -> list[str]:
    """A sentence for each. Raises NetlistUnknown where Yosys is not there, or refuses, or needs more than `seconds`."""
    netlist = read_netlist(dut, rtl, seconds)
    looks = (_clocks, _buses, _resets, _held, _reset_clocks)
    problems = [sentence for look in looks for sentence in look(dut, netlist)]
    return problems + list(_outputs(dut, netlist, block.outputs() if block else {}))


def _clocks(dut: Dut, netlist: Netlist) -> Iterator[str]:
    """Clocks that the map does not name."""
    for name, count in netlist.clocked.items():
        if name not in {MADE, dut.clock, *(clock.port for clock in dut.clocks)}:
            yield f"port {name!r} clocks {_flip_flops(count)} and is no clock of this map"


def _buses(dut: Dut, netlist: Netlist) -> Iterator[str]:
    """Buses on another clock than the map says."""
    for where, bus in dut.buses().items():
        wanted = bus.clock or dut.clock
        for signal, port in bus.ports.items():
            for other in sorted(netlist.clocks_at(port) - {wanted, MADE})[:1]:
                meets = f"port {port!r} meets flip-flops on {other!r}"
                yield f"{where}.{signal}: {meets}, the map has the bus on {wanted!r}"


def _resets(dut: Dut, netlist: Netlist) -> Iterator[str]:
    """Resets the other way round: of flip-flops that both ways reset, somebody has thought."""
    for reset in dut.resets:
        as_said, otherwise = (netlist.reset[reset.port, high] for high in (reset.active_high, not reset.active_high))
        if otherwise and not as_said:
            high, low = ("high", "low") if reset.active_high else ("low", "high")
            yield (
                f"reset {reset.port!r} is active {high} in this map, and the Verilog resets {_flip_flops(otherwise)} "
                f'while it is {low}: active = "{low}"'
            )


def _held(dut: Dut, netlist: Netlist) -> Iterator[str]:
    """Resets among the ties that are active for ever. One with the clock may be the enable of a part that is not
    wanted, if it is not that of most there is.
    """
    for name, (_, value) in dut.ties.items():
        count = netlist.reset[name, bool(value)]
        if netlist.reset_at_once[name, bool(value)] or 2 * count > netlist.clocked.total():
            yield (
                f"ties.{key(name)} = {value} holds {_flip_flops(count)} in reset for ever: "
                f"it is a reset, for [reset] or [resets.{key(name)}], or is held at {1 - value}"
            )


def _reset_clocks(dut: Dut, netlist: Netlist) -> Iterator[str]:
    """Resets of another clock's flip-flops: where none is near of the clock that the map says, or of a made one."""
    clocks = {dut.clock, *(clock.port for clock in dut.clocks)}
    for reset in dut.resets:
        wanted, met = reset.clock or dut.clock, netlist.clocks_at(reset.port)
        if (named := sorted(met & clocks)) and not met & {wanted, MADE}:
            yield (
                f"reset {reset.port!r} is of clock {wanted!r} in this map, and meets flip-flops on "
                f'{" and ".join(map(repr, named))} alone: clock = "{named[0]}" in [resets.{reset.port}]'
            )


def _outputs(dut: Dut, netlist: Netlist, more: Mapping[str, str]) -> Iterator[str]:
    """Outputs that the map uses and nothing drives; `more` by their place in the map."""
    used = {f"{where}.{signal}": port for where, bus in dut.buses().items() for signal, port in bus.ports.items()}
    used |= {"interrupts": dut.line.port} if dut.line else {}
    used |= {f"pin {pin.name}": pin.name for pin in dut.pins} | dict(more)
    for where, port in used.items():
        if bits := netlist.undriven(port):
            part = "" if len(bits) == netlist.width(port) else f"bit {bits[0]} of "
            yield f"{where}: nothing drives {part}port {port!r}"


def _flip_flops(count: int) -> str:
    return several(count, "flip-flop")


def silent_ties(reader: Reader) -> Iterator[str]:
    """Inputs of a bus that a map holds at a value as if somebody had explained them: a sentence for each.

    A value in `[ties]` is a person's word, and most are right. These are not: a signal without which a stream of the
    map says nothing (its start, its keep, its ready held at 0), and every input of a bus that the map has not at all.
    """
    block = isinstance(reader, BlockReader)
    for table, (kinds, into) in TABLES.items():
        if block and kinds != (BusKind.STREAM,):
            continue
        for found in found_buses(reader.ports, kinds, into):
            if table in reader.dut.buses():
                yield from _of_a_bus(reader, table, found)
            elif found.whole and not block and not _left_out(reader, table):
                yield from _of_none(reader, table, found)


def _of_a_bus(reader: Reader, table: str, found: Found) -> Iterator[str]:
    """Signals of the very stream that the map has there."""
    bus = reader.dut.buses()[table]
    valid = found.ports.get("tvalid")
    if bus.kind != BusKind.STREAM or valid is None or valid.name != bus.ports["tvalid"]:
        return
    for signal, says in SAYS.items():
        port = found.ports.get(signal)
        if port is not None and port.dir == IN and reader.dut.ties.get(port.name, (0, 1))[1] == 0:
            yield f"ties.{key(port.name)}: it is {signal} of {table}, held at 0: {says} in [{table}]"


def _of_none(reader: Reader, table: str, found: Found) -> Iterator[str]:
    """A bus for which the map has a table, and which is in none."""
    inputs = [port.name for port in found.ports.values() if port.dir == IN]
    if inputs and all(name in reader.dut.ties for name in inputs):
        yield (
            f"ties.{key(inputs[0])} ...: these ports look like {found.bus.kind}, and the map has no [{table}]: "
            f'`ringbed dut init` has a table for them, and kind = "none" in it leaves the bus out'
        )


def _left_out(reader: Reader, table: str) -> bool:
    """Whether the map says that there is none."""
    data: object = reader.data
    for name in table.split("."):
        data = data.get(name) if isinstance(data, dict) else None
    return data == {"kind": "none"}
