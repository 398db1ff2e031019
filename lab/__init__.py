"""All that a script, a test or a bench of yours needs, in one place: `from ringbed.lab import open_host, Collector`.

These names stay where they are when the files behind them move. A name is imported when it is first asked for, so
`import ringbed.lab` costs nothing, and cocotb, Amaranth or the stack are loaded by those who use them. The imports
below are for type checkers and are the list as well: there is no other.
"""

from __future__ import annotations

import ast
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ringbed.cli.show_switch import port_table as port_table
    from ringbed.cli.show_switch import station_table as station_table
    from ringbed.drivers.em.driver import Em as Em
    from ringbed.drivers.ethtool import Coalesce as Coalesce
    from ringbed.drivers.ethtool import Features as Features
    from ringbed.drivers.ethtool import Pause as Pause
    from ringbed.drivers.ethtool import RingSizes as RingSizes
    from ringbed.drivers.plain import PlainNic as PlainNic
    from ringbed.drivers.world import AttachError as AttachError
    from ringbed.drivers.world import Capabilities as Capabilities
    from ringbed.drivers.world import ChecksumOffload as ChecksumOffload
    from ringbed.drivers.world import Coherent as Coherent
    from ringbed.drivers.world import Device as Device
    from ringbed.drivers.world import Direction as Direction
    from ringbed.drivers.world import Dma as Dma
    from ringbed.drivers.world import FrameSink as FrameSink
    from ringbed.drivers.world import Mapping as Mapping
    from ringbed.drivers.world import Nic as Nic
    from ringbed.drivers.world import PciIdentity as PciIdentity
    from ringbed.drivers.world import QueueState as QueueState
    from ringbed.drivers.world import RxFrame as RxFrame
    from ringbed.drivers.world import Segmentation as Segmentation
    from ringbed.drivers.world import TxFrame as TxFrame
    from ringbed.drivers.world import TxSum as TxSum
    from ringbed.drivers.world import Verdict as Verdict
    from ringbed.hw.errata.lab import errata_mask as errata_mask
    from ringbed.sim.cards import em as em
    from ringbed.sim.cards import em_lab as em_lab
    from ringbed.sim.cocotb.run import CocotbFailed as CocotbFailed
    from ringbed.sim.cocotb.run import run_in_cocotb as run_in_cocotb
    from ringbed.sim.dut.card import dut_spec as dut_spec
    from ringbed.sim.engines import open_engine as open_engine
    from ringbed.sim.faults.plan import load_plan as load_plan
    from ringbed.sim.seam.bus_faults import Access as Access
    from ringbed.sim.seam.bus_faults import BusFaults as BusFaults
    from ringbed.sim.seam.bus_faults import BusFixed as BusFixed
    from ringbed.sim.seam.bus_faults import BusKind as BusKind
    from ringbed.sim.seam.bus_faults import BusRule as BusRule
    from ringbed.sim.testbed.accounting import lost as lost
    from ringbed.sim.testbed.assembly import StackHost as StackHost
    from ringbed.sim.testbed.assembly import StackOnDriver as StackOnDriver
    from ringbed.sim.testbed.assembly import account as account
    from ringbed.sim.testbed.assembly import open_host as open_host
    from ringbed.sim.testbed.cocotb_bench import Bench as Bench
    from ringbed.sim.testbed.dut import open_dut as open_dut
    from ringbed.sim.testbed.faults import Faults as Faults
    from ringbed.sim.testbed.host import Collector as Collector
    from ringbed.sim.testbed.host import Host as Host
    from ringbed.sim.testbed.network import Network as Network
    from ringbed.sim.testbed.network import open_network as open_network
    from ringbed.sim.testbed.peer import NoAnswer as NoAnswer
    from ringbed.sim.testbed.peer import Peer as Peer
    from ringbed.sim.testbed.peer import ping as ping
    from ringbed.sim.testbed.pump import HostLink as HostLink
    from ringbed.sim.testbed.pump import Pump as Pump
    from ringbed.sim.testbed.switch import Switch as Switch
    from ringbed.sim.trace.failure import Case as Case
    from ringbed.sim.trace.failure import run_with_waveform as run_with_waveform
    from ringbed.sim.wire.cable import Cable as Cable
    from ringbed.sim.wire.capture import CaptureWriter as CaptureWriter
    from ringbed.sim.wire.capture import TappedEnd as TappedEnd
    from ringbed.sim.wire.frame import Damage as Damage
    from ringbed.sim.wire.frame import from_wire as from_wire
    from ringbed.sim.wire.frame import to_wire as to_wire
    from ringbed.sim.wire.replay import Capture as Capture
    from ringbed.sim.wire.replay import CaptureError as CaptureError
    from ringbed.sim.wire.replay import read_capture as read_capture
    from ringbed.sim.wire.replay import replay as replay
    from ringbed.stack.stack import Stack as Stack


def _places() -> dict[str, tuple[str, str]]:
    """Where each name comes from, (module, name there): the imports above, read from this file."""
    spec = find_spec(__name__)
    assert spec is not None
    source = spec.loader.get_source(__name__)  # type: ignore[union-attr]
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    ours = [node for node in found if node.module and node.module.startswith("ringbed.")]
    return {alias.asname: (node.module, alias.name) for node in ours for alias in node.names}  # type: ignore[misc]


def __getattr__(name: str) -> Any:
    places = _places()
    if name not in places:
        raise AttributeError(f"ringbed.lab has no {name!r}; it has {', '.join(sorted(places))}")
    module, there = places[name]
    globals()[name] = getattr(import_module(module), there)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(_places())
