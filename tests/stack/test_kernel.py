"""The stack against the Linux kernel over a TAP device, with no card in between."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ringbed.benchmarks.stack_udp_echo import run

pytestmark = pytest.mark.tap
SIZES = [0, 1, 2, 3, 17, 18, 19, 63, 64, 65, 511, 512, 1023, 1400]
LARGEST = {"inet": [1471, 1472, 1473, 2000, 8000, 40000], "inet6": [1451, 1452, 1453, 2000, 8000, 40000]}
HEARD_ANYWAY = {  # the kernel speaks of itself: IPv6 where it is on, groups that it is in, routers that it looks for
    "ether: frames for unknown/unsupported protocol",
    "ip: multicast packets which we don't join",
    "ip6: multicast packets which we don't join",
    "icmp6: messages dropped due to no socket",
}


@pytest.mark.parametrize("family", ["inet", "inet6"])
def test_the_kernel_agrees_with_the_stack_both_ways(family: str) -> None:
    sizes = SIZES + LARGEST[family]
    command = [sys.executable, str(Path(__file__).parent / "kernel_child.py"), family, *map(str, sizes)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert child.returncode == 0, child.stderr
    seen = json.loads(child.stdout)
    drops = seen.pop("drops")
    assert set(seen.pop("neighbours")) <= {"reachable", "delay", "stale"}
    assert seen == {"pings": len(sizes), "echoes": len(sizes), "pinged": len(sizes), "refused": 1}
    assert drops.pop("udp: dropped due to no socket") == 1
    assert set(drops) <= HEARD_ANYWAY


@pytest.mark.parametrize("family", ["inet", "inet6"])
@pytest.mark.parametrize("payload", [18, 1400])
def test_the_echo_bench_compares_what_comes_back(payload: int, family: str) -> None:
    result = run(payload, seconds=0.2, family=family)
    assert result["echoes"] > 0
    assert result["wrong"] == 0
