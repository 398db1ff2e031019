"""SegmentHeader against the naive segmenter: each segment's header as it is read, and the clocks that it takes."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from ringbed.hw.tx.segment_header import HEADER_BYTES, SegmentHeader
from tests.hw.segment_reference import Message, segments
from tests.hw.segment_request import request
from tests.hw.stream_bench import simulate

# Clocks of `busy`, by the module's table: 9 bytes read and 11 set; 6 that differ from segment to segment; 11 again.
FIRST, BETWEEN, LAST = 9 + 11, 6, 11


def rtl(messages: list[Message], width: int) -> tuple[list[list[bytes]], list[list[int]]]:
    """The headers of each message's segments, one message after the other, and how long each was busy."""
    dut, lanes = SegmentHeader(width), width // 8
    headers, clocks, rng = list[list[bytes]](), list[list[int]](), random.Random(9)

    async def write(ctx: Any, header: bytes) -> None:
        """A beat with payload behind the header, which is not for the store's reader."""
        data = header + rng.randbytes(-len(header) % lanes)
        ctx.set(dut.w_en, 1)
        for at in range(0, len(data), lanes):
            ctx.set(dut.w_index, at // lanes)
            ctx.set(dut.w_data, int.from_bytes(data[at : at + lanes], "little"))
            await ctx.tick()
        ctx.set(dut.w_en, 0)

    async def make(ctx: Any, pulse: Any, size: int, final: bool) -> int:
        """Gives the clocks that it took."""
        ctx.set(dut.size, size)
        ctx.set(dut.final, final)
        ctx.set(pulse, 1)
        await ctx.tick()
        ctx.set(pulse, 0)
        busy = 0
        while ctx.get(dut.busy):
            busy += 1
            await ctx.tick()
        return busy

    def read(ctx: Any, size: int) -> bytes:
        got = b""
        for index in range(-(-size // lanes)):
            ctx.set(dut.r_index, index)
            got += ctx.get(dut.r_data).to_bytes(lanes, "little")
        return got[:size]

    async def bench(ctx: Any) -> None:
        for message in messages:
            size = len(message.header)
            ctx.set(dut.request, request(message))
            await write(ctx, message.header)
            made = segments(message)
            headers.append([])
            clocks.append([])
            for number, frame in enumerate(made):
                pulse = dut.next if number else dut.begin
                clocks[-1].append(await make(ctx, pulse, len(frame) - size, number == len(made) - 1))
                headers[-1].append(read(ctx, size))

    simulate(dut, bench, clocks=10_000)
    return headers, clocks


def wanted(message: Message) -> list[bytes]:
    return [frame[: len(message.header)] for frame in segments(message)]


def some(rng: random.Random, size: int, mss: int, payload: int) -> Message:
    """Any header whose fields lie apart: L3's in its first bytes, L4's behind them, the sum's behind those."""
    l3, l4 = rng.choice((None, "ipv4", "ipv6")), rng.choice((None, "tcp", "udp"))
    l3_start, l4_start = rng.randrange(6), rng.randrange(14, 20)
    message = Message(rng.randbytes(size), rng.randbytes(payload), mss, l3, l3_start, l4, l4_start)
    return replace(message, sum_at=rng.choice((None, *range(34, size - 1))))


@pytest.mark.parametrize("width", [64, 128, 256, 512])
def test_any_fields_of_any_header(width: int) -> None:
    rng = random.Random(width)
    sizes = (1, 17, 33, 54, 63, 64, 66, 128, HEADER_BYTES - 1, HEADER_BYTES)
    messages = [some(rng, size, mss := rng.randint(1, 2000), rng.randint(1, 5 * mss)) for size in sizes]
    headers, clocks = rtl(messages, width)
    assert headers == [wanted(message) for message in messages]
    counts = [len(each) for each in headers]
    assert clocks == [[FIRST] + [BETWEEN] * (count - 2) + [LAST] * (count > 1) for count in counts]


@pytest.mark.parametrize("width", [64, 512])
def test_identification_and_sequence_go_round(width: int) -> None:
    """0xFFFF and 0xFFFF_FFFF are followed by 0 and by what is beyond; carries go through every byte."""
    messages = []
    for ident, sequence, mss in ((0xFFFF, 0xFFFFFFFF, 1), (0xFFFE, 0xFFFF0000, 0xFFFF), (0x00FF, 0x00FFFFFF, 3)):
        header = bytearray(range(54))
        header[18:20], header[38:42] = ident.to_bytes(2, "big"), sequence.to_bytes(4, "big")
        messages.append(Message(bytes(header), bytes(3 * mss), mss, "ipv4", 14, "tcp", 34))
    headers, _ = rtl(messages, width)
    assert headers == [wanted(message) for message in messages]
    assert [(each[18:20], each[38:42]) for each in headers[0]] == [
        (b"\xff\xff", b"\xff\xff\xff\xff"), (b"\0\0", b"\0\0\0\0"), (b"\0\1", b"\0\0\0\1"),
    ]  # fmt: skip


@pytest.mark.parametrize("width", [64, 512])
def test_the_pseudo_headers_sum_and_its_carry(width: int) -> None:
    """Prototype and length that make 0xFFFF, 0x10000 and, with both as large as they can be, 0x1FFFE."""
    cases = ((0, 0), (0xFFFF, 0xFFFF), (0x8000, 0x7FFF), (0x8000, 0x8000), (0xFFFF, 1), (0xFF00, 0x0100), (1, 0xFFFF))
    messages, sums = [], []
    for prototype, length in cases:
        header = bytes(10) + prototype.to_bytes(2, "big") + bytes(HEADER_BYTES - 12)
        payload = (length - 11) % 0x10000  # of 2**16 bytes and one, 16 bits hold one
        messages.append(Message(header, bytes(payload), 0xFFFF, None, 0, None, HEADER_BYTES - 11, 10))
        sums.append((prototype + length) % 0xFFFF or (0xFFFF if prototype + length else 0))
    headers, _ = rtl(messages, width)
    assert headers == [wanted(message) for message in messages]
    assert [int.from_bytes(each[0][10:12], "big") for each in headers] == sums


@pytest.mark.parametrize("width", [64, 512])
def test_lengths_up_to_their_last_bit(width: int) -> None:
    """IPv4 counts its header, IPv6 does not, and UDP's length begins with its own: each at 0xFFFF."""
    whole, start = 0xFFFF, 14
    shapes = (("ipv4", start, None, 34, whole + start), ("ipv6", start, None, 54, whole + start + 40),
              (None, start, "udp", 34, whole + 34))  # fmt: skip
    messages = [Message(bytes(62), bytes(size - 62), 0xFFFF, *where) for *where, size in shapes]
    headers, _ = rtl(messages, width)
    assert headers == [wanted(message) for message in messages]
    lengths = (headers[0][0][16:18], headers[1][0][18:20], headers[2][0][38:40])
    assert lengths == (b"\xff\xff",) * 3
