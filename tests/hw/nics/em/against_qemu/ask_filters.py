"""Questions about who is let in (addresses, hash, tags) and what becomes of a tag, in and out."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from tests.hw.nics.em.against_qemu.experiments import context, experiment, received, sent
from tests.hw.nics.em.bench import Card, R, fcs, frame, on_wire
from tests.hw.nics.em.packets import udp4, unsummed

BROADCAST = b"\xff" * 6
GROUPS = tuple(bytes.fromhex(text) for text in ("01005e000001", "01005e7f1234", "3333ff00abcd"))
HASH_BITS = (36, 35, 34, 32)  # first of the twelve address bits that RCTL.MO takes (M 13.5.1), 47 the last
PLAIN, TAGGED = frame(96)[:-4], b"\x81\x00"
NO_FCS_STRIP = ("EN", "BAM")


def tagged(tci: int, kind: bytes = TAGGED, data: bytes = PLAIN) -> bytes:
    return data[:12] + kind + tci.to_bytes(2, "big") + data[12:]


def hash_of(address: bytes, offset: int) -> int:
    return int.from_bytes(address, "little") >> HASH_BITS[offset] & 0xFFF


def put(card: Card, name: str, index: int, value: int) -> None:
    card.engine.write(R[name].at(index), value)


def hashed(offset: int) -> Callable[[Card], list[str]]:
    def ask(card: Card) -> list[str]:
        """The bit of the first group alone is set: which of three come in?"""
        card.set("RCTL", card.get("RCTL") | R["RCTL"]["MO"].put(offset))
        value = hash_of(GROUPS[0], offset)
        put(card, "MTA", value >> 5, 1 << (value & 31))
        return [each[:6].hex() for each in received(card, *(frame(64, to=to) for to in GROUPS))]

    ask.__name__ = f"multicast_hash_mo_{offset}"
    return ask


for _offset in range(4):
    experiment(rctl=("EN", "SECRC"))(hashed(_offset))


@experiment(rctl=("EN", "SECRC"))
def hash_and_a_stranger(card: Card) -> int:
    """All of MTA set: it is for groups, not for stations."""
    for index in range(128):
        put(card, "MTA", index, 0xFFFF_FFFF)
    return len(received(card, frame(64, to=bytes.fromhex("0200000000ee"))))


@experiment(rctl=("EN", "SECRC"))
def hash_and_broadcast_without_bam(card: Card) -> int:
    """All of MTA set, BAM clear."""
    for index in range(128):
        put(card, "MTA", index, 0xFFFF_FFFF)
    return len(received(card, frame(64, to=BROADCAST)))


@experiment(rctl=("EN", "SECRC"))
def receive_addresses(card: Card) -> list[str]:
    """Numbers 1 and 15 valid, 7 not: whose frames come in?"""
    names = {}
    for index in (1, 7, 15):
        address = bytes([2, 0, 0, 0, 1, index])
        names[address] = str(index)
        put(card, "RAL", index, int.from_bytes(address[:4], "little"))
        put(card, "RAH", index, int.from_bytes(address[4:], "little") | (0 if index == 7 else R["RAH"].mask("AV")))
    return [names[each[:6]] for each in received(card, *(frame(64, to=to) for to in names))]


@experiment(rctl=("EN", "SECRC"))
def receive_address_of_a_group(card: Card) -> int:
    """A group's address in the table, whatever MTA says."""
    put(card, "RAL", 3, int.from_bytes(GROUPS[0][:4], "little"))
    put(card, "RAH", 3, int.from_bytes(GROUPS[0][4:], "little") | R["RAH"].mask("AV"))
    return len(received(card, frame(64, to=GROUPS[0])))


# ---- tags that come in ----


def told(data: bytes) -> str:
    """Length, what stands where a tag would, and a sum of it all."""
    return f"{len(data)} {data[12:18].hex()} {zlib.crc32(data):08x}"


def stored(card: Card, *packets: bytes) -> list[Any]:
    """Frames as the card stored them, VP and special of the last descriptor."""
    card.post()
    card.get("STATUS")
    card.arrive(*map(on_wire, packets))
    card.settle()
    return [[told(each.data), each.last["VP"], f"{each.last['special']:04x}"] for each in card.harvest()]


@experiment()
def tag_without_vme(card: Card) -> list[Any]:
    return stored(card, tagged(0xE005), PLAIN)


@experiment()
def tag_with_vme(card: Card) -> list[Any]:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    return stored(card, tagged(0xE005), PLAIN, tagged(0), tagged(0x1FFF))


@experiment()
def tag_of_another_type_with_vme(card: Card) -> list[Any]:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    card.set("VET", 0x88A8)
    return stored(card, tagged(0xE005), tagged(0xE005, b"\x88\xa8"))


@experiment()
def two_tags_with_vme(card: Card) -> list[Any]:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    return stored(card, tagged(0x0001, data=tagged(0x0002)))


