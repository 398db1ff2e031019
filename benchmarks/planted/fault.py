"""Drivers with one fault each: the template's text (`ringbed drivers new`) with a few words changed.

The lines that are at fault end in `# here`. A fault that is a line left out, or whose line only shows elsewhere, has
none: then only the rule is looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ringbed.drivers.world import Nic
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.processor.model import Processor

__all__ = [
    "ACK", "BELL", "Fault", "NO_BARRIER", "NO_RX_BARRIER", "PUT", "RCTL_ON", "RESET_LAST", "RX_BELL", "RX_PUT",
    "after", "carried", "marked", "planted",
]  # fmt: skip

BELL = "self.device.write(0, TX + TAIL, self.tx.tail)  # the doorbell, once for all of them"
RX_BELL = "self.device.write(0, RX + TAIL, self.rx.tail)"
PUT = "self.tx.put(mapping.iova, command | len(data), mapping)"
RX_PUT = "self.rx.put(mapping.iova, 0, mapping)"
SYNC = "self.dma.sync()  # the descriptors are in memory before the card is told\n"
RX_SYNC = "self.dma.sync()\n"
RCTL_ON = "self.device.write(0, RCTL, EN | BAM | SECRC)"
ACK = "causes = self.device.read(0, ICR)  # reading clears it, and lowers the line"
RESET_LAST = "self._reset(self.name)  # from here on the card touches no memory"


@dataclass(frozen=True)
class Fault:
    """`edits` are put in for text of the template. `batch` frames are offered at once, of up to `longest` bytes."""

    name: str
    rule: str
    edits: tuple[tuple[str, str], ...]
    batch: int = 5
    longest: int = 600
    link_bps: int | None = None
    weak: int | None = None
    raises: type[Exception] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Of the host that shows it."""
        processor = None if self.weak is None else Processor(weak=self.weak)
        return {"engine": "native", "link_bps": self.link_bps, "processor": processor}


def _unsynced(name: str, sync: str, bell: str) -> Fault:
    """Where stores are weak; the doorbell is at fault."""
    return Fault(name, "ring.unsynced", ((sync, "\n"), (bell, bell + "  # here")), weak=1)


NO_BARRIER = _unsynced("no barrier", SYNC, BELL)
NO_RX_BARRIER = _unsynced("no barrier for buffers", RX_SYNC, RX_BELL)


def after(line: str, *more: str, indent: int = 8) -> tuple[str, str]:
    return line, ("\n" + " " * indent).join((line, *more))


def planted(fault: Fault, template: str) -> tuple[Callable[..., Nic], str]:
    """The driver with the fault, and its text; `template` is the one that the fault's edits are of."""
    text = template
    for old, new in fault.edits:
        assert old in text, f"the template has no {old!r} any more"
        text = text.replace(old, new, 1)
    module: Any = ModuleType("planted")
    exec(compile(text, _file(fault), "exec"), module.__dict__)
    made: Callable[..., Nic] = module.TemplateNic
    return made, text


def _file(fault: Fault) -> str:
    return f"/planted/{fault.name.replace(' ', '_')}.py"


def marked(text: str) -> list[int]:
    """The lines at fault."""
    return [number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# here")]


def carried(finding: DriverFinding, fault: Fault, line: int) -> bool:
    """Whether a finding names this line of the driver, alone or among ten at most."""
    return finding.where.holds(_file(fault), line) and finding.where.span <= 10
