from __future__ import annotations

from collections.abc import Sequence

import pytest

from ringbed.conformance.frames.kinds import frames_of
from ringbed.conformance.references.anatomy import dissect
from ringbed.conformance.references.checksum import pseudo_sum, sum_place, with_seed
from ringbed.conformance.references.oracle import l3_right, l4_right


def carries(data: bytes, order: str) -> bool:
    """Whether what is above 16 bits of the words' sum, added to what is below, carries once more."""
    words = (data[at : at + 2] if order == "big" else data[at : at + 2][::-1] for at in range(0, len(data), 2))
    total = sum(int.from_bytes(word, "big") for word in words)
    return (total & 0xFFFF) + (total >> 16) > 0xFFFF


def always(frames: Sequence[bytes], lanes: int, size: int, order: str) -> int:
    """Of how many frames every group of so many bytes carries, in the five whole beats before the last three bytes."""
    found = 0
    for frame in frames:
        body = frame[len(frame) - 3 - 5 * lanes : -3]
        groups = [body[at : at + size] for at in range(0, len(body), size)]
        found += all(carries(group, order) for group in groups)
    return found


@pytest.mark.parametrize("lanes", [8, 16, 32, 64])
@pytest.mark.parametrize("order", ["big", "little"])
def test_every_group_of_every_size_carries_in_some_frame_of_each_kind(lanes: int, order: str) -> None:
    frames = frames_of("carries in a beat", 1, lanes)
    assert len(frames) <= 40
    for size in (8, 16, 32, 64):
        by_kind: dict[str, list[bytes]] = {}
        for frame in frames:
            by_kind.setdefault(dissect(frame).kind, []).append(frame)
        assert set(by_kind) == {"other EtherType", "ipv4 tcp", "ipv6 udp"}
        assert size > lanes or all(always(of_kind, lanes, size, order) for of_kind in by_kind.values())


@pytest.mark.parametrize("lanes", [1, 8, 64])
def test_the_running_sum_carries_behind_every_beat(lanes: int) -> None:
    """From the TCP or UDP header on with the seed in its field, or from byte 14 on where there is none.

    Behind the first whole beat there need be nothing above 16 bits yet.
    """
    step = max(lanes, 4)
    found = dict[str, int]()
    for frame in frames_of("carries in a beat", 1, lanes):
        parts = dissect(frame)
        place = sum_place(frame, parts)
        seeded = with_seed(frame, place, pseudo_sum(frame, parts)) if place else frame
        begin, ends = place.start if place else 14, range(len(frame) - 3 - 3 * step, len(frame), step)
        found[parts.kind] = found.get(parts.kind, 0) + all(carries(seeded[begin:end], "big") for end in ends)
    assert all(found.values())


@pytest.mark.parametrize("lanes", [1, 8, 64])
def test_the_frames_themselves_are_right(lanes: int) -> None:
    for frame in frames_of("carries in a beat", 3, lanes):
        parts = dissect(frame)
        assert parts.version != 4 or l3_right(frame, parts)
        assert not parts.version or l4_right(frame, parts)
