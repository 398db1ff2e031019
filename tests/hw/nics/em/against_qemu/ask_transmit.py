"""Questions about frames that leave: pieces, padding, sums, write-back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ringbed.hw.formats import em
from tests.hw.nics.em.against_qemu.experiments import causes, context, experiment, sent
from tests.hw.nics.em.bench import STATION, Card, R, frame, raw_sum
from tests.hw.nics.em.packets import tcp4, tcp6, udp4, udp6, unsummed

UDP_SUM, TCP_SUM = 40, 50  # offsets of the fields in an IPv4 frame without options


def zeroed(build: Callable[[bytes], bytes], at: int) -> bytes:
    """A frame whose computed TCP or UDP sum is 0: its last word makes up for all the rest."""
    given = bytearray(unsummed(build(bytes(30)), 34, at))
    given[-2:] = (0xFFFF - raw_sum(bytes(given[34:]))).to_bytes(2, "big")
    return bytes(given)


@experiment()
def short_frame_with_psp(card: Card) -> list[int]:
    return [len(each) for each in sent(card, card.pieces(STATION + bytes(30)))]


@experiment(tctl=("EN",))
def short_frame_without_psp(card: Card) -> list[int]:
    return [len(each) for each in sent(card, card.pieces(STATION + bytes(30)))]


@experiment()
def frame_without_ifcs(card: Card) -> list[int]:
    """Bytes on the wire for 100 of software's, IFCS clear."""
    card.push(card.pieces(STATION + bytes(94), IFCS=0))
    card.settle()
    return [len(each) for each in card.sent()]


@experiment()
def frame_in_pieces(card: Card) -> list[bool]:
    data = frame(1000)[:-4]
    cuts: tuple[list[int], ...] = ([], [1], [13, 14, 600], [995])
    return [each == data for each in sent(card, *(card.pieces(data, cut) for cut in cuts))]


@experiment()
def legacy_insert_checksum(card: Card) -> str:
    given = unsummed(udp4(b"payload"), 34, UDP_SUM)
    [out] = sent(card, card.pieces(given, IC=1, CSS=34, CSO=UDP_SUM))
    return "inserted" if out[UDP_SUM : UDP_SUM + 2] == udp4(b"payload")[UDP_SUM : UDP_SUM + 2] else "as given"


@experiment()
def context_sums(card: Card) -> list[bool]:
    """IPv4 header and TCP or UDP, IPv6, options, odd lengths: as scapy has them?"""
    cases = [
        (udp4(b"odd"), 34, False), (tcp4(b"even"), 34, True), (udp6(b"odd"), 54, False), (tcp6(b""), 54, True),
        (udp4(b"x" * 1400, options=b"\x94\x04\x00\x00"), 38, False),
    ]  # fmt: skip
    good = []
    for whole, l4, tcp in cases:
        at, ipv4 = l4 + (16 if tcp else 6), whole[14] >> 4 == 4
        data = card.pieces(unsummed(whole, l4, at), [20], extended=True, TXSM=1, IXSM=int(ipv4))
        good += [each.ljust(60, b"\0") == whole.ljust(60, b"\0")
                 for each in sent(card, [context(l4, at, tcp, ipv4), *data])]  # fmt: skip
    return good


@experiment()
def udp_sum_that_comes_out_0(card: Card) -> str:
    data = card.pieces(zeroed(udp4, UDP_SUM), extended=True, TXSM=1)
    return sent(card, [context(34, UDP_SUM, False), *data])[0][UDP_SUM : UDP_SUM + 2].hex()


@experiment()
def tcp_sum_that_comes_out_0(card: Card) -> str:
    data = card.pieces(zeroed(tcp4, TCP_SUM), extended=True, TXSM=1)
    return sent(card, [context(34, TCP_SUM, True), *data])[0][TCP_SUM : TCP_SUM + 2].hex()


@experiment()
def ip_sum_that_comes_out_0(card: Card) -> str:
    given = bytearray(unsummed(udp4(b"x"), 34, UDP_SUM))
    given[18:20] = bytes(2)  # the identification makes up for the rest
    given[18:20] = (0xFFFF - raw_sum(bytes(given[14:34]))).to_bytes(2, "big")
    data = card.pieces(bytes(given), extended=True, IXSM=1)
    return sent(card, [context(34, UDP_SUM, False), *data])[0][24:26].hex()


