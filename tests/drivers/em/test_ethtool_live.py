"""Filters, tags, segmentation, moderation, statistics, self test, on our RTL and on QEMU by the very same tests."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from ringbed.drivers.em.stats import NAMES
from ringbed.drivers.ethtool import Coalesce, Features, Pause, RingSizes
from ringbed.drivers.world import TxFrame, TxSum
from ringbed.sim.qemu.qtest import version
from ringbed.sim.qemu.traits import NOT_COUNTED, at
from tests.drivers.bench import frame
from tests.drivers.em.ring.test_offload import message, naive
from tests.drivers.em.ring.test_rx import udp
from tests.drivers.em.ring.test_tx import pieces, unsummed
from tests.drivers.em.test_filter import group, tagged
from tests.drivers.live import MAC, Live, Opener

VLANS = Features(tx_checksum=True, tso=True, vlan_strip=True, vlan_insert=True)


def passes(card: Live, frames: list[bytes]) -> list[bytes]:
    """Which of `frames` are handed on; a broadcast after them says when all had their chance."""
    end = frame(60, 77, b"\xff" * 6)
    assert card.driver.ethtool.link().up  # a read, behind which the settings' posted writes are done
    for item in (*frames, end):
        card.arrive_later(item)
    card.until(lambda: bool(card.frames) and card.frames[-1].data == end)
    return [each.data for each in card.take()[:-1]]


def until_left(card: Live, count: int) -> list[bytes]:
    """Wait for so many frames on the wire."""
    frames: list[bytes] = []

    def all_left() -> bool:
        frames.extend(card.sent())
        return len(frames) >= count

    card.until(all_left)
    return frames


# ---- filters ----


def test_groups_exact_hashed_and_changed(live: Opener) -> None:
    card = live()
    for numbers in (range(3), range(10, 50), range(0)):
        wanted = [group(number) for number in numbers]
        card.driver.set_multicast(wanted)
        sent = [frame(60, number, group(number)) for number in range(60)]
        assert passes(card, sent) == [item for item in sent if item[:6] in wanted]
    card.driver.set_all_multicast(True)
    sent = [frame(60, 1, group(9)), frame(60, 2, bytes.fromhex("020000000077")), frame(60, 3)]
    assert passes(card, sent) == [sent[0], sent[2]]


def test_vlans_filtered_and_not(live: Opener) -> None:
    card = live()
    frames = [tagged(vid, vid) for vid in (0, 1, 31, 32, 100, 4095)] + [frame(60, 5)]
    assert passes(card, frames) == frames
    card.driver.set_vlans([1, 32, 4095])
    card.driver.ethtool.set_features(Features(vlan_filter=True))
    assert passes(card, frames) == [frames[1], frames[3], frames[5], frames[6]]
    card.driver.set_vlans([100])
    assert passes(card, frames) == [frames[4], frames[6]]
    card.driver.ethtool.set_features(Features())
    assert passes(card, frames) == frames


def test_tags_are_taken_out_and_put_in(live: Opener) -> None:
    card = live(features=VLANS)
    card.arrive_later(tagged(0xE123, 1))
    card.arrive_later(frame(80, 2))
    card.until_received(2)
    assert [(each.data, each.vlan) for each in card.take()] == [(frame(80, 1), 0xE123), (frame(80, 2), None)]
    whole = udp(b"y" * 40)
    sums = TxFrame([unsummed(whole)], TxSum.IPV4 | TxSum.UDP, vlan=0x2005)
    card.send_all([TxFrame([frame(80, 3)], vlan=0x2005), frame(80, 4), sums])
    assert card.sent() == [tagged(0x2005, 3), frame(80, 4), whole[:12] + b"\x81\x00\x20\x05" + whole[12:]]


# ---- segmentation ---- (QEMU sends an empty piece more when the payload is a multiple of the MSS: not here)


def send_message(card: Live, item: TxFrame, count: int) -> list[bytes]:
    assert card.send(item) == 1
    return until_left(card, count)


@pytest.mark.parametrize("tcp", [True, False])
@pytest.mark.parametrize("workarounds", [(), ("tso_tail", "descriptor_4k")])
def test_messages_leave_as_the_stack_would_have_sent_them(
    live: Opener, tcp: bool, workarounds: tuple[str, ...]
) -> None:
    card = live(workarounds=workarounds)
    for size, mss in ((1, 1448), (1447, 1448), (1449, 1448), (9000, 536), (30_000, 1400)):
        whole, how, l4 = message(random.Random(size).randbytes(size), tcp=tcp, options=12 if tcp else 0)
        how = replace(how, mss=mss)
        expected = naive(whole, how, l4)
        cuts = sorted({how.header, min(len(whole) - 1, how.header + 777), len(whole) // 2} - {0})
        item = TxFrame(pieces(whole, *cuts), l4_offset=l4, segmentation=how)
        assert send_message(card, item, len(expected)) == expected


def test_tagged_message(live: Opener) -> None:
    card = live(features=VLANS)
    whole, how, l4 = message(random.Random(3).randbytes(3999))
    how = replace(how, mss=1000)
    expected = [item[:12] + b"\x81\0\0\x09" + item[12:] for item in naive(whole, how, l4)]
    item = TxFrame([whole], l4_offset=l4, vlan=9, segmentation=how)
    assert send_message(card, item, len(expected)) == expected


# ---- settings of a running card ----


@pytest.mark.parametrize("link_bps", [None, 10**9, 10**7])
def test_rings_of_other_sizes_under_traffic(live: Opener, link_bps: int | None) -> None:
    card = live(rx_ring=16, tx_ring=16, link_bps=link_bps)
    for size in (64, 8, 256):
        frames = [frame(100 + seed, seed) for seed in range(40)]
        taken = card.send(*frames)
        card.driver.ethtool.set_rings(RingSizes(size, size))
        card.until(lambda: card.driver.link)
        card.send_all(frames[taken:])
        assert until_left(card, 40) == frames
        assert card.arrive(frames, batch=6) == frames
    assert card.driver.counters()["tx_reset"] == 0


@pytest.mark.parametrize("link_bps", [None, 10**9, 10**7])
@pytest.mark.parametrize("whole", [False, True])
def test_what_the_card_has_fetched_is_sent_before_its_ring_goes(
    live: Opener, link_bps: int | None, whole: bool
) -> None:
    """A ring is empty long before a slow wire is: data that was fetched waits in the card."""
    card = live(link_bps=link_bps)
    frames = [frame(1514, seed) for seed in range(10)]
    message_sent, how, l4 = message(random.Random(5).randbytes(9000), tcp=True)
    how = replace(how, mss=1400)
    offered = [TxFrame([message_sent], l4_offset=l4, segmentation=how)] if whole else frames
    wanted = naive(message_sent, how, l4) if whole else frames
    assert card.send(*offered) == len(offered)
    if card.engine == "native":
        while card.driver.queues()[1].used:
            card.host.advance(card.host.now + 1000)
    card.driver.ethtool.set_rings(RingSizes(64, 64))
    card.until(lambda: card.driver.link)
    assert until_left(card, len(wanted)) == wanted
    counters = card.driver.counters()
    assert (counters["tx_reset"], counters["resets"]) == (0, 0)


@pytest.mark.parametrize(
    "wanted",
    [
        Coalesce(rx_usecs=200), Coalesce(rx_usecs=100, rx_usecs_max=300, tx_usecs=100, tx_usecs_max=300),
        Coalesce(interrupts_per_second=8000), Coalesce(adaptive=True), Coalesce(rx_usecs=500, rx_small_bytes=100),
    ],
)  # fmt: skip
def test_moderated_traffic_is_whole_and_in_order(live: Opener, wanted: Coalesce) -> None:
    card = live()
    card.driver.ethtool.set_coalesce(wanted)
    frames = [frame(60 + 13 * seed, seed) for seed in range(100)]
    assert card.arrive(frames, batch=20) == frames
    card.send_all(frames)
    assert card.sent() == frames
    card.until(lambda: card.driver.queues()[1].used == 0)


def test_statistics_count_what_went_over_the_wire(live: Opener) -> None:
    card = live()
    out, into = [frame(size, size) for size in (60, 61, 1514)], [frame(100, 1), frame(600, 2, b"\xff" * 6)]
    card.send_all(out)
    card.arrive(into)
    card.driver.ethtool.set_rings(RingSizes(64, 64))  # a reset between
    card.until(lambda: card.driver.link)
    card.send_all(out)
    got = card.driver.ethtool.statistics()
    wanted = {
        "tx_packets": 6, "tx_bytes": 2 * (60 + 61 + 1514 + 12), "rx_packets": 2, "rx_bytes": 708, "rx_broadcast": 1,
        "rx_65_to_127": 1, "rx_512_to_1023": 1, "tx_64": 2, "tx_65_to_127": 2, "tx_1024_to_max": 2,
        "rx_missed_errors": 0, "rx_crc_errors": 0, "collisions": 0,
    }  # fmt: skip
    assert {name: got[name] for name in wanted} == as_counted(card, wanted)


def as_counted(card: Live, wanted: dict[str, int]) -> dict[str, int]:
    """`wanted` with 0 where the QEMU at hand counts nothing."""
    silent = at(version(), NOT_COUNTED) if card.engine == "qemu" else ()
    return {name: 0 if set(NAMES[name]) <= set(silent) else count for name, count in wanted.items()}


def test_a_message_is_counted_once(live: Opener) -> None:
    card = live()
    whole, how, l4 = message(bytes(4999))
    item = TxFrame([whole], l4_offset=l4, segmentation=replace(how, mss=1000))
    send_message(card, item, 5)
    got = card.driver.ethtool.statistics()
    wanted = {"tx_tcp_seg_good": 1, "tx_tcp_seg_failed": 0, "tx_packets": 5}
    assert {name: got[name] for name in wanted} == as_counted(card, wanted)


def test_flow_control_by_force_is_in_ctrl(live: Opener) -> None:
    card = live()
    assert not card.driver.ethtool.link().pause_tx
    card.driver.ethtool.set_pause(Pause(False, True, True))
    ctrl = card.driver.ethtool.registers(["CTRL"])[0].fields
    assert (ctrl["RFCE"], ctrl["TFCE"]) == (1, 1)


# ---- self test and registers ----

# What QEMU's model does not have; see sim/qemu/traits.py.
LACKING = {"native": set[str](), "qemu": {"registers", "mac loopback"}}


def test_self_test_passes_but_for_what_the_model_lacks_and_the_card_works_on(live: Opener) -> None:
    card = live()
    card.arrive([frame(100, 1)])
    before = card.driver.ethtool.statistics()
    checks = card.driver.ethtool.self_test()
    failed = {each.name: each.detail for each in checks if not each.passed}
    assert failed.keys() == LACKING[card.engine], failed
    card.until(lambda: card.driver.link)
    assert card.driver.ethtool.statistics() == before
    assert card.arrive([frame(100, 2)]) == [frame(100, 2)]
    card.send_all([frame(100, 3)])
    assert card.sent()[-1] == frame(100, 3)
    assert all(each.passed for each in card.driver.ethtool.self_test(offline=False))


def test_registers_say_what_the_driver_wrote(live: Opener) -> None:
    card = live()
    shown = {each.name: each for each in card.driver.ethtool.registers()}
    assert shown["RCTL"].fields["EN"] == shown["TCTL"].fields["EN"] == shown["STATUS"].fields["LU"] == 1
    assert shown["RAL[0]"].value == int.from_bytes(MAC[:4], "little")
    assert shown["RDLEN"].value == 4096
