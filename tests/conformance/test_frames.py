from __future__ import annotations

from ringbed.conformance.anatomy import dissect
from ringbed.conformance.frames import STATION, captured, made


def test_the_capture_is_the_hosts() -> None:
    frames = captured()
    assert len(frames) == 433
    assert max(map(len, frames)) == 1514


def test_the_same_seed_is_the_same_frames_and_another_is_not() -> None:
    assert made(7) == made(7)
    assert made(7) != made(8)


def test_all_made_frames_fit_a_wire_and_go_to_the_station() -> None:
    frames = made(1)
    assert len(frames) > 400
    assert {60 <= len(frame) <= 1518 for frame in frames} == {True}
    assert {frame[:6] for frame in frames} == {STATION}


def test_pad_bytes_are_not_zero_and_there_are_some_beyond_60_bytes() -> None:
    pads = [frame[dissect(frame).end :] for frame in made(1) if dissect(frame).version]
    assert sum(map(any, pads)) > 100
    assert sum(any(pad) and len(frame) > 60 for pad, frame in zip(pads, made(1), strict=False)) > 50


def test_options_of_every_length() -> None:
    lengths = {parts.ip[1] - parts.ip[0] for parts in map(dissect, made(1)) if parts.kind == "ipv4 options tcp or udp"}
    assert set(range(24, 64, 4)) <= lengths
