"""Files in an order that a compiler takes, and modules that are found in a library."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ringbed.sim.dut.map import read
from ringbed.sim.dut.verilog.sources import in_order
from ringbed.sim.dut.verilog.tree import as_written
from tests.sim.conftest import needs_native

TEXTS = {
    "low.sv": "package low; parameter A = 1; endpackage",
    "mid.sv": "// package low\npackage automatic mid; import low::*; endpackage",
    "top.sv": 'module top import mid::*; (input clk); /* package other */ localparam T = "package top"; endmodule',
    "free.sv": "module free (input a); assign x = mid :: B; endmodule",
    "alone.v": "module alone; endmodule",
}


def written(folder: Path) -> list[Path]:
    for name, text in TEXTS.items():
        (folder / name).write_text(text)
    return [folder / name for name in TEXTS]


def test_a_package_comes_before_what_names_it_whatever_is_given_first(tmp_path: Path) -> None:
    paths = written(tmp_path)
    for order in itertools.permutations(paths):
        names = [path.name for path in in_order(order)]
        assert sorted(names) == sorted(TEXTS)
        assert names.index("low.sv") < names.index("mid.sv") < min(names.index("top.sv"), names.index("free.sv"))


def test_what_needs_nothing_stays_as_it_is(tmp_path: Path) -> None:
    paths = written(tmp_path)
    assert in_order(paths) == paths
    assert in_order([paths[4], paths[2], paths[1], paths[0]]) == [paths[4], paths[0], paths[1], paths[2]]


@pytest.mark.parametrize("text", ["/*" * 2_000_000, '"' + '\\"' * 2_000_000], ids=["comments", "texts"])
def test_what_has_no_end_is_read_once(tmp_path: Path, text: str) -> None:
    """From each beginning to the end of the file it would take hours."""
    path = tmp_path / "a.sv"
    path.write_text(f"{text} package p;")
    assert in_order([path]) == [path]


def test_packages_in_a_circle_end_too(tmp_path: Path) -> None:
    (tmp_path / "a.sv").write_text("package a; import b::*; endpackage")
    (tmp_path / "b.sv").write_text("package b; import a::*; endpackage")
    assert {path.name for path in in_order([tmp_path / "a.sv", tmp_path / "b.sv"])} == {"a.sv", "b.sv"}


@needs_native
@pytest.mark.parametrize("key", ["library", "include"])
def test_modules_of_a_library_are_sources_of_every_engine(tmp_path: Path, key: str) -> None:
    """Verilator looks for them by name; who does not look has them given."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "part.v").write_text("module part (input a, output y); leaf l (a, y); endmodule\n")
    (tmp_path / "lib" / "leaf.v").write_text("module leaf (input a, output y); assign y = a; endmodule\n")
    (tmp_path / "lib" / "other.v").write_text("module other; syntax error\n")
    (tmp_path / "nic.v").write_text(
        "module nic (input clk, input [7:0] d, input v, input l, output y); part p (v, y); endmodule\n"
    )
    (tmp_path / "nic.toml").write_text(
        f'top = "nic"\nsources = ["nic.v"]\n{key} = ["lib"]\nclock = "clk"\n'
        '[wire.rx]\ndata_width = 8\nkeep = "none"\nready = false\nnames = { tdata = "d", tvalid = "v", tlast = "l" }\n'
    )
    _, rtl = read(tmp_path / "nic.toml")
    assert {path.name for path in rtl.files} == {"nic.v", "part.v", "leaf.v"}


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
@example('q"\\\n\t\x01é\udcff')
def test_a_text_of_c_is_as_it_was_written(text: str) -> None:
    """As Verilator writes names: letters of their own for a few, octal for what is no printable ASCII."""
    own = {ord(letter): "\\" + name for letter, name in zip('\n\t"\\', 'nt"\\', strict=True)}
    octal = (own.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in os.fsencode(text))
    assert as_written("".join(octal)) == text
