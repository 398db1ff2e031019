"""Named places in a card's datapath where something else can be put: a saboteur, a probe, a fault.

A card is built with `taps={name: Component}`, or with several components for one name: they stand in a row. A component
has an identical stream on both sides, `i` and `o`, and may have more inputs named in the tap's side information; it may
have `enable`, an input driven by one bit of the card's pin `errata`. Side information goes with what the first of a row
sees, so one that delays its stream must be the last. Where nothing is put, the stream is a plain wire: the card's
Verilog does not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from amaranth import Module, Value

__all__ = ["TAPS", "Taps"]

TAPS = {
    "rx.data": "beats of a received frame, FCS included, as the MAC gives them; cannot be stopped",
    "rx.parsed": "the same beats with what the parser found; cannot be stopped",
    "rx.verdict": "one RxChecksums a frame; cannot be stopped",
    "rx.descriptor": "receive descriptors in ring order, as fetched",
    "rx.completion": "used receive descriptors on their way to write-back (Entry)",
    "rx.write": "write beats of frame data, on their way to host memory",
    "tx.descriptor": "transmit descriptors in ring order, as fetched",
    "tx.completion": "used transmit descriptors on their way to write-back (Entry)",
    "tx.data": "beats of a frame to be sent, before summing; side: order (SumOrder); cannot be stopped",
    "tx.checksum": "one TxReady a frame: its length and its patches",
    "tx.wire": "beats of a frame on their way to the MAC, sums in place",
}


def _row(given: Any) -> tuple[Any, ...]:
    return tuple(given) if isinstance(given, Sequence) else (given,)


class Taps:
    """The components put at taps, and the enables they ask for; raises ValueError for a tap no card has."""

    def __init__(self, components: Mapping[str, Any] | None = None) -> None:
        self.components = {name: _row(given) for name, given in (components or {}).items()}
        for name, row in self.components.items():
            if name not in TAPS:
                raise ValueError(f"there is no tap {name!r}; there are {', '.join(TAPS)}")
            if len(set(map(id, row))) < len(row):
                raise ValueError(f"one component is put at tap {name!r} twice: each place wants one of its own")

    def insert(self, m: Module, name: str, source: Any, side: Mapping[str, Value] | None = None) -> Any:
        """The stream to use behind tap `name`: `source` itself, or the last component's output."""
        if name not in TAPS:
            raise ValueError(f"{name!r} is not in the list of taps")
        for place, component in enumerate(self.components.get(name, ())):
            m.submodules[f"tap_{name.replace('.', '_')}" + (f"_{place}" if place else "")] = component
            m.d.comb += [component.i.payload.eq(source.payload), component.i.valid.eq(source.valid)]
            if not source.signature.always_ready:
                m.d.comb += source.ready.eq(component.i.ready)
            for port, value in (side or {}).items():
                if hasattr(component, port):
                    m.d.comb += getattr(component, port).eq(value)
            source = component.o
        return source

    @property
    def enables(self) -> list[Any]:
        """The `enable` inputs, in the order of TAPS and then of the row: bit n of the pin `errata` drives the n-th."""
        parts = [part for name in TAPS for part in self.components.get(name, ())]
        return [part.enable for part in parts if hasattr(part, "enable")]
