"""What a card says about the checksums of a received frame: three values a layer, never two.

'Not checked' is an answer of its own. A driver that takes it for 'good' lets broken packets in; one that takes it for
'bad' throws away every fragment.
"""

from __future__ import annotations

from enum import IntFlag

__all__ = ["Verdict"]


class Verdict(IntFlag):
    """Bits for the IPv4 header (L3) and for TCP or UDP (L4); a layer with neither of its bits was not checked."""

    NONE = 0
    L3_GOOD = 1
    L3_BAD = 2
    L4_GOOD = 4
    L4_BAD = 8

    @property
    def l3(self) -> str:
        """`good`, `bad` or `not checked`, for the IPv4 header."""
        return "bad" if self & Verdict.L3_BAD else "good" if self & Verdict.L3_GOOD else "not checked"

    @property
    def l4(self) -> str:
        """`good`, `bad` or `not checked`, for TCP or UDP."""
        return "bad" if self & Verdict.L4_BAD else "good" if self & Verdict.L4_GOOD else "not checked"
