"""Someone's own RTL as its port map describes it: which of its ports make which bus. Plain data, checked by its reader.

A bus kind is a table of signals by their standard names, seen from the card: `in` is what we drive. A signal with a
`default` need not be there: nobody drives a missing input, and a missing output reads as that value. The wrapper
(hw/dut/wrapper.py) is built from a `Dut`; so are the sentences of `ringbed dut check`.

Sources: Arm IHI 0022 (AXI4, AXI4-Lite), IHI 0024 (APB), IHI 0051 (AXI4-Stream), OpenCores Wishbone B4. The request
interface is the smallest a memory can have, in the manner of OBI (OpenHW): see `request`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ringbed.hw.formats.literal import Parameter

__all__ = [
    "CANONICAL", "CARD", "IN", "OUT", "Bus", "BusKind", "Clock", "Dut", "DutReset", "Keep", "Line", "Pin", "Sig",
    "outside", "signals",
]  # fmt: skip

IN, OUT = "in", "out"  # as the card sees it
CANONICAL = {"registers": "s_axil_", "dma": "m_axi_", "rx": "rx_", "tx": "tx_", "line": "irq", "reset": "rst"}
CARD = "card"  # the instance in its wrapper: the card's scope in a waveform
PLAIN = re.compile(
    r"[a-z]\w*", re.ASCII | re.IGNORECASE
)  # what every language that a wrapper is written in has as a name


class BusKind:
    """The words of `kind` in a map."""

    AXI_LITE, APB, WISHBONE = "axi4-lite", "apb", "wishbone"
    AXI, REQUEST = "axi4", "request"
    STREAM = "axi4-stream"
    REGISTERS = (AXI_LITE, APB, WISHBONE)
    DMA = (AXI, REQUEST)


class Keep:
    """How a stream says which bytes of its last beat count."""

    KEEP, EMPTY, NONE = "keep", "empty", "none"
    ALL = (KEEP, EMPTY, NONE)


@dataclass(frozen=True, slots=True)
class Sig:
    """One signal of a bus kind: its standard name, bits, direction, and what stands for it when it is not there."""

    name: str
    width: int
    dir: str
    default: int | None = None


@dataclass(frozen=True)
class Bus:
    """One bus of the card. `ports`: the user's port for each signal that is there, by the signal's standard name.

    `into`: a stream that carries frames into the card; `big`: the first byte of a beat is in its high bits; `fcs`:
    frames end with their FCS; `start`: a signal is high with a frame's first beat (Avalon-ST's startofpacket).
    `word_addressed`: register addresses count words, not bytes.
    """

    kind: str
    data_width: int
    addr_width: int = 0
    id_width: int = 0
    ports: Mapping[str, str] = field(default_factory=dict)
    clock: str = ""  # the port's name; "" is the main clock
    keep: str = Keep.KEEP
    big: bool = False
    into: bool = False
    ready: bool = True
    error: bool = False
    fcs: bool = True
    word_addressed: bool = False
    start: bool = False

    def signals(self) -> tuple[Sig, ...]:
        return signals(self)


@dataclass(frozen=True, slots=True)
class Clock:
    """Another clock: its port; its frequency over the main clock's, a fraction; `phase` in parts of its period.

    `falling`: its flip-flops work on falling edges, and phase counts from the main clock's rising edge to those.
    """

    port: str
    num: int = 1
    den: int = 1
    phase: float = 0.0
    falling: bool = False


@dataclass(frozen=True, slots=True)
class DutReset:
    port: str
    active_high: bool = True
    clock: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """Interrupts: one port, a line a bit, high when up."""

    port: str
    width: int = 1


@dataclass(frozen=True, slots=True)
class Pin:
    name: str
    width: int
    dir: str
    init: int = 0


@dataclass(frozen=True)
class Dut:
    """The whole of it. `ties`: the user's inputs that no bus, clock or pin drives, and the value they are held at.

    `reset_clocks`: how long resets are active; `reset_wait`: clocks behind them in which the card is not ready yet.
    """

    top: str
    clock: str
    resets: tuple[DutReset, ...]
    clocks: tuple[Clock, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    registers: Bus | None = None
    dma: Bus | None = None
    rx: Bus | None = None
    tx: Bus | None = None
    line: Line | None = None
    pins: tuple[Pin, ...] = ()
    ties: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # port: (bits, value)
    reset_clocks: int = field(default=4, repr=False)  # when, not what: no part of any RTL
    reset_wait: int = field(default=0, repr=False)

    def crosses(self, bus: Bus) -> bool:
        """Whether a bus is on another clock than the main one."""
        return bus.clock not in ("", self.clock)

    @property
    def plain_name(self) -> str:
        """The top's, as every language that a wrapper is written in has names: an escaped one has others."""
        return re.sub(r"\W", "_", self.top, flags=re.ASCII)

    def outrun(self) -> str:
        """A sentence where frames out of the card could come faster than the main clock takes them, or ""."""
        clocks = {clock.port: clock for clock in self.clocks}
        if self.tx is None or self.tx.ready or not self.crosses(self.tx):
            return ""
        clock = clocks[self.tx.clock]
        if clock.num <= clock.den:
            return ""
        return (
            f"wire.tx has no tready, and a beat in each clock of {clock.port!r}, {clock.num}/{clock.den} of "
            f"{self.clock!r}, would be more than {self.clock!r} takes: make {clock.port!r} the main clock"
        )

    def buses(self) -> dict[str, Bus]:
        """Those that are there, by the name of their table in a map."""
        named = {"registers": self.registers, "dma": self.dma, "wire.rx": self.rx, "wire.tx": self.tx}
        return {name: bus for name, bus in named.items() if bus is not None}


