from __future__ import annotations

import pytest

from ringbed.conformance.frames.kinds import frames_of
from ringbed.conformance.references.anatomy import TCP, UDP, dissect
from ringbed.conformance.references.oracle import l3_right, l4_right

KINDS = ("headers after 2^n beats", "other headers after 2^n beats", "headers after k beats")
ETHER = {b"\x08\x00": 4, b"\x86\xdd": 6}


def again(frame: bytes, at: int) -> tuple[int, int]:
    """What a parser sees whose pointer is back at 0 there: IP version and protocol; 0 and -1 where it sees none."""
    seen = dissect(frame[at:])
    version = ETHER.get(frame[at + 12 : at + 14], 0)
    return (version, frame[at + 23] if version == 4 else frame[at + 20]) if seen.version == version else (0, -1)


@pytest.mark.parametrize("kind", KINDS)
def test_the_frames_themselves_are_right(kind: str) -> None:
    for frame in frames_of(kind, 2):
        parts = dissect(frame)
        if parts.version == 4:
            assert l3_right(frame, parts)
        if parts.protocol in (TCP, UDP):
            assert l4_right(frame, parts)
        assert parts.end == len(frame)


def test_two_to_the_n_beats_of_every_width() -> None:
    """From 64 bytes to 8,192: a whole header stands there, and the frame ends before it would be passed again."""
    kinds = [frames_of(kind, 1) for kind in KINDS[:2]]
    assert [len(frames) for frames in kinds] == [16, 32]
    for number, at in enumerate(1 << bits for bits in range(6, 14)):
        bare, other = (frames[len(frames) // 8 * number :][: len(frames) // 8] for frames in kinds)
        assert [(dissect(frame).version, again(frame, at)) for frame in bare] == [(0, (4, TCP)), (0, (6, UDP))]
        assert [(dissect(frame).version, dissect(frame).protocol, again(frame, at)) for frame in other] == [
            (4, 253, (4, TCP)), (6, 253, (6, UDP)), (4, TCP, (4, UDP)), (6, UDP, (4, 253))
        ]  # fmt: skip
        assert other[2][at + 14] & 0xF == 6  # another header length
        assert all(len(frame) < 2 * at + 14 for frame in (*bare, *other))


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16, 32, 64])
def test_every_beat_of_the_first_twenty(lanes: int) -> None:
    frames = frames_of("headers after k beats", 1, lanes)
    assert len(frames) == 40
    first = -(-2 // lanes)
    for number, beat in enumerate(range(first, first + 20)):
        own, turn = frames[2 * number : 2 * number + 2]
        assert (dissect(own).version, again(own, beat * lanes)) == (0, (4, TCP))
        assert again(turn, beat * lanes)[0]
        assert again(turn, beat * lanes) != (dissect(turn).version, dissect(turn).protocol)
    assert lanes < 8 or {dissect(frame).version for frame in frames} == {0, 4, 6}
