"""Every counter and every fold of a block comes to its edge in a test, and what it does there is seen.

Counters and folds are found in the elaborated block (`edges.py`), so a new one is missing here. A counter's edge is the
highest value that it can have, or that what it counts can come to; it is held by the test that stands beside it: in the
full run the block is made wrong by one bit as the counter comes to that value, and as it goes on from there, and the
test must fail. A fold's edge is its highest carry, without which the test must fail.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
from amaranth.hdl import Fragment

from ringbed.hw.bus.card_reset import SETTLE
from ringbed.hw.bus.dma import OUTSTANDING
from ringbed.hw.formats.em.statistics import PAIRS, STATISTICS
from ringbed.hw.stream.frame_facts import FrameFacts
from ringbed.sim.synth.blocks import blocks_of
from tests.hw.edges import counters, folds
from tests.hw.test_outputs import BLOCKS, ROOT, as_tested, file_of
from tests.hw.widths import has_width

TOP16, TOP32, TOP64 = (1 << 16) - 1, (1 << 32) - 1, (1 << 64) - 1
LAST = 0xFFF80 // 16 - 1  # descriptor of the largest ring
ENTRIES_RX, ENTRIES_TX = 128, 64  # that wait to be written

Edge = tuple[int, str]  # the highest value, or a fold's highest bit; the test
STICKS = "test_every_counter_sticks_at_all_ones"
WRAPS = "test_ring_order_through_wraps[24-16-5-64]"
OVER = "test_frames_over_buffers[64-0.4-0.3]"
LONG = "test_a_message_of_any_length_from_any_descriptors"
WHOLE = "test_a_region_of_the_whole_memory[512]"
ROUND = "test_identification_and_sequence_go_round[64]"
NUMBERS = "test_the_numbers_of_frames_go_round"
MANY = "test_ring_order_through_many_wraps"
AWAY = "test_as_many_as_can_be_on_their_way"
PACKETS = "test_packet_checksums_whose_first_fold_has_a_carry_beyond_17_bits[64]"
SUMS = "test_good_and_bad_sums_with_a_carry_beyond_17_bits[6-64]"
ONES, FOLDS_TX = "test_long_frames_of_ones", "test_first_folds_that_need_18_bits[64]"
PLACES, HEADERS = "test_places_at_the_end_of_the_longest_frame", "test_good_headers_with_a_carry[64]"
LONGEST = "test_the_longest_message_in_the_longest_segments"
FULL = "test_a_frame_of_as_many_entries_as_fit"

COUNTED = """
    CRCERRS RXERRC MPC RLEC XONRXC XONTXC XOFFRXC XOFFTXC FCRUC PRC64 PRC127 PRC255 PRC511 PRC1023 PRC1522 GPRC BPRC
    MPRC GPTC GORC GOTC RNBC RUC RFC ROC RJC TOR TOT TPR TPT PTC64 PTC127 PTC255 PTC511 PTC1023 PTC1522 MPTC BPTC TSCTC
    TSCTFC
""".split()
# The statistics of the table that this card has nothing for: half duplex, SerDes, a management controller.
STAY_0 = """
    ALGNERRC SYMERRS SCC ECOL MCC LATECOL COLC DC TNCRS SEC CEXTERR MGTPRC MGTPDC MGTPTC
