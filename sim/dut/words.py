"""Findings of a wrapped card in the terms of its own buses: the checkers see the AXI side of a bridge.

A bridge (hw/dut/) hands rules on one to one: what the card does wrong on its bus is wrong in the same clock on ours, by
another name. Rules that a bridge cannot break (bursts, sizes, last beats) have no words here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ringbed.hw.formats.dut import Bus, BusKind, Dut
from ringbed.sim.seam.engine import Finding
from ringbed.sim.seam.words import Words

__all__ = ["DutWords"]

STROBE = re.compile(r"WSTRB \w+ at (\w+) has lanes outside")
ANSWERED = re.compile(r"(a register \w+ at \w+) is answered \d")


class DutWords(Words):
    """With the map's names of ports."""

    def __init__(self, dut: Dut) -> None:
        self.dma = dut.dma if dut.dma is not None and dut.dma.kind == BusKind.REQUEST else None
        bridged = dut.registers is not None and dut.registers.kind != BusKind.AXI_LITE
        self.registers = dut.registers if bridged else None

    def findings(self, found: Sequence[Finding]) -> list[Finding]:
        """One of the request interface can be two of AXI, of a write's address and of its data: told once."""
        return list(dict.fromkeys(map(self._reworded, found)))

    def unanswered(self, write: bool, taken: bool) -> str:
        if self.registers is None or not taken:
            return super().unanswered(write, taken)
        ports = self.registers.ports
        if self.registers.kind == BusKind.APB:
            return f"{ports['psel']} and {ports['penable']} were up, {ports.get('pready', 'an answer')} never came"
        either = " or ".join(ports[name] for name in ("ack", "err") if name in ports)
        return f"{ports['cyc']} and {ports['stb']} were up, {either} never came"

    def _reworded(self, finding: Finding) -> Finding:
        if self.dma is not None and finding.rule.startswith("axi."):
            return _of_request(self.dma, finding)
        if self.registers is not None and finding.rule == "register.error":
            error = self.registers.ports.get("pslverr" if self.registers.kind == BusKind.APB else "err", "an error")
            return replace(finding, text=ANSWERED.sub(rf"\1 is answered with {error}", finding.text))
        return finding


def _of_request(bus: Bus, finding: Finding) -> Finding:
    """A rule of AXI as the one of `request` that was broken."""
    ports, (kind, text) = bus.ports, (finding.rule, finding.text)
    req, gnt = ports["req"], ports["gnt"]
    if kind == "axi.hold":
        return replace(finding, rule="request.hold", text=f"{req} fell, or {ports['we']} changed, before {gnt}")
    if kind == "axi.stable":
        data = " or ".join(ports[name] for name in ("wdata", "be") if name in ports)
        what = data if text.startswith("W ") else ports["addr"]
        return replace(finding, rule="request.stable", text=f"{what} changed while {req} waited for {gnt}")
    if kind == "axi.strobe" and (found := STROBE.match(text)):
        size = bus.data_width // 8
        told = f"a write with {ports['addr']} {found[1]}, which is not a multiple of {size}, the bytes of a word"
        return replace(finding, rule="request.align", text=told)
    return finding
