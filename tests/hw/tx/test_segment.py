"""Segment against a naive segmenter, which scapy judges: every header size, split, MSS and payload; its pace too."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise, repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from ringbed.hw.stream.beat import Beat
from ringbed.hw.tx.segment import Segment, SegmentRequest
from ringbed.hw.tx.segment_header import HEADER_BYTES
from tests.hw.segment_reference import Message, segments
from tests.hw.segment_request import request
from tests.hw.stream_bench import beats, frames_of, pack, pauses, simulate, source

# Clocks of `working` for a header, however long it is: a byte of a field each clock, by the table of segment_header.py,
# whether the request names the field or not. For the first the 9 bytes of steps 2 to 10 are read, and then all 11 are
# set; for the last all 11; for any between only those that differ from one full segment to the next, steps 2 to 7.
# Beats that come in are not among them, nor those that go out: `working` begins when the header is whole, and no beat
# with a byte of the header passes while it lasts.
FIRST, BETWEEN, LAST = 9 + 11, 6, 11
Item = bytes | Message  # a plain frame, or a message
Out = tuple[bytes, int]  # a frame, and the number of the item it is made of


def reference(items: Sequence[Item]) -> list[Out]:
    out = list[Out]()
    for number, item in enumerate(items):
        made = [item] if isinstance(item, bytes) else segments(item)
        out += [(frame, number) for frame in made]
    return out


def working(items: Iterable[Item]) -> int:
    """Clocks of `working` for messages that are as long as they say."""
    counts = [len(segments(item)) for item in items if isinstance(item, Message)]
    return sum(FIRST + (BETWEEN * (count - 2) + LAST if count > 1 else 0) for count in counts)


def feed(dut: Any, items: Sequence[Item], lanes: int, error: int | None, gaps: Iterable[bool]) -> Any:
    """A bench that sends the items with their requests; `error`: number of the beat that comes with one."""

    async def bench(ctx: Any) -> None:
        holds, count = iter(gaps), 0
        for number, item in enumerate(items):
            data = item if isinstance(item, bytes) else item.data
            for beat in beats([data], lanes, seed=number):
                while next(holds):
                    await ctx.tick()
                ctx.set(dut.i.payload, beat | {"error": int(count == error)})
                first = beat["first"]
                ctx.set(dut.request, request(item) if first else {"segment": 1, "mss": 1, "header": 3})
                ctx.set(dut.side, number % 256 if first else 0xEE)
                ctx.set(dut.i.valid, 1)
                await ctx.tick().until(dut.i.ready)
                ctx.set(dut.i.valid, 0)
                count += 1

    return bench


class Result:
    """What came out: frames, how messages ended, the clock of each beat."""

    def __init__(self) -> None:
        self.frames, self.ends, self.clocks, self.made, self.aborted = list[Out](), list[bool](), list[int](), 0, 0
        self.worked = 0


def rtl(items: Sequence[Item], width: int = 64, share: float = 0.0, seed: int = 1, error: int | None = None) -> Result:
    dut, out, lanes = Segment(width, 8), Result(), width // 8
    messages = sum(isinstance(item, Message) for item in items)
    expected = len(reference(items)) if error is None else 0

    async def watch(ctx: Any) -> None:
        holds = pauses(seed + 1, share) if share else repeat(False)
        frame, clock, quiet, side, row = b"", 0, 0, 0, 0
        while len(out.ends) < messages or len(out.frames) < expected or quiet < 40:
            ready = not next(holds)
            ctx.set(dut.o.ready, ready)
            _, _, valid, beat, number, cutting, abort, made, done, failed, works = await ctx.tick().sample(
                dut.o.valid, dut.o.payload, dut.o_side, dut.cutting, dut.abort, dut.made, dut.done, dut.failed,
                dut.working,
            )  # fmt: skip
            out.worked += works
            row = row + 1 if works else 0
            assert row <= FIRST, "one header takes so long, and a beat goes out before the next one is begun"
            clock += 1
            quiet = 0 if valid else quiet + 1
            out.made += made
            if done or failed:
                out.ends.append(bool(done))
                assert not (done and failed)
            assert not made or (valid and ready and beat.last and cutting)
            if not (valid and ready):
                continue
            out.clocks.append(clock)
            assert beat.first == (frame == b"")
            assert 1 <= beat.count <= lanes
            assert beat.last or beat.count == lanes
            side = number if beat.first else side
            assert side == number or not cutting, "the side information is the same in all of a frame"
            frame += beat.data.to_bytes(lanes, "little")[: beat.count]
            if beat.last:
                assert cutting == isinstance(items[side], Message)
                assert made == (cutting and not abort)
                if abort and cutting:
                    out.aborted += 1
                else:
                    out.frames.append((frame, side))
                frame = b""
        assert frame == b""
        assert out.worked >= out.made
        assert messages or not out.worked

    gaps = pauses(seed, share) if share else repeat(False)
    simulate(dut, feed(dut, items, lanes, error, gaps), watch, clocks=20_000)
    return out


def tcp4(payload: bytes, mss: int, *, options: int = 0, ip_options: int = 0, ident: int = 0, seq: int = 0,
         flags: str = "PA", tag: bool = False) -> Message:  # fmt: skip
    """What a stack gives the card: lengths and IP sum 0, in TCP's field the pseudo-header's sum with length 0."""
    head = (
        Ether(dst="02:00:00:00:00:01", src="02:00:00:00:00:02", type=0x800) if not tag else Raw(bytes(16) + b"\x08\0")
    )
    ip = IP(src="10.1.2.3", dst="10.1.2.4", len=0, chksum=0, id=ident, options=[] if not ip_options else
            b"\x01" * 4 * ip_options, proto=6)  # fmt: skip
    pseudo = sum(bytes([10, 1, 2, 3, 10, 1, 2, 4])[0::2]) * 256 + sum(bytes([10, 1, 2, 3, 10, 1, 2, 4])[1::2]) + 6
    tcp = TCP(sport=1234, dport=80, seq=seq, flags=flags, chksum=pseudo, options=[("NOP", None)] * 4 * options)
    l3 = len(head)
    l4 = l3 + 20 + 4 * ip_options
    return Message(bytes(head / ip / tcp), payload, mss, "ipv4", l3, "tcp", l4, l4 + 16)


def finish(frame: bytes, l3: int, l4: int, at: int, ipv4: bool) -> bytes:
    """The work of the checksum engine: both sums put in."""
    made = bytearray(frame)
    for start, end, place in ((l3, l4, l3 + 10), (l4, len(frame), at))[0 if ipv4 else 1 :]:
        data = bytes(made[start:end]) + b"\0"
        total = sum(int.from_bytes(data[k : k + 2], "big") for k in range(0, end - start, 2))
        while total > 0xFFFF:
            total = (total & 0xFFFF) + (total >> 16)
        made[place : place + 2] = (total ^ 0xFFFF).to_bytes(2, "big")
    return bytes(made)


@pytest.mark.parametrize("options", [0, 3])
@pytest.mark.parametrize("size", [1, 99, 100, 101, 1000, 1001])
def test_scapy_accepts_the_naive_segments_over_ipv4(size: int, options: int) -> None:
    payload = random.Random(size).randbytes(size)
    message = tcp4(payload, 100, options=options, ip_options=options, ident=65533, seq=2**32 - 150, flags="FPAU")
    frames = [finish(f, 14, message.l4_start, message.l4_start + 16, True) for f in segments(message)]
    joined = b""
    for number, frame in enumerate(frames):
        ip = IP(frame[14:])
        tcp, body = ip[TCP], bytes(ip[TCP].payload)
        assert (ip.id, tcp.seq) == ((65533 + number) % 65536, (2**32 - 150 + len(joined)) % 2**32)
        assert str(tcp.flags) == ("FPAU" if number == len(frames) - 1 else "AU")
        assert ip.len == len(frame) - 14
        rebuilt = IP(frame[14:])
        del rebuilt.chksum, rebuilt[TCP].chksum, rebuilt.len
        assert bytes(rebuilt) == frame[14:], "scapy computes the same sums and lengths"
        joined += body
    assert joined == payload


def test_scapy_accepts_the_naive_segments_over_ipv6_and_udp() -> None:
    payload = random.Random(6).randbytes(777)
    pseudo = (
        2 * sum(0x2001 * 0 + v for v in (0x2001, 0xDB8, 1)) - 1 + 2 + 6
    ) & 0xFFFF  # 2001:db8::1 and ::2, next header 6
    pseudo = sum((0x2001, 0xDB8, 1, 0x2001, 0xDB8, 2)) + 6
    header = bytes(Ether(type=0x86DD) / IPv6(src="2001:db8::1", dst="2001:db8::2", plen=0, nh=6) / TCP(chksum=pseudo))
    message = Message(header, payload, 50, "ipv6", 14, "tcp", 54, 70)
    for frame in segments(message):
        ip = IPv6(finish(frame, 14, 54, 70, False)[14:])
        assert ip.plen == len(frame) - 54
        rebuilt = IPv6(bytes(ip))
        del rebuilt.plen, rebuilt[TCP].chksum
        assert bytes(rebuilt) == bytes(ip)
    pseudo = sum((0x0A01, 0x0203, 0x0A01, 0x0204)) + 17
    header = bytes(Ether(type=0x800) / IP(src="10.1.2.3", dst="10.1.2.4", len=0, chksum=0, id=7, proto=17)
                   / UDP(sport=7, dport=9, len=0, chksum=pseudo))  # fmt: skip
    for frame in segments(Message(header, payload, 50, "ipv4", 14, "udp", 34, 40)):
        finished = finish(frame, 14, 34, 40, True)[14:]
        datagram = IP(finished)
        del datagram.chksum, datagram.len, datagram[UDP].chksum, datagram[UDP].len
        assert bytes(datagram) == finished


@st.composite
def messages(draw: Any) -> Message:
    """Any header at any size, fields anywhere in it or beyond, an MSS around the beat, around the payload, or large."""
    header = draw(st.one_of(st.integers(1, 70), st.sampled_from([54, 66, 74, 127, 128, 129, 239, 240])))
    mss = draw(st.one_of(st.integers(1, 70), st.integers(1, 400)))
    count = draw(st.integers(1, 6))
    payload = max(1, mss * count - draw(st.sampled_from([0, 0, 1, mss // 2, max(mss - 1, 0)])))
    rng = random.Random(draw(st.integers(0, 9999)))
    l3, l4 = draw(st.sampled_from([None, "ipv4", "ipv6"])), draw(st.sampled_from([None, "tcp", "udp"]))
    starts = sorted(rng.sample(range(max(header, 30)), 2))
    sum_at = draw(st.sampled_from([None, rng.randrange(header)]))
    return Message(rng.randbytes(header), rng.randbytes(payload), mss, l3, starts[0], l4, starts[1], sum_at)


def sound(message: Message) -> bool:
    """No field lies on another or across the header's end: what becomes of such a one is nobody's contract."""
    fields = list[range]()
    if message.l3:
        at = message.l3_start + (4 if message.l3 == "ipv6" else 2)
        fields += [range(at, at + 2)] + [range(at + 2, at + 4)] * (message.l3 == "ipv4")
    if message.l4:
        at = message.l4_start
        fields += [range(at + 4, at + (8 if message.l4 == "tcp" else 6))]
        fields += [range(at + 13, at + 14)] * (message.l4 == "tcp")
    if message.sum_at is not None:
        fields.append(range(message.sum_at, message.sum_at + 2))
    used = [byte for field in fields for byte in field]
    size = len(message.header)
    return len(used) == len(set(used)) and all(field[-1] < size or field[0] >= size for field in fields)


def test_no_gap_between_plain_frames() -> None:
    frames: list[Item] = [*frames_of([1, 8, 9, 64, 100], 3)]
    clocks = rtl(frames).clocks
    assert all(late == early + 1 for early, late in pairwise(clocks))
    assert SegmentRequest().size <= 96


def test_the_largest_header_and_the_smallest() -> None:
    rng = random.Random(4)
    items: list[Item] = [
        Message(rng.randbytes(size), rng.randbytes(500), 200) for size in (1, HEADER_BYTES - 1, HEADER_BYTES)
    ]
    assert rtl(items).frames == reference(items)


@pytest.mark.parametrize("width", [64, 128, 256, 512])
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_message(width: int, data: Any) -> None:
    items: list[Item] = data.draw(st.lists(messages().filter(sound), min_size=1, max_size=4))
    for place in data.draw(st.lists(st.integers(0, len(items)), max_size=2)):
        items.insert(place, frames_of([data.draw(st.integers(1, 200))], place)[0])
    out = rtl(items, width, data.draw(st.sampled_from([0.0, 0.3])), data.draw(st.integers(0, 99)))
    assert out.frames == reference(items)
    assert out.ends == [True] * sum(isinstance(item, Message) for item in items)
    assert out.made == sum(len(segments(item)) for item in items if isinstance(item, Message))
    assert out.worked == working(items)


@pytest.mark.parametrize("width", [64, 512])
@pytest.mark.parametrize("header", [53, 54, 55, 56, 64])
def test_every_mss_around_the_beat(width: int, header: int) -> None:
    rng, lanes = random.Random(header), width // 8
    sizes = [*range(1, 12), *range(lanes - 2, lanes + 3), *range(2 * lanes - 1, 2 * lanes + 2)]
    items: list[Item] = [Message(rng.randbytes(header), rng.randbytes(7 * mss + mss // 2), mss) for mss in sizes]
    assert rtl(items, width).frames == reference(items)


@pytest.mark.parametrize("width", [64, 256])
@pytest.mark.parametrize("wrong", [-300, -101, -100, -99, -50, -1, 1, 50, 99, 100, 101, 300])
def test_a_payload_of_another_length_than_said(width: int, wrong: int) -> None:
    """Too little: the segments that are whole, and no other. Too much: as many as were asked for. Then all is well."""
    message = tcp4(random.Random(3).randbytes(350), 100)
    spoilt = replace(message, payload_length=350 + wrong)
    if not 0 < 350 + wrong:
        return
    out = rtl([spoilt, b"plain frame of some length", message], width)
    assert out.frames == reference([spoilt, b"plain frame of some length", message])
    assert out.ends == [False, True]


@pytest.mark.parametrize("width", [64, 256, 512])
@pytest.mark.parametrize("payload", [2, 12, 40, 69])
def test_the_header_of_a_message_behind_one_that_failed(width: int, payload: int) -> None:
    """The failed one was about to make a header, for a segment that never came, when this one's header comes in."""
    rng = random.Random(payload)
    short = replace(tcp4(rng.randbytes(payload), payload + 9, flags="FPA"), payload_length=payload + 19)
    message = tcp4(rng.randbytes(50), 100, flags="FPA", ident=7, seq=rng.randrange(1 << 32))
    longer = [replace(message, header=message.header + rng.randbytes(size)) for size in (80, 110, 180)]
    items = [item for each in longer for item in (short, each)]
    for seed, share in enumerate((0.0, 0.2, 0.5, 0.5)):
        assert rtl(items, width, share, seed).frames == reference(items)


