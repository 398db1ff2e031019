"""The contracts of blocks: what a single piece of a NIC takes and gives, field by field and clock by clock.

Five kinds: `tx-checksum` puts a sum into a frame, `rx-checksum` sums or judges a received one, `rss-hash` hashes
addresses and ports, `segment` cuts a long message into frames, `pass-through` gives them as they came. A contract is
data; the wrapper that gives a block the canonical streams, the port maps that name its ports and the ready tests all
read it here, docs/blocks.md shows it as waveforms.

What a block has beside its streams are **commands**, that come with a frame, and **results**, that come of one. For an
engine both travel on the streams: a command as whole beats before the frame's first byte, a result as a frame of its
own (`CommandTiming` and `RESULT_TIMING` say when the block itself sees and gives them). Where frames come out beside
results, a beat in front of each says which it is (`MARKS`): no order has to be relied on. Commands and results are
little-endian layouts; numbers of a protocol (addresses, ports, sums, hashes) are numbers: their first byte on the wire
is the most significant. Offsets are in bytes from the frame's first byte, the first of the destination address. Frames
have no FCS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from ringbed.hw.formats.field import Field, Layout

__all__ = [
    "CONTRACTS", "COUNT_BITS", "CUTS", "CUT_DONE", "CUT_LATE", "CUT_LATE_BITS", "EARLIER", "EARLY", "KEYS",
    "KEY_BITS", "LONGEST_PAUSE", "MARKS", "NOISE", "NOISE_BITS", "PAUSES", "QUIET", "RESTART", "RESULTS_KEPT",
    "RESULTS_WAITING", "RESULT_TIMING", "WRONGS", "Block", "CommandTiming", "Contract", "HashKind", "Option",
    "contract", "lead",
]  # fmt: skip


class Block(StrEnum):
    """The kinds, as a port map's `[block] kind` names them."""

    TX_CHECKSUM = "tx-checksum"
    RX_CHECKSUM = "rx-checksum"
    RSS_HASH = "rss-hash"
    SEGMENT = "segment"
    PASS_THROUGH = "pass-through"


class CommandTiming(StrEnum):
    """When a block looks at its command. Outside of that time the command's ports carry something else."""

    FIRST_BEAT = "first-beat"  # in every clock in which the frame's first beat is valid; taken with that beat
    HANDSHAKE = "handshake"  # a valid and a ready of its own: taken before the first beat is offered


RESULT_TIMING = "a valid for one clock, with the frame's last beat or any clock after it, one a frame, in order"
# With the option `early`, with the frame's first beat or any clock after it.
RESULTS_WAITING = 64  # nothing stops a result; while as many wait no further frame, or command, is begun
RESULTS_KEPT = 1024  # what is still in the block then may give as many more; beyond they are lost, which is a finding

QUIET = 2000  # clocks in which a block may give nothing, beside 8 for each byte of a frame; `quiet` of a map's [block]

# Pins of a block's wrapper: a stream pauses while its own is 1, in clocks that NOISE decides, as it is at a restart;
# RESTART swallows what comes and resets the block;
# the others count what a block must not do.
PAUSES, LONGEST_PAUSE = {"in": "pauses_in", "out": "pauses_out"}, 2032  # clocks
NOISE, NOISE_BITS = "noise", 32
RESTART, COUNT_BITS = "restart", 16
# CUTS reset the block behind so many beats that it took ("in") or gave ("out"), 0 being never, and CUT_LATE clocks
# more; until a restart, CUT_DONE says that it is so.
CUTS, CUT_LATE, CUT_LATE_BITS, CUT_DONE = {"in": "cut_in", "out": "cut_out"}, "cut_late", 8, "cut_done"
EARLIER = "a result was given before its frame's first beat was taken"  # where the option `early` is set
MARKS = {"frame": 0, "result": 1}  # first byte of the beat in front
EARLY = "results_early"
WRONGS = {
    EARLY: "a result was given before its frame's last beat, or its command, was taken",
    "results_lost": f"a result was lost, for {RESULTS_KEPT} waited already: more come than frames go in",
    "beats_changed": "a beat that waited for its ready was taken back or changed (Arm IHI 0051 2.2.1)",
}


class HashKind(IntEnum):
    """What a hash covers, in the words of the Microsoft RSS specification ('RSS hashing types').

    A map's `types` gives a block's own codes, and leaves out what it does not do: then the next less is right, ports
    going first. A frame of none of these has NONE, and its hash is not looked at.
    """

    NONE = 0
    IPV4 = 1
    IPV4_TCP = 2
    IPV4_UDP = 3
    IPV6 = 4
    IPV6_TCP = 5
    IPV6_UDP = 6

    @property
    def word(self) -> str:
        """As a port map writes it: `ipv4-tcp`."""
        return self.name.lower().replace("_", "-")

    @property
    def without_ports(self) -> HashKind:
        """The hash of addresses alone of the same IP version."""
        return HashKind.NONE if not self else HashKind.IPV4 if self < HashKind.IPV6 else HashKind.IPV6


