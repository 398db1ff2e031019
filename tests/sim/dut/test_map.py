"""Maps of somebody's own RTL: what is read, and one sentence for each thing that does not fit the Verilog."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbed.hw.formats.dut import Keep
from ringbed.sim.dut.map import Reader, read
from ringbed.sim.dut.verilog.ports import Top
from ringbed.sim.seam.portmap import Port, PortMapError

EXAMPLE = Path(__file__).parents[3] / "examples" / "third_party" / "nic" / "mini_nic.toml"
PAGE = Path(__file__).parents[3] / "docs" / "port-map.md"
HEAD = 'top = "t"\nsources = ["t.v"]\nclock = "clk"\nreset = { port = "rst" }\n'
PORTS = [Port("clk", 1, "in"), Port("rst", 1, "in")]
APB = [
    Port("paddr", 8, "in"), Port("psel", 1, "in"), Port("penable", 1, "in"), Port("pwrite", 1, "in"),
    Port("pwdata", 32, "in"), Port("prdata", 32, "out"),
]  # fmt: skip
APB_MAP = '[registers]\nkind = "apb"\naddr_width = 8\n'

Read = Callable[..., Reader]


@pytest.fixture
def reader(tmp_path: Path) -> Read:
    (tmp_path / "t.v").touch()

    def make(text: str, *ports: Port) -> Reader:
        path = tmp_path / "t.toml"
        path.write_text(HEAD + text)
        return Reader(path, ask=lambda *_: Top({port.name: port for port in (*PORTS, *ports)}))

    return make


def test_the_example_is_read_whole() -> None:
    dut, rtl = read(EXAMPLE)
    assert (dut.top, dut.clock, dut.resets[0].port, dut.resets[0].active_high) == ("mini_nic", "clk", "rst_n", False)
    assert dut.registers is not None
    assert dut.registers.ports["paddr"] == "paddr"
    assert "pready" not in dut.registers.ports
    assert dut.dma is not None
    assert "err" not in dut.dma.ports
    assert dut.rx is not None
    assert dut.tx is not None
    assert (dut.rx.keep, dut.rx.big, dut.rx.ready, dut.rx.fcs, dut.rx.into) == (Keep.EMPTY, True, False, False, True)
    assert (dut.tx.ready, dut.tx.ports["tempty"]) == (True, "out_tempty")
    assert rtl.files == (EXAMPLE.parent / "mini_nic.v",)


def test_a_map_without_a_mistake(reader: Read) -> None:
    found = reader(APB_MAP + '[pins]\nled = { dir = "out", width = 3 }\n[ties]\ntest = 2\n', *APB,
                   Port("led", 3, "out"), Port("test", 2, "in"), Port("spare", 9, "out"))  # fmt: skip
    assert found.problems == []
    assert found.dut.ties == {"test": (2, 2)}
    assert found.used["psel"] == "registers.psel"
    assert "spare" not in found.used


def test_the_page_has_the_defaults(reader: Read) -> None:
    """docs/port-map.md against what a map that says nothing comes to."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    page = {key: cell.strip("` ") for key, cell in rows}
    dut = reader("[registers]\naddr_width = 8\n[dma]\naddr_width = 64\n[wire.rx]\ndata_width = 8\n").dut
    assert dut.registers is not None
    assert dut.dma is not None
    assert dut.rx is not None
    assert page["kind"].replace("`", "") == f'"{dut.registers.kind}", "{dut.dma.kind}", "{dut.rx.kind}"'
    assert page["data_width"] == str(dut.registers.data_width) == str(dut.dma.data_width)
    assert page["id_width"] == str(dut.dma.id_width)
    assert page["byte_order"] == ('"big"' if dut.rx.big else '"little"')
    assert page["keep"] == f'"{dut.rx.keep}"'
    flags = {"ready": dut.rx.ready, "fcs": dut.rx.fcs, "error": dut.rx.error, "word_addressed": dut.rx.word_addressed}
    assert {key: page[key] for key in flags} == {key: str(value).lower() for key, value in flags.items()}


