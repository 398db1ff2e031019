"""What somebody's Verilog says of itself is found on every engine that runs Verilog, and ends none without a word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringbed.sim.cocotb.run import CocotbFailed, run_in_cocotb
from ringbed.sim.dut.card import dut_spec
from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.native.verilog_said import printed, said
from ringbed.sim.seam.engine import CardEnded, EngineClosed, Event
from ringbed.sim.seam.spec import NicSpec
from tests.sim.conftest import needs_native

ERROR, FATAL, STOP, FINISH, ASSERT, ASSERT_ELSE, WARNING, WORDLESS, LOOP, LINES = range(1, 11)
SAYS = """module says (input wire clk, input wire rst, input wire [7:0] say, input wire [7:0] in_tdata,
             input wire in_tvalid, input wire in_tlast);
  reg [7:0] last_said;
  wire loop;
  assign loop = (say == 9) & ~loop;
  always @(posedge clk) begin
    last_said <= rst | loop ? 8'd0 : say;
    if (say != last_said && !rst) case (say)
      1: $error("bad thing %0d", say);
      2: $fatal(1, "very bad %0d", say);
      3: $stop;
      4: $finish;
      5: assert (say == 77);
      6: assert (say == 77) else $error("say is %0d", say);
      7: $warning("it is warm");
      8: $error;
      10: $error("two\\nlines");
    endcase
  end
  // more