KEY_BITS = 320  # 40 bytes: what 128 + 128 + 16 + 16 bits of input use is 319; the first byte has the highest bits
KEYS = range(KEY_BITS, 4097, 8)  # bits of a block's key: what is behind the leading KEY_BITS has no say in these hashes


@dataclass(frozen=True, slots=True)
class Option:
    """A key of `[block]` beside the ports: what a block does where designers differ. The first of `allowed` is
    meant when it is absent; no `allowed` is a number from 0 up, then `default` is meant, or with `flag` true or false,
    then false is."""

    name: str
    doc: str
    allowed: tuple[str, ...] = ()
    default: int = 0
    flag: bool = False


@dataclass(frozen=True)
class Contract:
    """`command` and `result` are None where there is none. Of the fields named in `optional` a block need not have
    ports; the others it must. A port may be narrower than its field: then values that do not fit are not asked for.

    `stream_in`, `stream_out`: whether there are frames; `stream_out` of None: as the block likes, a frame comes out as
    it went in, before its result.
    """

    block: Block
    variant: str
    doc: str
    command: Layout | None = None
    result: Layout | None = None
    optional: frozenset[str] = frozenset()
    stream_in: bool = True
    stream_out: bool | None = True
    options: tuple[Option, ...] = ()
    key: bool = False  # a port, or a parameter, of KEY_BITS bits, or as many of KEYS as a map says

    @property
    def name(self) -> str:
        """`rx-checksum`, or with a variant `rx-checksum/verdict`."""
        return f"{self.block}/{self.variant}" if self.variant else str(self.block)


def _fields(*table: tuple[str, int, str]) -> tuple[Field, ...]:
    """Fields one behind the other from bit 0 up."""
    found, lsb = [], 0
    for name, width, doc in table:
        found.append(Field(name, lsb, width, doc=doc))
        lsb += width
    return tuple(found)


_TX_COMMAND = Layout("tx-checksum command", 5, _fields(
    ("start", 16, "first byte that is summed; the sum goes on to the frame's last byte"),
    ("offset", 16, "first byte of the field that takes the sum: from `start` on, at an even distance, in the frame"),
    ("enable", 1, "0: the frame leaves as it came"),
    ("udp", 1, "1: a computed 0x0000 leaves as 0xffff"),
), doc="Virtio 1.2 5.1.6.2 (csum_start, csum_offset; here from the frame's start)")  # fmt: skip

_RX_SUM = Layout("rx-checksum sum", 2, _fields(
    ("sum", 16, "one's complement sum of 16-bit words from byte `start` to the last, not complemented"),
))  # fmt: skip

_RX_VERDICT = Layout("rx-checksum verdict", 1, _fields(
    ("l3_checked", 1, "the frame has an IPv4 header whose sum was looked at"),
    ("l3_ok", 1, "and it is right; says nothing without l3_checked"),
    ("l4_checked", 1, "the frame is TCP or UDP with a sum, and that was looked at"),
    ("l4_ok", 1, "and it is right; says nothing without l4_checked"),
))  # fmt: skip

_HASH_FIELDS = Layout("rss-hash fields", 37, _fields(
    ("src", 128, "source address; IPv4 in the low 32 bits, and anything above"),
    ("dst", 128, "destination address, likewise"),
    ("sport", 16, "source port"),
    ("dport", 16, "destination port"),
    ("kind", 8, "what to hash: the code of a HashKind"),
))  # fmt: skip

_HASH_RESULT = Layout("rss-hash result", 5, _fields(
    ("hash", 32, "Toeplitz hash, the bit of the input's first XOR in bit 31"),
    ("type", 8, "the code of the HashKind that was hashed"),
))  # fmt: skip

_SEGMENT_COMMAND = Layout("segment command", 12, _fields(
    ("mss", 16, "payload bytes of every segment but the last; at least 1"),
    ("header_length", 16, "bytes of all headers, which every segment gets; the payload follows"),
    ("l3_offset", 16, "first byte of the IP header"),
    ("l4_offset", 16, "first byte of the TCP or UDP header"),
    ("enable", 1, "0: the frame leaves as it came"),
    ("is_ipv6", 1, "1: IPv6, 0: IPv4"),
    ("is_udp", 1, "1: UDP, 0: TCP"),
    ("payload_length", 24, "payload bytes of the whole message, which come; at least 1"),
), doc="Linux segmentation-offloads (TSO, USO)")  # fmt: skip

