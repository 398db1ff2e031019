"""What somebody's Verilog finds around it is the same on every engine that runs it: names of its own, options of a
command line, files beside its map, time, functions of C, a reset as long as it wants.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringbed.hw.formats.dut import CANONICAL, CARD, Bus, BusKind, Clock, Dut, Pin, outside
from ringbed.sim.cocotb.run import run
from ringbed.sim.dut.card import dut_spec
from ringbed.sim.dut.map import RESET_TIMES, Reader
from ringbed.sim.dut.verilog.sources import missing_files
from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.native.c_sources import c_hash
from ringbed.sim.native.toolchain import SourceError
from ringbed.sim.seam.portmap import PortMapError
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import Rtl
from tests.sim.conftest import needs_native

KINDS = [
    pytest.param("native", marks=needs_native), pytest.param("cocotb-icarus", marks=pytest.mark.cocotb),
    pytest.param("cocotb-verilator", marks=pytest.mark.cocotb),
]  # fmt: skip
IN = (
    "switch",
    "_gap",
    "short",
    "operator",
    "name",
    "vlSymsp",
    "s.a[1]",
    "x$y",
    "irq",
    "rst",
    "card",
    "tx_tdata",
    "a__b",
)
OUT = ("delete", "friend", "limit", "loud", "first", "since", "tripled", "resets", "behind", "tenths")
WORLD = r"""module world #(parameter real RATIO = 1.5) (
  input wire \_clk , input wire reset, input wire [7:0] \in.tdata , input wire \in.tvalid , input wire \in.tlast ,
  INPUTS
  output wire [31:0] delete, output wire [31:0] friend ,
  output reg [31:0] limit, output reg [31:0] loud, output wire [31:0] first, output reg [31:0] since,
  output reg [31:0] tripled, output reg [31:0] resets, output reg [31:0] behind,
  output reg [31:0] tenths);
  reg [7:0] rom [0:3], more [0:3];
  reg [8*64:1] named;
  time earlier;
  integer log, asked;
  assign delete = SUM, friend = switch, first = rom[0];
`ifndef __ICARUS__
  import "DPI-C" function int triple(input int x);
  initial tripled = triple(7);
`else
  initial tripled = 21;
`endif
  initial begin
    if (!$value$plusargs("limit=%d", limit)) limit = 7;
    loud = $test$plusargs("loud") ? 1 : 0;
`ifndef __ICARUS__
    $readmemh("data/röm.hex", rom);
`else
    $readmemh("data/rom.hex", rom);  // it takes no names but in ASCII
`endif
    if ($value$plusargs("rom=%s", named)) $readmemh(named, more);
    log = $fopen("said.txt", "w");
    $fdisplay(log, "limit %0d", limit);
    $fclose(log);
    $display("the limit is %0d", limit);
    tenths = RATIO * 10;
    resets = 0; behind = 0; asked = 0; earlier = 0;
  end
  always @(posedge \_clk ) begin
    earlier <= #1 $time;
    since <= #1 $time - earlier;
    if (reset) resets <= #1 resets + 1;
    if (!reset && \in.tvalid ) asked <= #1 1;
    if (!reset && !\in.tvalid  && !asked) behind <= #1 behind + 1;
  end
endmodule
"""
C = '#include "scale.h"\n#include <svdpi.h>\nint triple(int x) { return SCALE * x; }\n'
MAP = """top = "world"
sources = ["rtl/world.v"]
c_sources = ["rtl/world.c"]
plusargs = ["limit=11", "quiet"]
parameters = { RATIO = 2.5 }
clock = "_clk"
reset = { port = "reset" }
[wire.rx]
prefix = "in."
data_width = 8
ready = false
keep = "none"
"""
HOME = "who's é, $x #1 (2)"  # a folder whose name is in the way of quotes, make, and programs that know ASCII alone
NS = 8  # a clock, at the default frequency
Open = Callable[..., AnyEngine]


def write_world(folder: Path, map_text: str = MAP) -> Path:
    (folder / "rtl").mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    inputs = "".join(f"input wire [31:0] \\{name} ,\n  " for name in IN)
    verilog = WORLD.replace("INPUTS", inputs).replace("SUM", " + ".join(f"\\{name} " for name in IN))
    (folder / "rtl" / "world.v").write_text(verilog, encoding="utf-8")
    (folder / "rtl" / "world.c").write_text(C, encoding="utf-8")
    (folder / "rtl" / "scale.h").write_text("#define SCALE 3\n", encoding="utf-8")
    for name in ("röm.hex", "rom.hex"):
        (folder / "data" / name).write_text("2a 01 02 03\n", encoding="utf-8")
    pins = "".join(f'"{name}" = {{ width = 32, dir = "{way}" }}\n' for way, names in (("in", IN), ("out", OUT))
                   for name in names)  # fmt: skip
    (folder / "world.toml").write_text(f"{map_text}[pins]\n{pins}", encoding="utf-8")
    return folder / "world.toml"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """From another folder than the map's."""
    engines: list[AnyEngine] = []
    path = write_world(tmp_path / HOME)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    def open_one(**settings: Any) -> AnyEngine:
        engines.append(open_engine(kind, dut_spec(path), **settings))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.close()