@pytest.mark.parametrize("given", [1, 20, 53, 54])
def test_a_message_that_ends_in_its_header(given: int) -> None:
    """No frame comes of it, and the next message is none the worse."""
    dut, ends, frame = Segment(64, 8), list[bool](), bytearray()
    message = tcp4(bytes(100), 100)

    async def watch(ctx: Any) -> None:
        ctx.set(dut.request, request(message))
        ctx.set(dut.o.ready, 1)
        while len(ends) < 2:
            _, _, valid, beat, done, failed = await ctx.tick().sample(dut.o.valid, dut.o.payload, dut.done, dut.failed)
            if valid:
                frame.extend(beat.data.to_bytes(8, "little")[: beat.count])
            if done or failed:
                ends.append(bool(done))

    sent = [pack(Beat(64), beat) for beat in beats([message.data[:given], message.data], 8)]
    simulate(dut, watch, source(dut.i, sent), clocks=1000)
    assert (bytes(frame), ends) == (segments(message)[0], [False, True])


@pytest.mark.parametrize("width", [64, 512])
def test_a_bus_error_spoils_what_comes_behind_it(width: int) -> None:
    message = tcp4(random.Random(1).randbytes(330), 100)
    whole, lanes = segments(message), width // 8
    for beat in range(-(-len(message.data) // lanes)):
        out = rtl([message, message], width, error=beat)
        sure = max(0, (beat * lanes - 54) // 100)  # segments before the bad beat
        first = [frame for frame, number in out.frames if number == 0]
        assert first == whole[: len(first)], beat
        assert len(first) in (sure, max(sure - 1, 0)), beat
        assert [frame for frame, number in out.frames if number == 1] == whole
        assert out.ends == [False, True]


@pytest.mark.parametrize(
    ("width", "mss"), [(64, 1448), (64, 1460), (64, 90), (128, 1460), (256, 536), (512, 1460), (512, 768)]
)
def test_a_beat_each_clock_from_segment_to_segment(width: int, mss: int) -> None:
    message = tcp4(random.Random(2).randbytes(mss * 8), mss)
    clocks = rtl([message], width).clocks
    assert clocks[-1] - clocks[0] + 1 == len(clocks)
    assert clocks[0] <= -(-55 // (width // 8)) + 22


@pytest.mark.full
def test_the_longest_message_in_the_longest_segments() -> None:
    """All bits of PAYLEN, MSS and the header's length: no segment of any card is longer, and none of the counts is."""
    rng = random.Random(6)
    item = Message(rng.randbytes(HEADER_BYTES), rng.randbytes((1 << 20) - 1), (1 << 16) - 1, "ipv6", 14)
    out = rtl([item], 512)
    assert out.frames == reference([item])
    assert (out.ends, len(out.frames)) == ([True], 17)
