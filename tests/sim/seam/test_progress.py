"""Who waits for a model is told what is being built, whoever asked for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.sim.cocotb.build import build
from ringbed.sim.seam.progress import SPEAKER, quiet, speaker
from tests.sim.toy import toy_spec


def test_nobody_asked_so_a_person_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    speaker(None, "toy for native")("running Verilator")
    assert capsys.readouterr().err == "ringbed: building toy for native: running Verilator\n"


def test_who_asked_is_told_alone(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    speaker(told.append, "toy for native")("running Verilator")
    token = SPEAKER.set(quiet)
    speaker(None, "toy for native")("running Verilator")
    SPEAKER.reset(token)
    assert (told, capsys.readouterr().err) == (["running Verilator"], "")


@pytest.mark.cocotb
def test_a_build_says_so_and_what_is_cached_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path))
    build(toy_spec(), "icarus")
    assert capfd.readouterr().err.splitlines() == [
        f"ringbed: building toy for cocotb on icarus: {what}"
        for what in ("elaborating the card and writing its Verilog", "compiling the card")
    ]
    build(toy_spec(), "icarus")
    assert capfd.readouterr().err == ""
