"""The planted faults of benchmarks/planted on the template as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ringbed.benchmarks.planted import fault as faults
from ringbed.benchmarks.planted.fault import NO_BARRIER, NO_RX_BARRIER, PUT, RX_PUT, Fault, carried, marked
from ringbed.benchmarks.planted.traffic import STATION, TCP, driver_findings, traffic, udp
from ringbed.cli import drivers
from ringbed.drivers.world import Nic

__all__ = [
    "NO_BARRIER",
    "NO_RX_BARRIER",
    "PUT",
    "RX_PUT",
    "STATION",
    "TCP",
    "TEMPLATE",
    "Fault",
    "carried",
    "driver_findings",
    "marked",
    "planted",
    "traffic",
    "udp",
]

TEMPLATE = (Path(drivers.__file__).parent / "template" / "template_nic.py").read_text(encoding="utf-8")


def planted(fault: Fault) -> tuple[Callable[..., Nic], str]:
    """The driver with the fault, and its text."""
    return faults.planted(fault, TEMPLATE)
