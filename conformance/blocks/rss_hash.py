"""Ready tests of `rss-hash` blocks: Microsoft's vectors, every bit of the input alone, and frames of every kind.

The vectors do not reach all of the key (for IPv4 nothing past its bit 126) and no edge of a parser; the rest does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ringbed.conformance.blocks.case import Ask, Case
from ringbed.conformance.blocks.compare import Reader
from ringbed.conformance.frames.carried import without_tags
from ringbed.conformance.frames.kinds import KINDS as FRAMES
from ringbed.conformance.frames.kinds import LONGEST_HEADERS, frames_of
from ringbed.conformance.frames.lenient import flows
from ringbed.conformance.frames.made import IPV4, IPV6, PEER, STATION, Build
from ringbed.conformance.references.anatomy import Anatomy, data_offset_lies, dissect
from ringbed.conformance.references.toeplitz import VECTORS, Flow, flow_of
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import HashKind

__all__ = ["FIELD_KINDS", "STREAM_KINDS", "any_flows", "field_cases", "reader", "stream_cases"]

_VECTORS, _BITS, _RANDOM = "microsoft's vectors", "single bits", "any addresses and ports"
FIELD_KINDS = (_VECTORS, _BITS, _RANDOM)
STREAM_KINDS = (_VECTORS, _BITS, _RANDOM, *FRAMES)
# RFC 8200 4.4: which destination is meant; no headers, or lies. Nothing, or anything that is in the frame, is right.
_OPEN = ("segments left", "cut short", "length")


def any_flows(seed: int) -> list[Ask]:
    """Frames of any addresses and ports: TCP, UDP and a protocol without ports over IPv4 and IPv6."""
    return [Ask(frame) for frame in _carried(_RANDOM, seed)]


def reader(setup: Setup) -> Reader:
    """Reads results with the block's own codes for types."""
    words = {code: word for word, code in setup.codes.items()} | {0: HashKind.NONE.word}

    def read(result: Mapping[str, int]) -> dict[str, str]:
        aspects = {"the hash": f"0x{result['hash']:08x}"}
        if "type" in setup.ports:
            aspects["the type"] = words.get(result["type"], f"{result['type']}, which the map does not name")
        return aspects

    return read


def field_cases(kind: str, seed: int, setup: Setup) -> Iterator[Case]:
    """Every flow as every kind that the block does and that has its IP version."""
    rng = random.Random(f"rss-hash {kind} {seed} above the addresses")
    for flow in _flows(kind, seed):
        for asked in (flow.kind.without_ports, HashKind(flow.kind.without_ports + 1), flow.kind.without_ports + 2):
            if setup.does(HashKind(asked)) == asked:
                code = setup.code(HashKind(asked))
                src, dst = (_number(rng, setup.ports[name], each) for name, each in
                            (("src", flow.src), ("dst", flow.dst)))  # fmt: skip
                command = {"src": src, "dst": dst, "sport": flow.sport, "dport": flow.dport, "kind": code}
                if setup.fits(command):
                    yield _case(replace(flow, kind=HashKind(asked)), Ask(b"", command), setup, [HashKind(asked)])


def stream_cases(kind: str, seed: int, setup: Setup) -> Iterator[Case]:
    """Frames, and the hashes that are right for them."""
    frames = frames_of(kind, seed, setup.lanes) if kind in FRAMES else list(_carried(kind, seed))
    for frame in frames:
        parts = dissect(frame, LONGEST_HEADERS)
        bare = without_tags(frame) if parts.kind == "other EtherType" else frame
        inner = dissect(bare, LONGEST_HEADERS)  # as a block sees it that follows any tags, of which none need be
        flow = flow_of(bare, inner) or Flow(HashKind.NONE, b"", b"")
        allowed = list(_allowed(bare, inner, flow, setup))
        if bare != frame:
            allowed += [HashKind.NONE, setup.does(flow.kind.without_ports)]
        case = _case(flow, Ask(frame), setup, list(dict.fromkeys(allowed)))
        if any(kind in inner.kind for kind in _OPEN):
            case = replace(case, results=tuple(_open(bare, setup)))
        yield replace(case, about=parts.name, frames=((frame,),))


def _allowed(frame: bytes, parts: Anatomy, flow: Flow, setup: Setup) -> Iterator[HashKind]:
    yield setup.does(flow.kind)
    if parts.ip[1] - parts.ip[0] != (20 if parts.version == 4 else 40):  # options, extension headers
        yield setup.does(flow.kind.without_ports)
    if data_offset_lies(frame, parts):
        yield setup.does(flow.kind.without_ports)
    if parts.tagged or parts.snap:
        yield HashKind.NONE
        yield setup.does(flow.kind.without_ports)


