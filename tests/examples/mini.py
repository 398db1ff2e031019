"""mini_nic under its driver, as a user's script beside both would open it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.testbed.dut import open_dut
from ringbed.sim.testbed.host import Host

__all__ = ["LLADDR", "NIC", "Open", "mini_hosts"]

NIC = Path(__file__).parents[2] / "examples" / "third_party" / "nic"
LLADDR = bytes.fromhex("020000000001")

Open = Callable[..., Host[Any]]


@contextmanager
def mini_hosts(path: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens hosts on cards of the map at `path`, up; of each the checker found nothing, and it is down, at the end."""
    monkeypatch.syspath_prepend(str(NIC))
    mini_nic = importlib.import_module("mini_driver").MiniNic
    hosts = list[Host[Any]]()

    def open_one(upper: Any, size: int = 64, **settings: Any) -> Host[Any]:
        hosts.append(open_dut(
            path, lambda *world: mini_nic(*world, lladdr=LLADDR, size=size), upper, engine=engine, **settings
        ))  # fmt: skip
        hosts[-1].up()
        return hosts[-1]

    yield open_one
    for host in hosts:
        assert host.engine.findings() == []
        host.down()
        host.engine.close()
    sys.modules.pop("mini_driver", None)
