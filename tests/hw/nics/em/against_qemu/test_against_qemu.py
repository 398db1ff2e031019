"""Our RTL and QEMU's e1000, asked the same questions: where they differ is pinned, value by value, for both.

An experiment that is not in PINS must come out equal. One that is must come out as its line says on either side, so a
change of ours that alters a difference fails here. `sim/qemu/traits.py` says each in words, by QEMU's version, and whom
the manual is with; docs/nics/em.md has that table. A QEMU between two versions that were asked may answer as either.
One newer than all of them may answer as it likes: that is left out with a word, and CI fails, for the table is old.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.qemu.engine import QemuEngine
from ringbed.sim.qemu.qtest import NewerQemu, version
from ringbed.sim.qemu.traits import ASKED, TRAITS, Trait, Version, at, markdown, text
from ringbed.sim.testbed.assembly import EM_PCI
from tests.hw.nics.em.against_qemu import ask_filters as em_ask_filters
from tests.hw.nics.em.against_qemu import ask_moderation as em_ask_moderation
from tests.hw.nics.em.against_qemu import ask_receive as em_ask_receive
from tests.hw.nics.em.against_qemu import ask_registers as em_ask_registers
from tests.hw.nics.em.against_qemu import ask_segments as em_ask_segments
from tests.hw.nics.em.against_qemu import ask_statistics as em_ask_statistics
from tests.hw.nics.em.against_qemu import ask_transmit as em_ask_transmit
from tests.hw.nics.em.against_qemu.experiments import EXPERIMENTS
from tests.hw.nics.em.bench import Card

FILES = (
    em_ask_filters, em_ask_moderation, em_ask_receive, em_ask_registers, em_ask_segments, em_ask_statistics,
    em_ask_transmit,
)  # fmt: skip
NOTES = Path(__file__).parents[5] / "docs" / "nics" / "em.notes.md"


@dataclass(frozen=True)
class Pin:
    """What comes out on either side: of the first QEMU that was asked, and `later` by version, with that trait."""

    trait: str
    card: Any
    qemu: Any
    later: Mapping[Version, tuple[str, Any]] = field(default_factory=dict)

    @property
    def since(self) -> dict[Version, Any]:
        return {ASKED[0]: self.qemu} | {first: answer for first, (_, answer) in self.later.items()}

    def answers(self, of: Version) -> list[Any]:
        """What QEMU may say: one answer for a version that was asked, else that of its neighbours among them."""
        older = max((asked for asked in ASKED if asked <= of), default=ASKED[0])
        newer = min((asked for asked in ASKED if asked >= of), default=of)
        return [answer for first, answer in self.since.items() if older < first <= newer] + [at(older, self.since)]


def equal_until(first: Version, trait: str, card: Any, qemu: Any) -> Pin:
    """Before `first`, QEMU did as the card does."""
    return Pin(trait, card, card, {first: (trait, qemu)})


SIZES = {"PRC127": 2, "PRC255": 2, "PRC511": 2, "PRC1023": 2, "GPRC": 11, "GORCL": 5483, "TORL": 5483, "TPR": 11}
SENT = {"PTC64": 1, "PTC127": 2, "PTC255": 2, "PTC511": 2, "PTC1023": 2, "PTC1522": 2}
GROUPS = {"PRC255": 4, "GPRC": 4, "GORCL": 800, "TORL": 800, "TPR": 4}
THREE = [f"1054 len 1040 id {row}" for row in ("fffe seq 0 flags A", "ffff seq 1000 flags A", "0000 seq 2000 flags PA")]
OPTIONS = [row.replace("1054 len 1040", "1066 len 1052") for row in THREE]
EMPTY = "60 len 40 id 0001 seq 3000 flags PA"
WRONG = " wrong IP wrong TCP"
PINS: dict[str, Pin] = {
    "status_after_link": Pin("reset values", "0x83", "0x80080783"),
    "ctrl_at_reset": Pin("reset values", "0x201", "0x140240"),
    "software_reset_clears": Pin(
        "software reset", ["RCTL", "TCTL", "IMS", "RXDCTL", "TIPG", "RDTR"], ["TIPG"]  # TIPG: never kept anything
    ),
    "kept_tipg": Pin("not implemented", "0x60200a", "0x0"),
    "kept_rxdctl": Pin("not implemented", "0x1020304", "0x0"),
    "kept_rxcsum": Pin("not implemented", "0x70e", "0x0"),
    "kept_tidv": Pin("not implemented", "0x1234", "0x0"),
    "kept_rsrpd": Pin("not implemented", "0x123", "0x0"),
    "kept_fcal": Pin("not implemented", "0xc28001", "0x0"),
    "kept_fcah": Pin("not implemented", "0x100", "0x0"),
    "kept_fct": Pin("not implemented", "0x8808", "0x0"),
    "kept_fcttv": Pin("not implemented", "0x1234", "0x0"),
    "kept_fcrtl": Pin("not implemented", "0x80002000", "0x0"),
    "kept_fcrth": Pin("not implemented", "0x4000", "0x0"),
    "kept_pba": Pin("packet buffer", "0x200020", "0x20"),
    "kept_rdbal": Pin("ring base", "0xabcd1230", "0xabcd1234"),
    "eecd_grant_without_request": Pin("eeprom pins", 0, 1),
    "kept_txcw": Pin("not implemented", "0xc0001234", "0x0"),
    "phy_registers_that_answer": Pin(
        "phy registers", list(range(32)), [*range(7), 9, 10, 16, 17, 20, 21]
    ),
    "phy_status_with_link": Pin("phy status", "R 796d", "R 794d"),
    "short_frame_without_psp": Pin("padding", [36], [60]),
    "frame_without_ifcs": Pin("ifcs", [100], [104]),
    "legacy_insert_checksum": Pin("legacy checksum", "inserted", "as given"),
    "tcp_sum_that_comes_out_0": Pin("zero sums", "0000", "ffff"),
    "ip_sum_that_comes_out_0": Pin("zero sums", "0000", "ffff"),
    "legacy_and_data_descriptors_in_one_frame": Pin("mixed frame", 0, 1),
    "data_descriptor_longer_than_64_k": Pin("data length", [], [60]),
    "longest_frame_sent": Pin("longest sent", [16288], [16288, 16289]),
    "dd_for_rps": Pin("rps", [0], [1]),
    "causes_of_a_tail_written_again": Pin("empty run", "", "TXQE"),
    "runt": Pin("runt", [], [60], {(10, 0): ("runt", [36])}),
    "bad_fcs_with_sbp": Pin("fcs check", 1, 0),
    "fcs_kept": Pin("fcs kept", [100, True], [100, False]),
    "longest_frame_received": Pin(
        "longest received", [1518], [1518, 1519, 1522], {(8, 1): ("longest received", [1518])}
    ),
    "longest_long_frame_received": Pin(
        "longest received", [16380], [16380, 16381, 16384], {(8, 1): ("longest received", [16380])}
    ),
    "status_of_udp": Pin("rx verdict", "TCPCS IPCS", "IXSM"),
    "status_of_a_bad_udp_sum": Pin("rx verdict", "TCPCS IPCS TCPE", "IXSM"),
    "packet_checksum": Pin("packet checksum", "the sum", "0000"),
    "frame_longer_than_the_buffers_left": Pin("buffers short", ["no RXO", [1000]], ["RXO", []]),
    "receive_right_after_rctl": Pin("deaf", 1, 0),
    # filters and tags
    "address_filter_mpe": equal_until(
        (10, 0), "group promiscuous", ["station", "broadcast", "group"], ["station", "group"]
    ),
    "address_filter_upe_mpe": equal_until(
        (10, 0), "group promiscuous", ["station", "stranger", "broadcast", "group"], ["station", "stranger", "group"]
    ),
    "hash_and_a_stranger": Pin("hash", 0, 1),
    "canonical_form_filter": Pin("cfi", ["81000005", "88b5c044"], ["81000005", "81001005", "88b5c044"]),
    "tag_in_every_descriptor": Pin("tag in descriptors", [[0, "0000"], [0, "0000"], [1, "2005"]], [[1, "2005"]] * 3),
    # statistics
    "counts_of_received_sizes": Pin(
        "count sizes", SIZES | {"PRC64": 1, "PRC1522": 2}, SIZES | {"PRC1522": 1},
        {(11, 1): ("counts left out", {"GPRC": 11, "TORL": 5483, "TPR": 11})},
    ),
    "counts_of_a_64_byte_frame_stripped": Pin(
        "count sizes", {"PRC64": 1, "GPRC": 1, "GORCL": 64, "TORL": 64, "TPR": 1},
        {"GPRC": 1, "GORCL": 64, "TORL": 64, "TPR": 1},
        {(11, 1): ("counts left out", {"GPRC": 1, "TORL": 64, "TPR": 1})},
    ),
    "counts_of_groups_and_broadcast": Pin(
        "count broadcast", GROUPS | {"BPRC": 1, "MPRC": 2}, GROUPS | {"MPRC": 3},
        {(10, 0): ("count broadcast", GROUPS | {"BPRC": 1, "MPRC": 2}),
         (11, 1): ("counts left out", {"GPRC": 4, "TORL": 800, "TPR": 4})},
    ),
    "counts_of_an_oversized_frame": Pin(
        "count oversize", {"RLEC": 1, "ROC": 1, "TORL": 1600, "TPR": 1}, {"ROC": 1},
        {(11, 1): ("counts left out", {})},
    ),
    "counts_of_a_stripped_tag": Pin(
        "count tags", {"PRC511": 1, "GPRC": 1, "GORCL": 304, "TORL": 304, "TPR": 1},
        {"PRC511": 1, "GPRC": 1, "GORCL": 300, "TORL": 300, "TPR": 1},
        {(11, 1): ("counts left out", {"GPRC": 1, "TORL": 300, "TPR": 1})},
    ),
    "counts_of_an_inserted_tag": Pin(
        "count tags", {"GPTC": 1, "GOTCL": 304, "TOTL": 304, "TPT": 1, "PTC511": 1},
        {"GPTC": 1, "GOTCL": 300, "TOTL": 300, "TPT": 1, "PTC511": 1},
        {(11, 1): ("counts left out", {"GPTC": 1, "TOTL": 300, "TPT": 1})},
    ),
    "counts_of_a_message_of_one_segment": Pin(
        "count segments", {"GPTC": 1, "GOTCL": 758, "TOTL": 758, "TPT": 1, "PTC1023": 1, "TSCTC": 1},
        {"GPTC": 1, "GOTCL": 758, "TOTL": 758, "TPT": 1, "PTC1023": 1},
        {(11, 1): ("counts left out", {"GPTC": 1, "TOTL": 758, "TPT": 1})},
    ),
    "counts_of_a_64_byte_frame_with_its_fcs": equal_until(
        (11, 1), "counts left out", {"PRC64": 1, "GPRC": 1, "GORCL": 64, "TORL": 64, "TPR": 1},
        {"GPRC": 1, "TORL": 64, "TPR": 1},
    ),
    "counts_of_sent_sizes": equal_until(
        (11, 1), "counts left out", {"GPTC": 11, "GOTCL": 5483, "TOTL": 5483, "TPT": 11} | SENT,
        {"GPTC": 11, "TOTL": 5483, "TPT": 11},
    ),
    "counts_of_sent_groups_and_broadcast": equal_until(
        (11, 1), "counts left out", {"GPTC": 4, "GOTCL": 800, "TOTL": 800, "TPT": 4, "PTC255": 4, "MPTC": 2, "BPTC": 1},
        {"GPTC": 4, "TOTL": 800, "TPT": 4},
    ),
    "counts_of_segments": equal_until(
        (11, 1), "counts left out",
        {"GPTC": 3, "GOTCL": 2674, "TOTL": 2674, "TPT": 3, "PTC1023": 1, "PTC1522": 2, "TSCTC": 1},
        {"GPTC": 3, "TOTL": 2674, "TPT": 3},
    ),
    # segmentation
    "segments_of_ipv6": Pin(
        "ipv6 length",
        ["1514 len 1460 seq 0 flags A", "1514 len 1460 seq 1440 flags A", "194 len 140 seq 2880 flags PA"],
        ["1514 len 1500 seq 0 flags A", "1514 len 1500 seq 1440 flags A", "194 len 180 seq 2880 flags PA"],
    ),
    "segments_with_tcp_options": Pin("empty segment", OPTIONS, [*OPTIONS, "66 len 52 id 0001 seq 3000 flags PA"]),
    "segments_of_an_exact_multiple": Pin("empty segment", THREE, [*THREE, EMPTY]),
    "segments_of_data_in_pieces": Pin("empty segment", THREE, [*THREE, EMPTY]),
    "segments_with_header_and_data_in_one_descriptor": Pin("empty segment", THREE, [*THREE, EMPTY]),
    "segments_without_sums": Pin(
        "empty segment",
        [f"1054 len 1040 id fffe seq 0 flags A{WRONG}", f"1054 len 1040 id ffff seq 1000 flags PA{WRONG}"],
        [f"1054 len 1040 id fffe seq 0 flags A{WRONG}", f"1054 len 1040 id ffff seq 1000 flags PA{WRONG}",
         f"60 len 40 id 0000 seq 2000 flags PA{WRONG}"],
    ),
    "segments_of_more_data_than_was_said": Pin(
        "wrong length", ["1054 len 1040 id fffe seq 0 flags A", "554 len 540 id ffff seq 1000 flags PA"],
        ["1054 len 1040 id fffe seq 0 flags A", "1054 len 1040 id ffff seq 1000 flags PA",
         "554 len 540 id 0000 seq 2000 flags A"],
    ),
    "segments_of_less_data_than_was_said": Pin(
        "wrong length", THREE[:2], [*THREE[:2], "554 len 540 id 0000 seq 2000 flags A"],
    ),
    # causes, pause frames, loopback
    "txdw_of_a_delayed_descriptor": Pin("delays", "TXQE", "TXDW TXQE"),
    "rxt0_with_a_long_rdtr": Pin("delays", "", "RXT0"),
    "small_packet": Pin("small packets", "RXT0 SRPD", "RXT0"),
    "pause_received": Pin("pause", 1, 0),
    "pause_sent_by_software": Pin("pause", 1, 0),
    "loopback_in_the_mac": Pin("loopback", [0, 1], [1, 0]),
}  # fmt: skip
ELSEWHERE = {"identity"}  # pinned by a test of its own below


def answer(kind: str, name: str) -> Any:
    experiment = EXPERIMENTS[name]
    options = {"leap": True, **experiment.options} if kind == "qemu" else dict(experiment.options)
    if kind != "qemu":
        options.pop("leap", None)
    card = Card(kind, **options)
    card.provoked = True  # some questions are about what a driver must not do
    try:
        return experiment.ask(card)
    finally:
        card.close()


@pytest.mark.qemu
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_both_answer_as_is_known(name: str) -> None:
    here, qemu, at_hand = answer("native", name), answer("qemu", name), version()
    pin = PINS.get(name) or Pin("", here, here)
    assert here == pin.card
    if at_hand > ASKED[-1] and qemu not in pin.answers(at_hand):
        raise NewerQemu(f"QEMU {text(at_hand)} answers otherwise than {text(ASKED[-1])}, the newest that was asked")
    assert qemu in pin.answers(at_hand)


@pytest.mark.qemu
def test_the_identities_differ_as_is_known() -> None:
    card = Card("qemu", up=False)
    assert isinstance(card.engine, QemuEngine)
    theirs = card.engine.pci
    card.close()
    assert (theirs.vendor, theirs.device, theirs.class_code) == (EM_PCI.vendor, EM_PCI.device, EM_PCI.class_code)
    assert (theirs.revision, theirs.bars) == (3, (131072, 64))
    assert (EM_PCI.revision, EM_PCI.bars, EM_PCI.io_bar) == (2, (131072, 0, 8), 2)


def test_every_file_of_questions_is_asked() -> None:
    files = {path.stem for path in Path(__file__).parent.glob("ask_*.py")}
    assert files == {module.__name__.rpartition(".")[2] for module in FILES}


def test_every_trait_is_pinned_and_every_pin_has_one() -> None:
    named = {pin.trait for pin in PINS.values()} | {trait for pin in PINS.values() for trait, _ in pin.later.values()}
    assert named | ELSEWHERE == set(TRAITS)
    assert set(PINS) <= set(EXPERIMENTS)
    assert all(any(answer != pin.card for answer in pin.since.values()) for pin in PINS.values())


def test_a_later_answer_is_another_and_its_trait_has_words_from_then_on() -> None:
    for pin in PINS.values():
        assert list(pin.since) == sorted(pin.since)
        assert all(before != after for before, after in pairwise(pin.since.values()))
        assert all(first in TRAITS[trait].since for first, (trait, _) in pin.later.items())
    told = {(trait, first) for pin in PINS.values() for first, (trait, _) in pin.later.items()}
    assert told == {(name, first) for name, trait in TRAITS.items() for first in list(trait.since)[1:]}


@pytest.mark.parametrize(
    ("of", "may_say"),
    [((6, 0), [1]), ((7, 2), [1]), ((8, 0), [2, 1]), ((10, 0), [2]), ((10, 2), [3, 2]), ((11, 1), [3]), ((12, 0), [3])],
)
def test_a_version_between_two_may_say_what_either_says(of: Version, may_say: list[int]) -> None:
    assert Pin("", 0, 1, {(8, 1): ("", 2), (11, 1): ("", 3)}).answers(of) == may_say


def test_the_notes_have_the_table() -> None:
    assert markdown() in NOTES.read_text()
    assert all(f"{text(asked)}" in markdown().splitlines()[0] for asked in ASKED)


def test_words_by_version_go_up_from_the_first_that_was_asked() -> None:
    assert Trait("", "", {(7, 2): "so", (8, 1): "thus"}, "open", "").words == "before 8.1 so; from 8.1 thus"
    for since in ({(8, 1): "so"}, {(7, 2): "so", (9, 0): "thus", (8, 1): "other"}, {}):
        with pytest.raises(ValueError, match="words by version go up from 7.2"):
            Trait("", "", since, "open", "")


def test_a_trait_is_with_somebody_or_open() -> None:
    with pytest.raises(ValueError, match="not 'us'"):
        Trait("", "", "", "us", "")
