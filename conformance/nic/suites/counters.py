"""Suite `counters`: a frame is counted where it belongs, once, and nowhere else.

Every counter is looked at in every case, by its definition (M 13.7): lengths are those on the wire, with FCS. What must
be counted is an invariant of the frames; no oracle is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random

from ringbed.conformance.frames.made import PEER, STATION
from ringbed.conformance.nic.case import Case, Difference, Plan
from ringbed.conformance.nic.suites.rules import rules
from ringbed.conformance.nic.suites.segmentation import Wish, cut
from ringbed.conformance.nic.target import Arrival, NicUnderTest, Offer, Setup
from ringbed.sim.wire.payload import payload

__all__ = ["BINS", "RULES", "cases", "counted"]

BINS = ((64, "64"), (127, "65_to_127"), (255, "128_to_255"), (511, "256_to_511"), (1023, "512_to_1023"),
        (1 << 16, "1024_to_max"))  # fmt: skip
FCS = 4
ALL = ("rx_all_packets", "rx_all_bytes")  # whether what the filter leaves out is among them cards say differently
RULES = rules(
    *((f"count.{way}.{name.replace('_', '-')}", f"A frame of {name.replace('_', ' ')} bytes is counted as one of these",
       "M 13.7") for way in ("rx", "tx") for _, name in BINS),
    ("count.rx.octets", "Octets received are those of the wire, FCS and all", "erratum stat-octets-include-fcs"),
    ("count.tx.octets", "Octets sent are those of the wire, pad and FCS and all", "erratum stat-octets-include-fcs"),
    ("count.rx.broadcast", "A broadcast is counted as one, and as no multicast", "M 13.7"),
    ("count.tx.broadcast", "A broadcast that is sent is counted as one, and as no multicast", "M 13.7"),
    ("count.rx.multicast", "A group's frame is counted as one", "M 13.7"),
    ("count.tx.multicast", "A group's frame that is sent is counted as one", "M 13.7"),
    ("count.rx.crc", "A frame with a wrong FCS is an error, and in no count of good ones", "M 13.7"),
    ("count.rx.many", "Of many frames each is counted", "erratum stat-counters-corrupted-occasionally"),
    ("count.tx.many", "Of many frames that are sent each is counted", "erratum stat-counters-corrupted-occasionally"),
    ("count.rx.filtered", "A frame that is another's is in no count of good ones, and no error",
     "erratum stat-indiscards-include-unwanted-multicast"),
    ("count.tx.cut", "A message that is cut is counted once, and each of its frames", "M 13.7"),
    ("count.read", "A read does not lose what is counted meanwhile, and counts nothing twice",
     "erratum stat-spurious-zero"),
    ("count.reset", "What was counted before the rings are made anew is counted still", "M 13.7"),
    ("count.both", "What comes and what goes at once are counted each in its own", "M 13.7"),
)  # fmt: skip
NEEDS = ("counters",)
LENGTHS = (60, 61, 62, 100, 122, 123, 124, 200, 250, 251, 252, 400, 506, 507, 508, 800, 1018, 1019, 1020, 1021, 1200,
           1400, 1513, 1514)  # fmt: skip
OTHER, GROUP, BROADCAST = bytes.fromhex("020000000077"), bytes.fromhex("01005e010203"), b"\xff" * 6


def cases() -> Iterator[Case]:
    for length in LENGTHS:
        for count in (1, 2, 5):
            bin_ = _bin(length).replace("_", "-")
            yield _case(f"count.rx.{bin_}", f"rx.len-{length}.times-{count}", [(STATION, length)] * count, [])
            yield _case(f"count.tx.{bin_}", f"tx.len-{length}.times-{count}", [], [(OTHER, length)] * count)
        yield _case("count.rx.octets", f"rx.octets.{length}", [(STATION, length), (STATION, 60)], [])
        yield _case("count.tx.octets", f"tx.octets.{length}", [], [(OTHER, length), (OTHER, 14 + length % 40)])
        yield _case("count.both", f"both.{length}", [(STATION, length)], [(OTHER, 1574 - length)])
    for length in (60, 128, 1514):
        for to, name in ((BROADCAST, "broadcast"), (GROUP, "multicast")):
            yield _case(f"count.rx.{name}", f"rx.{name}.len-{length}", [(to, length), (STATION, 99)], [])
            yield _case(f"count.tx.{name}", f"tx.{name}.len-{length}", [], [(to, length), (OTHER, 99)])
        for number in range(2):
            yield _case("count.rx.crc", f"rx.crc.len-{length}.{number}", [(STATION, length)] * number, [],
                        bad=[(STATION, length)])  # fmt: skip
        yield _case("count.rx.filtered", f"rx.filtered.len-{length}", [(STATION, 64)], [], others=[(OTHER, length)])
        yield _case("count.rx.filtered", f"rx.filtered-group.len-{length}", [(STATION, 64)], [],
                    others=[(GROUP[:5] + b"\x99", length)])  # fmt: skip
    for count in (40, 90):
        yield _case("count.rx.many", f"rx.many-{count}", [(STATION, 60 + 7 * n) for n in range(count)], [])
        yield _case("count.tx.many", f"tx.many-{count}", [], [(OTHER, 60 + 7 * n) for n in range(count)])
    for number, wish in enumerate((Wish(350, 100), Wish(350, 100, True), Wish(1, 100), Wish(3000, 1400))):
        yield Case(f"count.tx.cut.{number}", RULES["count.tx.cut"], partial(_cut, wish), Setup(promiscuous=False),
                   (*NEEDS, f"tso.{wish.base}"), scripted=True)  # fmt: skip
    for number in range(6):
        yield _case("count.read", f"read.{number}", [(STATION, 60 + 50 * number)], [(OTHER, 90)], reads=number + 1)
        yield _case("count.reset", f"reset.{number}", [(STATION, 60 + 50 * number)], [(OTHER, 90)], reset=True)


Frames = Sequence[tuple[bytes, int]]  # address and length, without FCS


def _bin(length: int) -> str:
    return next(name for most, name in BINS if length + FCS <= most)


def _case(
    rule: str, name: str, come: Frames, go: Frames, *, bad: Frames = (), others: Frames = (), reads: int = 0,
    reset: bool = False,
) -> Case:  # fmt: skip
    make = partial(_plan, tuple(come), tuple(go), tuple(bad), tuple(others), reads, reset)
    return Case(f"count.{name}", RULES[rule], make, Setup(promiscuous=False), NEEDS, scripted=True)


def counted(come: Frames, go: Frames, bad: Frames = ()) -> Counter[str]:
    """What of each counter of `ethtool -S` is due; what is not named is 0."""
    due = Counter[str]()
    for way, frames in (("rx", come), ("tx", go)):
        for to, given in frames:
            length = max(60, given) + FCS
            due.update({f"{way}_packets": 1, f"{way}_bytes": length, f"{way}_{_bin(length - FCS)}": 1})
            due.update({f"{way}_all_packets": 1, f"{way}_all_bytes": length})
            if to[0] & 1:
                due[f"{way}_broadcast" if to == BROADCAST else f"{way}_multicast"] += 1
    for _, given in bad:
        due.update({"rx_all_packets": 1, "rx_all_bytes": max(60, given) + FCS})
    due.update({"rx_errors": len(bad), "rx_crc_errors": len(bad)})
    return due


def _frame(to: bytes, length: int, rng: Random) -> bytes:
    return (to + PEER + b"\x88\xb5" + payload(rng.randrange(3), length))[:length]


def _plan(
    come: Frames, go: Frames, bad: Frames, others: Frames, reads: int, reset: bool, rng: Random
) -> Plan:  # fmt: skip
    arrivals = [Arrival(_frame(*each, rng)) for each in (*come, *others)]
    arrivals += [Arrival(_frame(*each, rng), bad_fcs=True) for each in bad]
    rng.shuffle(arrivals)
    offers = [Offer((_frame(*each, rng),)) for each in go]

    def act(nic: NicUnderTest) -> None:
        nic.set_filter(groups=[GROUP] if any(to == GROUP for to, _ in come) else [])
        for each in arrivals:
            nic.arrive(each)
        nic.send(offers)
        for _ in range(reads):
            nic.statistics()
        if reset:
            nic.set_rings(128, 128)
        nic.receive(())
        if reset:
            nic.set_rings(256, 256)
        nic.set_filter()

    return Plan(script=partial(_compared, counted(come, go, bad), act, ALL if others else ()))


def _cut(wish: Wish, rng: Random) -> Plan:
    offer, rights = cut(wish.made(rng))
    due = counted([], [(frame[:6], len(frame)) for (frame,) in rights]) + Counter({"tx_tcp_seg_good": 1})

    def act(nic: NicUnderTest) -> None:
        nic.send([offer])

    return Plan(script=partial(_compared, due, act, ()))


def _compared(
    due: Counter[str], act: Callable[[NicUnderTest], None], unasked: Sequence[str], nic: NicUnderTest
) -> Iterator[Difference]:  # fmt: skip
    before = dict(nic.statistics())
    act(nic)
    after = nic.statistics()
    for name in sorted({*before, *due} - set(unasked)):
        got = after.get(name, 0) - before.get(name, 0)
        if got != due[name]:
            yield Difference(f"what {name} counts", f"{due[name]:,}", f"{got:,}")
