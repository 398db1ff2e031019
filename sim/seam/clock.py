"""Time: clocks of a card to nanoseconds and back, and a link's pacing.

Everything is rational, because 322.265625 MHz is not a whole number of picoseconds: conversions count from zero each
time and never add rounded steps, so nothing drifts. Nobody below this file reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

__all__ = ["CARD_HZ", "GAP", "LINK_SPEEDS", "PREAMBLE", "WIRE_OVERHEAD", "Frequency", "Pacing"]

CARD_HZ = Fraction(125_000_000)
GAP, PREAMBLE = 12, 8  # bytes: inter-packet gap; preamble and start delimiter (IEEE 802.3 4.4.2, 3.2)
WIRE_OVERHEAD = GAP + PREAMBLE
LINK_SPEEDS = (10**7, 10**8, 10**9, 25 * 10**8, 5 * 10**9, 10**10, 25 * 10**9, 40 * 10**9, 50 * 10**9, 10**11)


@dataclass(frozen=True, slots=True)
class Frequency:
    """A core clock. `hz` may be an int, a Fraction, or a string such as "322265625"."""

    hz: Fraction = CARD_HZ
    _ns_per: int = field(init=False, repr=False, compare=False)  # `_ns_per` nanoseconds are `_clocks_per` clocks
    _clocks_per: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hz", Fraction(self.hz))
        if self.hz <= 0:
            raise ValueError(f"a clock must have a positive frequency, not {self.hz} Hz")
        object.__setattr__(self, "_ns_per", 1_000_000_000 * self.hz.denominator)
        object.__setattr__(self, "_clocks_per", self.hz.numerator)

    def ns(self, clocks: int) -> int:
        """The nanosecond in which clock number `clocks` begins."""
        return clocks * self._ns_per // self._clocks_per

    def clocks(self, ns: int) -> int:
        """The first clock that begins at `ns` or later."""
        return -(-ns * self._clocks_per // self._ns_per)


@dataclass(frozen=True, slots=True)
class Pacing:
    """How long bytes take on a link: `num / den` clocks each. Preamble and gap count as bytes."""

    num: int
    den: int

    @classmethod
    def of(cls, link_bps: int, frequency: Frequency) -> Pacing:
        """Raises ValueError for a speed outside 10M..100G bits per second."""
        if not LINK_SPEEDS[0] <= link_bps <= LINK_SPEEDS[-1]:
            raise ValueError(f"a link runs at 10M to 100G bits per second, not {link_bps}")
        per_byte = 8 * frequency.hz / link_bps
        return cls(per_byte.numerator, per_byte.denominator)

    def frame_clocks(self, length: int) -> Fraction:
        """Clocks a frame of `length` bytes with FCS holds the wire, preamble and gap included."""
        return Fraction((length + WIRE_OVERHEAD) * self.num, self.den)
