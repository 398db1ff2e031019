from __future__ import annotations

from ringbed.conformance.blocks.rss_hash import FIELD_KINDS, field_cases, stream_cases
from ringbed.conformance.frames.carried import without_tags
from ringbed.conformance.references.anatomy import TCP, data_offset_lies, dissect
from ringbed.conformance.references.toeplitz import MICROSOFT_KEY
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import contract


def test_behind_ipv4_options_of_any_length_addresses_alone_are_right_too() -> None:
    """A header of 40 bytes, an IPv6 one's length, was taken for one without options."""
    setup = Setup(contract("rss-hash", "stream"), key=MICROSOFT_KEY)
    lengths = {}
    for case in stream_cases("every protocol", 1, setup):
        parts = dissect(case.ask.frame)
        if parts.name == "ipv4 options tcp or udp":
            lengths[parts.ip[1] - parts.ip[0]] = {result["the type"] for result in case.results}
    assert set(lengths) == set(range(24, 61, 4))
    assert all(types in ({"ipv4-tcp", "ipv4"}, {"ipv4-udp", "ipv4"}) for types in lengths.values())


def test_above_an_ipv4_address_there_is_anything_if_there_is_room() -> None:
    wide = Setup(contract("rss-hash", "fields"), key=MICROSOFT_KEY)
    types = {"ipv4": 1, "ipv4-tcp": 2}
    widths = {"src": 32, "dst": 32, "sport": 16, "dport": 16, "kind": 8, "hash": 32, "type": 8}
    narrow = Setup(contract("rss-hash", "fields"), widths, types=types, key=MICROSOFT_KEY)
    for kind in FIELD_KINDS:
        four = [case for case in field_cases(kind, 1, wide) if case.ask.command["kind"] < 4]
        assert four
        assert all(case.ask.command[name] >> 32 for case in four for name in ("src", "dst"))
        assert list(field_cases(kind, 1, narrow))


def test_behind_stacked_tags_a_block_may_hash_the_packet_its_addresses_or_nothing() -> None:
    setup = Setup(contract("rss-hash", "stream"), key=MICROSOFT_KEY)
    types = [[result["the type"] for result in case.results] for case in stream_cases("stacked tags", 1, setup)]
    assert types == 5 * [["ipv4-tcp", "none", "ipv4"], ["ipv4-udp", "none", "ipv4"], ["ipv6-tcp", "none", "ipv6"],
                         ["ipv6-udp", "none", "ipv6"]]  # fmt: skip
    hashes = [case.results[0]["the hash"] for case in stream_cases("stacked tags", 1, setup)]
    bare = [without_tags(case.ask.frame) for case in stream_cases("stacked tags", 1, setup)]
    assert len(set(hashes)) == len(set(bare))


def test_where_a_data_offset_lies_ports_may_be_left_out() -> None:
    setup = Setup(contract("rss-hash", "stream"), key=MICROSOFT_KEY)
    lying = [case for case in stream_cases("tcp headers that lie", 1, setup)
             if data_offset_lies(case.ask.frame, dissect(case.ask.frame))]  # fmt: skip
    assert lying
    assert all(dissect(case.ask.frame).protocol == TCP and len(case.results) == 2 for case in lying)


def test_where_lengths_lie_what_is_not_in_the_frame_is_wrong() -> None:
    setup = Setup(contract("rss-hash", "stream"), key=MICROSOFT_KEY)
    types = dict[tuple[bytes, int], set[str]]()
    for case in stream_cases("packets cut short", 1, setup):
        frame = case.ask.frame
        found = {result["the type"] for result in case.results}
        types.setdefault((frame[12:14], len(frame)), set()).update(found)
        assert all("the hash" in result for result in case.results if result["the type"] != "none")
    assert {length for (ether, length), found in types.items() if ether == b"\x08\0" and found == {"none"}} == {
        15, 24, 29, 31, 33
    }  # fmt: skip
    assert types[b"\x08\0", 37] == {"none", "ipv4"}
    assert types[b"\x86\xdd", 53] == {"none"}
    assert types[b"\x86\xdd", 57] == {"none", "ipv6"}


def test_with_segments_left_the_hash_of_either_destination_is_right() -> None:
    setup = Setup(contract("rss-hash", "stream"), key=MICROSOFT_KEY)
    cases = [case for case in stream_cases("every protocol", 1, setup) if "segments left" in case.about]
    assert cases
    assert all(len(case.results) == 5 for case in cases if "802.1Q" not in case.about)


def test_ports_exchanged_are_told_and_two_mistakes_with_one_hash_both() -> None:
    setup = Setup(contract("rss-hash", "fields"), key=MICROSOFT_KEY)
    hints = [hint for case in field_cases("any addresses and ports", 1, setup) for hint in case.hints.values()]
    assert "the two ports are exchanged" in hints
    assert "source and destination are exchanged or the two addresses are exchanged" in hints  # of addresses alone
