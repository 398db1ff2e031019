"""The build's stages and cache; a real compilation only where a sentence depends on it."""

from __future__ import annotations

import ast
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.native import build
from ringbed.sim.native.build import BuildError, build_model, skip_settled_inputs, to_verilog, verilog_of
from ringbed.sim.native.toolchain import Compiler
from tests.sim.conftest import needs_native
from tests.sim.toy import toy_spec


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_verilog_has_exactly_the_ports_of_the_map() -> None:
    text = to_verilog(toy_spec())
    header = text[text.index("module toy(") :].split(")", 1)[0]
    names = {name.strip() for name in header.removeprefix("module toy(").split(",")}
    assert names == {port.name for port in toy_spec().portmap.ports()}


def test_a_warm_start_does_not_elaborate(cache: Path) -> None:
    first = verilog_of(toy_spec())

    def never() -> Any:
        raise AssertionError("elaborated again")

    assert verilog_of(replace(toy_spec(), elaborate=never)) == first
    with pytest.raises(AssertionError, match="elaborated again"):
        verilog_of(replace(toy_spec(), elaborate=never, params={"new": 1}))


@needs_native
def test_a_failing_compiler_is_one_sentence_and_a_log(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken-g++"
    broken.write_text("#!/bin/sh\necho this compiler is broken\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(build, "find_compiler", lambda: Compiler((str(broken),), "broken 1.0"))
    told: list[str] = []
    with pytest.raises(BuildError, match=r"^the C\+\+ compiler failed with exit code 3; full log: (.*)$") as caught:
        build_model(toy_spec(), progress=told.append)
    log = Path(str(caught.value).split("full log: ")[1])
    assert "this compiler is broken" in log.read_text()
    assert told == [
        "elaborating the card and writing its Verilog",
        "running Verilator",
        "compiling Verilator's runtime",
    ]
    assert not list(cache.glob("*/*.so"))
    assert not [path for path in cache.glob("*/*") if path.is_dir()]


GENERATED = """
void V___024root___eval_triggers_vec__act(V___024root* vlSelf) {
    x = vlSelfRef.clk;
}
void V___024root___eval(V___024root* vlSelf) {
    vlSelfRef.__VicoFirstIteration = 1U;
}
"""


@pytest.mark.parametrize(
    ("text", "done"),
    [
        (GENERATED, True),
        (
            GENERATED + "void V___024root___ico_sequent__TOP__0(V___024root* vlSelf) {\n    g = vlSelfRef.clk;\n}\n",
            False,
        ),
        (GENERATED.replace("1U", "true"), False),
        (GENERATED + GENERATED, False),
    ],
    ids=["plain", "gated clock", "another Verilator", "twice"],
)
def test_settled_inputs_are_skipped_only_where_it_is_sure(tmp_path: Path, text: str, done: bool) -> None:
    (tmp_path / "V.cpp").write_text(text)
    assert skip_settled_inputs(tmp_path, "clk") is done
    assert ("__VicoFirstIteration = !vlSelfRef.clk;" in (tmp_path / "V.cpp").read_text()) is done


KEYED_OTHERWISE = {
    "ringbed.sim.native.cache": "where results are kept",
    "ringbed.sim.native.toolchain": "its flags and the versions of its tools are in the key themselves",
    "ringbed.sim.seam.progress": "words for a person",
    "ringbed.sim.seam.stages": "the card's map and the harness have all of it",
}


def test_whatever_writes_a_model_is_part_of_its_key() -> None:
    tree = ast.parse(Path(build.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    ours = {name for name in imported if name.startswith("ringbed.")}
    assert ours | {build.__name__} == {*build.MAKERS, *KEYED_OTHERWISE}
    for name in build.MAKERS:
        assert Path(str(import_module(name).__file__)).read_text(encoding="utf-8") in build.own_text()
    assert build.own_text(__file__) == build.own_text() + Path(__file__).read_text(encoding="utf-8")
