"""What a driver claims of checksums: made where asked for, and told as they are."""

from __future__ import annotations

from ringbed.conformance.drivers.bench import Bench
from ringbed.conformance.drivers.found import Case, NotApplicable
from ringbed.conformance.drivers.packets import Packet, numbered, packet, padded, spoilt, tagged
from ringbed.hw.formats.verdict import Verdict
from ringbed.sim.testbed.offer import TxFrame, plain, summed

__all__ = ["CASES"]

LENGTHS = (0, 1, 2, 17, 18, 19, 100, 101, 700, 1400)
BOTH = (False, True)


def _packets(bench: Bench, inward: bool) -> list[Packet]:
    """TCP and UDP over IPv4, with and without options, and IPv6; in the order of a draw."""
    kinds = [(tcp, ipv6, options) for tcp in BOTH for ipv6, options in ((False, 0), (False, 3), (True, 0))]
    made = [
        packet(bench.rng, length, inward=inward, tcp=tcp, ipv6=ipv6, options=options)
        for tcp, ipv6, options in kinds for length in LENGTHS
    ]  # fmt: skip
    bench.rng.shuffle(made)
    return made


def _claims(bench: Bench) -> tuple[bool, str]:
    """Whether IPv4's header sum is made, and what of TCP and UDP."""
    claims = bench.driver.capabilities
    if not claims.tx_ipv4 and claims.tx_l4.value == "none":
        raise NotApplicable("capabilities claims no sums on transmit")
    return claims.tx_ipv4, claims.tx_l4.value


def asked(bench: Bench, made: Packet) -> TxFrame:
    """For the sums that the driver claims, the fields as a stack leaves them; the rest is right already."""
    ipv4, l4 = _claims(bench)
    header = ipv4 and not made.ipv6
    data = made.as_given(ipv4=header, l4=l4)
    tcp = made.tcp if l4 != "none" else None
    return summed([data], made.l3, made.l4, ipv4=header, tcp=tcp)


def transmit(bench: Bench) -> None:
    """In between, frames that ask for nothing."""
    bench.open()
    frames, wire = list[TxFrame](), list[bytes]()
    for number, made in enumerate(_packets(bench, inward=False)):
        frames.append(asked(bench, made))
        wire.append(padded(made.data))
        if not number % 3:
            frames.append(plain(other := numbered(number, 60 + number, inward=False)))
            wire.append(other)
    at = 0
    while at < len(frames):
        count = bench.rng.randint(1, 6)
        bench.send(frames[at : at + count], wire[at : at + count])
        at += count
    bench.settle()
    bench.judge_sent("sum.wrong")


def in_pieces(bench: Bench) -> None:
    """Headers and data apart: the sum goes over all of them."""
    bench.open()
    for made in _packets(bench, inward=False)[:24]:
        frame = asked(bench, made)
        data = bytes(frame.segments[0])
        at = bench.rng.choice((made.l3, made.l4, made.payload_at))
        frame.segments = [part for part in (data[:at], data[at:]) if part]
        bench.send([frame], [padded(made.data)])
    bench.settle()
    bench.judge_sent("sum.wrong")


def receive(bench: Bench) -> None:
    """Good ones, and ones with a sum that is wrong: told good, bad, or nothing, and never what is not so."""
    bench.open()
    bench.needs("sums")
    wanted = list[tuple[Packet, bool, bool]]()
    for number, made in enumerate(_packets(bench, inward=True)):
        l3_bad, l4_bad = number % 4 == 1 and not made.ipv6, number % 4 in (2, 1)
        wanted.append((made, l3_bad, l4_bad))
    bench.deliver([spoilt(made, l3=l3, l4=l4) for made, l3, l4 in wanted])
    bench.settle()
    came = bench.judge_received()
    if len(came) != len(wanted):
        return
    for (made, l3, l4), frame in zip(wanted, came, strict=True):
        _judge(bench, made, l3, l4, frame.verdict)
    if bench.driver.capabilities.rx_checksum:
        _tells(bench, [(made, l3, l4, frame.verdict) for (made, l3, l4), frame in zip(wanted, came, strict=True)])


