"""A port map to begin with, guessed from the names, directions and widths of a module's ports.

    Guess("my_nic", ports).text(["my_nic.v"])

A bus is recognized when all its signals that must be there are, under one prefix, in any case and with or without a
direction's `_i` or `_o`. What names cannot tell (byte order, whether frames have their FCS, how fast another clock is)
is a comment in the map; `ringbed dut check` judges the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ringbed.hw.formats.dut import IN, OUT, Bus, BusKind, Keep, Sig, signals
from ringbed.sim.dut.map import DATA, REGISTER_DATA
from ringbed.sim.seam.portmap import WIRE_WIDTHS, Port

__all__ = ["Found", "Guess", "forms", "quoted"]

CLOCK = re.compile(r"clk|clock", re.IGNORECASE)
RESET = re.compile(r"rst|reset", re.IGNORECASE)
ACTIVE_LOW = re.compile(r"(rst|reset)_?[nb]$|^n_?(rst|reset)|resetn|rstn", re.IGNORECASE)
LINE = re.compile(r"(^|_)(irq|intr?|interrupt|msi)s?(_|$|o$)", re.IGNORECASE)
# what of a name says that it is a clock or a reset, with a word for low: the rest says of which part of the card
TIMING = re.compile(r"(?<![a-z])n_?(rst|reset)|(rst|reset)(_?[nb](?![a-z]))?|clk|clock", re.IGNORECASE)
WAYS = re.compile(r"_(i|o|in|out)$")
# other words for the signals of a stream
ALSO = {
    "tdata": ("data",), "tvalid": ("valid",), "tlast": ("last", "eop", "endofpacket"), "tkeep": ("keep",),
    "tempty": ("empty",), "tready": ("ready",), "tuser": ("error", "err"),
}  # fmt: skip
WORD_ADDRESSES = 30  # bits at most of an address that may count words of 4 bytes
NEAR = 0.6  # of what must be there, from which on a bus that is not whole is worth a word


@dataclass(frozen=True)
class Found:
    """A bus under `prefix`, with the port of each signal that is there; `missing` of those that must be."""

    bus: Bus
    prefix: str
    ports: Mapping[str, Port]
    missing: tuple[str, ...]

    def width(self, *names: str) -> int:
        return next((self.ports[name].width for name in names if name in self.ports), 0)


class Guess:
    """`ports` by name, as `dut_ports.module_ports` has them. `buses` by the name of their table."""

    unknown: tuple[str, ...] = (  # what names do not tell of a stream
        '# byte_order = "big"  # where the first byte is in the high bits',
        "# fcs = false  # where frames have no FCS",
    )

    def __init__(self, top: str, ports: Mapping[str, Port]) -> None:
        self.top, self.ports, self.notes = top, ports, list[str]()
        self.buses: dict[str, Found] = {}
        for table, kinds, into in self._tables():
            self._look(table, kinds, into)
        used = {port.name for found in self.buses.values() for port in found.ports.values()}
        rest = [port for port in ports.values() if port.name not in used]
        single = [port for port in rest if port.dir == IN and port.width == 1]
        self.clocks = [port for port in single if CLOCK.search(port.name) and not RESET.search(port.name)]
        self.resets = [port for port in single if RESET.search(port.name)]
        self.line = next((port for port in rest if port.dir == OUT and LINE.search(port.name)), None)
        taken = {port.name for port in (*self.clocks, *self.resets, *([self.line] if self.line else []))}
        self.rest = [port for port in rest if port.name not in taken]

    # ---- buses ----

    def _tables(self) -> Iterator[tuple[str, Iterable[str], bool]]:
        """What is looked for: its table in the map, the kinds it may have, and whether frames come in by it."""
        yield from (("registers", BusKind.REGISTERS, False), ("dma", BusKind.DMA, False))
        yield from (("wire.rx", (BusKind.STREAM,), True), ("wire.tx", (BusKind.STREAM,), False))

    def _look(self, table: str, kinds: Iterable[str], into: bool) -> None:
        """The first whole bus is it; others, and one that is nearly there, are worth a word."""
        found = [each for kind in kinds for each in _candidates(self.ports, Bus(kind, 64, 64, 4, into=into))]
        whole = [each for each in found if not each.missing and _fits(each)]
        way = table.removeprefix("wire.")  # rx or tx is likely to be in the prefix
        whole.sort(key=lambda each: way not in each.prefix)  # stable
        if whole:
            self.buses[table] = whole[0]
            for other in whole[1:]:
                self.notes.append(f"{table} could also be the {other.bus.kind} of {_ports_of(other)}")
        elif found:
            nearest = max(found, key=lambda each: len(each.ports) - len(each.missing))
            lacks = f"lack {', '.join(nearest.missing)}" if nearest.missing else "have a width that is not driven"
            self.notes.append(f"{table}: {_ports_of(nearest)} look like {nearest.bus.kind} and {lacks}")

    # ---- the map ----

    def text(self, sources: Sequence[str], include: Sequence[str] = ()) -> str:
        """TOML; `sources` and `include` relative to where it will be."""
        return "\n".join(self._lines(sources, include)) + "\n"

    def _lines(self, sources: Sequence[str], include: Sequence[str]) -> Iterator[str]:
        yield f"# The ports of {self.top}, guessed by `ringbed dut init`; docs/port-map.md explains every key."
        yield from (f"# {note}" for note in self.notes)
        yield f"top = {quoted(self.top)}"
        yield f"sources = [{', '.join(map(quoted, sources))}]"
        if include:
            yield f"include = [{', '.join(map(quoted, include))}]"
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
            yield f'reset = {{ port = {quoted(main.name)}, active = "{_active(main)}" }}'
        for reset in (each for each in self.resets if each is not main):
            yield from ("", f"[resets.{reset.name}]", f'active = "{_active(reset)}"')
            if clock := clock_of[reset.name]:
                yield f"clock = {quoted(clock)}"
        for other in self.clocks[1:]:
            yield from (
                "",
                f"[clocks.{other.name}]",
                f'ratio = "1"  # its frequency over that of {self.clocks[0].name}',
            )

    def _clock_of(self, reset: Port) -> str:
        """The clock, beside the main one, that is called as this reset is: mac_clk of mac_rst_n; or ""."""
        same = (clock.name for clock in self.clocks if _part(clock.name) == _part(reset.name))
        found = next(same, "") if _part(reset.name) else ""
        return "" if self.clocks and found == self.clocks[0].name else found

    def _remainder(self) -> Iterator[str]:
        ties = [port for port in self.rest if port.dir == IN]
        pins = [port for port in self.rest if port.dir == OUT and port.width <= 64]
        if ties:
            yield from ("", "# no bus has these inputs; [pins.NAME] in their place lets a test drive one", "[ties]")
            yield from (f"{port.name} = 0" for port in ties)
        for port in pins:
            yield from ("", f"[pins.{port.name}]", 'dir = "out"', f"width = {port.width}")


def _candidates(ports: Mapping[str, Port], like: Bus) -> Iterator[Found]:
    """For every prefix that has enough of what a bus like this must have."""
    table = _signals(like)
    by_form = {form: port for port in ports.values() for form in reversed(list(forms(port.name)))}
    prefixes = {
        form.removesuffix(word): None for sig in table for word in _words(sig, like) for form in by_form
        if form.endswith(word)
    }  # fmt: skip
    needed = [sig for sig in table if sig.default is None]
    for prefix in prefixes:
        if prefix and not prefix.endswith("_"):
            continue
        found = {}
        for sig in table:
            port = next((by_form[prefix + word] for word in _words(sig, like) if prefix + word in by_form), None)
            if port is not None and port.dir == sig.dir:
                found[sig.name] = port
        missing = tuple(sig.name for sig in needed if sig.name not in found)
        if len(needed) - len(missing) >= NEAR * len(needed):
            yield _found(like, prefix, found, missing)


def _found(like: Bus, prefix: str, ports: Mapping[str, Port], missing: tuple[str, ...]) -> Found:
    """With the widths that the ports have."""
    draft = Found(like, prefix, ports, missing)
    data = draft.width("tdata", "rdata", "prdata", "dat_o", "wdata")
    if like.kind == BusKind.STREAM:
        keep = Keep.KEEP if "tkeep" in ports else Keep.EMPTY if "tempty" in ports else Keep.NONE
        bus = Bus(like.kind, data, into=like.into, keep=keep, ready="tready" in ports, error="tuser" in ports)
    else:
        address = draft.width("araddr", "paddr", "adr", "addr")
        bus = Bus(like.kind, data, address, draft.width("arid", "awid") if like.kind == BusKind.AXI else 0)
    return Found(bus, prefix, ports, missing)


def _signals(like: Bus) -> list[Sig]:
    """All that such a bus can have; of a stream all variants, of which none must be there."""
    if like.kind != BusKind.STREAM:
        return list(signals(like))
    way, back = (IN, OUT) if like.into else (OUT, IN)
    some = [Sig("tkeep", 1, way, 0), Sig("tempty", 1, way, 0), Sig("tready", 1, back, 0)]
    some += [Sig("tuser", 1, way, 0)] if like.into else []
    return [Sig("tdata", 1, way), Sig("tvalid", 1, way), Sig("tlast", 1, way), *some]


def _fits(found: Found) -> bool:
    """Whether every port has the width that its signal has on such a bus."""
    widths = {sig.name: sig.width for sig in found.bus.signals()}
    registers = found.bus.kind in BusKind.REGISTERS
    allowed = WIRE_WIDTHS if found.bus.kind == BusKind.STREAM else REGISTER_DATA if registers else DATA
    return found.bus.data_width in allowed and all(
        port.width == widths.get(name, port.width) for name, port in found.ports.items()
    )


def _words(sig: Sig, like: Bus) -> tuple[str, ...]:
    return (sig.name, *ALSO.get(sig.name, ())) if like.kind == BusKind.STREAM else (sig.name,)


def forms(name: str) -> Iterator[str]:
    """A port's name in small letters, and that without its direction."""
    yield name.lower()
    yield WAYS.sub("", name.lower())


