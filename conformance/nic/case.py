"""A case of the suite for whole NICs: a line of a table, from which frames are made when it is asked.

`Rule` is what a finding names. `Case` is the line; `Plan` is what its function makes from a random source of its own:
frames to be sent and what must leave, frames on the wire and what must come, or a `script` that acts step by step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from ringbed.conformance.nic.target import Arrival, NicUnderTest, Offer, Setup
from ringbed.hw.formats.verdict import Verdict

__all__ = ["BrokenSuite", "Case", "Coming", "Difference", "Plan", "Rule", "SUITES", "rng_of"]


# What ids begin with, and the suite.
SUITES = {
    "csum": "checksum", "dma": "dma", "seg": "segmentation", "vlan": "vlan", "ring": "rings", "filt": "filters",
    "count": "counters", "irq": "interrupts",
}  # fmt: skip


class BrokenSuite(Exception):
    """Two opinions on what is right differ, or a case cannot be made: no NIC is to blame."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`source` is an RFC with its section, a section of the manual (M ...), or `erratum` and the id of one that a real
    NIC had.
    """

    id: str
    sentence: str
    source: str

    @property
    def suite(self) -> str:
        return SUITES[self.id.partition(".")[0]]


@dataclass(frozen=True, slots=True)
class Coming:
    """A frame that must come to the host. Of a `verdict`, `checksum` or `vlan` that is None nothing is asked."""

    data: bytes
    verdict: Verdict | None = None
    checksum: int | None = None
    vlan: int | None = None
    tagged: bool = False  # whether `vlan` is asked at all


@dataclass(frozen=True, slots=True)
class Difference:
    """`what` is `got` and must be `expected`, in words; `right` and `came` are the frames, where it is about one."""

    what: str
    expected: str
    got: str
    right: bytes = b""
    came: bytes | None = None


Script = Callable[[NicUnderTest], Iterator[Difference]]


@dataclass(frozen=True, slots=True)
class Plan:
    """`leaves`: for each frame that must leave, the bytes that are right, mostly one, as on the wire without FCS."""

    offers: Sequence[Offer] = ()
    leaves: Sequence[tuple[bytes, ...]] = ()
    arrivals: Sequence[Arrival] = ()
    comes: Sequence[Coming] = ()
    script: Script | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """`needs` are names of claims (`claims.py`); `sweep` is said of the lines of one long sweep. `scripted`: its plan
    is a script."""

    id: str
    rule: Rule
    make: Callable[[Random], Plan]
    setup: Setup = field(default_factory=Setup)
    needs: tuple[str, ...] = ()
    sweep: str = ""
    scripted: bool = False

    @property
    def suite(self) -> str:
        return self.rule.suite

    def plan(self, seed: int) -> Plan:
        """What is asked; the same for the same seed. Raises BrokenSuite."""
        return self.make(rng_of(self.id, seed))


def rng_of(name: str, seed: int) -> Random:
    """A random source that belongs to a name."""
    return Random(f"{name} {seed}")
