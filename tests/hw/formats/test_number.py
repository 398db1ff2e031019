"""Numbers of files, and that every reader of a map takes them by the one rule: `true` is 1 nowhere."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from ringbed.hw.formats.number import is_number, span
from ringbed.sim.dut import block
from ringbed.sim.dut import map as card
from ringbed.sim.dut.block import BlockReader
from ringbed.sim.dut.map import Reader
from ringbed.sim.dut.verilog.ports import Top
from ringbed.sim.seam.portmap import Port, PortMap, PortMapError
from ringbed.sim.seam.ports import reader as seam_reader

BLOCKS = Path(__file__).parents[3] / "examples" / "third_party" / "blocks"
WRONG = ("true", "false", "1.5", '"1"')
MEANT = {
    "ratio": ("1.5", '"1"'),
    "WIDTH": ("1.5", '"1"'),
    "START": ("1.5", '"1"'),
}  # a fraction or its text; parameters
KEY = re.compile(r"\b([\w-]+) = (\d+(?:\.\d+)?)(?![\w.])")
CARD = """\
top = "t"
sources = ["t.v"]
clock = "clk"
reset = { port = "rst", clocks = 4, wait = 1 }
parameters = { WIDTH = 8 }
[registers]
kind = "apb"
addr_width = 8
data_width = 32
[dma]
kind = "axi4"
addr_width = 64
data_width = 64
id_width = 4
[wire.rx]
data_width = 8
[wire.tx]
data_width = 8
[interrupts]
port = "irq"
width = 2
[pins.led]
width = 3
init = 1
[clocks.c]
ratio = 1
phase = 0.5
[ties]
test = 1
"""
NIC = """\
top = "t"
clock = "clk"
reset = { port = "rst" }
[registers]
kind = "axi4-lite"
prefix = "r_"
addr_width = 8
data_width = 32
[dma]
kind = "axi4"
prefix = "m_"
addr_width = 64
data_width = 64
id_width = 4
[wire.rx]
prefix = "rx_"
data_width = 8
[wire.tx]
prefix = "tx_"
data_width = 8
[interrupts]
kind = "level"
port = "irq"
width = 2
[idle]
idle = "idle"
wake_in = "wake"
timebase = "now"
width = 32
[stages]
port = "stages"
[stages.rx]
first = { width = 2 }
[pins.led]
width = 3
init = 1
"""
PORTS = {name: Port(name, width, "in") for name, width in
         {"clk": 1, "rst": 1, "c": 1, "led": 3, "test": 4}.items()}  # fmt: skip


def edits(text: str, numbers: int) -> Iterator[tuple[str, str, str]]:
    """(key, wrong value, map): each number of `text` in turn is what no number is."""
    found = list(KEY.finditer(text))
    assert len(found) == numbers
    for each in found:
        for wrong in WRONG:
            if wrong not in MEANT.get(each[1], ()):
                yield each[1], wrong, text[: each.start(2)] + wrong + text[each.end(2) :]


def problems_of(reader: type[Reader], path: Path, text: str, ports: Mapping[str, Port]) -> list[str]:
    path.write_text(text)
    try:
        return reader(path, ask=lambda *_: Top(ports)).problems
    except PortMapError as error:  # a parameter is one that the Verilog cannot be asked with
        return [str(error)]


def said(key: str, wrong: str, problems: list[str]) -> bool:
    value = {"true": "True", "false": "False"}.get(wrong, wrong.replace('"', "'"))
    return any(key in each and value in each for each in problems)


def test_a_number_is_no_boolean_and_no_float() -> None:
    assert [is_number(each) for each in (0, -1, 1 << 80, True, False, 1.0, "1", None)] == [True] * 3 + [False] * 5
    assert is_number(3, range(4))
    assert not is_number(4, range(4))
    assert not is_number(True, range(4))
    assert (span(range(1, 65)), span((32,)), span((8, 16))) == ("1 to 64", "32", "one of 8, 16")


def test_of_a_map_of_ones_own_no_number_is_anything_else(tmp_path: Path) -> None:
    (tmp_path / "t.v").touch()
    for key, wrong, text in edits(CARD, 16):
        problems = problems_of(Reader, tmp_path / "t.toml", text, PORTS)
        assert said(key, wrong, problems), (key, wrong, problems)


def test_of_a_map_with_a_harness_no_number_is_anything_else() -> None:
    PortMap.parse(NIC)
    for key, wrong, text in edits(NIC, 12):
        with pytest.raises(PortMapError) as caught:
            PortMap.parse(text)
        assert said(key, wrong, [str(caught.value)]), (key, wrong, caught.value)


@pytest.mark.parametrize(("name", "more", "numbers"), [
    ("rx_checksum", "quiet = 5000\nlongest = 9000", 5), ("rss_hash", "key_bits = 320", 5),
])  # fmt: skip
def test_of_a_block_no_number_is_anything_else(tmp_path: Path, name: str, more: str, numbers: int) -> None:
    (tmp_path / f"{name}.v").touch()
    text = (BLOCKS / f"{name}.toml").read_text(encoding="utf-8").replace("[block]\n", f"[block]\n{more}\n")
    for key, wrong, changed in edits(text, numbers):
        problems = problems_of(BlockReader, tmp_path / "b.toml", changed, {})
        assert said(key, wrong, problems), (key, wrong, problems)


def test_the_port_of_a_key_is_a_text(tmp_path: Path) -> None:
    (tmp_path / "rss_hash.v").touch()
    text = (BLOCKS / "rss_hash.toml").read_text(encoding="utf-8").replace("[block]\n", "[block]\nkey_port = true\n")
    found = problems_of(BlockReader, tmp_path / "b.toml", text, {})
    assert "block.key_port must be the name of a port, not True" in found


@pytest.mark.parametrize(("reader", "walked"), [(card, CARD), (block, CARD), (seam_reader, NIC)])
def test_every_number_that_a_reader_asks_for_is_walked(reader: ModuleType, walked: str) -> None:
    """A key that comes to a reader comes to the walks above."""
    asked = re.findall(r'(?:_number|\.width)\(\w+, "(\w+)"', inspect.getsource(reader))
    assert set(asked) <= {each[1] for each in KEY.finditer(walked)}
    assert "isinstance(" not in re.sub(r"isinstance\([\w.]+, (?:str|dict|list|bool|float|PortMapError)\)", "",
                                       inspect.getsource(reader))  # fmt: skip