@experiment()
def sum_over_part_of_the_frame(card: Card) -> str:
    """TUCSE inside the frame."""
    data = card.pieces(bytes(range(100)), extended=True, TXSM=1)
    return sent(card, [context(34, UDP_SUM, False, TUCSE=60), *data])[0][UDP_SUM : UDP_SUM + 2].hex()


@experiment()
def sum_whose_place_is_beyond_the_frame(card: Card) -> bool:
    data = bytes(range(70))
    return sent(card, [context(34, 200, False), *card.pieces(data, extended=True, TXSM=1)]) == [data]


@experiment()
def sums_asked_for_in_the_second_descriptor(card: Card) -> str:
    given = unsummed(udp4(b"payload"), 34, UDP_SUM)
    first, second = card.pieces(given, [20], extended=True)
    late = (int.from_bytes(second, "little") | em.TX_DATA.mask("TXSM")).to_bytes(16, "little")
    [out] = sent(card, [context(34, UDP_SUM, False), first, late])
    return "inserted" if out[:49] != given[:49] else "as given"


@experiment()
def legacy_and_data_descriptors_in_one_frame(card: Card) -> int:
    data = frame(200)[:-4]
    first, _ = card.pieces(data, [100])
    _, second = card.pieces(data, [100], extended=True)
    return len(sent(card, [first, second]))


@experiment()
def data_descriptor_longer_than_64_k(card: Card) -> list[int]:
    """DTALEN 1003Ch: its low 16 bits are a frame of 60."""
    memory = card.memory.coherent(0x1_003C)
    return [len(each) for each in sent(card, [em.TX_DATA.encode(
        address=memory.iova, DTALEN=0x1_003C, DTYP=1, DEXT=1, EOP=1, RS=1, IFCS=1)])]  # fmt: skip


@experiment()
def longest_frame_sent(card: Card) -> list[int]:
    """Of 16288 and 16289 bytes."""
    return [len(each) for size in (16288, 16289) for each in sent(card, card.pieces(bytes(size), [9000]))]


def written_back(card: Card, descriptors: Sequence[bytes]) -> list[int]:
    """DD of each after all is sent."""
    card.push(descriptors)
    card.settle()
    return [em.TX_LEGACY.decode(each)["DD"] for each in card.reclaim()]


@experiment()
def dd_only_where_rs(card: Card) -> list[int]:
    first = [card.pieces(bytes(60), RS=0)[0] for _ in range(2)]
    bare = [(int.from_bytes(each, "little") & ~em.TX_LEGACY.mask("RS")).to_bytes(16, "little") for each in first]
    return written_back(card, [*bare, *card.pieces(bytes(60))])


@experiment()
def dd_for_rps(card: Card) -> list[int]:
    """RPS is the 82544's: reserved here."""
    [plain] = card.pieces(bytes(60), RPS=1)
    return written_back(card, [(int.from_bytes(plain, "little") & ~em.TX_LEGACY.mask("RS")).to_bytes(16, "little")])


@experiment()
def dd_for_a_context(card: Card) -> list[int]:
    return written_back(card, [context(34, 40, False, RS=1)])


@experiment()
def causes_of_a_frame_sent(card: Card) -> str:
    causes(card)
    sent(card, card.pieces(bytes(60)))
    return causes(card)


@experiment()
def causes_of_a_tail_written_again(card: Card) -> str:
    """Nothing to send: no descriptor was used."""
    sent(card, card.pieces(bytes(60)))
    causes(card)
    card.tx.bell()
    card.settle()
    return causes(card)


@experiment()
def descriptors_wait_for_tctl_en(card: Card) -> list[int]:
    card.set("TCTL", 0)
    before = len(sent(card, card.pieces(bytes(60))))
    card.set("TCTL", R["TCTL"].mask("EN", "PSP"))
    card.settle()
    return [before, len(card.sent())]
