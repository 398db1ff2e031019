"""Module paths that pages and examples of earlier versions showed still lead to the same things."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from ringbed.sim.moved import MODULES, NAMES, old_name

# what the pages and examples of 0.1's first months wrote down, and what its first users imported, line by line
SHOWN = """
from ringbed.sim.testbed import account, open_host, StackHost, StackOnDriver
from ringbed.sim.host import Collector, Host
from ringbed.sim.testbed_peer import Peer, ping, NoAnswer
from ringbed.sim.wire import from_wire, to_wire, Damage
from ringbed.sim.testbed_dut import open_dut
from ringbed.sim.dut import dut_spec
from ringbed.sim.testbed_cocotb import Bench
from ringbed.sim.cocotb_run import run
from ringbed.sim.testbed_network import open_network
from ringbed.sim.faults_plan import load_plan
from ringbed.sim.faults import Faults
from ringbed.sim.failure import Case, run_with_waveform
from ringbed.sim.capture import CaptureWriter, TappedEnd, bpf_tap
from ringbed.sim.bus_faults import Access, BusFaults, BusFixed, BusKind
from ringbed.sim.account import lost
from ringbed.sim import cards
from ringbed.drivers.em import Em
from ringbed.drivers.ethtool import RingSizes
from ringbed.drivers.plain import PlainNic
from ringbed.drivers.world import TxFrame, RxFrame
from ringbed.stack.stack import Stack
from ringbed.sim.cable import Cable; from ringbed.sim.pump import Pump; from ringbed.sim.spec import NicSpec
from ringbed.sim.memory import HostMemory, memory_for; from ringbed.sim.portmap import Pin
from ringbed.sim.qemu import QemuEngine
from ringbed.cli.show_switch import port_table, station_table
from ringbed.conformance.replay import align, check_replay, Answer
""".strip().splitlines()


@pytest.mark.parametrize("line", SHOWN)
def test_a_line_once_shown_still_runs(line: str) -> None:
    subprocess.run([sys.executable, "-c", line], check=True, timeout=60)


@pytest.mark.parametrize("order", [SHOWN, SHOWN[::-1]], ids=["as shown", "backwards"])
def test_in_any_order_and_all_together(order: list[str]) -> None:
    """`account` is a function of the testbed: no module of that name may come in its way."""
    code = "\n".join([*order, "assert callable(account) and callable(run)"])
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(("old", "new"), MODULES.items())
def test_an_old_module_is_the_new_one(old: str, new: str) -> None:
    assert import_module(f"ringbed.sim.{old}") is import_module(f"ringbed.sim.{new}")
    assert import_module(f"ringbed.sim.{new}").__name__ == f"ringbed.sim.{new}"


@pytest.mark.parametrize(("old", "new"), NAMES.items())
def test_a_folder_has_the_names_that_its_module_had(old: str, new: str) -> None:
    package, module = import_module(f"ringbed.sim.{old}"), import_module(f"ringbed.sim.{new}")
    assert all(getattr(package, name) is getattr(module, name) for name in module.__all__)


def test_what_never_was_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'open_hots'"):
        assert import_module("ringbed.sim.testbed").open_hots
    with pytest.raises(AttributeError, match="has no attribute '__wrapped__'"):
        old_name("ringbed.sim.wire", "__wrapped__")
    with pytest.raises(ModuleNotFoundError):
        import_module("ringbed.sim.never")
