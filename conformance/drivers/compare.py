"""What came against what was sent: one sentence for each way in which they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

__all__ = ["differences"]


def differences(expected: Sequence[bytes], got: Sequence[bytes], changed: str = "frame.changed") -> Iterator[
    tuple[str, str]
]:  # fmt: skip
    """(rule, what was seen). Frames that are missing and others that came in their place are changed ones."""
    if list(expected) == list(got):
        return
    missing, extra = _rest(expected, got), _rest(got, expected)
    pairs = list(zip(missing, extra, strict=False))
    if pairs:
        (number, sent), (_, came) = pairs[0]
        yield changed, f"{_of(len(pairs), expected)}; number {number}, {_difference(sent, came)}"
    if lost := missing[len(pairs) :]:
        number, frame = lost[0]
        yield "frame.lost", f"{_of(len(lost), expected)} never came; first number {number}, of {len(frame)} bytes"
    if more := extra[len(pairs) :]:
        yield "frame.extra", f"{len(more)} beyond the {len(expected)} sent; first of {len(more[0][1])} bytes"
    if not missing and not extra:
        at = next(at for at, (one, other) in enumerate(zip(expected, got, strict=True)) if one != other)
        yield "frame.order", f"of {len(expected)} the one at place {at} is another than was sent there"


def _rest(these: Sequence[bytes], those: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """Of `these`, with their numbers, what is not among `those`, each counted as often as it is there."""
    left, found = Counter(those), []
    for number, frame in enumerate(these):
        if left[frame]:
            left[frame] -= 1
        else:
            found.append((number, frame))
    return found


def _of(count: int, expected: Sequence[bytes]) -> str:
    return f"{count} of {len(expected)}"


def _difference(sent: bytes, came: bytes) -> str:
    if len(sent) != len(came):
        return f"{len(came)} bytes came for {len(sent)}"
    at = next(at for at, (one, other) in enumerate(zip(sent, came, strict=True)) if one != other)
    return f"{len(sent)} bytes: byte {at} is {came[at]:#04x}, must be {sent[at]:#04x}"
