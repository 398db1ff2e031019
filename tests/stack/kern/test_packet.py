from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.stack.kern import packet as flags
from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.packet import HEADROOM, OUT_MASK, Packet
from ringbed.stack.wire.view import Buffer


def test_a_drop_is_counted_under_its_one_cause() -> None:
    cause = Counter("reason{s}", is_drop=True)
    Packet([b"x"]).drop(cause)
    assert cause.value == 1


def test_the_flags_are_distinct_and_those_for_output_are_the_mask() -> None:
    values = {name: value for name, value in vars(flags).items() if name.isupper() and type(value) is int}
    del values["HEADROOM"], values["QUOTE"]  # in bytes
    out = {name: value for name, value in values.items() if name.endswith("_OUT")}
    singles = {name: value for name, value in values.items() if not name.endswith("_MASK")}
    assert sum(singles.values()) == sum(1 << n for n in range(len(singles)))
    assert sum(out.values()) == OUT_MASK


def test_segments_are_one_frame() -> None:
    packet = Packet([b"", bytearray(b"ab"), memoryview(b"c")])
    assert packet.bytes() == b"abc"
    assert (packet.ifl_index, packet.start, packet.l3, packet.l4, packet.length) == (0, 0, 0, 0, 3)


def test_a_header_goes_into_the_headroom_and_nothing_is_moved() -> None:
    head, payload = bytearray(HEADROOM) + b"ip", b"payload"
    packet = Packet([head, payload], start=HEADROOM)
    assert (packet.length, packet.bytes()) == (9, b"ippayload")
    packet.push(b"E" * HEADROOM)
    assert packet.segments[0] is head
    assert packet.wire() is packet.segments, "a driver gets the very segments"
    assert packet.bytes() == b"E" * HEADROOM + b"ippayload"
    assert (packet.start, packet.l3, packet.length) == (0, HEADROOM, HEADROOM + 9)


def test_a_header_that_does_not_fit_is_a_segment_of_its_own() -> None:
    packet = Packet([bytearray(HEADROOM) + b"ip"], start=HEADROOM)
    packet.push(b"V" * 18)
    assert [bytes(each) for each in packet.wire()] == [b"V" * 18, b"ip"]
    assert (packet.l3 - packet.start, packet.length) == (18, 20)


def test_the_tag_that_a_card_took_out_is_where_it_was_until_its_header_goes() -> None:
    frame = bytes(range(40))
    packet = Packet([frame], tag=0x8100_6005)
    assert packet.bytes() == frame[:12] + b"\x81\0\x60\x05" + frame[12:]
    packet.pull(14)
    assert (packet.tag, packet.bytes()) == (0, frame[14:])


def test_what_is_not_there_cannot_be_taken_or_changed() -> None:
    with pytest.raises(ValueError, match="cannot take 5 bytes off a packet whose first segment has 4"):
        Packet([b"1234", b"5678"]).pull(5)
    with pytest.raises(ValueError, match="a packet of 4 bytes from 0 on has no byte 4"):
        Packet([b"12", b"34"]).writable(5)


class Model:
    """A packet as nothing but its bytes, and for each offset what lies from there on."""

    def __init__(self, head: bytes, rest: list[bytes], start: int, own: bool) -> None:
        self.received = [head, *rest]
        self.packet = Packet([bytearray(head) if own else head, *rest], start=start)
        self.bytes = (head + b"".join(rest))[start:]
        self.packet.l3, self.packet.l4, self.packet.end = start + 1, start + 2, start + len(self.bytes)
        self.at = {"l3": self.bytes[1:], "l4": self.bytes[2:]}

    def push(self, size: int) -> None:
        header = bytes(range(100, 100 + size))
        self.packet.push(header)
        self.bytes = header + self.bytes

    def pull(self, size: int) -> None:
        if size <= len(self.packet.segments[0]) - self.packet.start:
            self.packet.pull(size)
            self.bytes = self.bytes[size:]
            self.at = {name: rest for name, rest in self.at.items() if len(rest) <= len(self.bytes)}

    def trim(self, size: int) -> None:
        size = min(size, len(self.bytes))
        self.packet.end = self.packet.start + len(self.bytes) - size
        self.packet.trim()
        self.bytes = self.bytes[: len(self.bytes) - size]
        self.at = {name: rest[: len(rest) - size] for name, rest in self.at.items() if len(rest) >= size}

    def change(self, at: int) -> None:
        if at < len(self.bytes):
            offset = self.packet.start + at
            self.packet.writable(offset + 1)[offset] ^= 0xFF
            change = bytes([self.bytes[at] ^ 0xFF])
            before = len(self.bytes)
            self.bytes = self.bytes[:at] + change + self.bytes[at + 1 :]
            for name, rest in self.at.items():
                if at >= before - len(rest):
                    self.at[name] = self.bytes[before - len(rest) :]

    def join(self, _: int) -> None:
        self.packet.join()


OPERATIONS: list[Callable[[Model, int], None]] = [Model.push, Model.pull, Model.trim, Model.change, Model.join]


@given(
    head=st.binary(min_size=6, max_size=30),
    rest=st.lists(st.binary(max_size=9), max_size=3),
    start=st.integers(0, 3),
    own=st.booleans(),
    does=st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 20)), max_size=8),
)
def test_whatever_is_done_to_it_it_is_the_bytes_it_should_be(
    head: bytes, rest: list[bytes], start: int, own: bool, does: list[tuple[Callable[[Model, int], None], int]]
) -> None:
    m = Model(head, rest, start, own)
    before = [bytes(each) for each in m.received]
    for operation, size in does:
        operation(m, size)
        p = m.packet
        whole: list[Buffer] = list(p.segments)
        assert p.bytes() == m.bytes
        assert p.length == len(m.bytes)
        for name, behind in m.at.items():
            at: int = getattr(p, name)
            assert b"".join(whole)[at:] == behind
    assert m.received == before, "received bytes are never changed"