def outside(dut: Dut) -> dict[str, str]:
    """How the wrapper around a card calls its pins and clocks: a user's `switch`, `_gap` or `a.b` is no word there.

    A clock keeps its own name where that is plain and not taken.
    """
    taken = {CARD, *CANONICAL.values()} | {clock.port for clock in dut.clocks} | {dut.clock}
    found = {}
    for number, pin in enumerate(dut.pins):
        found[pin.name] = f"pin_{pin.name if PLAIN.fullmatch(pin.name.lstrip('_')) else number}"
    for number, name in enumerate((dut.clock, *(clock.port for clock in dut.clocks))):
        found[name] = (
            name
            if _keeps(name)
            else next(free for tail in range(number, len(taken) + number + 1) if (free := f"clock_{tail}") not in taken)
        )
        taken.add(found[name])
    return found


def _keeps(clock: str) -> bool:
    """Whether a wrapper can have a port of that name."""
    buses = {
        "registers": Bus(BusKind.AXI_LITE, 32), "dma": Bus(BusKind.AXI, 64), "rx": Bus(BusKind.STREAM, 64, error=True),
        "tx": Bus(BusKind.STREAM, 64),
    }  # fmt: skip
    own = {CARD, CANONICAL["line"], CANONICAL["reset"]}
    own |= {CANONICAL[name] + sig.name for name, bus in buses.items() for sig in signals(bus)}
    return bool(PLAIN.fullmatch(clock)) and clock not in own and not clock.startswith("pin_")


def signals(bus: Bus) -> tuple[Sig, ...]:
    """Every signal that a bus of this kind and these widths can have."""
    table = {
        BusKind.AXI_LITE: _axi_lite, BusKind.APB: _apb, BusKind.WISHBONE: _wishbone,
        BusKind.AXI: _axi, BusKind.REQUEST: _request, BusKind.STREAM: _stream,
    }  # fmt: skip
    return table[bus.kind](bus)


