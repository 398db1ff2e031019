"""Signals that Amaranth has no name for are called after what their line assigns to."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from ringbed.sim.synth.collar import rtlil_of
from ringbed.sim.synth.names import names_of, without_sources


class Pair(wiring.Component):
    def __init__(self) -> None:
        super().__init__({"o": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.inner = inner = Module()
        left, right = Signal(3), Signal(3)
        self.kept, (nested, *rest) = Signal(5), (Signal(5), Signal(5))
        named = Signal(3)
        inner.d.sync += [left.eq(left + 1), right.eq(right - left), named.eq(right), self.kept.eq(nested)]
        m.d.comb += self.o.eq(named[0] ^ self.kept[0] ^ rest[0][0])
        return m


def test_nameless_signals_are_called_after_their_line() -> None:
    found = names_of(rtlil_of(Pair()))
    assert {name.rpartition(".$signal")[0] for name in found} == {"block", "block.inner"}
    assert set(found.values()) == {"left|right", "kept|nested|rest"}


def test_the_design_is_the_same_without_sources() -> None:
    text = rtlil_of(Pair())
    bare = without_sources(text)
    assert "test_names.py" in text
    assert "test_names.py" not in bare
    assert [line for line in text.splitlines() if "\\src" not in line] == bare.splitlines()


def test_a_source_that_is_gone_gives_no_names() -> None:
    assert names_of(rtlil_of(Pair()).replace("test_names.py", "gone.py")) == {}