def test_pins_keep_their_own_names_whatever_they_are(opened: Open) -> None:
    engine = opened()
    for number, name in enumerate(IN):
        engine.set_pin(name, 1 << number)
    engine.run(20)
    assert engine.get_pin("delete") == (1 << len(IN)) - 1
    assert engine.get_pin("friend") == 1
    assert engine.findings() == []
    with pytest.raises(ValueError, match=r"^pin _gap \(in, 32 bits\) cannot be set to 0x100000000$"):
        engine.set_pin("_gap", 1 << 32)


def test_files_are_beside_the_map_and_c_is_compiled(opened: Open, tmp_path: Path) -> None:
    engine = opened()
    engine.run(20)
    assert [engine.get_pin(name) for name in ("first", "tripled")] == [0x2A, 21]
    engine.close()
    assert (tmp_path / HOME / "said.txt").read_text() == "limit 11\n"
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_real_parameter_is_a_number(opened: Open) -> None:
    engine = opened()
    engine.run(20)
    assert engine.get_pin("tenths") == 25


def test_what_it_displays_is_printed_and_nothing_else(opened: Open, capfd: pytest.CaptureFixture[str]) -> None:
    engine = opened()
    engine.run(20)
    engine.close()
    ctypes.CDLL(None).fflush(None)  # native prints as C does, into a buffer where no terminal is
    assert capfd.readouterr().out == "the limit is 11\n"


def test_plusargs_are_of_the_map_and_before_them_of_the_engine(opened: Open) -> None:
    seen = []
    for plusargs in ([], ["limit=3", "loud"]):
        engine = opened(plusargs=plusargs)
        engine.run(20)
        seen.append([engine.get_pin(name) for name in ("limit", "loud")])
    assert seen == [[11, 0], [3, 1]]


def test_a_file_that_is_named_later_and_not_there_is_a_finding(opened: Open) -> None:
    engine = opened(plusargs=["rom=data/none.hex"])
    engine.run(20)
    (finding,) = engine.findings()
    assert (finding.clock, finding.rule) == (0, "verilog.error")
    assert "data/none.hex" in finding.text


def test_time_goes_on_as_the_clock_does(opened: Open) -> None:
    engine = opened()
    engine.run(20)
    assert engine.get_pin("since") == NS


@pytest.mark.parametrize(("clocks", "wait"), [(4, 0), (9, 40)])
def test_a_reset_is_as_long_as_is_asked_and_what_is_behind_it_too(
    opened: Open, kind: str, clocks: int, wait: int
) -> None:
    engine = opened(reset_clocks=clocks, reset_wait=wait)
    engine.wire_in(bytes(60))
    engine.run(200)
    assert engine.get_pin("resets") == clocks
    awake = 0 if kind == "native" else 4  # bus models of cocotb need some clocks themselves
    assert wait <= engine.get_pin("behind") <= wait + awake


@needs_native
def test_the_waveform_has_the_users_names(tmp_path: Path) -> None:
    engine = open_engine("native", dut_spec(write_world(tmp_path / HOME)), waves="vcd")
    engine.trace(tmp_path / "world.vcd")
    engine.run(20)
    engine.close()
    declared = (tmp_path / "world.vcd").read_text().split("$scope module card")[-1].split("$upscope")[0]
    names = {line.split()[4] for line in declared.splitlines() if line.strip().startswith("$var")}
    assert {"_clk", *IN, "delete"} <= names


BENCH = """
import cocotb
from cocotb.triggers import Timer

@cocotb.test()
async def looks(dut):
    await Timer(1, "ns")
    assert int(dut.pin_first.value) == int(dut.card.card.first.value) == 0x2A
    assert int(dut.pin_limit.value) == 5
"""


@pytest.mark.cocotb
@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_a_bench_of_ones_own_finds_it_too(simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its simulator runs in the bench's own folder, where files that it writes belong."""
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "own_world_bench.py").write_text(BENCH)
    monkeypatch.syspath_prepend(tmp_path / "bench")
    spec = dut_spec(write_world(tmp_path / HOME))
    assert run("own_world_bench", spec, simulator, tmp_path / "bench", plusargs=["limit=5"]) == ["looks"]


# ---- names ----


def test_a_wrapper_has_no_name_twice_and_none_that_a_language_does_not_take() -> None:
    """Pins and clocks that are called as the wrapper's own ports are, or as its names for others of them."""
    taken = [
        *CANONICAL.values(),
        CARD,
        "rx_tdata",
        "m_axi_awaddr",
        "clock_0",
        "clock_1",
        "pin_0",
        "pin_a",
        "a",
        "0",
        "_",
    ]
    stream = Bus(BusKind.STREAM, 8, ports={"tdata": "d"})
    dut = Dut("t", "_clk", (), tuple(Clock(name) for name in ("mac clk", "phy_clk", *taken)), rx=stream,
              pins=tuple(Pin(name, 1, "in") for name in ("switch", "$x", "a.b", "pin_1", "1")))  # fmt: skip
    names = outside(dut)
    assert len(names) == len(dut.clocks) + len(dut.pins) + 1
    assert len(set(names.values())) == len(names)
    assert all(name.isidentifier() and name[0].isalpha() for name in names.values())
    own = {CARD, *CANONICAL.values(), "rx_tdata", "m_axi_awaddr"} - {"rx_", "tx_", "m_axi_", "s_axil_"}
    assert own.isdisjoint(names.values())
    assert names["phy_clk"] == "phy_clk"  # docs/port-map.md promises it
    assert names["switch"] == "pin_switch"