@experiment()
def shortest_tagged_frame_with_vme(card: Card) -> list[Any]:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    return stored(card, tagged(0x0001, data=frame(60)[:-4]))


@experiment()
def longest_tagged_frame(card: Card) -> list[int]:
    """1522 bytes with tag and FCS, stripped; 1518 without."""
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    return [len(each) for each in received(card, on_wire(tagged(1, data=frame(1518)[:-4])), frame(1518))]


@experiment(size=256)
def tag_in_every_descriptor(card: Card) -> list[Any]:
    """A frame over three buffers: VP and special of each."""
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    card.post()
    card.get("STATUS")
    card.arrive(on_wire(tagged(0x2005, data=frame(600)[:-4])))
    card.settle()
    [found] = card.harvest()
    return [[part["VP"], f"{part['special']:04x}"] for part in found.parts]


@experiment(rctl=NO_FCS_STRIP)
def tag_stripped_and_fcs_kept(card: Card) -> int:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    return len(received(card, on_wire(tagged(0x0001)))[0])


def vlan_filter(strip: bool) -> Callable[[Card], list[str]]:
    def ask(card: Card) -> list[str]:
        """VFTA lets in VID 5 and 4095 alone: who comes?"""
        card.set("CTRL", R["CTRL"].mask("SLU", "VME") if strip else R["CTRL"].mask("SLU"))
        card.set("RCTL", card.get("RCTL") | R["RCTL"].mask("VFE"))
        put(card, "VFTA", 0, 1 << 5)
        put(card, "VFTA", 127, 1 << 31)
        names = ("untagged", "5", "6", "4095", "0", "5, priority 7")
        packets = [frame(96 + n)[:-4] for n in range(6)]
        tci = (None, 0x0005, 0x0006, 0x0FFF, 0x0000, 0xE005)
        wires = [on_wire(p if t is None else tagged(t, data=p)) for p, t in zip(packets, tci, strict=True)]
        order = dict(zip((p[-20:] for p in packets), names, strict=True))
        return [order[each[-20:]] for each in received(card, *wires)]

    ask.__name__ = "vlan_filter" + ("_and_strip" if strip else "")
    return ask


experiment()(vlan_filter(False))
experiment()(vlan_filter(True))


@experiment()
def canonical_form_filter(card: Card) -> list[str]:
    """CFIEN with CFI clear: tags with the bit clear and set; untagged."""
    card.set("RCTL", card.get("RCTL") | R["RCTL"].mask("CFIEN"))
    found = received(card, on_wire(tagged(0x0005)), on_wire(tagged(0x1005)), on_wire(PLAIN))
    return [each[12:16].hex() for each in found]


# ---- tags that go out ----


@experiment()
def tag_inserted_by_a_legacy_descriptor(card: Card) -> list[str]:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    return [told(each) for each in sent(card, card.pieces(PLAIN, VLE=1, special=0xE005))]


@experiment()
def tag_of_another_type_inserted(card: Card) -> list[str]:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    card.set("VET", 0x88A8)
    return [told(each) for each in sent(card, card.pieces(PLAIN, VLE=1, special=0x0005))]


@experiment()
def tag_wanted_without_vme(card: Card) -> list[str]:
    return [told(each) for each in sent(card, card.pieces(PLAIN, VLE=1, special=0xE005))]


@experiment()
def tag_of_the_last_descriptor(card: Card) -> list[str]:
    """Two descriptors, each with another tag: the one with EOP counts (M 3.3.3.1)."""
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    first, _ = card.pieces(PLAIN, [50], VLE=1, special=0x0001)
    _, second = card.pieces(PLAIN, [50], VLE=1, special=0x0002)
    return [told(each) for each in sent(card, [first, second])]


@experiment()
def tag_in_the_last_descriptor_alone(card: Card) -> list[str]:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    first, _ = card.pieces(PLAIN, [50])
    _, second = card.pieces(PLAIN, [50], VLE=1, special=0x0002)
    return [told(each) for each in sent(card, [first, second])]


@experiment()
def tag_and_sums(card: Card) -> list[str]:
    """Offsets count without the tag (M 3.3.3)."""
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    given = unsummed(udp4(b"tagged and summed, longer than a pad"), 34, 40)
    data = card.pieces(given, [20], extended=True, TXSM=1, IXSM=1, VLE=1, special=0x0007)
    return [told(each) for each in sent(card, [context(34, 40, False), *data])]


@experiment()
def short_frame_with_a_tag(card: Card) -> list[int]:
    """56 bytes of software's and a tag are 60 (M 9.1)."""
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    return [len(each) for each in sent(card, card.pieces(PLAIN[:56], VLE=1, special=0x0007))]


@experiment()
def tag_without_ifcs(card: Card) -> list[Any]:
    """VLE with IFCS clear: the card inserts the FCS all the same (M 3.3.3.1)."""
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    card.push(card.pieces(PLAIN, VLE=1, special=0x0007, IFCS=0))
    card.settle()
    [out] = card.sent()
    return [len(out), fcs(out[:-4]) == out]