""".split()

COUNTERS: dict[str, dict[str, Edge]] = {
    # a frame of 16 KiB; the beats of a head, where it stays
    "stream.frame_facts.FrameFacts": {
        "after": (16384, "test_the_longest_frame"), "number": (16, "test_the_longest_frame"),
    },
    # a chunk that begins under 4 GiB and ends above; the longest that the buffers allow
    "bus.burst.BurstSplit": {
        "address": (1 << 32, "test_bursts_of_a_chunk[64-0.0]"), "left": (16384, "test_bursts_of_a_chunk[64-0.0]"),
    },
    "bus.card_reset.CardReset": {
        "waited": (SETTLE, "test_started_again_it_settles_again"),
    },
    "bus.dma.DmaRead": {"outstanding": (OUTSTANDING, "test_no_more_than_64_bursts_are_out")},
    "bus.dma.DmaWrite": {"outstanding": (OUTSTANDING, "test_no_more_than_64_bursts_are_out")},
    "bus.read_buffer.ReadBuffer": {"room": (100, "test_room_is_kept_for_what_was_asked[0]")},  # all of the test's
    # numbers modulo 1024; `written` goes by 125, to 1000 and past the end
    "interrupt.rx_delay.RxDelay": {
        "landed": (1023, NUMBERS), "written": (1000, NUMBERS),
    },
    "interrupt.tx_delay.TxDelay": {
        "urgent": (ENTRIES_TX, "test_none_is_held_while_one_of_many_is_urgent"),
        "late": (ENTRIES_TX, "test_as_many_as_can_wait_to_be_written"),
        "goal": (ENTRIES_TX, "test_as_many_as_can_wait_to_be_written"),
    },
    "mac.pause_tx.PauseSend": {"index": (2, "test_the_frames[64]")},  # 18 bytes
    "mac.rx.MacRx": {"length": (32767, "test_longest_frames_and_beyond")},
    "mac.rx_head.RxHead": {"number": (3, "test_fields[0.0-64]")},
    "mac.tx.MacTx": {"index": (7, "test_every_length[True-True]")},  # of the beat with byte 60; above, all are one
    "mac.tx_meter.TxMeter": {"before": (16384 - 8, "test_every_frame[64]")},
    "ring.completion.Completion": {
        "ready": (ENTRIES_RX, f"{FULL}[128-64]"), "open_entries": (ENTRIES_RX, f"{FULL}[129-512]"),
        "answered": (255, WRAPS), "left": (8, WRAPS), "index": (LAST - 3, "test_the_largest_ring_goes_round[64]"),
        # of a batch of 8, those before its last
        "amount_before": (7, WRAPS), "frames_before": (7, f"{FULL}[128-64]"), "now_before": (7, f"{FULL}[128-64]"),
        "lates_before": (5, WRAPS), "place": (3, f"{FULL}[129-512]"),
        # of sixteen batches eight silent ones, behind one on the bus and before seven
        "responses": (7, "test_responses_wait_behind_as_many_silent_entries_as_there_can_be"),
    },
    "ring.descriptor_queue.DescriptorQueue": {
        "coming": (32, f"{AWAY}[64]"), "stale": (32, f"{AWAY}[64]"), "away": (32, f"{AWAY}[128]"),
        "moved": (6, f"{MANY}[200-1.0-256]"), "inside": (29, f"{MANY}[200-1.0-512]"),
        "taken": (3, f"{MANY}[24-0.5-512]"),
    },
    "ring.fetch.RingFetch": {
        "next_index": (LAST - 7, "test_the_largest_ring_goes_round[64]"),
        "head": (LAST, "test_the_largest_ring_goes_round[64]"),
    },
    "rx.checksum.ChecksumRx": {
        "header_total": (13573609200, SUMS), "payload_total": (1653579118715, SUMS),
        "packet_total": (3001 * TOP32 + 3001, PACKETS),
    },
    "rx.parse.Parse": {
        # words of the longest IPv4 header; bytes behind a frame's first 64; words of the longest extension header
        "known_index": (7, "test_every_kind_of_frame[64-0.4]"), "known_skip": (7, "test_every_kind_of_frame[64-0.4]"),
        "known_remain": (16384 - 4 - 14 - 56, "test_the_longest_packets[4]"),
    },
    "rx.realign.Realign": {"position": ((1 << 15) - 64, "test_the_position_stays_at_its_end")},
    "rx.ring.RxMove": {"moved": (504, "test_chunks_of_several_bursts")},
    "rx.ring.RxPlace": {"sequence": (255, OVER), "placed": (16320, OVER)},
    "station.counters.Counters": dict.fromkeys(("one", "some", "many"), (TOP32, "test_counters_at_their_end[1]")),
    "station.counters.Pending": {"count": (TOP16, "test_pending_holds_as_many_as_sixteen_bits_say")},
    "station.eeprom.Microwire": {"taken": (9, "test_one_clock_of_chip_select_low_ends_a_command")},
    "station.phy.Phy": {"errors": (TOP16, "test_the_count_of_errors_stays_at_its_end")},
    "station.statistics.Statistics": {name: (TOP64 if name in PAIRS else TOP32, STICKS) for name in COUNTED},
    "stream.frame_store.FrameStore": {
        "start": (1023, WHOLE), "place": (1023, WHOLE), "read_at": (1023, WHOLE), "trial": (1024, WHOLE),
        "used": (1024, WHOLE), "held": (2, WHOLE),
    },
    "stream.patch.Patch": {"index": (2035, "test_offsets_to_the_end_of_the_longest_frame")},
    "tx.checksum.ChecksumTx": {
        "after": (16280, PLACES), "total_0": (17476221857820, ONES), "total_1": (17450468896545, ONES),
    },
    "tx.pack.Pack": {
        "moved": (504, "test_fragments_of_several_bursts"), "rest_count": (63, "test_wide_paths[512]"),
    },
    "tx.ring.RingTx": {"total": ((1 << 21) - 1, LONG), "sequence": (255, LONG), "done": (1040384, LONG)},
    "tx.segment.Segment": {
        "after": ((1 << 20) - 1 - TOP16, LONGEST), "left": (240 + TOP16, LONGEST),
        "index": (31, "test_the_largest_header_and_the_smallest"),  # one past the header's last beat
    },
    "tx.segment_cut.SegmentCut": {
        "amount": (63, "test_any_message[0.0-512]"),
        "taken": ((1 << 18) - 1, "test_the_count_of_beats_stays_at_its_end[2-2097144-True]"),
    },
    "tx.segment_header.SegmentHeader": {
        "step": (10, "test_any_fields_of_any_header[64]"), "ident": (TOP16, ROUND), "sequence": (TOP32, ROUND),
    },
    "tx.send.TxSend": {
        "gone": (16288 - 32, "test_the_longest_frame"), "inside": (3, "test_frames_on_the_wire[0.0-0.0-False]"),
    },
    "tx.sums.TxSums": {"beats": (2035, "test_the_longest_frame")},
    "tx.vlan_insert.VlanInsert": {
        "index": (2, "test_every_length[0.0-64]"), "carry_count": (4, "test_every_length[0.0-64]"),
    },
}  # fmt: skip

FOLDS: dict[str, dict[str, Edge]] = {
    "rx.checksum.ChecksumRx": {
        "packet_1": (17, PACKETS), "packet_folded_once": (16, PACKETS),
        "payload_1": (17, SUMS), "header_1": (16, HEADERS),
        "header_folded_once": (16, SUMS), "payload_folded_once": (16, SUMS),
        "header_total": (33, SUMS), "payload_total": (40, SUMS), "packet_total": (43, PACKETS),
    },
    "tx.checksum.ChecksumTx": {
        "once_0": (17, FOLDS_TX), "once_1": (17, FOLDS_TX), "folded_0_once": (16, FOLDS_TX),
        "folded_1_once": (16, FOLDS_TX),
        "total_0": (43, ONES), "total_1": (43, ONES),
    },
    "tx.segment_header.SegmentHeader": {"once": (16, "test_the_pseudo_headers_sum_and_its_carry[64]")},
}  # fmt: skip

# What no test can see, and why.
WHOLE_BATCH = "the whole batch's: nobody looks at it, and the next batch begins at 0"
BEHIND_LAST = "the number behind a frame's last beat: the next frame begins at 0"
VERDICT = "a carry leaves next to nothing below it, which is not 0xFFFF with it or without: so the verdict is bad"
SAME: dict[str, dict[str, str]] = {
    "rx.checksum.ChecksumRx": {"carry header_folded_once 16": VERDICT, "carry payload_folded_once 16": VERDICT},
    "tx.checksum.ChecksumTx": {"from after 16280": BEHIND_LAST},
    "stream.patch.Patch": {"from index 2035": BEHIND_LAST},
    "tx.ring.RingTx": {"to total 2097151": "it is compared with lengths of 15 bits alone: much is as good as more"},
    "tx.sums.TxSums": {"from beats 2035": BEHIND_LAST},
    "ring.completion.Completion": {
        "from amount_before 7": WHOLE_BATCH, "from now_before 7": WHOLE_BATCH,
    },
}  # fmt: skip


def test_every_statistic_is_a_counter_or_stays_0() -> None:
    named = {name for name, _, _ in STATISTICS}
    assert named == set(STAY_0) | {
        word for name in COUNTED for word in ((name + "L", name + "H") if name in PAIRS else (name,))
    }


@cache
def widest() -> dict[Any, Any]:
    """A block of each class as the widest card has it, and what the lab's card alone has."""
    found = {type(block.component): block.component for block in blocks_of("em", 512).values()}
    return found | {FrameFacts: FrameFacts(512, 8, 4, 4)}


