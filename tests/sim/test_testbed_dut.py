"""Somebody's card on an engine: memory where its addresses reach, and what is told when nothing comes back."""

from __future__ import annotations

import pytest

from ringbed.sim.portmap import PortMapError
from ringbed.sim.testbed_peer import NoAnswer, ping
from tests.sim.conftest import Edits, OpenMini

ENGINES = ["native", pytest.param("cocotb-icarus", marks=pytest.mark.cocotb)]


def narrow(bits: int) -> tuple[Edits, Edits]:
    """Of a card whose memory bus has so many address bits."""
    return (("[63:0] mem_addr", f"[{bits - 1}:0] mem_addr"),), (("addr_width = 64", f"addr_width = {bits}"),)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_card_of_32_bit_addresses(open_mini: OpenMini, engine: str) -> None:
    host, peer = open_mini(engine, *narrow(32))
    for size in (0, 1, 56, 1472):
        ping(host, peer, bytes(size))
    assert 1 << 31 <= host.memory.regions[0].iova < 1 << 32
    assert host.engine.findings() == []
    host.down()


def test_the_least_that_a_card_must_reach(open_mini: OpenMini) -> None:
    host, peer = open_mini("native", *narrow(20))
    ping(host, peer)
    assert host.engine.findings() == []
    host.down()
    with pytest.raises(PortMapError, match="addr_width 19 reaches 524288 bytes, too few for host memory: 20 bits is"):
        open_mini("native", *narrow(19))


@pytest.mark.parametrize("engine", ENGINES)
def test_no_answer_says_what_was_found_and_counted(open_mini: OpenMini, engine: str) -> None:
    """A card that asks for the frame 4 GiB beside where it is."""
    host, peer = open_mini(engine, (("address <= mem_rdata;", "address <= mem_rdata ^ 64'h1_0000_0000;"),))
    with pytest.raises(NoAnswer) as caught:
        ping(host, peer, within_ns=200_000)
    first, finding, *_, driver, memory, wire = str(caught.value).splitlines()
    assert first == "nic0: no answer of 10.0.0.1 within 200000 ns"
    assert finding.startswith(f"  clock {caught.value.findings[0].clock}: dma.read: the device reads 0x")
    assert driver.startswith("  driver: tx_frames 1")
    assert memory.startswith("  memory: ")
    assert wire.startswith("  wire: ")
