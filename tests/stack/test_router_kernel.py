"""The stack as the router between two Linux kernels: hops, the MTU of the way, fragments, as the kernels see them."""

from __future__ import annotations

import json
import subprocess
import sys
from errno import EMSGSIZE
from pathlib import Path

import pytest

pytestmark = pytest.mark.tap

EXCEEDED = {"inet": [11, 0, 0, "10.98.0.2"], "inet6": [3, 0, 0, "fd98::2"]}
TOO_BIG = {"inet": [3, 4, 1300, "10.98.0.2"], "inet6": [2, 0, 1300, "fd98::2"]}
NO_ROUTE = {"inet": [3, 0, 0, "10.98.0.2"], "inet6": [1, 0, 0, "fd98::2"]}


@pytest.mark.parametrize("family", ["inet", "inet6"])
def test_two_kernels_find_their_way_through_us(family: str) -> None:
    command = [sys.executable, str(Path(__file__).parent / "router_child.py"), family]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert child.returncode == 0, child.stderr
    seen = json.loads(child.stdout)
    drops, cuts = seen.pop("drops"), seen.pop("cuts")
    assert seen.pop("cut", []) == [True] * 3 * (family == "inet")
    assert seen == {
        "hop": EXCEEDED[family],
        "mtu before": 1500,
        "too big": TOO_BIG[family],
        "mtu after": 1300,
        "fits": True,
        "one more": EMSGSIZE,
        "in pieces": [True] * 6,
        "nowhere": NO_ROUTE[family],
    }
    assert drops["packets not forwarded due to expired time to live"] == 1
    assert drops["datagrams that can't be fragmented"] == 1
    assert drops["packets not forwarded due to no route"] == 1
    assert (cuts > 0) == (family == "inet"), "over IPv6 only its sender cuts a packet"
