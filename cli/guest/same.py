"""Whether a lock-step run is the same again: every register access of Linux's driver, with its clock and its bytes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from ringbed.cli.guest.errand import GuestOptions
from ringbed.cli.guest.uml import run_uml
from ringbed.cli.serve.run import ServeOptions
from ringbed.conformance.guest import GATE
from ringbed.sim.lockstep.card import Access
from ringbed.sim.lockstep.pci_message import CONFIG

__all__ = ["SHORT", "Same", "lockstep_script", "uml_same"]

# What of the gate needs no kernel at the far end: neither services nor frames longer than 1,518 bytes.
SHORT = 'CHECKS="probe link pings vlan statistics features rings registers errors" SIZES="0 1 18 64 1471 1472"\n'


@dataclass(frozen=True, slots=True)
class Same:
    """`differ` of `accesses` register accesses of the first run, by clock, place or bytes; `status` of the scripts."""

    accesses: int
    differ: int
    status: int


def lockstep_script() -> str:
    return SHORT + GATE.read_text()


def uml_same() -> Same:
    """Two runs of the gate's short form. Raises Missing where there is no kernel, nor can be."""
    runs, status = list[list[Access]](), 0
    with tempfile.TemporaryDirectory(prefix="ringbed-bench.") as folder:
        script = Path(folder) / "script"
        script.write_text(lockstep_script())
        serve = ServeOptions(Path(), "peer", "10.77.0.1/24", "", None, None, None, 64, (), None)
        options = GuestOptions(None, None, script, None, "", None, False, None, None, serve, uml=True)
        for _ in range(2):
            runs.append([])
            ended = run_uml(options, lambda piece: None, runs[-1].append)
            status = status or ended
    first, second = ([each for each in run if each.region != CONFIG] for run in runs)
    return Same(len(first), sum(a != b for a, b in zip_longest(first, second)), status)
