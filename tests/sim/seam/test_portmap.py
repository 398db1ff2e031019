"""Port maps: what is read, and the sentence for what cannot be."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import pytest

from ringbed.hw.formats import em
from ringbed.sim.seam.portmap import Clock, Port, PortMap, PortMapError
from tests.sim.toy import TOY_MAP

PEEK = """top = "t"
clock = "clk"
reset = {{ port = "rst", active = "low" }}
[registers]
kind = "axi4-lite"
prefix = "s_"
addr_width = {}
[peek]
address = "a"
data = "d"
counts = "{}"
"""
BARE = 'top = "t"\nclock = "clk"\nreset = { port = "rst", active = "low" }\n'


def test_the_em_map_names_every_port_once() -> None:
    card = PortMap.load(Path(str(files("ringbed.hw.nics.em") / "em.toml")))
    ports = {port.name: port for port in card.ports()}
    assert ports["m_axi_awaddr"] == Port("m_axi_awaddr", 64, "out")
    assert ports["m_axi_rid"] == Port("m_axi_rid", 4, "in")
    assert ports["rx_tuser"] == Port("rx_tuser", 1, "in")
    assert ports["tx_tready"] == Port("tx_tready", 1, "in")
    assert ports["peek_addr"] == Port("peek_addr", 17, "in")
    assert "rx_tready" not in ports
    assert card.pins[1].init == 0x02_00_00_00_00_01


def test_every_part_but_clock_and_reset_is_optional() -> None:
    bare = PortMap.parse(BARE)
    assert [port.name for port in bare.ports()] == ["clk", "rst"]
    assert bare.reset.active == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("top = ", "not TOML"),
        ('clock = "clk"', "reset must be a table"),
        ('reset = { port = "rst" }', "top must be a Verilog name, not None"),
        (BARE.replace('"t"', '"a b"'), "top must be a Verilog name, not 'a b'"),
        (BARE.replace("low", "maybe"), "reset.active must be 'high' or 'low', not 'maybe'"),
        (BARE + "[wire]\nrx = 5", "wire.rx must be a table, not 5"),
        (BARE + "[bus]\n", "unknown key 'bus'"),
        (BARE + '[registers]\nkind = "apb"', "registers.kind 'apb' is not driven by this version, only 'axi4-lite'"),
        (
            BARE + '[dma]\nkind = "axi4"\nprefix = "m_"\naddr_width = 65',
            "dma.addr_width must be 1 to 64, not 65",
        ),
        (BARE + '[wire.rx]\nprefix = "r_"\nready = 1', "wire.rx.ready must be true or false, not 1"),
        (BARE + "[pins]\na = { width = 4, init = 16 }", "pins.a.init 16 does not fit 4 bits"),
        (BARE + '[pins]\na = { width = 4, dir = "up" }', "pins.a.dir must be 'in' or 'out', not 'up'"),
        (BARE + "[pins]\nclk = { width = 1 }", "port 'clk' is named twice"),
        (BARE + '[peek]\naddress = "a"\ndata = "d"', "peek needs registers"),
        (PEEK.format(16, "e1000"), "peek.counts is one of em, not 'e1000'"),
        (PEEK.format(15, "em"), "peek.counts: the counters of em reach to 0xf087, registers.addr_width 15 to 0x7fff"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, sentence: str) -> None:
    with pytest.raises(PortMapError) as caught:
        PortMap.parse(text)
    assert sentence in str(caught.value)


def test_counters_are_where_the_registers_reach() -> None:
    assert PortMap.parse(PEEK.format(16, "em")).window is em.WINDOW
    assert em.WINDOW.last == max(register.offset for register in em.WINDOW.registers()) + 3


def test_a_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text(TOY_MAP.replace('"high"', '"?"').replace("axi4-lite", "wishbone"))
    with pytest.raises(PortMapError, match=r"x\.toml: registers\.kind 'wishbone'"):
        PortMap.load(path)


def test_every_edge_is_at_a_whole_tick() -> None:
    """Against fractions: edge k of a clock is at half a main period, its phase, and k of its half periods."""
    clocks = (Clock("a", 5, 4), Clock("b", 2, 3, 0.25), Clock("c", 64, 1, 0.001), Clock("d", 1, 64, 0.999))
    portmap = replace(PortMap.parse('top = "x"\nclock = "clk"\nreset = { port = "rst" }'), clocks=clocks)
    for clock, (first, half) in zip(clocks, portmap.edges(), strict=True):
        period = Fraction(clock.den, clock.num)
        assert Fraction(half, portmap.ticks()) == period / 2
        late = Fraction(round(clock.phase * 1000), 1000) * period
        assert Fraction(first, portmap.ticks()) == Fraction(1, 2) + late