@pytest.mark.parametrize(
    ("text", "ports", "sentence"),
    [
        (
            "[dma]\nkind = 'request'\naddr_width = 19\n",
            [],
            "dma.addr_width 19 reaches 524288 bytes, too few for host memory",
        ),
        (APB_MAP, APB[1:], "registers.paddr: t has no port 'paddr'"),
        (APB_MAP, [Port("padr", 8, "in"), *APB[1:]], "registers.paddr: t has no port 'paddr'; it has 'padr'"),
        (APB_MAP + "data_width = 64\n", APB, "registers.data_width must be 32, not 64"),
        (APB_MAP + "word_addressed = true\n", APB, "registers.word_addressed is for wishbone; addresses of apb count"),
        (APB_MAP.replace("= 8", "= 40"), APB, "registers.addr_width must be 1 to 32, not 40"),
        (
            '[registers]\nkind = "wishbone"\naddr_width = 31\nword_addressed = true\n',
            [],
            "registers.addr_width 31 of words is more than 32 bits of bytes",
        ),
        ("[pins]\nrst = {}\n", [Port("rst", 1, "in")], "pins.rst: port 'rst' is reset already"),
        ("", [Port("sda", 1, "inout")], "port 'sda' of t is an inout, which nothing drives: make it two"),
        (APB_MAP, [Port("paddr", 7, "in"), *APB[1:]], "port 'paddr' is 7 bits wide, the map says 8"),
        (APB_MAP, [Port("paddr", 8, "out"), *APB[1:]], "port 'paddr' is an output of t, and should be an input"),
        (APB_MAP + 'names = { psel = "clk" }\n', APB, "registers.psel: port 'clk' is clock already"),
        (APB_MAP + 'names = { pselx = "clk" }\n', APB, "registers.names.pselx: apb has no signal of that name"),
        (APB_MAP + "adr_width = 8\n", APB, "unknown key registers.adr_width; there is addr_width"),
        (APB_MAP.replace("apb", "ahb"), APB, "registers.kind must be 'axi4-lite' or 'apb' or 'wishbone', not 'ahb'"),
        (APB_MAP.replace("addr_width = 8", ""), APB, "registers.addr_width is missing"),
        (APB_MAP + 'clock = "pclk"\n', APB, "registers.clock 'pclk' is no clock of this map; it has clk"),
        (APB_MAP, [*APB, Port("test", 2, "in")], "input 'test' of t is in no bus, clock, reset or pin"),
        (APB_MAP + "[ties]\ntest = 4\n", [*APB, Port("test", 2, "in")], "ties.test 4 does not fit 2 bits"),
        ('[clocks.b]\nratio = "0/1"\n', [Port("b", 1, "in")], "clocks.b.ratio must be a fraction from 1/64 to 64"),
        ('[clocks.b]\nratio = "1e999999999"\n', [Port("b", 1, "in")], "clocks.b.ratio must be a fraction"),
        ("[clocks.b]\nphase = 1\n", [Port("b", 1, "in")], "clocks.b.phase must be a part of the period"),
        (
            '[clocks.b]\nedge = "both"\n',
            [Port("b", 1, "in")],
            "clocks.b.edge must be 'rising' or 'falling', not 'both'",
        ),
        ("[block]\n[clocks.b]\n", [Port("b", 1, "in")], "clocks.b: a block runs on one clock"),
        ("[resets.r]\nactive = 'up'\n", [Port("r", 1, "in")], "resets.r.active must be 'high' or 'low', not 'up'"),
        ("[wire.up]\n", [], "wire.up: a wire has rx, into the card, and tx, out of it"),
        ("[wire.rx]\ndata_width = 48\n", [], "wire.rx.data_width must be one of 8, 16, 32, 64, 128, 256, 512, not 48"),
        (
            "[wire.rx]\ndata_width = 16\nkeep = 'none'\n",
            [],
            "wire.rx.keep is none: the length of a frame needs keep or empty in 16 bits",
        ),
        ("[wire.rx]\ndata_width = 8\nready = 1\n", [], "wire.rx.ready must be true or false, not 1"),
        ("[wiring]\n", [], "unknown key 'wiring'; a map has"),
        ("[pins]\na = 5\n", [], "pins.a must be a table, not 5"),
        ("[interrupts]\nport = 'irq'\n", [Port("irq", 2, "out")], "port 'irq' is 2 bits wide, the map says 1"),
    ],
)
def test_each_mistake_is_a_sentence(reader: Read, text: str, ports: list[Port], sentence: str) -> None:
    assert any(sentence in problem for problem in reader(text, *ports).problems)