# ---- what a map says of it ----


def problems(folder: Path, map_text: str) -> list[str]:
    return Reader(write_world(folder, map_text)).problems


def test_the_times_of_a_reset_are_in_the_map(tmp_path: Path) -> None:
    longer = MAP.replace('port = "reset"', 'port = "reset", clocks = 40, wait = 31')
    portmap = dut_spec(write_world(tmp_path, longer)).portmap
    assert Settings().resets(portmap.reset) == (40, 31)
    assert Settings(reset_wait=2).resets(portmap.reset) == (40, 2)
    assert portmap == dut_spec(write_world(tmp_path, longer)).portmap
    assert repr(portmap) == repr(dut_spec(write_world(tmp_path)).portmap)  # no model is built anew for it


@pytest.mark.parametrize("key", RESET_TIMES)
def test_a_time_that_is_none_is_a_sentence(tmp_path: Path, key: str) -> None:
    least, _ = RESET_TIMES[key]
    found = problems(tmp_path, MAP.replace('port = "reset"', f'port = "reset", {key} = -1'))
    assert found == [f"reset.{key} must be {least} to 1000000, not -1"]
    with pytest.raises(ValueError, match=rf"^reset_{key} must be {least} to 1,000,000 clocks, not -1$"):
        Settings.of({f"reset_{key}": -1})


@pytest.mark.parametrize(
    ("plusargs", "sentence"),
    [
        ('"loud"', 'plusargs must be a list of texts, such as ["verbose", "limit=7"], not \'loud\''),
        ('["+loud"]', 'a plusarg is a name, or a name and "=" and a text, such as "limit=7", not \'+loud\''),
        ("[7]", 'a plusarg is a name, or a name and "=" and a text, such as "limit=7", not 7'),
        ('["verilator+seed+1"]', "plusargs 'verilator+seed+1': those of Verilator itself are not yours to give"),
    ],
)
def test_plusargs_that_are_none_are_a_sentence(tmp_path: Path, plusargs: str, sentence: str) -> None:
    with pytest.raises(PortMapError) as raised:
        problems(tmp_path, MAP.replace('["limit=11", "quiet"]', plusargs))
    assert str(raised.value) == f"{tmp_path / 'world.toml'}: {sentence}"


def test_data_and_c_that_are_not_there_are_a_sentence_each(tmp_path: Path) -> None:
    path = write_world(tmp_path, MAP.replace('c_sources = ["rtl/world.c"]\n', ""))
    (tmp_path / "data" / "röm.hex").unlink()
    assert Reader(path).problems == [
        "$readmem of 'data/röm.hex': there is no such file; names are relative to the folder of the map",
        "import \"DPI-C\" of 'triple': name the files of C or C++ that have it, c_sources = [...]",
    ]


def test_an_absolute_name_is_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.hex").touch()
    assert list(missing_files(Rtl((), folder=Path("/nowhere"), data=(str(tmp_path / "a.hex"),)), ())) == []


@needs_native
def test_a_header_of_the_c_is_part_of_the_model(tmp_path: Path) -> None:
    rtl, hashes = dut_spec(write_world(tmp_path)).rtl, set()
    for scale in (3, 5, 3):
        (tmp_path / "rtl" / "scale.h").write_text(f"#define SCALE {scale}\n", encoding="utf-8")
        hashes.add(c_hash(rtl))
    assert len(hashes) == 2
    assert c_hash(None) == ""


@pytest.mark.parametrize(
    ("c", "words"),
    [
        ("int triple(int x) { return nothing; }", "nothing"),
        ("int treble(int x) { return x; }", "undefined reference to `triple'"),
    ],
    ids=["not C", "not there"],
)  # fmt: skip
def test_c_that_fails_is_the_compilers_first_error(tmp_path: Path, kind: str, c: str, words: str) -> None:
    if kind == "cocotb-icarus":
        c, words = C, "Icarus Verilog has no DPI-C"
    path = write_world(tmp_path)
    (tmp_path / "rtl" / "world.c").write_text(c + "\n", encoding="utf-8")
    verilog = tmp_path / "rtl" / "world.v"
    verilog.write_text(verilog.read_text().replace("`ifndef __ICARUS__", "`ifndef NEVER"), encoding="utf-8")
    with pytest.raises(SourceError) as raised:
        open_engine(kind, dut_spec(path))
    assert words in str(raised.value)
    assert "full log: " in str(raised.value)
