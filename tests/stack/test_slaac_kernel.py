"""Router discovery with the Linux kernel, each side once the router and once the host."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.tap


def run(role: str) -> dict[str, Any]:
    command = [sys.executable, str(Path(__file__).parent / "slaac_child.py"), role]
    child = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert child.returncode == 0, child.stderr
    seen: dict[str, Any] = json.loads(child.stdout)
    return seen


def test_our_advertisement_configures_the_kernel() -> None:
    assert run("router") == {"made": True, "gateways": ["fe80::ff:fe00:2"], "sender": "fd98::ff:fe00:9901"}


def test_an_advertisement_configures_us_and_we_reach_what_is_behind_the_router() -> None:
    assert run("host") == {"asked": True, "made": True, "reply": ["fd96::1", 129, 4200]}