def _open(frame: bytes, setup: Setup) -> Iterator[dict[str, str]]:
    """The results that are right where it is open what is to be hashed; each once."""
    every = [_result(Flow(HashKind.NONE, b"", b""), HashKind.NONE, setup)]
    for flow in flows(frame):
        every += [_result(flow, setup.does(kind), setup) for kind in (flow.kind, flow.kind.without_ports)]
    yield from (result for at, result in enumerate(every) if result not in every[:at])


def _case(flow: Flow, ask: Ask, setup: Setup, kinds: list[HashKind]) -> Case:
    results = tuple(_result(flow, kind, setup) for kind in kinds)
    return Case(flow.kind.word, ask, results=results, hints=_hints(flow, setup, kinds))


def _result(flow: Flow, kind: HashKind, setup: Setup) -> dict[str, str]:
    result = {"the type": kind.word} if "type" in setup.ports else {}
    return {**result, "the hash": f"0x{flow.hash(setup.key, kind):08x}"} if kind else result


def _hints(flow: Flow, setup: Setup, kinds: list[HashKind]) -> dict[str, str]:
    """What a wrong hash turns out to be, when it is one of the usual mistakes."""
    if not flow.kind or not kinds[0]:
        return {}
    right, plain = flow.hash(setup.key, kinds[0]), flow.kind.without_ports
    usual = {
        "source and destination are exchanged": flow.swapped().hash(setup.key, kinds[0]),
        "the two addresses are exchanged": replace(flow, src=flow.dst, dst=flow.src).hash(setup.key, kinds[0]),
        "the two ports are exchanged": replace(flow, sport=flow.dport, dport=flow.sport).hash(setup.key, kinds[0]),
        "its bytes are exchanged": int.from_bytes(right.to_bytes(4, "big"), "little"),
        "it is of the addresses alone": flow.hash(setup.key, plain),
        "ports are in it": flow.hash(setup.key, HashKind(plain + 1)),
        "the key is taken from its other end": flow.hash(setup.key[::-1], kinds[0]),
    }
    found = dict[int, list[str]]()
    for words, value in usual.items():
        found.setdefault(value, []).append(words)
    return {f"0x{value:08x}": " or ".join(words) for value, words in found.items() if value != right}


def _flows(kind: str, seed: int) -> Iterator[Flow]:
    rng = random.Random(f"rss-hash {kind} {seed}")
    if kind == _VECTORS:
        yield from (vector.flow for vector in VECTORS)
    if kind == _BITS:
        for of, size in ((HashKind.IPV4_TCP, 4), (HashKind.IPV6_TCP, 16)):
            for bit in range(8 * (2 * size + 4)):
                yield _flow(of, (1 << bit).to_bytes(2 * size + 4, "big"), size)
    if kind == _RANDOM:
        for number in range(64):
            of, size = ((HashKind.IPV4_TCP, 4), (HashKind.IPV6_TCP, 16))[number % 2]
            yield _flow(of, rng.randbytes(2 * size + 4), size)


def _flow(kind: HashKind, data: bytes, size: int) -> Flow:
    ports = data[2 * size :]
    return Flow(kind, data[:size], data[size : 2 * size], int.from_bytes(ports[:2], "big"),
                int.from_bytes(ports[2:], "big"))  # fmt: skip


def _carried(kind: str, seed: int) -> Iterator[bytes]:
    """The flows in frames: TCP, UDP, and a protocol without ports in turn."""
    build = Build(random.Random(f"rss-hash {kind} {seed} frames"))
    for number, flow in enumerate(_flows(kind, seed)):
        six = len(flow.src) == 16
        protocol = (6, 17, 47)[number % 3]
        below = build.ip6(nh=protocol) if six else build.ip4(proto=protocol)
        packet = bytes(below / build.raw(_body(flow, protocol)))
        begin, size = (8, 16) if six else (12, 4)
        packet = packet[:begin] + flow.src + flow.dst + packet[begin + 2 * size :]
        yield STATION + PEER + (IPV6 if six else IPV4).to_bytes(2, "big") + packet


def _body(flow: Flow, protocol: int) -> bytes:
    ports = flow.sport.to_bytes(2, "big") + flow.dport.to_bytes(2, "big")
    return {6: ports + bytes(8) + b"\x50" + bytes(7), 17: ports + b"\x00\x10" + bytes(10)}.get(protocol, bytes(20))


def _number(rng: random.Random, bits: int, address: bytes) -> int:
    """An address on a port of so many bits: above IPv4's there may be anything."""
    low = 8 * len(address)
    return rng.getrandbits(max(0, bits - low)) << low | int.from_bytes(address, "big")
