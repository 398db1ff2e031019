"""Somebody's card on an engine: memory where its addresses reach, and what is told when nothing comes back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from ringbed.drivers.world import TxFrame
from ringbed.sim.faults.plan import parse_plan
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.processor.model import Processor
from ringbed.sim.seam.engine import Event
from ringbed.sim.seam.portmap import PortMap, PortMapError, Registers, Reset
from ringbed.sim.testbed.accounting import lost
from ringbed.sim.testbed.assembly import StackHost, StackOnDriver, account
from ringbed.sim.testbed.dut import open_dut, pci_of
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.host import Collector
from ringbed.sim.testbed.peer import NoAnswer, Peer, ping
from ringbed.sim.wire.frame import to_wire
from ringbed.stack.stack import Stack
from tests.examples.five import Five
from tests.sim.conftest import NIC, Edits, OpenMini

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


def test_memory_of_ones_own_must_be_in_reach() -> None:
    memory = HostMemory(trace_origins=False)
    host = open_dut(
        NIC / "mini_nic.toml",
        partial(Five, lladdr=bytes.fromhex("020000000001")),
        Collector(),
        engine="native",
        memory=memory,
    )
    assert host.memory is memory
    host.engine.close()


def test_a_processor_whose_work_takes_time_needs_rules() -> None:
    with pytest.raises(
        ValueError, match=r"processor=.*: only weak= is there for a card whose rules nobody has written"
    ):
        open_dut(NIC / "mini_nic.toml", partial(Five, lladdr=bytes(6)), Collector(), processor=Processor(access_ns=1))


def test_memory_out_of_the_cards_reach_is_refused(open_mini: OpenMini) -> None:
    with pytest.raises(ValueError, match=r"memory up to 0x\d+: the card's DMA has 32 bits of address"):
        open_mini("native", *narrow(32), memory=HostMemory())


def test_the_least_that_a_card_must_reach(open_mini: OpenMini) -> None:
    host, peer = open_mini("native", *narrow(20))
    ping(host, peer)
    assert host.engine.findings() == []
    host.down()
    with pytest.raises(PortMapError, match="addr_width 19 reaches 524288 bytes, too few for host memory: 20 bits is"):
        open_mini("native", *narrow(19))


@pytest.mark.parametrize(("bits", "size"), [(1, 16), (4, 16), (8, 256), (16, 65536), (24, 1 << 24), (32, 1 << 32)])
def test_a_bar_is_as_large_as_the_registers_addresses_reach(bits: int, size: int) -> None:
    portmap = PortMap("t", "clk", Reset("rst"), registers=Registers("s_axil_", bits))
    assert pci_of(portmap).bars == (size,)
    assert pci_of(replace(portmap, registers=None)).bars == (0,)


def test_a_driver_sees_the_bar_of_its_map(open_mini: OpenMini) -> None:
    host, _ = open_mini("native", (), ())
    assert host.device.pci.bars == (1 << 8, 0, 0x1000)  # mini_nic.toml, [pci]
    host.down()


@pytest.mark.parametrize("engine", ENGINES)
def test_no_answer_says_what_was_found_and_counted(open_mini: OpenMini, engine: str) -> None:
    """A card that asks for the frame 4 GiB beside where it is."""
    host, peer = open_mini(engine, (("address <= mem_rdata;", "address <= mem_rdata ^ 64'h1_0000_0000;"),))
    with pytest.raises(NoAnswer) as caught:
        ping(host, peer, within_ns=200_000)
    first, finding, *_, driver, memory, wire, thrown = str(caught.value).splitlines()
    assert first == "nic0: no answer of 10.0.0.1 within 200000 ns of simulated time (within_ns)"
    assert finding.startswith(f"  clock {caught.value.findings[0].clock}: dma.read: the device reads 0x")
    assert driver.startswith("  driver: tx_frames 1")
    assert memory.startswith("  memory: ")
    assert wire.startswith("  wire: ")
    assert thrown.startswith("  the peer threw away: ether: frames for unknown/unsupported protocol 1; the last ")


def overrun(host: StackHost) -> int:
    """More frames at once than buffer and ring hold; how many were put on the wire."""
    for number in range(200):
        host.engine.wire_in(to_wire(bytes([number]) * 1000), host.engine.now)
    host.advance(host.now + 3_000_000)
    return 200


@pytest.mark.parametrize("engine", ENGINES)
def test_the_account_of_a_card_that_cannot_be_asked(open_mini: OpenMini, engine: str) -> None:
    """It has no peek: the wire is counted, the driver counts, and what the card missed is told by the driver."""
    host, peer = open_mini(engine)
    for size in (0, 1472):
        ping(host, peer, bytes(size))
    host.engine.wire_in(to_wire(bytes(60))[:-1] + b"!", host.engine.now)
    host.advance(host.now + 100_000)
    up, down, *stack = account(host)
    assert (up.sent, up.delivered, up.causes["bad_fcs"], up.lost) == (peer.sent + 1, peer.sent, 1, 0)
    assert (down.sent, down.delivered, down.lost) == (peer.came, peer.came, 0)
    assert [leg.name for leg in stack] == ["nic0 driver to protocol", "nic0 ifq to driver"]
    assert lost(account(host)) == 0
    host.driver.transmit(0, [TxFrame([bytes(100)])])
    host.advance(host.now + 100_000)
    assert account(host)[1].delivered == peer.came + 1  # it has left, although nobody took it
    host.down()


def test_what_a_card_dropped_is_lost_where_the_driver_does_not_know(
    open_mini: OpenMini, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, peer = open_mini("native", read_latency=250)
    sent = overrun(host)
    missed = host.driver.counters()["rx_missed"]
    assert 0 < missed < sent
    up = account(host)[0]
    assert (up.sent, up.causes["rx_missed"], up.lost) == (sent, missed, 0)
    monkeypatch.setattr(type(host.driver), "RX_DROPS", ("rx_reset",))
    up = account(host)[0]
    assert up.lost == missed
    assert (
        f", lost {missed} or dropped by the card, which cannot be asked: {missed} of {sent} frames of the wire "
        in str(up)
    )


def test_a_driver_that_loses_a_frame_shows(open_mini: OpenMini, monkeypatch: pytest.MonkeyPatch) -> None:
    host, peer = open_mini("native")
    ping(host, peer)
    driver: Any = host.driver
    for name in ("rx_frames", "tx_frames"):
        monkeypatch.setitem(driver.count, name, driver.count[name] - 1)
    assert [leg.lost for leg in account(host)[:2]] == [1, -1]


def test_faults_of_the_link_of_somebodys_card(open_mini: OpenMini) -> None:
    """The page's `[*account(host), *faults.legs()]`."""
    host, _ = open_mini("native")
    faults = Faults(parse_plan("[[link]]\nkind = 'drop'\nat = [1]\nwhere = 'rx'"))
    end = faults.end(host)
    peer = Peer(end, "10.0.0.1/24", host.frequency)
    with pytest.raises(NoAnswer):
        ping(host, peer)
    ping(host, peer)
    legs = [*account(host), *faults.legs()]
    into = next(leg for leg in legs if leg.name == "nic0 link to wire")
    assert into.causes["dropped by the link"] == 1
    assert into.delivered == host.engine.stats().wire_in
    assert lost(legs) == 0, [str(leg) for leg in legs]


