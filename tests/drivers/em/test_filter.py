"""Groups, exact and hashed; VLANs; that only what is wanted is handed on, whatever was set before in which order."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.drivers.em.filter import MOST_GROUPS, hash_index
from ringbed.drivers.ethtool import Features
from ringbed.drivers.world import TxFrame
from ringbed.hw.formats import em
from tests.drivers.bench import Bench, frame

RCTL = em.REGISTERS["RCTL"]
FILTER_ON = Features(vlan_filter=True)


def group(number: int) -> bytes:
    """A multicast address, different for every number, in all of its last two bytes."""
    return b"\x01\x00\x5e\x01" + random.Random(number).randbytes(2)


def tagged(vid: int, seed: int = 0) -> bytes:
    plain = frame(80, seed)
    return plain[:12] + b"\x81\x00" + vid.to_bytes(2, "big") + plain[12:]


@pytest.mark.parametrize(
    ("address", "index"), [("01005e000001", 0x010), ("01005e00ff0f", 0x0FF), ("010203041234", 0x341)]
)
def test_hash_is_the_last_twelve_bits_of_the_address(address: str, index: int) -> None:
    """M 13.5.1 with MO 00: bits 47:36, byte 5 in the high ones. By hand: 12 34 -> 3412h >> 4."""
    assert hash_index(bytes.fromhex(address)) == index


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 400), max_size=60), min_size=1, max_size=4))
def test_groups_wanted_are_handed_on_and_no_others(rounds: list[list[int]]) -> None:
    bench = Bench()
    for numbers in rounds:
        wanted = [group(number) for number in numbers]
        bench.driver.set_multicast(wanted)
        before = len(bench.received)
        sent = [frame(60, number, group(number)) for number in range(0, 400, 7)]
        for item in sent:
            bench.card.receive(item)
            bench.run()
        assert bench.received[before:] == [item for item in sent if item[:6] in wanted]
    bench.check_account()


def test_fifteen_groups_are_exact_and_the_next_is_hashed_and_judged() -> None:
    bench = Bench()
    groups = [group(number) for number in range(16)]
    bench.driver.set_multicast(groups)
    assert [bench.card.reg["RAH", index] >> 31 for index in range(16)] == [1] * 16
    bits = [32 * index + bit for index in range(128) for bit in range(32) if bench.card.reg["MTA", index] >> bit & 1]
    assert bits == [hash_index(groups[15])]
    stranger = b"\x33\x33\x00\x00" + groups[15][4:]  # the same hash
    for item in (frame(60, 1, stranger), frame(60, 2, groups[15]), frame(60, 3, groups[0])):
        bench.card.receive(item)
    bench.run()
    assert [item[:6] for item in bench.received] == [groups[15], groups[0]]
    assert bench.driver.counters()["rx_not_for_us"] == 1
    bench.check_account()


def test_too_many_groups_are_all_groups_and_fewer_again_are_not() -> None:
    bench = Bench()
    bench.driver.set_multicast([b"\x01\0\0\0" + number.to_bytes(2, "big") for number in range(MOST_GROUPS + 1)])
    assert bench.card["RCTL"] & RCTL.mask("MPE")
    bench.driver.set_multicast([])
    assert not bench.card["RCTL"] & RCTL.mask("MPE")
    assert not any(bench.card.reg["MTA", index] for index in range(128))
    bench.driver.set_all_multicast(True)
    bench.card.receive(frame(60, 1, group(5)))
    bench.run()
    assert len(bench.received) == 1


def test_tables_are_cleared_at_first_written_by_difference_and_whole_again_after_a_reset() -> None:
    bench = Bench(up=False)
    for index in range(128):
        bench.card.reg["MTA", index] = 0xFFFF_FFFF  # power-on leaves anything
    bench.driver.up()
    assert not any(bench.card.reg["MTA", index] for index in range(128))
    bench.driver.set_multicast([group(number) for number in range(16)])
    bench.card.accesses.clear()
    bench.driver.set_multicast([group(number) for number in range(17)])
    assert bench.card.accesses["MTA"] == 1
    assert bench.card.accesses["RCTL"] == 0  # a write to it makes some models deaf
    bench.driver.down()
    bench.driver.up()
    assert [bench.card.reg["RAH", index] >> 31 for index in range(16)] == [1] * 16


def test_a_model_whose_reset_clears_nothing_ends_up_the_same() -> None:
    """QEMU's. Settings of the first life must not show in the second."""
    benches = [Bench(), Bench()]
    benches[1].card.resets_clear = False
    for bench in benches:
        bench.driver.set_multicast([group(1), group(2)])
        bench.driver.ethtool.set_features(Features(vlan_strip=True, vlan_insert=True, vlan_filter=True))
        bench.driver.down()
        bench.driver.set_multicast([group(3)])
        bench.driver.ethtool.set_features(Features())
        bench.driver.up()
    apart = ("RAL", "RAH", "ICR")  # unused addresses keep what they held; the link's own event
    registers = [{key: value for key, value in bench.card.reg.items() if key[0] not in apart} for bench in benches]
    assert registers[0] == registers[1]
    valid = [[bench.card.reg["RAH", index] for index in range(16)] for bench in benches]
    assert valid[0] == valid[1]


