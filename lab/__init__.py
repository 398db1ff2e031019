"""All that a script, a test or a bench of yours needs, in one place: `from ringbed.lab import open_host, Collector`.

These names stay where they are when the files behind them move. A name is imported when it is first asked for, so
`import ringbed.lab` costs nothing, and cocotb, Amaranth or the stack are loaded by those who use them; `import *` asks
for all. The imports below are for type checkers, `PLACES` is for Python, which may have no source to read them from; a
test holds that the two are one list.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ringbed.cli.show_switch import port_table as port_table
    from ringbed.cli.show_switch import station_table as station_table
    from ringbed.drivers.em.driver import Em as Em
    from ringbed.drivers.ethtool import Coalesce as Coalesce
    from ringbed.drivers.ethtool import Features as Features
    from ringbed.drivers.ethtool import Pause as Pause
    from ringbed.drivers.ethtool import RingSizes as RingSizes
    from ringbed.drivers.plain import PlainEthtool as PlainEthtool
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
    from ringbed.hw.errata.asked import UnknownErratum as UnknownErratum
    from ringbed.hw.errata.asked import errata_writes as errata_writes
    from ringbed.hw.errata.asked import parse_errata as parse_errata
    from ringbed.hw.errata.erratum import Condition as Condition
    from ringbed.hw.errata.erratum import Erratum as Erratum
    from ringbed.sim.cards import em as em
    from ringbed.sim.cards import em_lab as em_lab
    from ringbed.sim.checker.finding import DriverFinding as DriverFinding
    from ringbed.sim.cocotb.run import CocotbFailed as CocotbFailed
    from ringbed.sim.cocotb.run import run_in_cocotb as run_in_cocotb
    from ringbed.sim.dut.card import dut_spec as dut_spec
    from ringbed.sim.engines import open_engine as open_engine
    from ringbed.sim.errata import switch_errata as switch_errata
    from ringbed.sim.faults.plan import FaultFileError as FaultFileError
    from ringbed.sim.faults.plan import FaultPlan as FaultPlan
    from ringbed.sim.faults.plan import load_plan as load_plan
    from ringbed.sim.memory.host import HostMemory as HostMemory
    from ringbed.sim.memory.host import memory_for as memory_for
    from ringbed.sim.native.toolchain import BuildError as BuildError
    from ringbed.sim.needs import Missing as Missing
    from ringbed.sim.processor.model import Processor as Processor
    from ringbed.sim.seam.bus_faults import Access as Access
    from ringbed.sim.seam.bus_faults import BusFaults as BusFaults
    from ringbed.sim.seam.bus_faults import BusFixed as BusFixed
    from ringbed.sim.seam.bus_faults import BusKind as BusKind
    from ringbed.sim.seam.bus_faults import BusRule as BusRule
    from ringbed.sim.seam.clock import Frequency as Frequency
    from ringbed.sim.seam.engine import CardEnded as CardEnded
    from ringbed.sim.seam.engine import EngineStats as EngineStats
    from ringbed.sim.seam.engine import Event as Event
    from ringbed.sim.seam.engine import Finding as Finding
    from ringbed.sim.seam.portmap import PortMap as PortMap
    from ringbed.sim.seam.portmap import PortMapError as PortMapError
    from ringbed.sim.seam.settings import Settings as Settings
    from ringbed.sim.seam.spec import NicSpec as NicSpec
    from ringbed.sim.testbed.accounting import lost as lost
    from ringbed.sim.testbed.assembly import StackHost as StackHost
    from ringbed.sim.testbed.assembly import StackOnDriver as StackOnDriver
    from ringbed.sim.testbed.assembly import account as account
    from ringbed.sim.testbed.assembly import open_host as open_host
    from ringbed.sim.testbed.cocotb_bench import Bench as Bench
    from ringbed.sim.testbed.dut import open_dut as open_dut
    from ringbed.sim.testbed.dut import pci_of as pci_of
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
    from ringbed.sim.wire.cable import Loopback as Loopback
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

PLACES = {  # names by module
    "cli.show_switch": "port_table station_table",
    "drivers.em.driver": "Em",
    "drivers.ethtool": "Coalesce Features Pause RingSizes",
    "drivers.plain": "PlainEthtool PlainNic",
    "drivers.world": (
        "AttachError Capabilities ChecksumOffload Coherent Device Direction Dma FrameSink "
        "Mapping Nic PciIdentity QueueState RxFrame Segmentation TxFrame TxSum Verdict"
    ),
    "hw.errata.asked": "UnknownErratum errata_writes parse_errata",
    "hw.errata.erratum": "Condition Erratum",
    "sim.cards": "em em_lab",
    "sim.checker.finding": "DriverFinding",
    "sim.processor.model": "Processor",
    "sim.cocotb.run": "CocotbFailed run_in_cocotb",
    "sim.dut.card": "dut_spec",
    "sim.engines": "open_engine",
    "sim.errata": "switch_errata",
    "sim.faults.plan": "FaultFileError FaultPlan load_plan",
    "sim.memory.host": "HostMemory memory_for",
    "sim.native.toolchain": "BuildError",
    "sim.needs": "Missing",
    "sim.seam.bus_faults": "Access BusFaults BusFixed BusKind BusRule",
    "sim.seam.clock": "Frequency",
    "sim.seam.engine": "CardEnded EngineStats Event Finding",
    "sim.seam.portmap": "PortMap PortMapError",
    "sim.seam.settings": "Settings",
    "sim.seam.spec": "NicSpec",
    "sim.testbed.accounting": "lost",
    "sim.testbed.assembly": "StackHost StackOnDriver account open_host",
    "sim.testbed.cocotb_bench": "Bench",
    "sim.testbed.dut": "open_dut pci_of",
    "sim.testbed.faults": "Faults",
    "sim.testbed.host": "Collector Host",
    "sim.testbed.network": "Network open_network",
    "sim.testbed.peer": "NoAnswer Peer ping",
    "sim.testbed.pump": "HostLink Pump",
    "sim.testbed.switch": "Switch",
    "sim.trace.failure": "Case run_with_waveform",
    "sim.wire.cable": "Cable Loopback",
    "sim.wire.capture": "CaptureWriter TappedEnd",
    "sim.wire.frame": "Damage from_wire to_wire",
    "sim.wire.replay": "Capture CaptureError read_capture replay",
    "stack.stack": "Stack",
}
_MODULES = {name: f"ringbed.{module}" for module, names in PLACES.items() for name in names.split()}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"ringbed.lab has no {name!r}; it has {', '.join(sorted(_MODULES))}")
    globals()[name] = getattr(import_module(_MODULES[name]), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted(_MODULES)
