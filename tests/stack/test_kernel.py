"""The stack against the Linux kernel over a TAP device, with no card in between."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ringbed.benchmarks.stack_udp_echo import run

pytestmark = pytest.mark.tap
SIZES = [0, 1, 2, 3, 17, 18, 19, 63, 64, 65, 511, 512, 1023, 1400, 1471, 1472]


def test_the_kernel_agrees_with_the_stack_both_ways() -> None:
    command = [sys.executable, str(Path(__file__).parent / "kernel_child.py"), *map(str, SIZES)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert child.returncode == 0, child.stderr
    seen = json.loads(child.stdout)
    drops = seen.pop("drops")
    assert seen == {"pings": len(SIZES), "echoes": len(SIZES), "pinged": len(SIZES), "refused": 1}
    assert drops.pop("udp: dropped due to no socket") == 1
    assert set(drops) <= {"ether: frames for unknown/unsupported protocol", "ip: multicast packets which we don't join"}


@pytest.mark.parametrize("payload", [18, 1400])
def test_the_echo_bench_compares_what_comes_back(payload: int) -> None:
    result = run(payload, seconds=0.2)
    assert result["echoes"] > 0
    assert result["wrong"] == 0