@pytest.mark.parametrize("address", ["020000000001", "01005e0000", ""])
def test_what_is_no_group_is_refused_and_changes_nothing(address: str) -> None:
    bench = Bench()
    bench.driver.set_multicast([group(1)])
    with pytest.raises(ValueError, match="a group's address is six bytes with bit 0"):
        bench.driver.set_multicast([group(2), bytes.fromhex(address)])
    bench.card.receive(frame(60, 1, group(1)))
    bench.run()
    assert len(bench.received) == 1


# ---- VLANs ----


def test_only_the_vlans_wanted_pass_and_untagged_frames_always() -> None:
    bench = Bench(features=FILTER_ON)
    bench.driver.set_vlans([0, 5, 31, 32, 4095])
    vids = (0, 1, 4, 5, 6, 31, 32, 33, 4094, 4095)
    for vid in vids:
        bench.card.receive(tagged(vid, vid))
    bench.card.receive(frame(80))
    bench.run()
    assert bench.received == [*(tagged(vid, vid) for vid in (0, 5, 31, 32, 4095)), frame(80)]
    assert bench.card.rb["RB_RXVLAN"] == 5
    bench.check_account()


def test_vlans_may_change_and_the_filter_too() -> None:
    bench = Bench()
    bench.driver.set_vlans([7])
    passed = []
    for filtered, vids in ((False, None), (True, None), (True, [8]), (True, []), (False, None)):
        bench.driver.ethtool.set_features(Features(vlan_filter=filtered))
        if vids is not None:
            bench.driver.set_vlans(vids)
        before = len(bench.received)
        for vid in (7, 8):
            bench.card.receive(tagged(vid, vid))
        bench.run()
        passed.append([int.from_bytes(item[14:16], "big") for item in bench.received[before:]])
    assert passed == [[7, 8], [7], [8], [], [7, 8]]


def test_promiscuous_sees_every_vlan() -> None:
    bench = Bench(features=FILTER_ON)
    bench.driver.set_promiscuous(True)
    bench.card.receive(tagged(99))
    bench.run()
    assert len(bench.received) == 1


@pytest.mark.parametrize("vid", [-1, 4096])
def test_a_vlan_that_cannot_be_is_refused(vid: int) -> None:
    with pytest.raises(ValueError, match=f"^a VLAN's number is 0 to 4095, not {vid}$"):
        Bench().driver.set_vlans([1, vid])


def test_tags_are_taken_out_and_put_in_when_switched_on() -> None:
    bench = Bench(features=Features(vlan_strip=True, vlan_insert=True))
    bench.card.receive(tagged(0xE123, 1))
    bench.card.receive(frame(80, 1))
    assert bench.send(TxFrame([frame(80, 2)], vlan=0x2005), frame(80, 3), TxFrame([frame(56, 4)], vlan=0)) == 3
    bench.run()
    assert [(item.data, item.vlan) for item in bench.sink.frames] == [(frame(80, 1), 0xE123), (frame(80, 1), None)]
    assert bench.card.wire == [tagged(0x2005, 2), frame(80, 3), tagged(0, 4)[:12] + b"\x81\0\0\0" + frame(56, 4)[12:]]


def test_a_tag_with_tagging_off_or_beyond_16_bits_is_refused_and_the_mtu_counts_it() -> None:
    off, on = Bench(), Bench(features=Features(vlan_strip=True, vlan_insert=True))
    off.send(TxFrame([frame(60)], vlan=5))
    on.send(TxFrame([frame(60)], vlan=0x10000), TxFrame([frame(1515)], vlan=5), TxFrame([frame(1514)], vlan=5))
    for bench in (off, on):
        bench.run()
        bench.check_account()
    assert off.driver.counters()["tx_bad_vlan"] == on.driver.counters()["tx_bad_vlan"] == 1
    assert on.driver.counters()["tx_long"] == 1
    assert len(on.card.wire) == 1
