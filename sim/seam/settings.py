"""What every engine can be asked for; the defaults are those of the bench figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import NoneType
from typing import Any

from ringbed.sim.seam.clock import Frequency, Pacing
from ringbed.sim.seam.portmap import Reset
from ringbed.sim.seam.sentence import sentence

__all__ = ["RESET_LEAST", "RESET_MOST", "Settings", "plusargs_of"]

RESET_LEAST = {"reset_clocks": 1, "reset_wait": 0}  # in a map: reset.clocks, reset.wait
PLUSARG = re.compile(r"[^\W+][^\0\n]*")  # without the "+" that a command line has
RESET_MOST = 1_000_000  # clocks: nobody waits longer for a card that has not begun

KINDS: dict[str, Any] = {
    "int": int, "int | None": (int, NoneType), "str": str, "bool": bool, "float": (int, float), "Frequency": Frequency,
    "tuple[str, ...]": object,  # of plusargs, which have a rule of their own
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """Raises ValueError with the bad value.

    `read_latency`, `write_latency`: clocks from a request (or a write's last data) to the first beat of its answer.
    `irq_hold`: clocks the interrupt line is up before `run` reports it: the host's interrupt latency.
    `link_bps`: the wire's speed both ways; None is unpaced, back to back.
    `manner`: `hardware` answers a stray access on the bus and reports it, `strict` raises BusFault as well.
    `skip_idle`: clocks in which a card that says idle would only wait are not evaluated; off, to test what it says.
    `backpressure`: probability of a ready or a valid held off, per channel and clock, drawn from `seed`.
    `reset_clocks`, `reset_wait`: clocks the reset is active, and clocks behind it before anything else happens; None is
    what the port map says.
    `plusargs`: of a simulator's command line, without their "+", for $test$plusargs and $value$plusargs of somebody's
    Verilog; before those of its map, and a simulator takes the first that fits.
    """

    read_latency: int = 50
    write_latency: int = 50
    irq_hold: int = 0
    link_bps: int | None = None
    manner: str = "hardware"
    seed: int = 0
    check: bool = True
    backpressure: float = 0.0
    frequency: Frequency = field(default_factory=Frequency)
    reset_clocks: int | None = None
    reset_wait: int | None = None
    answer_limit: int = 1_000_000
    skip_idle: bool = True
    plusargs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for each in fields(self):
            value, kinds = getattr(self, each.name), KINDS[str(each.type)]
            if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
                raise ValueError(sentence(f"{each.name} must be {each.type}, not {value!r}"))
        for name in ("read_latency", "write_latency", "answer_limit"):
            if not 1 <= getattr(self, name) < 1 << 31:
                raise ValueError(f"{name} must be at least 1 clock, not {getattr(self, name)}")
        for name, least in RESET_LEAST.items():
            if (value := getattr(self, name)) is not None and not least <= value <= RESET_MOST:
                raise ValueError(f"{name} must be {least} to {RESET_MOST:,} clocks, not {value}")
        object.__setattr__(self, "plusargs", plusargs_of(self.plusargs))
        if not 0 <= self.irq_hold < 1 << 31 or not 0 <= self.seed < 1 << 32:
            raise ValueError(f"irq_hold {self.irq_hold} and seed {self.seed} must fit 32 bits and not be negative")
        if self.manner not in ("hardware", "strict"):
            raise ValueError(sentence(f"manner must be 'hardware' or 'strict', not {self.manner!r}"))
        if not 0 <= self.backpressure < 1:
            raise ValueError(f"backpressure is a probability below 1, not {self.backpressure}")
        if self.link_bps is not None:
            Pacing.of(self.link_bps, self.frequency)

    @classmethod
    def of(cls, options: Mapping[str, Any], *more: str) -> Settings:
        """By name; `more` are names of what an engine takes beside. Raises ValueError for a name that is none."""
        names = [each.name for each in fields(cls)]
        for name in options:
            if name not in names:
                raise ValueError(sentence(f"there is no setting {name!r}; there are {', '.join([*names, *more])}"))
        return cls(**options)

    def resets(self, reset: Reset) -> tuple[int, int]:
        """Clocks with the reset active, and clocks to wait behind it."""
        clocks, wait = self.reset_clocks, self.reset_wait
        return reset.clocks if clocks is None else clocks, reset.wait if wait is None else wait

    @property
    def pacing(self) -> Pacing | None:
        return None if self.link_bps is None else Pacing.of(self.link_bps, self.frequency)

    @property
    def pattern_level(self) -> int:
        """`backpressure` in 1/65536, as the harness draws it."""
        return int(self.backpressure * 65536)


def plusargs_of(values: object) -> tuple[str, ...]:
    """A list of them, checked. Raises ValueError with the bad value."""
    if not isinstance(values, (list, tuple)):
        raise ValueError(f'plusargs must be a list of texts, such as ["verbose", "limit=7"], not {values!r}')
    for each in values:
        if not isinstance(each, str) or not PLUSARG.fullmatch(each):
            raise ValueError(f'a plusarg is a name, or a name and "=" and a text, such as "limit=7", not {each!r}')
        if each.startswith("verilator+"):
            raise ValueError(f"plusargs {each!r}: those of Verilator itself are not yours to give")
    return tuple(values)