endmodule
"""
MAP = """top = "says"
sources = ["says.v"]
clock = "clk"
reset = { port = "rst" }
[pins.say]
width = 8
[wire.rx]
prefix = "in_"
data_width = 8
ready = false
keep = "none"
"""
INITIAL = """  initial $error("a bad parameter");
`ifdef VERILATOR
  final $error("credits are left");
`endif
"""
FIRST = 100  # the clock at which it is told to say something
KINDS = [
    pytest.param("native", marks=needs_native), pytest.param("cocotb-icarus", marks=pytest.mark.cocotb),
    pytest.param("cocotb-verilator", marks=pytest.mark.cocotb),
]  # fmt: skip
Open = Callable[..., AnyEngine]


def says(folder: Path, more: str = "") -> NicSpec:
    (folder / "says.v").write_text(SAYS.replace("  // more\n", more), encoding="utf-8")
    (folder / "says.toml").write_text(MAP, encoding="utf-8")
    return dut_spec(folder / "says.toml")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(kind: str, tmp_path: Path) -> Iterator[Open]:
    engines: list[AnyEngine] = []

    def open_one(more: str = "") -> AnyEngine:
        engines.append(open_engine(kind, says(tmp_path, more)))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.close()


def told(engine: AnyEngine) -> list[tuple[int, str, str]]:
    return [(each.clock, each.rule, each.text) for each in engine.findings()]


def ask(engine: AnyEngine, what: int) -> list[tuple[int, str, str]]:
    """Its findings when it is told to say so at the next clock, its clock counted from there."""
    engine.set_pin("say", what)
    begin = engine.now
    engine.run(begin + 20)
    return [(clock - begin, rule, text) for clock, rule, text in told(engine)]


def test_an_error_is_a_finding_and_ends_nothing(opened: Open, kind: str) -> None:
    engine = opened()
    assert ask(engine, ERROR) == [(0, "verilog.error", "says.v:9: bad thing 1")]
    assert ask(engine, WORDLESS) == [(0, "verilog.error", "says.v:16: $error")]
    assert ask(engine, ASSERT_ELSE) == [(0, "verilog.error", "says.v:14: say is 6")]
    assert ask(engine, LINES) == [(0, "verilog.error", "says.v:17: two lines")]
    words = "$error" if kind == "cocotb-icarus" else "'assert' failed."
    assert ask(engine, ASSERT) == [(0, "verilog.error", f"says.v:13: {words}")]
    ((clock, rule, text),) = ask(engine, STOP)
    assert (clock, rule) == (0, "verilog.stop")
    assert text in ("says.v:11: $stop", *(["$stop"] if kind == "cocotb-icarus" else []))  # Icarus 12 tells the place
    assert ask(engine, WARNING) == []


def test_an_error_is_an_event(opened: Open) -> None:
    engine = opened()
    engine.run(FIRST)
    engine.set_pin("say", ERROR)
    assert engine.run(10_000, Event.FINDING) & Event.FINDING
    assert engine.now <= FIRST + 2


def ended(engine: AnyEngine, what: int, words: str) -> None:
    """What it is told to say is the end; every call from then on says so."""
    engine.run(FIRST)
    engine.set_pin("say", what)
    calls: list[Callable[[], object]] = [
        lambda: engine.run(1000), lambda: engine.run(1000), lambda: engine.set_pin("say", 0),
        lambda: engine.get_pin("say"),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(CardEnded) as raised:
            call()
        assert re.fullmatch(f"the Verilog of dut_says ended it at clock {FIRST}: {words}", str(raised.value))


def test_a_finish_ends_the_card(opened: Open, kind: str) -> None:
    engine = opened()
    place = r"says\.v:12: "
    ended(engine, FINISH, (f"({place})?" if kind == "cocotb-icarus" else place) + r"\$finish")  # Icarus 12 tells it
    assert told(engine) == []
    engine.close()
    with pytest.raises(EngineClosed):
        engine.run(1000)


def test_a_fatal_is_a_finding_and_ends_the_card(opened: Open) -> None:
    engine = opened()
    ended(engine, FATAL, r"says\.v:10: \$fatal: very bad 2")
    assert told(engine) == [(FIRST, "verilog.fatal", "says.v:10: very bad 2")]


def test_what_is_said_before_the_first_clock_is_kept(opened: Open) -> None:
    engine = opened(INITIAL)
    assert told(engine) == [(0, "verilog.error", "says.v:20: a bad parameter")]


def test_a_card_that_ends_before_its_first_clock(opened: Open) -> None:
    engine = opened('  initial $fatal(0, "a bad parameter");\n')
    with pytest.raises(CardEnded, match=r"ended it at clock 0: says.v:20: \$fatal: a bad parameter"):
        engine.run(10)
    assert told(engine) == [(0, "verilog.fatal", "says.v:20: a bad parameter")]


def test_findings_outlast_the_engine(opened: Open) -> None:
    engine = opened()
    engine.run(FIRST)
    engine.set_pin("say", ERROR)
    engine.run(FIRST + 20)
    engine.close()
    assert told(engine) == [(FIRST, "verilog.error", "says.v:9: bad thing 1")]
    assert told(engine) == []


@pytest.mark.parametrize("kind", [each for each in KINDS if each.values != ("cocotb-icarus",)], indirect=True)
def test_final_blocks_have_their_say(opened: Open) -> None:
    """Icarus 11 has no `final`."""
    engine = opened(INITIAL)
    engine.run(FIRST)
    engine.findings()
    engine.close()
    assert told(engine) == [(FIRST, "verilog.error", "says.v:22: credits are left")]


@pytest.mark.parametrize("kind", [each for each in KINDS if each.values != ("cocotb-icarus",)], indirect=True)
def test_logic_that_does_not_settle_is_told(opened: Open) -> None:
    """Verilator gives up there; Icarus would go on for ever."""
    engine = opened()
    engine.run(FIRST)
    engine.set_pin("say", LOOP)
    with pytest.raises(CardEnded, match=r"the Verilog of dut_says ended it at clock \d+: .*did not converge"):
        engine.run(1000)
    assert [each.rule for each in engine.findings()] == ["verilog.fatal"]


@needs_native
def test_each_card_of_a_process_says_its_own(tmp_path: Path) -> None:
    """Two in one thread, turn by turn: what is said is found with the one that said it."""
    one, other = (open_engine("native", says(tmp_path)) for _ in range(2))
    for engine in (one, other):
        engine.run(FIRST)
    one.set_pin("say", ERROR)
    for engine in (one, other):
        engine.run(FIRST + 20)
    assert (len(told(one)), told(other)) == (1, [])
    one.close()
    other.close()


ENDED_BY_STOP = b"""** VVP Stop(0) **
** Flushing output streams.
** Current simulation time is 5000 ticks.
"""


def test_an_output_is_read_by_message() -> None:
    """Icarus 11's, and of 12 what it says otherwise."""
    one = b"ERROR: no place\nERROR: a/b.v:7: one\ntwo\n       Time: 15000 Scope: tb.t1\n"
    other = b"FATAL: b.v:8: \n   Time: 2 Scope: t\n"
    later = b"ERROR: d.v:1: x\n       Time: 7  Scope: t\nd.v:5: $stop called at 3 (1ns)\n" + ENDED_BY_STOP
    later += b"d.v:6: $finish called at 9 (1ps)\n"
    files = b"ERROR: c.v:9: $readmemh: Unable to open a.hex for reading.\nERROR: $readmem file not found: b.hex\n"
    found = said(files + one + other + ENDED_BY_STOP + later)
    assert [(each.kind, each.place, each.words, each.time) for each in found] == [
        ("error", "c.v:9: ", "$readmemh: Unable to open a.hex for reading.", 0),
        ("error", "", "$readmem file not found: b.hex", 0),
        ("error", "b.v:7: ", "one two", 15000), ("fatal", "b.v:8: ", "$fatal", 2), ("stop", "", "$stop", 5000),
        ("error", "d.v:1: ", "x", 7), ("stop", "d.v:5: ", "$stop", 5000), ("finish", "d.v:6: ", "$finish", 9),
    ]  # fmt: skip