def _judge(bench: Bench, made: Packet, l3_bad: bool, l4_bad: bool, verdict: Verdict) -> None:
    kind = f"{'TCP' if made.tcp else 'UDP'} over {'IPv6' if made.ipv6 else 'IPv4'}"
    for layer, said, bad in (("IPv4 header", verdict.l3, l3_bad), (kind, verdict.l4, l4_bad)):
        if said != "not checked" and (said == "bad") != bad:
            bench.find("verdict.wrong", f"{kind}: the sum of the {layer} is {'bad' if bad else 'good'}, told is {said}")


def _tells(bench: Bench, told: list[tuple[Packet, bool, bool, Verdict]]) -> None:
    """Of whole packets over IPv4 without options every card of such a claim can tell."""
    plain_ones = [(l3, l4, verdict) for made, l3, l4, verdict in told if made.l4 == made.l3 + 20]
    for what, marks in (
        ("a good sum of TCP or UDP over IPv4", {v.l4 for l3, l4, v in plain_ones if not l3 and not l4}),
        ("a bad sum of TCP or UDP over IPv4", {v.l4 for l3, l4, v in plain_ones if not l3 and l4}),
        ("a bad sum of an IPv4 header", {v.l3 for l3, _, v in plain_ones if l3}),
    ):
        if "not checked" in marks:
            bench.find("verdict.missing", f"{what} was told to be not checked, and capabilities.rx_checksum is set")


def switched(bench: Bench) -> None:
    """Off, nothing is claimed and nothing told; on again, it is."""
    bench.open()
    available = bench.ethtool.available()
    if not (available.rx_checksum or available.tx_checksum):
        raise NotApplicable("ethtool has no checksum feature to switch")
    bench.set("features", rx_checksum=False, tx_checksum=False, tso=False)
    claims = bench.driver.capabilities
    if claims.tx_ipv4 or claims.tx_l4.value != "none" or claims.rx_checksum or claims.tso:
        bench.find("set.ignored", f"features are off, and claimed is {claims}")
    bench.deliver([packet(bench.rng, 100, inward=True).data])
    if told := [frame.verdict for frame in bench.judge_received() if frame.verdict]:
        bench.find("set.ignored", f"rx_checksum is off, and a frame has the verdict {told[0]!r}")
    bench.set("features", rx_checksum=available.rx_checksum, tx_checksum=available.tx_checksum)
    if available.tx_checksum:
        for made in _packets(bench, inward=False)[:12]:
            bench.send([asked(bench, made)], [padded(made.data)])
        bench.settle()
        bench.judge_sent("sum.wrong")
    bench.deliver([packet(bench.rng, 100, inward=True).data])
    if available.rx_checksum and not all(frame.verdict for frame in bench.judge_received()):
        bench.find("set.ignored", "rx_checksum is on again, and a frame has no verdict")


def inside_tags(bench: Bench) -> None:
    """The tag is in the frame, so that everything lies four bytes farther on."""
    bench.open()
    for number in range(12):
        made = packet(bench.rng, 20 * number, inward=False, tcp=bool(number % 2), tag=number)
        bench.send([asked(bench, made)], [padded(made.data)])
    bench.settle()
    bench.judge_sent("sum.wrong")
    bench.deliver([tagged(numbered(at, 80, inward=True), at) for at in range(8)])
    bench.judge()


CASES = (
    Case(
        "sums.out",
        "sums of TCP and UDP, over IPv4 and IPv6, are made as claimed; other frames stay as they are",
        transmit,
    ),
    Case("sums.pieces", "the same where headers and data come in pieces", in_pieces),
    Case("sums.tagged", "the same behind a VLAN tag that is in the frame", inside_tags),
    Case("sums.in", "good, bad and unchecked sums are told as they are", receive, ("sums",)),
    Case("sums.switched", "switched off by ethtool, nothing is claimed; on again, it is done", switched),
)
