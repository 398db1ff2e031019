from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.wire import frame as wire


def naive_crc32(data: bytes) -> int:
    """IEEE 802.3 3.2.9 bit by bit, lowest bit of each byte first."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@given(st.binary(max_size=200))
def test_a_frame_crosses_the_wire_and_comes_back_padded(frame: bytes) -> None:
    on_wire = wire.to_wire(frame)
    assert len(on_wire) >= 64
    assert wire.fcs_good(on_wire)
    assert wire.from_wire(on_wire) == frame + bytes(max(0, 60 - len(frame)))
    assert on_wire[-4:] == struct.pack("<I", naive_crc32(on_wire[:-4]))


@given(st.binary(min_size=60, max_size=100), st.data())
def test_damage_on_the_wire_shows_in_the_fcs_and_damage_in_a_host_does_not(frame: bytes, data: st.DataObject) -> None:
    sound = wire.to_wire(frame)
    offset, mask = data.draw(st.integers(0, len(frame) - 1)), data.draw(st.integers(1, 255))
    on_wire = wire.damage(sound, offset, mask, wire.Damage.WIRE)
    in_host = wire.damage(sound, offset, mask, wire.Damage.HOST)
    assert not wire.fcs_good(on_wire)
    assert wire.fcs_good(in_host)
    assert on_wire[:-4] == in_host[:-4]
    changed = [index for index in range(len(frame)) if in_host[index] != sound[index]]
    assert changed == [offset]
    assert in_host[offset] ^ sound[offset] == mask


@pytest.mark.parametrize(("offset", "mask"), [(60, 1), (-1, 1), (0, 0), (0, 256)])
def test_damage_that_is_none_is_refused(offset: int, mask: int) -> None:
    with pytest.raises(ValueError, match="60 bytes before the FCS|does not change one byte"):
        wire.damage(wire.to_wire(bytes(60)), offset, mask, wire.Damage.HOST)


def test_less_than_an_fcs_is_no_good_frame() -> None:
    assert not wire.fcs_good(b"abc")
    assert wire.fcs_good(bytes(4))  # the CRC-32 of nothing is 0


class Port:
    """A FramePort that takes `room` frames at a time."""

    def __init__(self, ready: list[bytes], room: int = 1000) -> None:
        self.ready, self.room, self.taken = ready, room, list[bytes]()

    def read(self, limit: int = 64) -> list[bytes]:
        batch, self.ready = self.ready[:limit], self.ready[limit:]
        return batch

    def write(self, frames: Sequence[bytes]) -> int:
        self.taken += frames[: self.room]
        return min(self.room, len(frames))


def test_a_host_end_gives_batches_at_its_present_time() -> None:
    frames = [bytes([number]) * 70 for number in range(5)]
    end = wire.HostEnd(Port(list(frames)), batch=3)
    end.now = 17
    assert end.wire_out() == [(17, wire.to_wire(frame)) for frame in frames[:3]]
    end.now = 18
    assert [at for at, _ in end.wire_out()] == [18, 18]
    assert end.wire_out() == []
    assert end.counters["out"] == 5


def test_a_host_end_drops_bad_frames_and_counts_each_cause() -> None:
    port = Port([], room=1)
    end = wire.HostEnd(port)
    sound = wire.to_wire(b"x" * 70)
    end.wire_in(sound)
    end.wire_in(wire.damage(sound, 3, 1, wire.Damage.WIRE))
    end.wire_in(sound, error=True)
    end.wire_in(sound)
    assert port.taken == []
    end.flush()
    end.flush()
    assert port.taken == [b"x" * 70]
    assert end.counters == {"in": 1, "out": 0, "bad_fcs": 1, "error": 1, "refused": 1}


def test_a_batch_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="a batch of 0 frames"):
        wire.HostEnd(Port([]), batch=0)
