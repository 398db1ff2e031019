"""The tables of a switch: every port and station, and of the drops those that happened."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from ringbed.cli.show_switch import port_table, station_table
from ringbed.sim.testbed.switch import Switch
from tests.sim.testbed.switch.test_switch import frame, station


def shown(table: Table) -> list[list[str]]:
    console = Console(file=io.StringIO(), width=200)
    console.print(table)
    return [line.split() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


def test_stations_and_ports() -> None:
    switch = Switch([10**9, 10**8])
    switch.ports[1].wire_in(frame(station(9), station(1)), 1000)
    switch.ports[0].wire_in(frame(station(0), station(0)), 2000)
    switch.advance(4500)
    stations = shown(station_table(switch))
    assert ["02:00:00:00:00:00", "0", "2.5"] in stations
    assert ["02:00:00:00:00:01", "1", "3.5"] in stations
    ports = shown(port_table(switch))
    assert ["0", "1,000M", "1", "64", "0", "1", "64", "1"] in ports, "the last is its drop"
    assert ["1", "100M", "1", "64", "0", "0", "0", "0"] in ports
    words = [word for line in ports for word in line]
    assert "same" in words
    assert "giant" not in words
