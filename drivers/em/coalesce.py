"""Interrupt moderation of the `em` card: times in microseconds to the card's units, and an adaptive mode.

The card has a delay from the last frame (RDTR, TIDV) and one from the first (RADV, TADV) for each direction, in units
of 1.024 us, and ITR, the least time between two interrupts of any cause, in units of 256 ns (M 13.4.18).
"""

from __future__ import annotations

from dataclasses import replace

from ringbed.drivers.em.hardware import EmHardware
from ringbed.drivers.ethtool import Coalesce
from ringbed.hw.formats import em

__all__ = ["Moderation"]

DELAY_NS = 1024  # of RDTR, RADV, TIDV, TADV
ITR_NS = 256
DELAYS = {"rx_usecs": "RDTR", "rx_usecs_max": "RADV", "tx_usecs": "TIDV", "tx_usecs_max": "TADV"}
MOST_USECS = 0xFFFF * DELAY_NS // 1000
MOST_INTERRUPTS = 1_000_000_000 // ITR_NS
LEAST_INTERRUPTS = -(-1_000_000_000 // (0xFFFF * ITR_NS))
MOST_SMALL = em.REGISTERS["RSRPD"].mask("SIZE")

# Adaptive: by the traffic of the last interval, interrupts a second. Answers to a few small frames should not wait;
# a stream fills any wait with frames, and long frames need fewer interrupts for the same bytes.
LATENCY, MIXED, BULK = 70_000, 20_000, 4_000
FEW_FRAMES, SMALL_FRAME = 4, 512  # an interval of at most so many frames of at most so many bytes: LATENCY
BULK_BYTES, LONG_FRAME = 10_000, 1200  # an interval of so many bytes in frames so long: BULK


def choose_rate(frames: int, octets: int) -> int:
    """Interrupts a second for traffic such as this in one interval."""
    if frames <= FEW_FRAMES and octets <= frames * SMALL_FRAME:
        return LATENCY
    return BULK if octets >= BULK_BYTES and octets >= frames * LONG_FRAME else MIXED


def units(usecs: int) -> int:
    """Of the delay timers, the nearest; never 0 for a delay that is wanted."""
    return max(1, round(usecs * 1000 / DELAY_NS)) if usecs else 0


def in_force(usecs: int) -> int:
    """What a delay comes to in the card's units, in whole microseconds; setting that again changes nothing."""
    return round(units(usecs) * DELAY_NS / 1000)


def interval(rate: int) -> int:
    """ITR for at most so many interrupts a second."""
    return min(0xFFFF, -(-1_000_000_000 // (rate * ITR_NS))) if rate else 0


def check(wanted: Coalesce) -> None:
    """Raise ValueError with one sentence for what the card cannot do."""
    for name in DELAYS:
        if not 0 <= getattr(wanted, name) <= MOST_USECS:
            raise ValueError(f"{name} is 0 to {MOST_USECS}, not {getattr(wanted, name)}")
    for letter in ("rx", "tx"):
        if getattr(wanted, f"{letter}_usecs_max") and not getattr(wanted, f"{letter}_usecs"):
            raise ValueError(f"{letter}_usecs_max bounds a delay, and {letter}_usecs is 0: there is none")
    rate = wanted.interrupts_per_second
    if rate and not LEAST_INTERRUPTS <= rate <= MOST_INTERRUPTS:
        raise ValueError(f"interrupts_per_second is 0, or {LEAST_INTERRUPTS} to {MOST_INTERRUPTS}, not {rate}")
    if rate and wanted.adaptive:
        raise ValueError(f"adaptive chooses interrupts_per_second itself; give one or the other, not {rate}")
    if not 0 <= wanted.rx_small_bytes <= MOST_SMALL:
        raise ValueError(f"rx_small_bytes is 0 to {MOST_SMALL}, not {wanted.rx_small_bytes}")


class Moderation:
    """One card's moderation. `delays_tx` says whether transmit descriptors must carry IDE."""

    def __init__(self, hardware: EmHardware) -> None:
        self._hardware = hardware
        self._wanted = Coalesce()
        self._rate = 0  # in force now
        self._written = 0  # ITR as the card has it

    @property
    def delays_tx(self) -> bool:
        return bool(self._wanted.tx_usecs)

    @property
    def adaptive(self) -> bool:
        return self._wanted.adaptive

    def get(self) -> Coalesce:
        """As the card does it: times in whole units of its own. With `adaptive` the rate it is at now."""
        return replace(
            self._wanted,
            interrupts_per_second=self._rate,
            rx_usecs=in_force(self._wanted.rx_usecs),
            rx_usecs_max=in_force(self._wanted.rx_usecs_max),
            tx_usecs=in_force(self._wanted.tx_usecs),
            tx_usecs_max=in_force(self._wanted.tx_usecs_max),
        )

    def set(self, wanted: Coalesce) -> None:
        """Keep it; `program` tells the card. Raises ValueError."""
        if wanted.adaptive and wanted.interrupts_per_second == self._rate and self._wanted.adaptive:
            wanted = replace(wanted, interrupts_per_second=0)  # as `get` said it
        check(wanted)
        self._wanted = wanted
        self._rate = MIXED if wanted.adaptive else wanted.interrupts_per_second

    def program(self) -> None:
        """All timers. A delay in progress ends as it began."""
        for name, register in DELAYS.items():
            self._hardware.write(register, units(getattr(self._wanted, name)))
        self._hardware.write("RSRPD", self._wanted.rx_small_bytes)
        self._write_interval()

    def adapt(self, frames: int, octets: int) -> None:
        """After each interrupt of an adaptive card: what it brought."""
        self._rate = choose_rate(frames, octets)
        if interval(self._rate) != self._written:
            self._write_interval()

    def _write_interval(self) -> None:
        self._written = interval(self._rate)
        self._hardware.write("ITR", self._written)
