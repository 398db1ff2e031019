"""Ready test of `tx-checksum` blocks: commands as a host gives them, commands no host gives, and frames to leave alone.

A frame that a host would have summed comes with the pseudo-header's sum in its field, as a host puts it there; the
others, and one in four of those, come with enable 0 and offsets that say nothing.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from ringbed.conformance.blocks.case import Ask, Case
from ringbed.conformance.frames import lies, zeros
from ringbed.conformance.frames.kinds import KINDS as FRAMES
from ringbed.conformance.frames.kinds import LONGEST_HEADERS, frames_of
from ringbed.conformance.references.anatomy import dissect
from ringbed.conformance.references.checksum import Place, inserted, pseudo_sum, raw_sum, sum_place, with_seed
from ringbed.hw.formats.block_setup import Setup

__all__ = ["KINDS", "cases"]

LINK_HEADER = 14
# Of what no host would send.
_NO_QUESTION = ("pad", "both sums wrong", "one sum wrong", "sums wrong their own way", *lies.KINDS, *zeros.KINDS)
KINDS = (*(kind for kind in FRAMES if kind not in _NO_QUESTION), "anywhere", "every place", "late starts", "seeds")
_LIMITS = (2048, 4096, 8192, 16384, 32768)  # of ports of 11 to 15 bits; frames of headers end at some 1,024


def cases(kind: str, seed: int, setup: Setup) -> Iterator[Case]:
    """The cases of one of KINDS; commands that do not fit the block's ports are left out."""
    rng = random.Random(f"tx-checksum {kind} {seed}")
    makers = {"anywhere": _anywhere, "late starts": _late_starts, "seeds": _seeds}
    if kind == "every place":
        made = _every_place(rng, setup.lanes)
    else:
        made = makers[kind](rng, seed) if kind in makers else _as_a_host(rng, kind, seed, setup.lanes)
    for about, frame, place in made:
        if place is not None and setup.fits(_command(place)):
            yield _summed(about, frame, place, "udp" in setup.ports)
        elif place is None:
            yield _left_alone(rng, about, frame, setup)


Made = Iterator[tuple[str, bytes, Place | None]]


def _as_a_host(rng: random.Random, kind: str, seed: int, lanes: int) -> Made:
    for frame in frames_of(kind, seed, lanes):
        parts = dissect(frame, LONGEST_HEADERS)
        place = None if kind == "not to be touched" else sum_place(frame, parts)
        if place is None or rng.randrange(4) == 0:
            yield parts.name, frame, None
        else:
            yield parts.name, with_seed(frame[: parts.end], place, pseudo_sum(frame, parts)), place


def _anywhere(rng: random.Random, seed: int) -> Made:
    """Bytes that are no protocol, summed from any byte, odd ones too, the field anywhere behind, up to the last two."""
    for length in (*range(14, 100), *range(250, 262), *range(1020, 1030), 1514):
        start = rng.randrange(0, min(length - 2, 1000))
        words = (length - 2 - start) // 2
        for offset in {start, start + 2 * rng.randint(0, words), start + 2 * words}:
            yield "no protocol", rng.randbytes(length), Place(start, offset, bool(rng.randrange(2)))


def _every_place(rng: random.Random, lanes: int) -> Made:
    """The field at every byte of a beat, so also in two beats; once at the frame's end, once with more behind it."""
    for place in range(lanes):
        for behind in (0, rng.randrange(1, 2 * lanes + 2)):
            offset = place + lanes * (-(-LINK_HEADER // lanes) + rng.randrange(3))
            start = offset - 2 * rng.randrange(min(offset - LINK_HEADER, 40) // 2 + 1)
            about = f"no protocol, a field at byte {place} of a beat" + ", then the end" * (not behind)
            yield about, rng.randbytes(offset + 2 + behind), Place(start, offset, bool(rng.randrange(2)))


def _late_starts(rng: random.Random, seed: int) -> Made:
    """Starts and fields on both sides of the limits of narrow ports, in jumbo frames that go on a little behind."""
    for limit in _LIMITS:
        for around in (-2, -1, 0, 1, 33):
            start, length = limit + around, limit + rng.randrange(60, 160)
            yield "no protocol", rng.randbytes(length), Place(start, start + 16, bool(rng.randrange(2)))
        start = rng.randrange(14, 1000)
        offset = limit + (start - limit) % 2
        yield "no protocol", rng.randbytes(limit + 64), Place(start, offset, bool(rng.randrange(2)))


def _seeds(rng: random.Random, seed: int) -> Made:
    """Fields that come as 0x0000 and 0xFFFF, and as what makes the whole sum 0 or 0xFFFF."""
    for frame in frames_of("tiny payloads", seed):
        parts = dissect(frame, LONGEST_HEADERS)
        if (place := sum_place(frame, parts)) is None:
            continue
        rest = raw_sum(with_seed(frame, place, 0)[place.start :], 0)
        for value in (0, 0xFFFF, 0xFFFF - rest, rest):
            yield parts.name, with_seed(frame, place, value), place


def _command(place: Place) -> dict[str, int]:
    return {"start": place.start, "offset": place.offset, "enable": 1, "udp": int(place.udp)}


def _summed(about: str, frame: bytes, place: Place, knows_udp: bool) -> Case:
    right = tuple(inserted(frame, place, knows_udp))
    value, came = (int.from_bytes(data[place.offset : place.offset + 2], "big") for data in (right[0], frame))
    without_seed = next(inserted(with_seed(frame, place, 0), place))[place.offset : place.offset + 2]
    hints = {
        f"0x{value ^ 0xFFFF:04x}": "the complement was not taken",
        f"0x{value.to_bytes(2, 'little').hex()}": "its bytes are exchanged",
        f"0x{without_seed.hex()}": "the seed in the field was not summed",
        f"0x{came:04x}": "the field is as it came",
    }
    if place.udp:
        hints["0x0000"] = "no sum at all (RFC 768)"
    elif value == 0:
        hints["0xffff"] = "a computed 0 leaves as 0xffff for UDP alone (RFC 768), and here udp is 0"
    hints.pop(f"0x{value:04x}", None)
    name = f"the sum at byte {place.offset}, of bytes from {place.start} on,"
    places = {name: (place.offset, place.offset + 2)}
    return Case(about, Ask(frame, _command(place)), (right,), places=places, hints=hints)


def _left_alone(rng: random.Random, about: str, frame: bytes, setup: Setup) -> Case:
    start, offset = (rng.randrange(min(1 << setup.ports[name], 2 * len(frame))) for name in ("start", "offset"))
    command = {**_command(Place(start, offset, bool(rng.randrange(2)))), "enable": 0}
    return Case(f"{about}, no sum asked for", Ask(frame, command), ((frame,),))
