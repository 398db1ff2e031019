"""Verilog and port lists that nobody would write: `dut init` and `dut check` have one sentence for each, or work.

In process: what is none of the documented errors comes out as itself, and the test fails with its traceback.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbed.cli.errors import Exit
from ringbed.hw.formats.blocks import CONTRACTS
from ringbed.hw.formats.dut import IN, OUT
from ringbed.sim.dut.block import BlockReader
from ringbed.sim.dut.findings import silent_ties
from ringbed.sim.dut.guess import Guess
from ringbed.sim.dut.guess_block import BlockGuess
from ringbed.sim.dut.map import Reader
from ringbed.sim.dut.verilog.ports import Top
from ringbed.sim.dut.verilog.sources import in_order
from ringbed.sim.seam.portmap import Port
from tests.cli.dut.test_init import CHECKSUM, HASH, PACKAGE, WIDE
from tests.cli.test_main import run
from tests.sim.conftest import needs_native
from tests.sim.dut.verilog.test_flat import INTERFACE, NIC

ESCAPED = """// Müller
module esc (input clk, input rst_ni, input [7:0] \\s_axis.tdata , input \\s_axis.tvalid , input \\s_axis.tlast ,
  output a$b, output [3:0] \\x[3] , input \\quo"te , inout pad, output real r);
  initial $readmemh("no.hex", nothing); import "DPI-C" function int f(input int x); assign a$b = `UNDEFINED;
endmodule
"""
SEEDS = (ESCAPED, PACKAGE + CHECKSUM, HASH, WIDE, INTERFACE + NIC, PACKAGE, "interface i; endinterface\n", "")
SOUP = (
    "_ . $ [0] x i o in out n b l rst reset nrst clk clock en axis s m rx tx tdata tvalid tlast tkeep tempty tready "
    "tuser tstart data valid last keep empty ready error sop eop first start psel penable paddr pwdata prdata pwrite "
    "awaddr awvalid wdata wvalid araddr arvalid rdata rvalid bvalid bready req gnt we addr cyc stb adr dat_i dat_o ack "
    'irq int key hash kind src dst csum offset enable sum mss ÿ " \\ = # \n \x01'
).split(" ")
WORDS = (
    "module endmodule input output [ ] ( ) ; , import package interface :: -1 32'hx 1'b `include generate for".split()
)


def cut(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data) + 1)
    return data[:start] + data[start + rng.randrange(1, 40) :]


def flip(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.randrange(1, 4) if data else 0):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice((rng.choice(WORDS).encode(), rng.randbytes(4), b"\0", b"\xef\xbb\xbf")) + data[at:]


def join(rng: random.Random, data: bytes) -> bytes:
    return data + rng.choice(SEEDS).encode()


def crlf(rng: random.Random, data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


WAYS: tuple[Callable[[random.Random, bytes], bytes], ...] = (cut, flip, insert, join, crlf)


def mutated(rng: random.Random) -> bytes:
    data = rng.choice(SEEDS).encode("latin-1" if rng.random() < 0.3 else "utf-8")
    for _ in range(rng.randrange(4)):
        data = rng.choice(WAYS)(rng, data)
    return data


def one_sentence(capsys: pytest.CaptureFixture[str], code: int) -> str:
    """What was said, if it is as it must be."""
    said = capsys.readouterr()
    assert code in (Exit.OK, Exit.FINDING, Exit.USAGE, Exit.ENVIRONMENT)
    if code in (Exit.USAGE, Exit.ENVIRONMENT):
        assert said.err.startswith("ringbed: ")
        assert said.err.count("\n") == 1
    elif code == Exit.FINDING:  # a table of what the map says, and behind it a sentence for each mistake
        assert "Traceback" not in said.err
        assert len(said.out.rstrip("\n").rpartition("\n")[2].split()) > 2
    return said.out


def _ask_of_verilog(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(seed)
    Path("esc.sv").write_bytes(mutated(rng))
    Path("b.sv").write_bytes(mutated(rng))
    Path("a.toml").unlink(missing_ok=True)
    line = ["dut", "init", "esc.sv", *rng.choice(([], ["b.sv"])), "-o", "a.toml"]
    line += rng.choice(([], ["-p", "W=3"], ["--top", rng.choice(("nic", "toep", "p", "no such", ""))], ["-y", "."]))
    line += rng.choice(([], [], ["--block", rng.choice(("tx-checksum", "rss-hash/fields"))]))
    flat = rng.random() < 0.2
    Path("flat.sv").unlink(missing_ok=True)
    code = run(*line, *(["--flat", "flat.sv"] if flat else []))
    one_sentence(capsys, code)
    if code == Exit.OK:
        one_sentence(capsys, run("dut", "check", "a.toml"))


@needs_native
@pytest.mark.parametrize("seed", range(12))
def test_verilog(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    _ask_of_verilog(seed, capsys)


@needs_native
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_much_verilog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    for seed in range(1000, 3000):
        _ask_of_verilog(seed, capsys)


def _ask_of_text(seed: int, folder: Path) -> None:
    """What is read of the sources before any tool sees them: which of them are packages, and what they need."""
    rng = random.Random(seed)
    paths = [folder / "a.sv", folder / "b.sv"]
    for path in paths:
        path.write_bytes(mutated(rng))
    assert sorted(in_order(paths)) == paths


def test_text_in_whatever_order(tmp_path: Path) -> None:
    for seed in range(500):
        _ask_of_text(seed, tmp_path)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_much_text(tmp_path: Path) -> None:
    for seed in range(100_000, 200_000):
        _ask_of_text(seed, tmp_path)


def _ask_of_ports(seed: int, folder: Path) -> None:
    """Every map that is guessed is TOML, and its reader has sentences for what is missing."""
    rng = random.Random(seed)
    ports: dict[str, Port] = {}
    for _ in range(rng.randrange(60)):
        name = "_".join(rng.choices(SOUP, k=rng.randrange(1, 5))).strip("_") or "_"
        name = rng.choice((str, str.upper, str.title))(name)
        width = rng.choice((1, 1, 1, 4, 8, 16, 32, 64, 128, 320, 416, 5000))
        ports[name] = Port(name, width, rng.choice((IN, IN, OUT, OUT, "inout")))
    contract = rng.choice((None, *CONTRACTS))
    guess = Guess("t", ports) if contract is None else BlockGuess("t", ports, contract)
    text = guess.text(["t.v"], parameters={"N": rng.choice((3, "x"))})
    tomllib.loads(text)
    (folder / "t.toml").write_text(text, encoding="utf-8")
    reader = (Reader if contract is None else BlockReader)(folder / "t.toml", ask=lambda *_: Top(ports))
    assert all(isinstance(problem, str) for problem in [*reader.problems, *silent_ties(reader)])


@pytest.mark.parametrize("seed", range(8))
def test_ports(seed: int, tmp_path: Path) -> None:
    (tmp_path / "t.v").touch()
    for index in range(25):
        _ask_of_ports(1000 * seed + index, tmp_path)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_many_ports(tmp_path: Path) -> None:
    (tmp_path / "t.v").touch()
    for seed in range(100_000, 200_000):
        _ask_of_ports(seed, tmp_path)
