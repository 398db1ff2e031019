"""How far a tool came that was stopped, by what nextpnr writes; its own words come from runs of `em` on 0.11."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from pathlib import Path

import pytest

from ringbed.sim.seam.spec import Rtl
from ringbed.sim.yosys import tools as synth_tools
from ringbed.sim.yosys.tools import NEXTPNR, YOSYS, ToolFailure, ToolLate, run, staged

PLACING = """Info: Running main analytical placer, max placement attempts per cell = 39325146.
Info:     at iteration #1, type ALL: wirelen solved = 2282, spread = 310684, legal = 311648; time = 2.57s
"""
ROUTER1 = """Info: Routing 149056 arcs.
Info:            |   (re-)routed arcs  |   delta    | remaining|       time spent     |
Info:    IterCnt |  w/ripup   wo/ripup |  w/r  wo/r |      arcs| batch(sec) total(sec)|
Info:     152000 |    33822     117186 |  434   554 |     68990|       2.98     444.30|
Info:     153000 |    34132     117862 |  310   676 |     69218|      32.11     476.41|
"""
ROUTER2 = """Info: Running main router loop...
Info:     iter=36 wires=615523 overused=1061 overuse=1066 archfail=NA
Info:     iter=37 wires=615974 overused=1121 overuse=1133 archfail=NA
"""


@pytest.mark.parametrize(
    ("said", "stage"),
    [
        ("", ""),
        (PLACING, ": it was still placing"),
        (PLACING + ROUTER1, ": placed, and 69,218 of 149,056 connections were left to route"),
        (PLACING + ROUTER2, ": placed, and 1,121 wires had two nets after round 37 of routing"),
    ],
)
def test_one_that_is_stopped_says_how_far_it_came(
    said: str, stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = ["sh", "-c", 'printf %s "$1" >&2; exec sleep 60', "sh", said]
    monkeypatch.setattr(synth_tools, "_ready", lambda tool: None)
    monkeypatch.setattr(synth_tools, "_command", lambda tool, arguments: slow)
    with pytest.raises(ToolFailure) as failure:
        run(NEXTPNR, [], tmp_path, 1)
    assert str(failure.value) == "nextpnr-ecp5 was not done in 1 s" + stage


def test_one_that_used_up_its_processor_time_is_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that waits does not use any: the other limit is for that."""
    monkeypatch.setattr(synth_tools, "_ready", lambda tool: None)
    monkeypatch.setattr(synth_tools, "_command", lambda tool, arguments: ["sh", "-c", "while :; do :; done"])
    with pytest.raises(ToolLate, match="^Yosys was not done in 1 s of processor time$"):
        run(YOSYS, [], tmp_path, 250, processor=1)
    monkeypatch.setattr(synth_tools, "_command", lambda tool, arguments: ["sleep", "60"])
    with pytest.raises(ToolLate, match="^Yosys was not done in 1 s$"):
        run(YOSYS, [], tmp_path, 1, processor=100)


def test_a_tool_that_is_set_up_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """By what its package's runtime writes then; no other line of it is one."""
    assert "Preparing to run" in inspect.getsource(importlib.import_module("yowasp_runtime"))
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path))
    monkeypatch.setattr(synth_tools, "_ready", functools.cache(synth_tools._ready.__wrapped__))
    wrote = "import sys; print('Preparing to run a tool. This might take a while...\\nversion 1', file=sys.stderr)"
    monkeypatch.setattr(synth_tools, "_command", lambda tool, arguments: [sys.executable, "-c", wrote])
    with caplog.at_level("INFO", synth_tools.LOG.name):
        for _ in range(2):
            run(YOSYS, [], tmp_path, 60)
    assert caplog.messages == ["Yosys is set up, once a machine: a minute or two"]
    caplog.clear()
    monkeypatch.setattr(synth_tools, "_command", lambda tool, arguments: [sys.executable, "-c", "print('version 1')"])
    with caplog.at_level("INFO", synth_tools.LOG.name):
        run(NEXTPNR, [], tmp_path, 60)
    assert caplog.messages == []


def test_a_complaint_has_the_file_and_line_it_is_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "import sys; sys.exit('../their nic/a.v:12: ERROR: syntax error\\nand more')"
    monkeypatch.setattr(synth_tools, "_ready", lambda tool: None)
    monkeypatch.setattr(synth_tools, "_command", lambda tool, arguments: [sys.executable, "-c", wrong])
    with pytest.raises(ToolFailure, match=r"^nextpnr-ecp5: a\.v:12: syntax error$"):
        run(NEXTPNR, [], tmp_path, 60)


@pytest.mark.parametrize(
    ("names", "down"),
    [((), 0), (("a.hex", "x/b.hex"), 0), (("x/../../../c.hex", "x/b.hex"), 2)],
    ids=["none", "in", "up"],
)
def test_data_is_found_by_its_own_name(tmp_path: Path, names: tuple[str, ...], down: int) -> None:
    """However far up it is from the map."""
    beside, work = tmp_path / "1" / "2" / "map", tmp_path / "work"
    for name in names:
        target = Path(os.path.normpath(beside / name))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(name)
    folder = staged(Rtl((), folder=beside, data=names), work)
    assert len(folder.relative_to(work).parts) == down
    assert [Path(os.path.normpath(folder / name)).read_text() for name in names] == list(names)
    assert all(Path(os.path.normpath(folder / name)).is_relative_to(work) for name in names)