TX_MAP = """[clocks.b]
ratio = "{ratio}"
[wire.tx]
prefix = "out_"
data_width = 8
keep = "none"
{ready}clock = "{clock}"
"""
TX = [Port("out_tdata", 8, "out"), Port("out_tvalid", 1, "out"), Port("out_tlast", 1, "out"), Port("b", 1, "in")]


@pytest.mark.parametrize(
    ("ratio", "ready", "clock", "right"),
    [("5/4", False, "b", False), ("1", False, "b", True), ("5/4", False, "clk", True), ("5/4", True, "b", True)],
)
def test_frames_that_nothing_stops_must_not_outrun_the_main_clock(
    reader: Read, ratio: str, ready: bool, clock: str, right: bool
) -> None:
    text = TX_MAP.format(ratio=ratio, ready="" if ready else "ready = false\n", clock=clock)
    found = reader(text, *TX, *([Port("out_tready", 1, "in")] if ready else []))
    sentence = (
        "wire.tx has no tready, and a beat in each clock of 'b', 5/4 of 'clk', would be more than 'clk' takes: "
        "make 'b' the main clock"
    )
    assert found.problems == ([] if right else [sentence])


RX_MAP = '[wire.rx]\ndata_width = 8\nkeep = "none"\nready = false\n'
RX = [Port("tdata", 8, "in"), Port("tvalid", 1, "in"), Port("tlast", 1, "in")]


