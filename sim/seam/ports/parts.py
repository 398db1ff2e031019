"""What a port map is made of: reset, registers, DMA, wire, interrupts; a class each, which knows its ports."""

from __future__ import annotations

from dataclasses import dataclass, field

from ringbed.sim.seam.sentence import sentence

__all__ = [
    "DMA_ADDRESSES", "DMA_DATA", "IN", "MOST_BITS", "OUT", "REGISTER_ADDRESSES", "REGISTER_DATA", "WIRE_WIDTHS",
    "Clock", "Dma", "Idle", "Interrupts", "Peek", "Pin", "Port", "PortMapError", "Registers", "Reset", "Wire",
]  # fmt: skip

IN, OUT = "in", "out"
WIRE_WIDTHS = (8, 16, 32, 64, 128, 256, 512)
REGISTER_ADDRESSES, REGISTER_DATA = range(1, 33), (32,)  # what drivers read and write
DMA_ADDRESSES, DMA_DATA = range(1, 65), (32, 64, 128, 256, 512)
MOST_BITS = range(1, 65)  # of a pin, or of the lines of an interrupt


class PortMapError(ValueError):
    """A port map, or a component that does not fit it; the sentence names the port or key."""

    def __init__(self, text: str) -> None:
        super().__init__(sentence(text))


@dataclass(frozen=True, slots=True)
class Port:
    """One top-level port, as the card sees it: `dir` is "in" for what the harness drives."""

    name: str
    width: int
    dir: str


@dataclass(frozen=True, slots=True)
class Reset:
    """`clocks`: how long it is active; `wait`: clocks behind it before the card is asked anything."""

    port: str
    active: int = 1  # level that resets
    clocks: int = field(default=4, repr=False)  # no part of a model
    wait: int = field(default=0, repr=False)

    def ports(self) -> list[Port]:
        return [Port(self.port, 1, IN)]


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock beside the main one, of `num` / `den` of its frequency.

    Its first rising edge is the main clock's first and `phase` of its own period later, to a thousandth.
    """

    port: str
    num: int
    den: int
    phase: float = 0.0

    def ports(self) -> list[Port]:
        return [Port(self.port, 1, IN)]


@dataclass(frozen=True, slots=True)
class Registers:
    """An AXI4-Lite slave."""

    prefix: str
    addr_width: int
    data_width: int = 32

    def ports(self) -> list[Port]:
        table = (
            ("awaddr", self.addr_width, IN), ("awvalid", 1, IN), ("awready", 1, OUT),
            ("wdata", self.data_width, IN), ("wstrb", self.data_width // 8, IN), ("wvalid", 1, IN), ("wready", 1, OUT),
            ("bresp", 2, OUT), ("bvalid", 1, OUT), ("bready", 1, IN),
            ("araddr", self.addr_width, IN), ("arvalid", 1, IN), ("arready", 1, OUT),
            ("rdata", self.data_width, OUT), ("rresp", 2, OUT), ("rvalid", 1, OUT), ("rready", 1, IN),
        )  # fmt: skip
        return [Port(self.prefix + name, width, way) for name, width, way in table]


@dataclass(frozen=True, slots=True)
class Dma:
    """An AXI4 master."""

    prefix: str
    addr_width: int
    data_width: int
    id_width: int

    def ports(self) -> list[Port]:
        request = (
            ("id", self.id_width),
            ("addr", self.addr_width),
            ("len", 8),
            ("size", 3),
            ("burst", 2),
            ("valid", 1),
        )
        table = [(ch + name, width, OUT) for ch in ("aw", "ar") for name, width in request]
        table += [("awready", 1, IN), ("arready", 1, IN)]
        table += [
            ("wdata", self.data_width, OUT), ("wstrb", self.data_width // 8, OUT), ("wlast", 1, OUT),
            ("wvalid", 1, OUT), ("wready", 1, IN),
            ("bid", self.id_width, IN), ("bresp", 2, IN), ("bvalid", 1, IN), ("bready", 1, OUT),
            ("rid", self.id_width, IN), ("rdata", self.data_width, IN), ("rresp", 2, IN), ("rlast", 1, IN),
            ("rvalid", 1, IN), ("rready", 1, OUT),
        ]  # fmt: skip
        return [Port(self.prefix + name, width, way) for name, width, way in table]


@dataclass(frozen=True, slots=True)
class Wire:
    """One direction of the wire, an AXI4-Stream; `into` the card or out of it, and whether the taker has a `ready`.

    `fcs`: its frames end with their FCS. Where they do not, engines take it off and put it on (`sim/wire/edge.py`).
    `error`: the card hears of a symbol error; the port for it is there in any case.
    """

    prefix: str
    data_width: int
    into: bool
    ready: bool
    fcs: bool = True
    error: bool = True

    def ports(self) -> list[Port]:
        way, back = (IN, OUT) if self.into else (OUT, IN)
        table = [("tdata", self.data_width, way), ("tkeep", self.data_width // 8, way), ("tlast", 1, way)]
        table += [("tvalid", 1, way)]
        table += [("tuser", 1, way)] if self.into else []
        table += [("tready", 1, back)] if self.ready else []
        return [Port(self.prefix + name, width, d) for name, width, d in table]


@dataclass(frozen=True, slots=True)
class Interrupts:
    port: str
    width: int = 1

    def ports(self) -> list[Port]:
        return [Port(self.port, self.width, OUT)]


@dataclass(frozen=True, slots=True)
class Peek:
    """A register's value, combinationally and without side effects.

    `counts` names the card whose own count of frames is found there (`hw/formats/window.py`), "" for none.
    """

    address: str
    data: str
    addr_width: int
    data_width: int
    counts: str = ""

    def ports(self) -> list[Port]:
        return [Port(self.address, self.addr_width, IN), Port(self.data, self.data_width, OUT)]


@dataclass(frozen=True, slots=True)
class Idle:
    """`idle`: nothing in flight; `wake_in`: clocks to the next own event, all ones for none; `timebase`: now."""

    idle: str
    wake_in: str
    timebase: str
    width: int = 32

    def ports(self) -> list[Port]:
        return [Port(self.idle, 1, OUT), Port(self.wake_in, self.width, OUT), Port(self.timebase, self.width, IN)]


@dataclass(frozen=True, slots=True)
class Pin:
    """`name` is what people call it; `port`, where it is another, what the RTL does."""

    name: str
    width: int
    dir: str = IN
    init: int = 0
    port: str = ""

    def ports(self) -> list[Port]:
        return [Port(self.port or self.name, self.width, self.dir)]
