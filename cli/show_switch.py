"""What a switch knows and has counted, as tables for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ringbed.sim.testbed.switch import DROPS_IN, Switch

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["port_table", "station_table"]

DROPS = (*DROPS_IN, "queue_full")


def station_table(switch: Switch) -> Table:
    """The stations it has learnt, by address."""
    made = _table("stations", ("address", "port", "heard, us ago"))
    for row in switch.table():
        made.add_row(row.address.hex(":"), str(row.port), f"{(switch.now - row.seen) / 1000:,.1f}")
    return made


def port_table(switch: Switch) -> Table:
    """Frames and bytes of each port, and drops of those causes that there were."""
    drops = [name for name in DROPS if any(port.counters[name] for port in switch.ports)]
    names = ["in", "in_octets", "copies", "out", "out_octets", *drops]
    made = _table("ports", ("port", "speed", *(name.replace("_", " ") for name in names)))
    for port in switch.ports:
        counts = [f"{port.counters[name]:,}" for name in names]
        made.add_row(str(port.number), f"{port.link_bps / 1e6:,.0f}M", *counts)
    return made


def _table(title: str, columns: tuple[str, ...]) -> Table:
    from rich import box
    from rich.table import Table

    made = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, justify="left" if column == "address" else "right")
    return made
