"""The blocks of a card: all there are in hw/, each with the parameters that the card gives it."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest
from amaranth.lib import wiring

import ringbed.hw
from ringbed.hw.dut.apb import ApbBridge
from ringbed.hw.dut.crossing import Crossing
from ringbed.hw.dut.request import RequestBridge
from ringbed.hw.dut.wishbone import WishboneBridge
from ringbed.hw.mac.tx import MacTx
from ringbed.sim.synth.blocks import blocks_of, bridges, card
from ringbed.sim.synth.collar import rtlil_of


@pytest.fixture(scope="module")
def names() -> set[str]:
    """Classes of components in every file of hw/ but those of hw/dut, which are about other people's cards, and what
    the lab's card alone has."""
    found = set()
    for module in pkgutil.walk_packages(ringbed.hw.__path__, "ringbed.hw."):
        if module.name.startswith(("ringbed.hw.dut", "ringbed.hw.errata", "ringbed.hw.stream.frame_facts")):
            continue
        for name, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(each, wiring.Component) and each.__module__ == module.name and not name.startswith("_"):
                found.add(name.lower())
    return found


def test_no_block_is_forgotten(names: set[str]) -> None:
    assert {block.replace("_", "") for block in blocks_of("em", 64)} == names - {"em"}


def test_a_block_has_the_cards_parameters() -> None:
    for width in (64, 512):
        block = blocks_of("em", width)["mac_tx"]
        assert isinstance(block.component, MacTx)
        assert block.component.lanes == width // 8
        assert (block.width, block.places, block.inside) == (width, ("transmit.send.mac",), 1)


def test_of_several_the_largest_is_shown_first() -> None:
    fifo = blocks_of("em", 64)["fifo"]
    assert fifo.places[0] == "transmit.read.pieces"  # a frame's piece and its descriptor
    assert "write.order" in fifo.places
    assert len(fifo.places) > 10


def test_the_card_is_the_clean_one() -> None:
    assert not card("em", 64).component.taps.components


def test_what_a_port_map_puts_before_a_bus_is_there() -> None:
    made = {type(block.component) for block in bridges()}
    assert made == {ApbBridge, WishboneBridge, RequestBridge, Crossing}
    assert all("module \\top" in rtlil_of(block.component) for block in bridges())


def test_there_is_no_other_card() -> None:
    with pytest.raises(KeyError):
        blocks_of("e1000x", 64)