BENCH = """
import cocotb
from ringbed.sim.testbed.cocotb_bench import Bench
from tests.sim.native.test_verilog_said import says
from pathlib import Path

@cocotb.test()
async def asks(dut):
    bench = await Bench.start(dut, says(Path(__file__).parent{more}))
    bench.engine.set_pin("say", {what})
    await bench.call(lambda: bench.engine.run(50))
"""


def benched(simulator: str, folder: Path, monkeypatch: pytest.MonkeyPatch, what: int, more: str = "",
    limit_s: float = 600,
) -> list[str]:  # fmt: skip
    """A bench that passes by itself."""
    name = f"says_{simulator}_{what}"
    given = f", {more!r}" if more else ""
    (folder / f"{name}.py").write_text(BENCH.format(what=what, more=given), encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    return run_in_cocotb(name, says(folder, more), simulator, folder, limit_s=limit_s)


@pytest.mark.cocotb
@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_a_bench_does_not_pass_with_an_error_in_it(
    simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert benched(simulator, tmp_path, monkeypatch, WARNING) == ["asks"]
    with pytest.raises(CocotbFailed, match=r"the card's own Verilog found 1 errors:\nsays.v:9: bad thing 1"):
        benched(simulator, tmp_path, monkeypatch, ERROR)
    for what in (FATAL, FINISH):
        with pytest.raises(CocotbFailed, match="failed: asks"):
            benched(simulator, tmp_path, monkeypatch, what)


@pytest.mark.needs("cocotb-icarus")
@pytest.mark.cocotb
def test_a_simulator_in_a_loop_without_delay_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = "  integer turns;\n  always @* if (say == 9) while (1) turns = 0;\n"
    with pytest.raises(CocotbFailed, match="the simulator had not ended after 3 s, and was"):
        benched("icarus", tmp_path, monkeypatch, LOOP, loop, limit_s=3)


OUTPUT = b"""     -.--ns INFO     gpi                                ../gpi/GpiCommon.cpp:242  in gpi_load_users Loaded
     0.00ns WARNING  py.warnings                        cocotbext/axi/stream.py:120: DeprecationWarning: Use another.
                                                          self.valid.setimmediatevalue(self._valid_init)
lim 7
ERROR: t.v:3: a message
         Time: 30000 Scope: top
  mine
FATAL: t.v:4: $fatal
         Time: 30000 Scope: top.sub
** VVP Stop(0) **
** Flushing output streams.
** Current simulation time is 5000 ticks.
FST info: dumpfile x opened for output.
WARNING: t.v:9: it is warm
       Time: 3 Scope: top
the last"""


def test_what_is_printed_is_what_the_verilog_displays_and_warns_of() -> None:
    assert printed(OUTPUT) == "lim 7\n  mine\nWARNING: t.v:9: it is warm\n       Time: 3 Scope: top\nthe last"
    assert [each.kind for each in said(OUTPUT)] == ["error", "fatal", "stop"]
    assert printed(b"") == ""