@cache
def made(block: str) -> list[Fragment]:
    """The block as tested; if it has a width, of the widest card too, which has counters that the narrowest has not."""
    kind = BLOCKS[block]
    return [Fragment.get(each, None) for each in [as_tested(block)] + [widest()[kind]] * has_width(kind)]


@pytest.mark.parametrize("block", sorted(BLOCKS))
def test_every_counter_has_its_edge_in_a_test(block: str) -> None:
    assert {name for fragment in made(block) for name in counters(fragment)} == COUNTERS.get(block, {}).keys()


@pytest.mark.parametrize("block", sorted(BLOCKS))
def test_every_fold_has_its_carry_in_a_test(block: str) -> None:
    assert {name for fragment in made(block) for name in folds(fragment)} == FOLDS.get(block, {}).keys()


def ways(block: str) -> list[str]:
    """Every way in which a counter or fold of a block is wrong at its edge, with the test that must see it."""
    said = [
        f"{file_of(block)}::{test} {way} {name} {value}"
        for name, (value, test) in COUNTERS.get(block, {}).items() for way in ("to", "from")
    ]  # fmt: skip
    return said + [f"{file_of(block)}::{test} carry {name} {bit}" for name, (bit, test) in FOLDS.get(block, {}).items()]


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("block", sorted(COUNTERS.keys() | FOLDS.keys()))
def test_a_test_fails_for_every_counter_and_fold_that_is_wrong_at_its_edge(block: str) -> None:
    kind = BLOCKS[block]
    command = [sys.executable, "-m", "tests.hw.edge_mutants", kind.__module__, kind.__name__, *ways(block)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    assert {line.split(" ", 1)[1] for line in run.stdout.splitlines()} == SAME.get(block, {}).keys()
