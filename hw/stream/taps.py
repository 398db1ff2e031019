"""Named places in a card where something else can be put: a saboteur, a probe, a fault.

A card is built with `taps={name: part}`, or with several parts for one name: they stand in a row. A part is a component
with an identical stream on both sides, `i` and `o`, or a function of (signature, side) that makes one; it may have more
inputs named in the tap's side information. Side information goes with what the first of a row sees, so one that delays
its stream must be the last. Where nothing is put, a stream is a plain wire and a value is itself: the card's Verilog
does not change.

Parts may have registers, which the card writes by index: see `configure`. `clear` is the card's own reset, for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from amaranth import Module, ResetInserter, Signal, Value
from amaranth.lib import data, stream

__all__ = ["TAPS", "VALUE_TAPS", "Taps"]

TAPS = {
    "rx.data": "beats of a received frame, FCS included, as the MAC gives them; side: end; cannot be stopped",
    "rx.filter": "value: what the filters say of a frame (Verdict); side: head, told, control (FilterControl)",
    "rx.end": "value: how a frame ended (RxFrameEnd), as it is judged; side: stripped, last",
    "rx.parsed": "the same beats with what the parser found; cannot be stopped",
    "rx.verdict": "one RxChecksums a frame; side: parsed, facts (length, first bytes), admitted; cannot be stopped",
    "rx.frame": "one RxFrame for each kept frame, as its descriptor will say; side: as rx.verdict; cannot be stopped",
    "rx.tail": "value: RDT; side: head, count, sending, timebase",
    "rx.descriptor": "receive descriptors in ring order, as fetched",
    "rx.completion": "used receive descriptors on their way to write-back (Entry)",
    "rx.request": "bursts of frame data to be written (Request)",
    "rx.write": "write beats of frame data, on their way to host memory",
    "tx.tail": "value: TDT; side: head, count, sending, timebase",
    "tx.descriptor": "transmit descriptors in ring order, as fetched",
    "tx.completion": "used transmit descriptors on their way to write-back (Entry)",
    "tx.request": "bursts of frame data to be read (Request)",
    "tx.segment": "value: what is to be segmented and how (SegmentRequest), of the message that begins; side: begins",
    "tx.data": "beats of a frame to be sent, before summing; side: order (SumOrder), cutting; cannot be stopped",
    "tx.checksum": "one TxReady a frame: its length and its patches; side: facts (length, first bytes, order, finish)",
    "tx.store": "data of a frame out of the packet buffer, before patches; side: facts, frame (TxReady)",
    "irq.event": "value: interrupt causes raised in this clock; side: causes, mask, read, placed, timebase",
    "irq.line": "value: the interrupt line; side: causes, mask, read, timebase",
    "stat.rx": "one RxStat a frame that statistics hear of; cannot be stopped",
    "stat.tx": "one TxStat a frame sent; cannot be stopped",
    "stat.value": "value: the statistics register that is looked at; side: at, read",
    "mta.write": "value: a write to the multicast table (TableWrite); side: receiving",
    "vfta.write": "value: a write to the VLAN table (TableWrite); side: receiving",
    "eeprom.word": "value: the EEPROM's word; side: address",
    "phy.value": "value: the PHY's register; side: register",
    "pause.rx": "the time of each pause frame that is honoured; cannot be stopped",
    "pause.tx": "beats of pause frames to be sent (TxBeat)",
}
VALUE_TAPS = frozenset(name for name, words in TAPS.items() if words.startswith("value"))

Side = Mapping[str, "Value | data.View[Any] | Callable[[], Any]"]


def _row(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, Sequence) else (given,)


class Taps:
    """The parts put at taps, and the `registers` they read; raises ValueError for a tap no card has."""

    def __init__(self, parts: Mapping[str, Any] | None = None, registers: Sequence[Signal] = ()) -> None:
        self.components = {name: _row(given) for name, given in (parts or {}).items()}
        self.registers, self.clear = tuple(registers), Signal(name="taps_clear")
        for name, row in self.components.items():
            if name not in TAPS:
                raise ValueError(f"there is no tap {name!r}; there are {', '.join(TAPS)}")
            if len(set(map(id, row))) < len(row):
                raise ValueError(f"one component is put at tap {name!r} twice: each place wants one of its own")

    def used(self, *names: str) -> bool:
        """Whether something is put at one of these."""
        return any(name in self.components for name in names)

    def insert(self, m: Module, name: str, source: Any, side: Side | None = None) -> Any:
        """The stream to use behind tap `name`: `source` itself, or the last part's output.

        What in `side` is a function is called once, if there is a part.
        """
        if name not in TAPS:
            raise ValueError(f"{name!r} is not in the list of taps")
        row = self.components.get(name, ())
        known = {key: value() if callable(value) else value for key, value in (side or {}).items()} if row else {}
        for place, part in enumerate(row):
            component = part if hasattr(part, "elaborate") else part(source.signature, known)
            wrapped = ResetInserter(self.clear)(component)
            m.submodules[f"tap_{name.replace('.', '_')}" + (f"_{place}" if place else "")] = wrapped
            m.d.comb += [component.i.payload.eq(source.payload), component.i.valid.eq(source.valid)]
            if not source.signature.always_ready:
                m.d.comb += source.ready.eq(component.i.ready)
            for port, value in known.items():
                if hasattr(component, port):
                    m.d.comb += getattr(component, port).eq(value)
            source = component.o
        return source

    def alter(self, m: Module, name: str, value: Any, side: Side | None = None) -> Any:
        """The value to use behind tap `name`: `value` itself, or what the last part makes of it, in the same clock.

        The parts see a stream that is always valid. Raises ValueError for a tap of a stream.
        """
        if name in TAPS and name not in VALUE_TAPS:
            raise ValueError(f"at tap {name!r} is a stream, and no value")
        if name not in self.components:
            return self.insert(m, name, value)
        source = stream.Signature(value.shape(), always_ready=True).create()
        m.d.comb += [source.payload.eq(value), source.valid.eq(1)]
        return self.insert(m, name, source, side).payload

    def configure(self, m: Module, index: Value, value: Value, write: Value) -> None:
        """The registers' bus: in a clock with `write` the register of number `index` takes `value`."""
        with m.If(write), m.Switch(index):
            for number, register in enumerate(self.registers):
                with m.Case(number):
                    m.d.sync += register.eq(value)