@pytest.mark.parametrize(
    ("this", "that"),
    [
        ('kind = "apb"', 'kind = "abp"'), ("addr_width", "adr_width = 8\naddr_width"),
        ("addr_width = 8", 'addr_width = 8\ndata_width = "32"'), ("addr_width = 8", 'addr_width = "8"'),
        ('kind = "apb"', 'kind = "wishbon"\nword_addressed = true'), ("[registers]", "[register]"),
        ("addr_width = 8", "addr_width = 8\nprefix = 5"), ('kind = "apb"', 'kind = "apb"\nclock = ["clk"]'),
        ("data_width = 8", 'data_width = "8"'), ('keep = "none"', 'keep = "no"'), ("ready = false", 'ready = "no"'),
        ("[wire.rx]", "[wire.xr]"), ("led = {", "led = 5 # {"), ('dir = "out"', 'dir = "up"'),
        ("width = 3", 'init = "no", width = "3"'), ("test = 2", "test = 4"), ("test = 2", "tset = 4"),
        ("b = {}", 'b = "1"'), ("active", "activ"), ('"r"', '"rs t"'), ("[resets.r2]", "[resets.r3]"),
        ("[interrupts]", '[interrupts]\nwidth = "1"'), ('clock = "b"', "clock = 5"), ("b = {}", "bb = {}"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_sentence(reader: Read, this: str, that: str) -> None:
    """Nothing is said that builds on what would be the default in the place of a wrong value."""
    text = (
        'clocks.b = {}\npins.led = { dir = "out", width = 3 }\n[ties]\ntest = 2\n[resets.r2]\nactive = "low"\n'
        'clock = "b"\n[interrupts]\nport = "r"\n' + APB_MAP + RX_MAP
    )
    ports = [*APB, *RX, Port("led", 3, "out"), Port("test", 2, "in"), Port("b", 1, "in"), Port("r2", 1, "in"),
             Port("r", 1, "out")]  # fmt: skip
    assert reader(text, *ports).problems == []
    assert this in text
    assert len(found := reader(text.replace(this, that, 1), *ports).problems) == 1, found


def test_a_clock_that_the_verilog_calls_otherwise_is_one_sentence(tmp_path: Path) -> None:
    """Nor is it told that the Verilog's own clock could be tied, or that a bus's clock is none."""
    (tmp_path / "t.v").touch()
    path = tmp_path / "t.toml"
    path.write_text('top = "t"\nsources = ["t.v"]\nclock = "clk"\n' + APB_MAP + 'clock = "sys_clk"\n')
    ports = {port.name: port for port in (Port("sys_clk", 1, "in"), *APB)}
    assert Reader(path, ask=lambda *_: Top(ports)).problems == ["clock: t has no port 'clk'; it has 'sys_clk'"]


def test_a_wrong_width_does_not_hide_an_input_without_a_use(reader: Read) -> None:
    found = reader(APB_MAP.replace("= 8", "= 9"), *APB, Port("test", 2, "in")).problems
    assert len(found) == 2
    assert "input 'test' of t" in found[1]


def test_a_name_is_looked_for_among_ports_that_could_be_it(reader: Read) -> None:
    """One that goes the other way, or has a use already, is nearer here, and no answer."""
    ports = [Port("addr", 8, "in"), Port("paddr_o", 8, "out"), *APB[1:]]
    assert reader(APB_MAP, *ports).problems[0] == "registers.paddr: t has no port 'paddr'; it has 'addr'"
    assert reader(APB_MAP, *ports[1:]).problems[0] == "registers.paddr: t has no port 'paddr'"
    taken = reader(APB_MAP + 'names = { paddr = "pselx" }\n', Port("pselx", 8, "in"), *APB[2:])
    assert taken.problems[0] == "registers.psel: t has no port 'psel'"


def test_what_is_not_clear_is_known(reader: Read) -> None:
    """For the table of `dut check`, which else would show defaults."""
    found = reader(APB_MAP + 'data_width = "32"\n[pins]\nled = { dir = "ot" }\n', *APB, Port("led", 1, "out"))
    assert found.unclear == {"registers", "pins.led"}


def test_a_clock_that_is_not_given_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "t.v").touch()
    (tmp_path / "t.toml").write_text('top = "t"\nsources = ["t.v"]\n')
    assert Reader(tmp_path / "t.toml", ask=lambda *_: Top({})).problems == ["clock is missing"]


def test_all_mistakes_are_told_at_once(reader: Read) -> None:
    assert len(reader(APB_MAP, *APB[2:]).problems) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("top = ", "not TOML"),
        ('sources = ["t.v"]', "top is missing"),
        ('top = "t"', "sources must name at least one file of Verilog"),
        ('top = "t"\nsources = ["no.v"]', "sources: no.v does not exist beside the map"),
        ('top = "t"\nsources = ["/dev/null"]', "sources: /dev/null is a pipe or a device and no file"),
        ('top = "t"\nsources = ["."]', "sources: . is a folder and no file"),
        ('top = "t"\nsources = ["t.v"]\ninclude = ["t.v"]', "include: t.v is no folder"),
        ('top = "t"\nsources = ["t.v", "./t.v"]', "sources: ./t.v is named twice"),
        ('top = "t"\nsources = ["t.v"]\nc_sources = ["t.v", "t.v"]', "c_sources: t.v is named twice"),
        (
            'top = "t"\nsources = [\'q"t.v\']',
            "sources: 'q\"t.v' has a quote, a backslash or a control character in its full name, which Verilator",
        ),
        ('top = "t"\nsources = ["loop"]', "sources: loop does not exist beside the map"),
        ('top = "t"\nsources = "t.v"', "sources must be a list of paths, not 't.v'"),
        ('top = "t"\nsources = ["t.v"]\nparameters = { W = [] }', "parameters.W must be a number or a text, not []"),
        (
            'top = "t"\nsources = ["t.v"]\nparameters.W = "a\\u0000"',
            "parameters.W must be without a quote, a backslash and control characters, not 'a\\x00'",
        ),
        ("top = \"t\"\nsources = ['t.v']\nparameters.W = 'a\"b'", "parameters.W must be without a quote, "),
        ("top = \"t\"\nsources = ['t.v']\nparameters.W = 'a\\'", "parameters.W must be without a quote, a backslash"),
        ('top = "t"\nsources = ["t.v"]\nparameters.W = "' + "x" * 10_001 + '"', "parameters.W must be at most 10000 "),
        ('top = "t"\nsources = ["t.v"]\nparameters."a\\nb" = 1', "parameters: 'a\\nb' is no Verilog name"),
        ('top = "t"\nsources = ["t.v"]\nparameters."" = 1', "parameters: '' is no Verilog name"),
        ('top = "t"\nsources = ["t.v"]\nparameters.W = true', "parameters.W must be a number or a text, not True"),
    ],
)
def test_what_cannot_be_read_at_all(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "t.v").touch()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / 'q"t.v').touch()
    path = tmp_path / "t.toml"
    path.write_text(text)
    with pytest.raises(PortMapError) as caught:
        read(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)