_LONGEST = Option("longest", "bytes of the longest frame it takes; none beyond is asked", default=65_535)
_SHORTEST = Option("shortest", "bytes of the shortest frame it takes; none below is asked")
_LENGTHS = (_LONGEST, _SHORTEST)
_EARLY = Option("early", "a result may come as soon as its frame's first beat has been taken", flag=True)
_TYPES = Option("types", "a table: the block's code of each hash type that it does, `ipv4-tcp = 2`")

CONTRACTS = (
    Contract(
        Block.TX_CHECKSUM, "", "Sums from `start` to the end, the seed in the field with it, puts the complement at "
        "`offset` (RFC 1071). A computed 0 leaves as 0xffff for UDP (RFC 768, RFC 8200 8.1); for others a block "
        "without `udp` may send either, which are the same number to a receiver.",
        command=_TX_COMMAND, optional=frozenset({"udp"}), options=_LENGTHS,
    ),
    Contract(
        Block.RX_CHECKSUM, "sum", "Sums every frame from byte `start` to its last, pad included; a last odd byte is "
        "the high half of a word (RFC 1071). 0 only when all bytes are 0.",
        result=_RX_SUM, stream_out=None,
        options=(Option("start", "first byte that is summed", default=14),
                 Option("byte_order", "little: the sum has its two bytes exchanged", ("big", "little")), *_LENGTHS),
    ),
    Contract(
        Block.RX_CHECKSUM, "verdict", "Judges the IPv4 header's sum and that of TCP or UDP: good, bad or not checked. "
        "Not checked: fragments (first and atomic ones too), other protocols, another IP version than the EtherType's, "
        "UDP without a sum, lengths that lie, tunnels. TCP whose data offset lies, UDP shorter than IP says, and what "
        "is behind tags, LLC/SNAP or extension headers: judged, or not checked; behind a routing header with segments "
        "left judged with the final destination.",
        result=_RX_VERDICT, stream_out=None, options=_LENGTHS,
    ),
    Contract(
        Block.RSS_HASH, "fields", "Hashes source address, destination address, source port, destination port, or "
        "addresses alone (Microsoft, 'RSS hashing functions').",
        command=_HASH_FIELDS, result=_HASH_RESULT, optional=frozenset({"type"}), stream_in=False, stream_out=False,
        options=(_TYPES,), key=True,
    ),
    Contract(
        Block.RSS_HASH, "stream", "The same of a frame: finds the header itself; fragments and packets with extension "
        "headers it cannot follow are hashed by addresses alone. Where lengths lie, or segments are left: nothing, or "
        "addresses and ports that are in the frame.",
        result=_HASH_RESULT, optional=frozenset({"type"}), stream_out=None,
        options=(_TYPES, _EARLY, *_LENGTHS), key=True,
    ),
    Contract(
        Block.SEGMENT, "", "Header and at most `mss` bytes of payload a frame. IPv4: total length, identification + 1 "
        "a segment modulo 65536; IPv6: payload length; TCP: sequence number, FIN and PSH in the last alone, CWR in "
        "the first alone (RFC 3168 6.1.2); UDP: length. The rest of the header stays, reserved bits too. The "
        "lengths of the message's own header say nothing. A message has at least one byte of payload.",
        command=_SEGMENT_COMMAND, optional=frozenset({"is_udp", "payload_length"}),
        options=(Option("sums", "kept: the sum fields leave as they came, a block behind does them; pseudo: the TCP or "
                        "UDP field, which came as the pseudo-header's sum without a length, has the segment's length "
                        "added; full: every sum is right, that of the IPv4 header coming as 0",
                        ("kept", "pseudo", "full")), *_LENGTHS),
    ),
    Contract(
        Block.PASS_THROUGH, "", "A FIFO, a register slice, a tap: every frame leaves as it came, none is lost, none "
        "comes twice, and they leave in their order, whoever pauses.",
        options=_LENGTHS,
    ),
)  # fmt: skip


def contract(block: str, variant: str = "") -> Contract:
    """The contract of a kind; without `variant` the first of it. Raises ValueError that names what there is."""
    of_kind = [each for each in CONTRACTS if each.block == block]
    if not of_kind:
        raise ValueError(f"there is no kind of block {block!r}; there is {', '.join(each.name for each in CONTRACTS)}")
    for each in of_kind:
        if variant in ("", each.variant):
            return each
    raise ValueError(f"{block} has no variant {variant!r}; it has {_list(each.variant for each in of_kind)}")


def lead(layout: Layout, lanes: int, values: Mapping[str, int]) -> bytes:
    """A command as it stands before its frame: the layout's bytes, filled up with zeros to whole beats of `lanes`."""
    data = layout.encode(**values)
    return data + bytes(-len(data) % lanes)


def _list(words: Iterable[str]) -> str:
    return ", ".join(filter(None, words)) or "none"
