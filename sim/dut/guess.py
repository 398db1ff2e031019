"""A port map to begin with, guessed from the names, directions and widths of a module's ports.

    Guess("my_nic", ports).text(["my_nic.v"])

What names cannot tell (byte order, whether frames have their FCS, how fast another clock is) is a comment in the map;
so is every input that stands beside a bus and is no signal of it: nobody is told that such a map is whole, until a
person has said what the input is. `ringbed dut check` judges the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ringbed.hw.formats.dut import IN, OUT, BusKind, Keep
from ringbed.hw.formats.literal import Parameter
from ringbed.hw.formats.number import several
from ringbed.sim.dut.buses import TABLES, Found, found_buses
from ringbed.sim.dut.names import is_clock, is_line, is_reset, part, resets_low
from ringbed.sim.dut.toml import key, quoted, shown
from ringbed.sim.seam.portmap import Port

__all__ = ["Guess"]

WORD_ADDRESSES = 30  # bits at most of an address that may count words of 4 bytes
PINS, PIN_BITS = 12, 64  # outputs that a first map names as pins; bits that a pin can have
NAMED = 6  # of those that stay open, so many are named


class Guess:
    """`ports` by name, as `ports.module_ports` has them. `buses` by the name of their table."""

    unknown: tuple[str, ...] = (  # what names do not tell of a stream
        '# byte_order = "big"  # where the first byte is in the high bits',
        "# fcs = false  # where frames have no FCS",
    )

    tied = "# no bus has these inputs; [pins.NAME] in their place lets a test drive one"

    def __init__(self, top: str, ports: Mapping[str, Port]) -> None:
        self.top, self.ports, self.notes = top, ports, list[str]()
        self.buses: dict[str, Found] = {}
        self.seen: list[tuple[str, Found]] = []  # every bus that was recognized, in part or whole, and for which table
        for table, kinds, into in self._tables():
            self._look(table, kinds, into)
        used = {port.name for found in self.buses.values() for port in found.ports.values()}
        rest = [port for port in ports.values() if port.name not in used]
        single = [port for port in rest if port.dir == IN and port.width == 1]
        self.clocks = [port for port in single if is_clock(port.name)]
        self.resets = [port for port in single if is_reset(port.name)]
        lines = [port for port in rest if port.dir == OUT and port.width <= PIN_BITS and is_line(port.name)]
        self.line = next(iter(lines), None)
        taken = {port.name for port in (*self.clocks, *self.resets, *([self.line] if self.line else []))}
        self.rest = [port for port in rest if port.name not in taken]

    # ---- buses ----

    def _tables(self) -> Iterator[tuple[str, Iterable[str], bool]]:
        """What is looked for: its table in the map, the kinds it may have, and whether frames come in by it."""
        yield from ((table, kinds, into) for table, (kinds, into) in TABLES.items())

    def _look(self, table: str, kinds: Iterable[str], into: bool) -> None:
        """The first whole bus is it; others, and one that is nearly there, are worth a word."""
        found = found_buses(self.ports, kinds, into)
        whole = [each for each in found if each.whole]
        way = table.removeprefix("wire.")  # rx or tx is likely to be in the prefix
        whole.sort(key=lambda each: way not in each.prefix)  # stable
        if whole:
            self.buses[table] = whole[0]
            for other in whole[1:]:
                self.notes.append(f"{table} could also be the {other.bus.kind} of {_ports_of(other)}")
            self.seen += [(table, each) for each in whole]
        elif found:
            nearest = max(found, key=lambda each: len(each.ports) - len(each.missing))
            self.notes.append(f"{table}: {_ports_of(nearest)} look like {nearest.bus.kind} and {nearest.lacks()}")
            self.seen.append((table, nearest))

    def beside(self, port: Port) -> str:
        """The table of the bus that an input stands beside, or ""."""
        return next((table for table, found in self.seen if found.beside(port)), "")

    # ---- the map ----

    def text(
        self, sources: Sequence[str], include: Sequence[str] = (), library: Sequence[str] = (),
        parameters: Mapping[str, Parameter] | None = None,
    ) -> str:  # fmt: skip
        """TOML; `sources`, `include` and `library` relative to where it will be."""
        lists = {"sources": sources, "include": include, "library": library}
        return "\n".join(self._lines(lists, parameters or {})) + "\n"

    def _lines(self, lists: Mapping[str, Sequence[str]], parameters: Mapping[str, Parameter]) -> Iterator[str]:
        yield f"# The ports of {shown(self.top)}, guessed by `ringbed dut init`; docs/port-map.md explains every key."
        yield from (f"# {note}" for note in self.notes)
        yield f"top = {quoted(self.top)}"
        for name, paths in lists.items():
            if paths or name == "sources":
                yield f"{name} = [{', '.join(map(quoted, paths))}]"
        if parameters:
            values = (
                f"{key(name)} = {quoted(value) if isinstance(value, str) else value}"
                for name, value in parameters.items()
            )
            yield f"parameters = {{ {', '.join(values)} }}"
        yield from self._timing()
        for table, found in self.buses.items():
            yield from _bus(table, found)
            if found.bus.kind == BusKind.STREAM:
                yield from self.unknown
            yield from _names(table, found)
        if self.line is not None:
            yield from ("", "[interrupts]", f"port = {quoted(self.line.name)}")
            if self.line.width > 1:
                yield f"width = {self.line.width}"
        yield from self._remainder()

    def _timing(self) -> Iterator[str]:
        if self.clocks:
            yield f"clock = {quoted(self.clocks[0].name)}"
        else:
            yield 'clock = ""  # no input is called like a clock: its name'
        clock_of = {reset.name: self._clock_of(reset) for reset in self.resets}
        main = next((reset for reset in self.resets if not clock_of[reset.name]), None)
        if main is not None:
            yield f"reset = {{ port = {quoted(main.name)}, active = {self._active(main)} }}"
        for reset in (each for each in self.resets if each is not main):
            yield from ("", f"[resets.{key(reset.name)}]", f"active = {self._active(reset)}")
            if clock := clock_of[reset.name]:
                yield f"clock = {quoted(clock)}"
        for other in self.clocks[1:]:
            yield from ("", f"[clocks.{key(other.name)}]")
            yield f'ratio = "1"  # its frequency over that of {shown(self.clocks[0].name)}'

    def _active(self, reset: Port) -> str:
        return '"low"' if resets_low(reset.name, self.ports) else '"high"'

    def _clock_of(self, reset: Port) -> str:
        """The clock, beside the main one, that is called as this reset is: mac_clk of mac_rst_n; or ""."""
        own = part(reset.name, self.ports)
        same = (clock.name for clock in self.clocks if part(clock.name) == own)
        found = next(same, "") if own else ""
        return "" if self.clocks and found == self.clocks[0].name else found

    def _remainder(self) -> Iterator[str]:
        inputs = [port for port in self.rest if port.dir == IN]
        beside = {port.name: table for port in inputs if (table := self.beside(port))}
        ties = [port for port in inputs if port.name not in beside]
        if ties:
            yield from ("", self.tied)
        if inputs:
            yield from () if ties else ("",)
            yield "[ties]"
            yield from (f"{key(port.name)} = {self._tie(port)}" for port in ties)
        if beside:
            yield "# these stand beside a bus and are no signal of it: the map is incomplete until each has a value"
            yield "# or a use; 0 says that your card does without it"
            yield from (
                f"# {key(name)} = 0  # {several(self.ports[name].width, 'bit')}, beside {beside[name]}"
                for name in beside
            )
        yield from (
            f"# {shown(port.name)} is an inout, which nothing drives: make it two, or the map does not fit"
            for port in self.rest if port.dir not in (IN, OUT)
        )  # fmt: skip
        yield from self._pins([port for port in self.rest if port.dir == OUT and port.width <= PIN_BITS])

    def _tie(self, port: Port) -> int:
        return 0

    def _pins(self, outputs: Sequence[Port]) -> Iterator[str]:
        """Some, to read in a test; of more than that none: an output may stay open."""
        if not outputs:
            return
        if len(outputs) <= PINS:
            yield from ("", "[pins]")
            yield from (f'{key(port.name)} = {{ dir = "out", width = {port.width} }}' for port in outputs)
            return
        named = ", ".join(shown(port.name) for port in outputs[:NAMED])
        yield from ("", f"# {len(outputs)} outputs stay open: {named} ...; a test reads one with")
        yield f'# pins.{key(outputs[0].name)} = {{ dir = "out", width = {outputs[0].width} }}'


def _ports_of(found: Found) -> str:
    return f"the ports {shown(next(iter(found.ports.values())).name)} ..."


def _bus(table: str, found: Found) -> Iterator[str]:
    bus = found.bus
    yield from ("", f"[{table}]", f"kind = {quoted(bus.kind)}")
    yield f"prefix = {quoted(_prefix(found))}"
    if bus.kind == BusKind.STREAM:
        yield f"data_width = {bus.data_width}"
        yield from () if bus.keep == Keep.KEEP else (f"keep = {quoted(bus.keep)}",)
        yield from () if bus.ready else ("ready = false",)
        yield from ("error = true",) if bus.error else ()
        yield from ("start = true",) if bus.start else ()
    else:
        yield f"addr_width = {bus.addr_width}"
        yield f"data_width = {bus.data_width}"
        yield from (f"id_width = {bus.id_width}",) if bus.id_width else ()
        words = bus.kind == BusKind.WISHBONE and bus.addr_width <= WORD_ADDRESSES
        yield from ("# word_addressed = true  # where adr counts words",) if words else ()


def _names(table: str, found: Found) -> Iterator[str]:
    """Ports that are not called prefix and signal; behind all other keys of the table."""
    prefix = _prefix(found)
    names = {name: port.name for name, port in found.ports.items() if port.name != prefix + name}
    if found.bus.kind != BusKind.STREAM:  # a stream's keys say what it has
        names |= dict.fromkeys(found.spared, "")
    if names:
        yield f"[{table}.names]"
        yield from (f"{name} = {quoted(port)}" for name, port in names.items())


def _prefix(found: Found) -> str:
    """In the letters that the ports have; "" where a direction stands in front of it."""
    name = next(iter(found.ports.values())).name
    return name[: len(found.prefix)] if name.lower().replace(".", "_").startswith(found.prefix) else ""