def _active(reset: Port) -> str:
    return "low" if ACTIVE_LOW.search(reset.name) else "high"


def _part(name: str) -> str:
    """Which part of a card a clock or a reset is of, by its name; "" when that says no more than what it is."""
    return TIMING.sub("", WAYS.sub("", name.lower())).strip("_")


def _ports_of(found: Found) -> str:
    return f"the ports {next(iter(found.ports.values())).name} ..."


def _bus(table: str, found: Found) -> Iterator[str]:
    bus = found.bus
    yield from ("", f"[{table}]", f"kind = {quoted(bus.kind)}")
    yield f"prefix = {quoted(_prefix(found))}"
    if bus.kind == BusKind.STREAM:
        yield f"data_width = {bus.data_width}"
        yield from () if bus.keep == Keep.KEEP else (f"keep = {quoted(bus.keep)}",)
        yield from () if bus.ready else ("ready = false",)
        yield from ("error = true",) if bus.error else ()
    else:
        yield f"addr_width = {bus.addr_width}"
        yield f"data_width = {bus.data_width}"
        yield from (f"id_width = {bus.id_width}",) if bus.id_width else ()
        words = bus.kind == BusKind.WISHBONE and bus.addr_width <= WORD_ADDRESSES
        yield from ("# word_addressed = true  # where adr counts words",) if words else ()


def _names(table: str, found: Found) -> Iterator[str]:
    """Ports that are not called prefix and signal; behind all other keys of the table."""
    prefix = _prefix(found)
    if names := {name: port.name for name, port in found.ports.items() if port.name != prefix + name}:
        yield f"[{table}.names]"
        yield from (f"{name} = {quoted(port)}" for name, port in names.items())


def _prefix(found: Found) -> str:
    """In the letters that the ports have."""
    return next(iter(found.ports.values())).name[: len(found.prefix)]


def quoted(value: str) -> str:
    """A text of TOML."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
