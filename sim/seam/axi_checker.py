"""The bus rules in Python, for engines that run there; `harness/*.hpp` holds the same rules with the same words.

Names of rules: `axi.*` for the DMA master (AMBA AXI A3), `axil.*` for the register slave, `stream.*` for the transmit
side of the wire, `register.error` for a register access answered with an error, `dma.*` for memory's refusals.
What the card's own Verilog says is `verilog.*`.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

from ringbed.sim.seam.engine import Finding

__all__ = [
    "CAP", "Command", "Findings", "Held", "check_keep", "check_request", "check_strobes", "counted", "pattern_value",
]  # fmt: skip

CAP = 256
FIXED, INCR, WRAP = 0, 1, 2


class Command(NamedTuple):
    """A request of the DMA master, as on its channel."""

    addr: int
    id: int
    len: int  # beats - 1
    size: int
    burst: int

    def beat(self, index: int) -> int:
        """The address of one beat (A3.4.1)."""
        if index == 0 or self.burst == FIXED:
            return self.addr
        size = 1 << self.size
        aligned = self.addr & -size
        if self.burst != WRAP:
            return (aligned + index * size) & (1 << 64) - 1
        span = size * (self.len + 1)
        low = self.addr & -span
        return low + ((self.addr - low + index * size) & (span - 1))


@dataclass(slots=True)
class Findings:
    """What the checkers saw; at most 256 are kept between two looks, what is seen again in one with a count."""

    check: bool = True
    now: int = 0
    kept: list[Finding] = field(default_factory=list)
    lost: int = 0
    _known: dict[Hashable, int] = field(default_factory=dict)  # where in `kept`, by key
    _fresh: dict[int, None] = field(default_factory=dict)  # where in `kept`, since somebody asked

    def add(self, rule: str, text: str, about: Hashable = None, reach: int = 0) -> None:
        self.keep(Finding(self.now, rule, text, about=about, reach=reach))

    def keep(self, finding: Finding) -> None:
        at = self._known.get(finding.key)
        if at is not None:
            self.kept[at] = self.kept[at].again(finding)
        elif len(self.kept) == CAP:
            self.lost += finding.count
            return
        else:
            at = self._known[finding.key] = len(self.kept)
            self.kept.append(finding)
        self._fresh[at] = None

    def fresh(self) -> list[Finding]:
        """What was seen, for the first time or again, since the last call."""
        fresh, self._fresh = self._fresh, {}
        return [self.kept[at] for at in sorted(fresh)]

    def take(self) -> list[Finding]:
        """All of them, in order; they are forgotten here."""
        found, lost = self.hand_over()
        return [*found, Finding(self.now, "capped", f"{lost} more findings were not kept")] if lost else found

    def hand_over(self) -> tuple[list[Finding], int]:
        """All of them, and how many more were not kept, for somebody else to keep; they are forgotten here."""
        found, lost = self.kept, self.lost
        self.kept, self._known, self._fresh, self.lost = [], {}, {}, 0
        return found, lost


class Held:
    """One channel's hold rule: valid stays until ready, and what it carries stays the same (A3.2.1)."""

    __slots__ = ("fell", "held", "moved", "rule", "stalled")
    held: object

    def __init__(self, rule: str, fell: str, moved: str) -> None:
        self.rule, self.fell, self.moved = rule, fell, moved
        self.stalled, self.held = False, None

    def look(self, valid: bool, ready: bool, payload: object, findings: Findings) -> None:
        if self.stalled and findings.check:
            if not valid:
                findings.add(f"{self.rule}.hold", self.fell)
            elif payload != self.held:
                findings.add(f"{self.rule}.stable", self.moved)
        self.stalled, self.held = valid and not ready, payload


def counted(data: int, lanes: int) -> int:
    """`data` without the bytes of other lanes: those are no change of a beat (Arm IHI 0051 2.4, IHI 0022 A3.4.3)."""
    return data & _bytes_of(lanes)


@functools.cache
def _bytes_of(lanes: int) -> int:
    return sum(0xFF << 8 * lane for lane in range(lanes.bit_length()) if lanes >> lane & 1)


def check_request(name: str, n: Command, bus: int, findings: Findings) -> None:
    """Rules of one AW or AR on a bus of `bus` bytes (A3.4.1)."""
    size, beats = 1 << n.size, n.len + 1
    at = f"{name} at {n.addr:#x}"
    if n.burst == 3:
        findings.add("axi.burst", f"{at} has the reserved burst type 3")
    if size > bus:
        findings.add("axi.size", f"{at}: beats of {size} bytes on a bus of {bus}")
    if n.burst == FIXED and n.len > 15:
        findings.add("axi.len", f"{at}: a FIXED burst of {beats} beats")
    if n.burst == WRAP and (n.len not in (1, 3, 7, 15) or n.addr & (size - 1)):
        findings.add("axi.wrap", f"{at}: a WRAP burst of {beats} beats")
    last = (n.addr & -size) + beats * size - 1
    if n.burst == INCR and (last ^ n.addr) >> 12:
        findings.add("axi.4k", f"{name} of {beats} beats of {size} bytes at {n.addr:#x} crosses a 4 KiB boundary")


def check_strobes(n: Command, strobes: list[int], bus: int, findings: Findings) -> None:
    """Strobes stay within the lanes of their beat (A3.4.3); the first that does not is told."""
    size = 1 << n.size
    for index, strobe in enumerate(strobes):
        addr = n.beat(index)
        low, high = addr & (bus - 1), (addr & -size & (bus - 1)) + size
        lanes = ((1 << min(high, 64)) - 1) & ~((1 << low) - 1)
        if strobe & ~lanes:
            findings.add("axi.strobe", f"WSTRB {strobe:#x} at {addr:#x} has lanes outside {lanes:#x}")
            return


def check_keep(keep: int, count: int, last: bool, bus: int, findings: Findings) -> None:
    """TKEEP is contiguous from lane 0, not empty, and full but in the last beat. `count`: lanes from lane 0 on."""
    if keep >> count:
        findings.add("stream.keep", f"TKEEP {pattern_value(keep)} is not contiguous from lane 0")
    elif count == 0:
        findings.add("stream.keep", "TKEEP is 0 in a beat")
    elif not last and count != bus:
        findings.add("stream.keep", f"TKEEP {pattern_value(keep)} is not full before the last beat")


def pattern_value(value: int) -> str:
    """As C's %#llx: zero has no prefix."""
    return f"{value:#x}" if value else "0"
