"""Suite `vlan`: tags put in, tags taken out, and frames that are left as they are while the card could do either."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from random import Random

from ringbed.conformance.frames.made import PEER, STATION
from ringbed.conformance.nic.agree import Judge
from ringbed.conformance.nic.case import Case, Plan
from ringbed.conformance.nic.suites.checksum_plain import KINDS
from ringbed.conformance.nic.suites.rules import rules
from ringbed.conformance.nic.suites.segmentation import Wish, cut
from ringbed.conformance.nic.suites.stack import PLAIN, Stack
from ringbed.conformance.nic.target import Arrival, Offer, Setup
from ringbed.sim.wire.payload import payload

__all__ = ["ON", "RULES", "cases", "tagged"]

RULES = rules(
    ("vlan.tx.tci", "Priority, CFI and VID of a tag that is put in are those asked for, bit by bit",
     "erratum vlan-tci-byteswapped-realtek"),
    ("vlan.tx.length", "A frame of any length gets its tag, and pad only behind it",
     "erratum tx-iplen-rewritten-with-vlan"),
    ("vlan.tx.sum", "Sums are right in a frame that gets a tag", "erratum tx-csum-vlan-in-payload"),
    ("vlan.tx.plain", "A frame that asks for a tag and no sum gets the tag and nothing else",
     "erratum tx-csum-done-although-disabled-vlan"),
    ("vlan.tx.none", "A frame that asks for no tag, behind one that does, gets none", "M 9.2"),
    ("vlan.tx.again", "A frame that has a tag already gets another in front of it", "IEEE 802.1Q 6.9"),
    ("vlan.tx.pieces", "A frame in pieces gets one tag, however short the first piece is", "M 9.2"),
    ("vlan.tx.cut", "Each segment of a message gets the tag", "erratum tso-inband-vlan-unsupported"),
    ("vlan.tx.qinq", "Both tags are put in", "IEEE 802.1ad 9.5"),
    ("vlan.rx.tci", "The tag that was taken out is told, bit by bit", "erratum vlan-tci-byteswapped-realtek"),
    ("vlan.rx.length", "A frame of any length is whole without its tag, one below 60 bytes too", "M 9.1"),
    ("vlan.rx.verdict", "Sums are judged as in the frame with its tag", "M 3.2.9.2"),
    ("vlan.rx.bad", "A wrong sum is bad though a tag was taken out", "M 3.2.9.2"),
    ("vlan.rx.none", "Of a frame without a tag nothing is taken out and none is told", "M 9.1"),
    ("vlan.rx.other", "A tag of another EtherType stays", "M 9.1"),
    ("vlan.rx.inner", "Of two tags the second one stays", "M 9.1"),
    ("vlan.rx.off", "With taking out switched off a tag stays, and the sums are judged behind it",
     "erratum rx-raw-sum-wrong-with-inline-vlan"),
)  # fmt: skip
ON = Setup(features=frozenset({"rx_checksum", "tx_checksum", "tso", "vlan_insert", "vlan_strip"}))
TCIS = (0, 0xFFFF, 0x0FFF, 0xE000, 0x5A5A, *(1 << bit for bit in range(16)))
TAG_SIZES = (0, 1, 2, 17, 18, 45, 46, 47, 100)


def cases(judge: Judge) -> Iterator[Case]:
    yield from _sending()
    yield from _receiving(judge)


def tagged(frame: bytes, tci: int) -> bytes:
    return frame[:12] + b"\x81\0" + tci.to_bytes(2, "big") + frame[12:]


def _sending() -> Iterator[Case]:
    put = ("vlan.insert",)
    for tci in TCIS:
        for number, length in enumerate((60, 101)):
            yield Case(f"vlan.tx.tci-{tci:04x}.{number}", RULES["vlan.tx.tci"], partial(_bare, tci, length), ON, put)
    for length in range(14, 70):
        yield Case(f"vlan.tx.len-{length}", RULES["vlan.tx.length"], partial(_bare, 0x2345, length), ON, put)
    for stack in (*PLAIN, Stack(options=4), Stack(True, True, options=2)):
        for size in TAG_SIZES:
            yield Case(f"vlan.tx.{stack.name}.data-{size}", RULES["vlan.tx.sum"], partial(_summed, stack, size), ON,
                       ("vlan.insert", *stack.needs))  # fmt: skip
            yield Case(f"vlan.tx.{stack.name}.none-behind-{size}", RULES["vlan.tx.none"],
                       partial(_none_behind, stack, size), ON, ("vlan.insert", *stack.needs))  # fmt: skip
    for slug in KINDS:
        yield Case(f"vlan.tx.plain.{slug}", RULES["vlan.tx.plain"], partial(_plain, slug), ON, put)
    for ether in (0x8100, 0x88A8, 0x9100):
        for size in (0, 28, 46):
            yield Case(f"vlan.tx.again.{ether:04x}.data-{size}", RULES["vlan.tx.again"], partial(_again, ether, size),
                       ON, put)  # fmt: skip
    for first in (1, 2, 5, 6, 11, 12, 13, 14, 15, 16, 17, 33):
        yield Case(f"vlan.tx.pieces.{first}", RULES["vlan.tx.pieces"], partial(_pieces, first), ON, put)
    for wish in (Wish(350, 100), Wish(350, 100, True), Wish(350, 100, udp=True)):
        for mss in (1, 46, 100, 1400):
            yield Case(f"vlan.tx.cut.{wish.base}.mss-{mss}", RULES["vlan.tx.cut"],
                       partial(_cut, replace(wish, mss=mss, size=3 * mss + mss // 2)), ON,
                       ("vlan.insert", f"tso.{wish.base}"))  # fmt: skip
    for number in range(2):
        yield Case(f"vlan.tx.qinq.{number}", RULES["vlan.tx.qinq"], _two, ON, ("vlan.insert", "vlan.qinq"))


def _bare(tci: int, length: int, rng: Random) -> Plan:
    frame = (PEER + STATION + b"\x88\xb5" + payload(0, length))[:length]
    return Plan((Offer((frame,), vlan=tci),), ((tagged(frame, tci),),))


def _summed(stack: Stack, size: int, rng: Random) -> Plan:
    built, tci = stack.build(rng, payload(1, size)), rng.randrange(1 << 16)
    return Plan((built.offered(vlan=tci),), ((tagged(built.must_leave(stack.name), tci),),))


def _none_behind(stack: Stack, size: int, rng: Random) -> Plan:
    first = _summed(stack, size, rng)
    frame = PEER + STATION + b"\x88\xb5" + payload(0, 46 + size)
    return Plan((*first.offers, Offer((frame,))), (*first.leaves, (frame,)))


def _plain(slug: str, rng: Random) -> Plan:
    frame, tci = KINDS[slug][2](rng, 50), rng.randrange(1 << 16)
    return Plan((Offer((frame,), vlan=tci),), ((tagged(frame, tci),),))


def _again(ether: int, size: int, rng: Random) -> Plan:
    frame = PEER + STATION + ether.to_bytes(2, "big") + rng.randbytes(2) + b"\x88\xb5" + payload(0, size)
    tci = rng.randrange(1 << 16)
    return Plan((Offer((frame,), vlan=tci),), ((tagged(frame, tci),),))


def _pieces(first: int, rng: Random) -> Plan:
    frame, tci = PEER + STATION + b"\x88\xb5" + payload(1, 70), rng.randrange(1 << 16)
    return Plan((Offer((frame[:first], frame[first : first + 9], frame[first + 9 :]), vlan=tci),),
                ((tagged(frame, tci),),))  # fmt: skip


def _cut(wish: Wish, rng: Random) -> Plan:
    offer, rights = cut(wish.made(rng))
    tci = rng.randrange(1 << 16)
    return Plan((replace(offer, vlan=tci),), [(tagged(frame, tci),) for (frame,) in rights])


def _two(rng: Random) -> Plan:
    """The outer one is a provider's."""
    frame = PEER + STATION + b"\x88\xb5" + payload(1, 70)
    inner, outer = rng.randrange(1 << 16), rng.randrange(1 << 12)
    both = tagged(frame, inner)
    right = both[:12] + b"\x88\xa8" + outer.to_bytes(2, "big") + both[12:]
    return Plan((Offer((frame,), vlan=outer << 16 | inner),), ((right,),))


