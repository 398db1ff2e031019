"""Messages that the card cuts, and tags that it puts in, takes out and filters by."""

from __future__ import annotations

from ringbed.conformance.drivers.bench import Bench
from ringbed.conformance.drivers.found import Case, NotApplicable
from ringbed.conformance.drivers.packets import cut, numbered, packet, padded, tagged
from ringbed.sim.testbed.offer import message, plain

__all__ = ["CASES"]

MOST_OF_ONE = 20_000  # bytes of a message, unless the claim is smaller: a few are longer
WRONG = "cut.wrong"


def messages(bench: Bench) -> None:
    """Of every kind claimed, of lengths around multiples of MSS, in one piece and in several."""
    bench.open()
    longest = bench.driver.capabilities.tso
    if not longest:
        raise NotApplicable("capabilities.tso is 0: it claims to cut no messages")
    for number in range(30):
        ipv6 = bench.driver.capabilities.tso_ipv6 and bool(number % 2)
        mss = bench.rng.choice((64, 536, 1000, 1360, 1440))
        length = min(bench.rng.choice((1, 2, 5, 9)) * mss + bench.rng.choice((-1, 0, 1, 40)), MOST_OF_ONE)
        if number % 10 == 9:
            length = longest - 100
        _message(bench, length, mss, ipv6, number)
    bench.settle()
    bench.judge_sent(WRONG)


def _message(bench: Bench, length: int, mss: int, ipv6: bool, number: int) -> None:
    made = packet(bench.rng, length, inward=False, tcp=True, ipv6=ipv6)
    at = made.payload_at
    given = made.as_given(ipv4=True, l4="pseudo-header")
    parts = [given] if number % 3 else [given[:at], given[at : at + length // 2], given[at + length // 2 :]]
    frame = message([part for part in parts if part], made.l3, made.l4, header=at, mss=mss, ipv6=ipv6)
    other = numbered(number, 100, inward=False)
    bench.send([frame, plain(other)], [*(padded(each) for each in cut(made, mss)), other])


def _tagging(bench: Bench, **wanted: bool) -> None:
    """The features on, as far as the driver has them; else not applicable."""
    bench.open()
    available = bench.ethtool.available()
    for name in wanted:
        if not getattr(available, name):
            raise NotApplicable(f"ethtool.available().{name} is False")
    try:
        bench.set("features", **wanted)
    except NotApplicable:  # a card may have one switch for both
        bench.set("features", **wanted | {"vlan_strip": True, "vlan_insert": True})
    for name in wanted:
        if not getattr(bench.driver.capabilities, name):
            bench.end("set.ignored", f"{name} was switched on, and capabilities says that it is off")


def tags_out(bench: Bench) -> None:
    _tagging(bench, vlan_insert=True)
    for number in range(30):
        tag = bench.rng.randrange(1 << 16)
        frame = numbered(number, 60 + number, inward=False)
        bench.send([plain(frame, vlan=tag), plain(frame)], [tagged(frame, tag), frame])
    bench.settle()
    bench.judge_sent("vlan.wrong")


def tags_in(bench: Bench) -> None:
    _tagging(bench, vlan_strip=True)
    tags = [None if not number % 3 else bench.rng.randrange(1 << 16) for number in range(30)]
    frames = [numbered(number, 64 + number, inward=True) for number in range(30)]
    wire = [frame if tag is None else tagged(frame, tag) for frame, tag in zip(frames, tags, strict=True)]
    bench.deliver(wire, to_come=frames)
    bench.settle()
    told = [frame.vlan for frame in bench.judge_received("vlan.wrong")]
    if len(told) == len(tags) and told != tags:
        at = next(at for at, (one, other) in enumerate(zip(told, tags, strict=True)) if one != other)
        bench.find("vlan.wrong", f"received: number {at} is told to have the tag {told[at]}, it had {tags[at]}")


def tags_kept(bench: Bench) -> None:
    """Of a driver that takes no tags out: they stay in the frame, and it says that it took none."""
    bench.open()
    if bench.driver.capabilities.vlan_strip:
        bench.set("features", vlan_strip=False)
    bench.deliver([tagged(numbered(number, 60 + number, inward=True), 7 * number) for number in range(20)])
    bench.settle()
    if told := [frame.vlan for frame in bench.judge_received("vlan.wrong") if frame.vlan is not None]:
        bench.find("vlan.wrong", f"received: a tag is in the frame, and told to be taken out is {told[0]}")


def tag_filter(bench: Bench) -> None:
    _tagging(bench, vlan_filter=True)
    bench.own("set_vlans")
    wanted = (1, 42, 4095)
    bench.driver.set_vlans(wanted)
    for vid in (1, 2, 41, 42, 43, 1000, 4094, 4095):
        frame = tagged(numbered(vid, 70, inward=True), vid)
        bench.deliver([frame], to_come=())
        came = len(bench.upper.take())
        if came and vid not in wanted:
            bench.find("filter.passed", f"a frame of VLAN {vid} was handed on, wanted are {wanted}")
        if not came and vid in wanted:
            bench.find("filter.missed", f"a frame of VLAN {vid} was not handed on, wanted are {wanted}")


CASES = (
    Case("cuts", "messages of every length are cut as asked, other frames between them stay as they are", messages),
    Case("vlan.out", "tags are put in where asked for", tags_out),
    Case("vlan.in", "tags are taken out and told", tags_in),
    Case("vlan.kept", "where tags are not taken out they stay in the frame", tags_kept),
    Case("vlan.filter", "only frames of the VLANs wanted are handed on", tag_filter, ("filter",)),
)