BEGINS = "00:02:ff:ff:ff:ff:ff:ff:01:00:06:08:01:00"  # ff:ff:ff:ff:ff:ff:02:00 from behind, and what follows
STRANGE = "threw away: ether: frames for another station 1"


@pytest.mark.parametrize(
    ("wire", "says"),
    [
        ("out", f"  the peer {STRANGE}; the last frame that came begins {BEGINS}"),
        ("in", f"  the stack of nic0 {STRANGE}"),
    ],
)
def test_a_wrong_byte_order_is_seen(open_mini: OpenMini, wire: str, says: str) -> None:
    """The frame came, and nobody wanted it: why, and how it began."""
    text = (NIC / "mini_nic.toml").read_text(encoding="utf-8")
    part = text[text.index(f'prefix = "{wire}_"') :]
    part = part[: part.index('"big"') + 5]
    host, peer = open_mini("native", of_map=((part, part.replace('"big"', '"little"')),))
    with pytest.raises(NoAnswer) as caught:
        ping(host, peer)
    assert says in str(caught.value).splitlines()
    assert caught.value.findings == []


def test_a_card_that_cannot_say_so_is_never_at_rest(open_mini: OpenMini) -> None:
    """As `Engine.run` says: its map has no `idle`, so that nothing ends early."""
    host, _ = open_mini("native")
    end = host.now + 1_000_000
    assert Event.IDLE not in host.advance(end, Event.IDLE)
    assert host.now >= end
    assert host.engine.due() == host.engine.now
    host.down()


def test_a_setting_there_is_not(open_mini: OpenMini) -> None:
    with pytest.raises(
        ValueError, match="^there is no setting 'latency'; there are read_latency, write_latency, .*, waves$"
    ):
        open_mini("native", latency=3)


def test_five_methods_are_a_driver() -> None:
    """Nothing else is written, no name is given: pings of every size, and it goes down without a leak."""
    upper = StackOnDriver(Stack("five"))
    host = open_dut(NIC / "mini_nic.toml", lambda *world: Five(*world, lladdr=bytes.fromhex("020000000001")), upper)
    host.up()
    upper.ifd.add_ifl().add_iff().add_ifa("10.0.0.2/24")
    peer = Peer(host.engine, "10.0.0.1/24", host.frequency)
    for size in (0, 56, 1472):
        ping(host, peer, bytes(size))
    assert host.driver.name == upper.ifd.name == "nic0"
    assert lost(account(host)) == 0
    assert host.engine.findings() == []
    host.down()
    host.engine.close()
