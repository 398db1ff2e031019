"""Frames that must come out, and frames that did: which is which, so that the fewest are lost, extra or wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ringbed.conformance.references.align import align

__all__ = ["matched"]


def matched(
    wanted: Sequence[Sequence[bytes]], came: Sequence[bytes]
) -> Iterator[tuple[int, int | None, int | None]]:  # fmt: skip
    """As `align`; of each wanted frame all bytes that are right are given, the first standing for the others.

    Nothing where all that came is right and in order.
    """
    if len(wanted) == len(came) and all(got in right for right, got in zip(wanted, came, strict=True)):
        return
    same = {other: right[0] for right in wanted for other in right}
    yield from align([right[0] for right in wanted], [same.get(frame, frame) for frame in came])
