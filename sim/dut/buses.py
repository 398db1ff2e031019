"""Buses among the ports of a module, by their names, directions and widths.

    found_buses(ports, (BusKind.STREAM,), into=True)

A bus is there when all its signals that must be there are, under one prefix, in any of the forms that
`names.forms` knows. A signal that need not be there and has another shape costs itself alone, if it is an input: its
port is among those that stand beside the bus. An output of another shape says something that would be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ringbed.hw.formats.dut import IN, OUT, Bus, BusKind, Keep, Sig, signals
from ringbed.sim.dut.map import DATA
from ringbed.sim.dut.names import forms
from ringbed.sim.seam.portmap import Port
from ringbed.sim.seam.ports.parts import REGISTER_DATA, WIRE_WIDTHS

__all__ = ["TABLES", "Found", "found_buses"]

# other words for the signals of a stream
ALSO = {
    "tdata": ("data",), "tvalid": ("valid",), "tlast": ("last", "eop", "endofpacket", "eof"), "tkeep": ("keep",),
    "tempty": ("empty", "mty"), "tready": ("ready",), "tuser": ("error", "err"),
    "tstart": ("sop", "startofpacket", "sof", "tfirst", "first"),
}  # fmt: skip
# of a map: which kinds each may have, and whether frames come in by it
TABLES = {
    "registers": (BusKind.REGISTERS, False), "dma": (BusKind.DMA, False),
    "wire.rx": ((BusKind.STREAM,), True), "wire.tx": ((BusKind.STREAM,), False),
}  # fmt: skip
DATA_OF = ("tdata", "rdata", "prdata", "dat_o", "wdata")
ADDRESS_OF = ("araddr", "paddr", "adr", "addr")
NEAR = 0.6  # of what must be there, from which on a bus that is not whole is worth a word


@dataclass(frozen=True)
class Found:
    """A bus under `prefix`, with the port of each signal that is there.

    `missing` are those that must be there; `odd` those whose port has a width that is not driven; `spared` those that
    the bus does without, since their port has another shape.
    """

    bus: Bus
    prefix: str
    ports: Mapping[str, Port]
    missing: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        return not self.missing and not self.odd

    def lacks(self) -> str:
        """Why it is not whole."""
        if self.missing:
            return f"lack {', '.join(self.missing)}"
        widths = ", ".join(f"{name} of {self.ports[name].width}" for name in self.odd)
        return f"have a width that is not driven: {widths}"

    def beside(self, port: Port) -> bool:
        """Whether a port is called as a signal of this bus would be."""
        return bool(self.prefix) and any(form.startswith(self.prefix) for form in forms(port.name))


def found_buses(ports: Mapping[str, Port], kinds: Iterable[str], into: bool) -> list[Found]:
    """Of these kinds, whole ones and such that are nearly there; one that has no more than another is not told."""
    found = [each for kind in kinds for each in _candidates(ports, Bus(kind, 64, 64, 4, into=into))]
    ranked = sorted(found, key=lambda each: (each.whole, len(each.ports), len(each.prefix)), reverse=True)  # stable
    kept = dict[int, frozenset[str]]()
    for each in ranked:
        names = frozenset(port.name for port in each.ports.values())
        if not any(names <= more for more in kept.values()):
            kept[id(each)] = names
    return [each for each in found if id(each) in kept]


def _candidates(ports: Mapping[str, Port], like: Bus) -> Iterator[Found]:
    """For every prefix that has enough of what a bus like this must have."""
    table = _signals(like)
    by_form = {(form, port.dir): port for port in ports.values() for form in reversed(list(forms(port.name)))}
    by_form |= {(next(forms(port.name)), port.dir): port for port in ports.values()}  # as it is spelled, it wins
    prefixes = {
        form.removesuffix(word): None for sig in table for word in _words(sig, like) for form, _ in by_form
        if form.endswith(word)
    }  # fmt: skip
    needed = [sig for sig in table if sig.default is None]
    for prefix in prefixes:
        if prefix and not prefix.endswith("_"):
            continue
        found = {}
        for sig in table:
            keys = ((prefix + word, sig.dir) for word in _words(sig, like))
            if port := next((by_form[each] for each in keys if each in by_form), None):
                found[sig.name] = port
        missing = tuple(sig.name for sig in needed if sig.name not in found)
        if len(needed) - len(missing) >= NEAR * len(needed):
            yield _shaped(like, prefix, found, missing)


def _shaped(like: Bus, prefix: str, ports: Mapping[str, Port], missing: tuple[str, ...]) -> Found:
    """With the widths that the ports have, and without those that need not be there and have another."""
    bus = _bus(like, ports)
    known = {sig.name: sig for sig in bus.signals()}
    wrong = [name for name, port in ports.items() if name in known and port.width != known[name].width]
    if spare := {name for name in wrong if _spare(known[name])}:
        fewer = _shaped(like, prefix, {name: port for name, port in ports.items() if name not in spare}, missing)
        return replace(fewer, spared=(*sorted(spare), *fewer.spared))
    registers = bus.kind in BusKind.REGISTERS
    allowed = WIRE_WIDTHS if bus.kind == BusKind.STREAM else REGISTER_DATA if registers else DATA
    wide = next((name for name in DATA_OF if name in ports), "")
    return Found(bus, prefix, ports, missing, (wide,) if wide and bus.data_width not in allowed else tuple(wrong))


def _bus(like: Bus, ports: Mapping[str, Port]) -> Bus:
    data = _width(ports, DATA_OF)
    if like.kind == BusKind.STREAM:
        keep = Keep.KEEP if "tkeep" in ports else Keep.EMPTY if "tempty" in ports else Keep.NONE
        return replace(
            like, data_width=data, addr_width=0, id_width=0, keep=keep, ready="tready" in ports,
            error="tuser" in ports, start="tstart" in ports,
        )  # fmt: skip
    ids = _width(ports, ("arid", "awid")) if like.kind == BusKind.AXI else 0
    return Bus(like.kind, data, _width(ports, ADDRESS_OF), ids)


def _width(ports: Mapping[str, Port], names: Iterable[str]) -> int:
    return next((ports[name].width for name in names if name in ports), 0)


def _spare(sig: Sig) -> bool:
    """Whether a bus is one without this signal, though the card has a port of another shape for it."""
    return sig.dir == IN and (sig.default is not None or sig.name in ("tuser", "tstart"))


def _signals(like: Bus) -> list[Sig]:
    """All that such a bus can have; of a stream all variants, of which none must be there."""
    if like.kind != BusKind.STREAM:
        return list(signals(like))
    way, back = (IN, OUT) if like.into else (OUT, IN)
    some = [Sig("tkeep", 1, way, 0), Sig("tempty", 1, way, 0), Sig("tready", 1, back, 0), Sig("tstart", 1, way, 0)]
    some += [Sig("tuser", 1, way, 0)] if like.into else []
    return [Sig("tdata", 1, way), Sig("tvalid", 1, way), Sig("tlast", 1, way), *some]


def _words(sig: Sig, like: Bus) -> tuple[str, ...]:
    return (sig.name, *ALSO.get(sig.name, ())) if like.kind == BusKind.STREAM else (sig.name,)