def _receiving(judge: Judge) -> Iterator[Case]:
    def case(rule: str, name: str, stack: Stack, size: int, tci: int | None, **more: object) -> Case:
        make = partial(_arrived, judge, f"vlan.rx.{name}", stack, size, tci, more)
        return Case(f"vlan.rx.{name}", RULES[rule], make, ON, ("vlan.strip", "rx.verdicts"))

    udp = Stack()
    for tci in TCIS:
        for size in (18, 50):
            yield case("vlan.rx.tci", f"tci-{tci:04x}.data-{size}", udp, size, tci)
    for length in range(60, 84):
        yield case("vlan.rx.length", f"len-{length}", udp, length - udp.headers - 4, 0x3456)
    for length in (128, 255, 256, 257, 1024, 1514, 1518):
        yield case("vlan.rx.length", f"len-{length}", udp, length - udp.headers - 4, 0x3456)
    for stack in (*PLAIN, Stack(options=4), Stack(True, chain="h"), Stack(True, True, chain="d")):
        for size in TAG_SIZES:
            yield case("vlan.rx.verdict", f"{stack.name}.data-{size}", stack, size, 0x1001)
            yield case("vlan.rx.bad", f"{stack.name}.bad-{size}", stack, size, 0x2001, bad=True)
        for size in (0, 46, 100):
            yield case("vlan.rx.none", f"{stack.name}.none-{size}", stack, size, None)
            yield case("vlan.rx.inner", f"{stack.name}.inner-{size}", stack, size, 0x3001, inner=True)
            for ether in (0x88A8, 0x9100):
                yield case(
                    "vlan.rx.other", f"{stack.name}.type-{ether:04x}.data-{size}", stack, size, None, ether=ether
                )
            name = f"vlan.rx.{stack.name}.off-{size}"
            off = partial(_arrived, judge, name, stack, size, None, {"kept": True})
            yield Case(name, RULES["vlan.rx.off"], off, Setup(), ("rx.verdicts",))


def _arrived(
    judge: Judge, name: str, stack: Stack, size: int, tci: int | None, more: dict[str, object], rng: Random
) -> Plan:  # fmt: skip
    built = stack.build(rng, payload(2, size))
    frame, place = built.frame, built.place.offset
    if more.get("bad"):
        frame = frame[:place] + bytes([frame[place] ^ 0x20]) + frame[place + 1 :]
    if more.get("inner") or more.get("kept"):
        frame = tagged(frame, rng.randrange(1 << 16))
    if isinstance(ether := more.get("ether"), int):
        frame = frame[:12] + ether.to_bytes(2, "big") + rng.randbytes(2) + frame[12:]
    if tci is not None:
        frame = tagged(frame, tci)
    frame += bytes(rng.randrange(1, 256) for _ in range(60 - len(frame)))
    coming = judge.coming(name, frame, taken_out=tci, asked=True)
    if more.get("inner"):  # behind the first tag this is a frame of one tag to the card: which sums it says is its own
        coming = replace(coming, verdict=None)
    return Plan(arrivals=(Arrival(frame),), comes=(coming,))
