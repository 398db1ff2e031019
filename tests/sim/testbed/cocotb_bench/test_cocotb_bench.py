"""A bench of somebody's card in Icarus; the tests themselves run in the simulator and are in mini_nic_bench.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ringbed.sim.cocotb.run import run_in_cocotb
from ringbed.sim.dut.card import dut_spec

NIC = Path(__file__).parents[4] / "examples" / "third_party" / "nic"


@pytest.mark.cocotb
@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.full)])
def test_calls_end_as_tasks_do(simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parent), str(NIC), *sys.path])
    assert run_in_cocotb("mini_nic_bench", dut_spec(NIC / "mini_nic.toml"), simulator, tmp_path) == [
        "time_passes_in_the_background_to_the_end", "a_timeout_of_the_users", "a_task_that_is_cancelled",
        "what_a_function_raises_is_raised", "two_pings_at_once", "a_ping_after_one_that_came_too_late",
    ]  # fmt: skip