def _axi_lite(bus: Bus) -> tuple[Sig, ...]:
    addr, data = bus.addr_width, bus.data_width
    return (
        Sig("awaddr", addr, IN), Sig("awprot", 3, IN, 0), Sig("awvalid", 1, IN), Sig("awready", 1, OUT),
        Sig("wdata", data, IN), Sig("wstrb", data // 8, IN, 0), Sig("wvalid", 1, IN), Sig("wready", 1, OUT),
        Sig("bresp", 2, OUT, 0), Sig("bvalid", 1, OUT), Sig("bready", 1, IN, 0),
        Sig("araddr", addr, IN), Sig("arprot", 3, IN, 0), Sig("arvalid", 1, IN), Sig("arready", 1, OUT),
        Sig("rdata", data, OUT), Sig("rresp", 2, OUT, 0), Sig("rvalid", 1, OUT), Sig("rready", 1, IN, 0),
    )  # fmt: skip


def _apb(bus: Bus) -> tuple[Sig, ...]:
    return (
        Sig("paddr", bus.addr_width, IN), Sig("psel", 1, IN), Sig("penable", 1, IN), Sig("pwrite", 1, IN),
        Sig("pwdata", bus.data_width, IN), Sig("pstrb", bus.data_width // 8, IN, 0), Sig("pprot", 3, IN, 0),
        Sig("prdata", bus.data_width, OUT), Sig("pready", 1, OUT, 1), Sig("pslverr", 1, OUT, 0),
    )  # fmt: skip


def _wishbone(bus: Bus) -> tuple[Sig, ...]:
    """Names as the card, a slave, has them: dat_i is what is written to it. With `stall` it is pipelined mode."""
    return (
        Sig("cyc", 1, IN), Sig("stb", 1, IN), Sig("we", 1, IN), Sig("adr", bus.addr_width, IN),
        Sig("sel", bus.data_width // 8, IN, 0), Sig("dat_i", bus.data_width, IN), Sig("dat_o", bus.data_width, OUT),
        Sig("ack", 1, OUT), Sig("err", 1, OUT, 0), Sig("stall", 1, OUT, 0),
    )  # fmt: skip


def _axi_request(bus: Bus, channel: str) -> tuple[Sig, ...]:
    """AW or AR."""
    size = (bus.data_width // 8).bit_length() - 1
    table = (
        Sig("id", bus.id_width, OUT, 0), Sig("addr", bus.addr_width, OUT), Sig("len", 8, OUT, 0),
        Sig("size", 3, OUT, size), Sig("burst", 2, OUT, 1), Sig("valid", 1, OUT), Sig("ready", 1, IN),
    )  # fmt: skip
    return tuple(Sig(channel + each.name, each.width, each.dir, each.default) for each in table)


def _axi(bus: Bus) -> tuple[Sig, ...]:
    answers = (
        Sig("bid", bus.id_width, IN, 0), Sig("bresp", 2, IN, 0), Sig("bvalid", 1, IN), Sig("bready", 1, OUT, 1),
        Sig("rid", bus.id_width, IN, 0), Sig("rdata", bus.data_width, IN), Sig("rresp", 2, IN, 0),
        Sig("rlast", 1, IN, 0), Sig("rvalid", 1, IN), Sig("rready", 1, OUT, 1),
    )  # fmt: skip
    data = (
        Sig("wdata", bus.data_width, OUT), Sig("wstrb", bus.data_width // 8, OUT), Sig("wlast", 1, OUT),
        Sig("wvalid", 1, OUT), Sig("wready", 1, IN),
    )  # fmt: skip
    return (*_axi_request(bus, "aw"), *data, *_axi_request(bus, "ar"), *answers)


def _request(bus: Bus) -> tuple[Sig, ...]:
    """One beat a request, taken in a clock with `req` and `gnt`; `rvalid` answers each, writes too, in order."""
    return (
        Sig("req", 1, OUT), Sig("gnt", 1, IN), Sig("we", 1, OUT), Sig("addr", bus.addr_width, OUT),
        Sig("be", bus.data_width // 8, OUT, (1 << bus.data_width // 8) - 1), Sig("wdata", bus.data_width, OUT),
        Sig("rvalid", 1, IN), Sig("rdata", bus.data_width, IN), Sig("err", 1, IN, 0),
    )  # fmt: skip


def _stream(bus: Bus) -> tuple[Sig, ...]:
    way, back = (IN, OUT) if bus.into else (OUT, IN)
    lanes = bus.data_width // 8
    found = [Sig("tdata", bus.data_width, way), Sig("tvalid", 1, way), Sig("tlast", 1, way)]
    if bus.keep == Keep.KEEP:
        found.append(Sig("tkeep", lanes, way))
    elif bus.keep == Keep.EMPTY:
        found.append(Sig("tempty", max(1, (lanes - 1).bit_length()), way))
    if bus.ready:
        found.append(Sig("tready", 1, back))
    if bus.error:
        found.append(Sig("tuser", 1, way))
    if bus.start:
        found.append(Sig("tstart", 1, way))
    return tuple(found)
