"""What the harness of a compiled model found, put into words."""

from __future__ import annotations

from typing import Any

from ringbed.sim.memory.regions import DeviceMemory
from ringbed.sim.memory.strays import worded
from ringbed.sim.native.abi import Mailbox, RawFinding
from ringbed.sim.seam.axi_checker import Findings
from ringbed.sim.seam.engine import Finding

__all__ = ["put_into_words"]


def put_into_words(findings: Findings, lib: Any, handle: int, box: Mailbox, memory: DeviceMemory | None) -> None:
    """Take what the harness found into `findings`, while what is mapped is what was mapped then."""
    findings.now = int(box.now)
    lost = int(box.findings_lost)
    table = (RawFinding * box.findings)()
    lib.rb_findings(handle, table, True)
    for raw in table:
        findings.keep(_worded(raw, memory))
    findings.lost += lost


def _worded(raw: RawFinding, memory: DeviceMemory | None) -> Finding:
    last = int(raw.last) if raw.count > 1 else None
    finding = Finding(raw.clock, raw.rule.decode(), raw.text.decode(errors="replace"), raw.count, last)
    return worded(memory, finding, raw.address, raw.end) if finding.rule.startswith("dma.") else finding
