"""Inputs of a bus that a map holds at a value, as if somebody had explained them: what `dut check` calls incomplete.

A value in `[ties]` is a person's word, and most are right. These are not: a signal without which a stream of the map
says nothing (its start, its keep, its ready held at 0), and every input of a bus that the map has not at all.
"""

from __future__ import annotations

from collections.abc import Iterator

from ringbed.hw.formats.dut import IN, BusKind
from ringbed.sim.dut.block import BlockReader
from ringbed.sim.dut.buses import TABLES, Found, found_buses
from ringbed.sim.dut.map import Reader
from ringbed.sim.dut.toml import key

__all__ = ["silent_ties"]

# of a stream: what a map would say that has the signal
SAYS = {"tstart": "start = true", "tkeep": 'keep = "keep"', "tempty": 'keep = "empty"', "tready": "ready = true"}


def silent_ties(reader: Reader) -> Iterator[str]:
    """A sentence for each, of a map without problems."""
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
