"""Findings of one thing are one finding, whatever the order they come in."""

from __future__ import annotations

from itertools import permutations

import pytest

from ringbed.sim.seam.engine import Finding

BURSTS = [
    Finding(10, "dma.read", "by 8", 2, 90, about="it", reach=8),
    Finding(20, "dma.read", "by 64", about="it", reach=64),
    Finding(30, "dma.read", "by 16", 3, 70, about="it", reach=16),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_finding_seen_again(order: tuple[int, ...]) -> None:
    """It begins with the one that came first; the last clock is the last of all, the words those of the farthest."""
    first, *others = (BURSTS[k] for k in order)
    merged = first
    for other in others:
        assert other.key == merged.key
        merged = merged.again(other)
    assert (merged.clock, merged.count, merged.last, merged.text) == (first.clock, 6, 90, "by 64")
    assert str(merged).endswith("by 64 (6 times, the last at clock 90)")
