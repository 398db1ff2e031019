"""Cells counted, the slowest path found, its ends called by their names, on a netlist small enough to see through."""

from __future__ import annotations

from typing import Any

import pytest

from ringbed.sim.synth.netlist import Cells, Route, count, fmax_of, slowest, too_large


def ff(q: int) -> dict[str, Any]:
    return {"type": "TRELLIS_FF", "connections": {"Q": [q], "CLK": [1]}}


def net(*bits: int) -> dict[str, Any]:
    return {"bits": list(bits)}


CELLS = {
    "collar__i_TRELLIS_FF_Q": ff(2),
    "block.sub.left_TRELLIS_FF_Q_1": ff(10),
    "block.sub.left_TRELLIS_FF_Q": ff(11),
    "block.$signal$3_TRELLIS_FF_Q": ff(12),
    "block.wait_LUT4_Z_TRELLIS_FF_Q": ff(13),
    "collar__i_LUT4_A_Z_TRELLIS_FF_Q": ff(15),  # a register of the block, called after the port it hangs on
    "block.o_LUT4_Z": {"type": "LUT4", "connections": {"Z": [20], "A": [10]}},
    "block.sum_CCU2C_S0": {"type": "CCU2C", "connections": {"S0": [21], "S1": [22]}},
    "block.store.0.0": {"type": "DP16KD", "connections": {"DOA0": [23]}},
    "block.few_TRELLIS_DPR16X4_1": {"type": "TRELLIS_DPR16X4", "connections": {"DO": [24, 25, 26, 27]}},
    "mult": {"type": "MULT18X18D", "connections": {}},
}
NETS = {
    "collar__i": net(2),
    "block.i": net(2),
    "block.sub.left": net(10, 11),
    "block.sub.left_LUT4_A_Z": net(10),
    "block.$signal$3": net(12),
    "block.wait_LUT4_Z": net(13),
    "collar__i_LUT4_A_Z": net(15),
}
LIBRARY = {"attributes": {"blackbox": "1"}, "cells": {}, "netnames": {}}
NETLIST = {"modules": {"LUT4": LIBRARY, "top": {"attributes": {}, "cells": CELLS, "netnames": NETS}}}


def step(kind: str, delay: float, start: str, end: str) -> dict[str, Any]:
    return {"type": kind, "delay": delay, "from": {"cell": start, "port": "Q"}, "to": {"cell": end, "port": "D"}}


def report(start: str, end: str) -> dict[str, Any]:
    """A path of 7 ns in the clock, and a longer one from a port, which is none of f_max's."""
    path = [
        step("clk-to-q", 0.5, start, start), step("routing", 1.0, start, "a"), step("logic", 0.25, "a", "a"),
        step("routing", 5.0, "a", "b"), step("logic", 0.25, "b", "b"), step("setup", 0.0, end, end),
    ]  # fmt: skip
    outside = {"from": "<async>", "to": "posedge clk", "path": [step("routing", 99.0, "x", "y")]}
    clocked = {"from": "posedge clk", "to": "posedge clk", "path": path}
    return {"critical_paths": [outside, clocked], "fmax": {"clk": {"achieved": 142.5, "constraint": 125}}}


def test_cells_are_counted_without_the_collar() -> None:
    assert count(NETLIST) == Cells(lut=1 + 2 + 4, ff=5, ram=1, dsp=1)


def test_what_is_too_much_is_said() -> None:
    assert too_large(Cells(83_640, 83_640, 208, 156)) == ""
    assert too_large(Cells(83_641, 5, 300, 0)) == "83,641 of 83,640 LUTs, 300 of 208 block RAMs"


def test_the_slowest_path_is_between_registers() -> None:
    found = slowest(report("collar__i_TRELLIS_FF_Q", "block.sub.left_TRELLIS_FF_Q"), NETLIST, {})
    assert found == Route("port i", "sub.left[1]", 7.0, 6.0, 2)
    assert fmax_of(report("", "")) == 142.5


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("block.sub.left_TRELLIS_FF_Q_1", "sub.left[0]"),
        ("block.$signal$3_TRELLIS_FF_Q", "up|down"),
        ("block.wait_LUT4_Z_TRELLIS_FF_Q", "wait"),
        ("collar__i_LUT4_A_Z_TRELLIS_FF_Q", "i"),
        ("block.store.0.0", "memory store"),
        ("block.few_TRELLIS_DPR16X4_1", "memory few"),
    ],
)
def test_a_register_has_its_name_in_the_source(cell: str, name: str) -> None:
    assert slowest(report(cell, cell), NETLIST, {"block.$signal$3": "up|down"}).source == name
