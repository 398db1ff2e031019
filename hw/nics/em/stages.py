"""Where a frame is inside `em`: one pulse a stage and frame, on the port `stages`, for journeys and waveforms.

Everything here only looks: no block depends on it, and a card whose port is left open loses it in synthesis. The order
of the members is that of `[stages]` in em.toml, lowest bit first; a test compares the two.
"""

from __future__ import annotations

from typing import Any

from amaranth import Module, Signal
from amaranth.lib import data

__all__ = ["RX_STAGES", "TX_STAGES", "mark_causes", "mark_sending"]

RX_CAUSES = ("off", "runt", "giant", "crc", "vlan", "filter", "pause", "miss", "other")
TX_CAUSES = ("null", "long", "tse", "mix", "other")

# began: the MAC saw the first beat; kept or one of the drops: with its last; placed: its last descriptor is assigned;
# landed: all its bytes are in memory; delivered: its status is too (several in a clock); clear: CTRL.RST lost the rest.
RX_STAGES = data.StructLayout(
    {"began": 1, "kept": 1} | {"drop_" + cause: 1 for cause in RX_CAUSES}
    | {"drop_reset": 1, "placed": 1, "landed": 1, "delivered": 8, "clear": 1}
)  # fmt: skip

# began: its first descriptor is used; taken or refused: its last; stored: whole in the packet buffer; sending, sent:
# the first and the last beat on the wire; clear: CTRL.RST lost the rest.
TX_STAGES = data.StructLayout(
    {"began": 1, "taken": 1} | {"refuse_" + cause: 1 for cause in TX_CAUSES}
    | {"stored": 1, "sending": 1, "sent": 1, "clear": 1}
)  # fmt: skip


def mark_causes(m: Module, stages: Any, prefix: str, names: tuple[str, ...], bits: Any) -> None:
    """Each cause's bit to the stage of its name; a cause without one to `other`."""
    other: Any = 0
    for index, name in enumerate(names):
        if prefix + name in stages.shape().members:
            m.d.comb += stages[prefix + name].eq(bits[index])
        else:
            other |= bits[index]
    m.d.comb += stages[prefix + "other"].eq(other)


def mark_sending(m: Module, wire: Any) -> Any:
    """The clock in which a frame's first beat goes out on `wire`."""
    inside, moves, first = Signal(), Signal(), Signal()
    m.d.comb += [moves.eq(wire.tvalid & wire.tready), first.eq(moves & ~inside)]
    with m.If(moves):
        m.d.sync += inside.eq(~wire.tlast)
    return first
