"""Questions about the statistics block: what each frame counts, and what a read does."""

from __future__ import annotations

from ringbed.hw.formats.em.statistics import STATISTICS
from tests.hw.nics.em.against_qemu.experiments import experiment, received, sent
from tests.hw.nics.em.bench import RCTL, STATION, Card, R, frame, on_wire

BROADCAST, GROUP, STRANGER = b"\xff" * 6, bytes.fromhex("01005e000001"), bytes.fromhex("0200000000ee")
LOCAL = ("RNBC", "MPC")  # of the ring's fill, not of the frames


def counted(card: Card) -> dict[str, int]:
    """Every statistics register that is not 0, in their order; the read clears them."""
    values = {name: card.engine.read(offset) for name, offset, _ in STATISTICS}
    return {name: value for name, value in values.items() if value}


def after_receiving(card: Card, *frames: bytes) -> dict[str, int]:
    counted(card)
    received(card, *frames)
    return counted(card)


@experiment()
def counts_of_received_sizes(card: Card) -> dict[str, int]:
    return after_receiving(card, *map(frame, (64, 65, 127, 128, 255, 256, 511, 512, 1023, 1024, 1518)))


@experiment(rctl=("EN", "BAM", "MPE"))
def counts_of_a_64_byte_frame_with_its_fcs(card: Card) -> dict[str, int]:
    return after_receiving(card, frame(64))


@experiment()
def counts_of_a_64_byte_frame_stripped(card: Card) -> dict[str, int]:
    return after_receiving(card, frame(64))


@experiment(rctl=("EN", "BAM", "MPE"))
def counts_of_groups_and_broadcast(card: Card) -> dict[str, int]:
    return after_receiving(card, *(frame(200, to=to) for to in (BROADCAST, GROUP, GROUP, STATION)))


@experiment(rctl=("EN", "SECRC"))
def counts_of_frames_for_others(card: Card) -> dict[str, int]:
    return after_receiving(card, *(frame(200, to=to) for to in (BROADCAST, GROUP, STRANGER)))


@experiment()
def counts_of_an_oversized_frame(card: Card) -> dict[str, int]:
    return after_receiving(card, frame(1600))


@experiment(rctl=("EN", "BAM"))
def counts_of_a_stripped_tag(card: Card) -> dict[str, int]:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    plain = frame(300)[:-4]
    return after_receiving(card, on_wire(plain[:12] + b"\x81\0\0\5" + plain[12:]))


@experiment(rctl=RCTL)
def counts_with_the_receiver_off(card: Card) -> dict[str, int]:
    card.set("RCTL", 0)
    return after_receiving(card, frame(64))


@experiment()
def counts_of_sent_sizes(card: Card) -> dict[str, int]:
    counted(card)
    sent(card, *(card.pieces(frame(size)[:-4]) for size in (64, 65, 127, 128, 255, 256, 511, 512, 1023, 1024, 1518)))
    return counted(card)


@experiment()
def counts_of_sent_groups_and_broadcast(card: Card) -> dict[str, int]:
    counted(card)
    sent(card, *(card.pieces(frame(200, to=to)[:-4]) for to in (BROADCAST, GROUP, GROUP, STATION)))
    return counted(card)


@experiment()
def counts_of_an_inserted_tag(card: Card) -> dict[str, int]:
    card.set("CTRL", R["CTRL"].mask("SLU", "VME"))
    counted(card)
    sent(card, card.pieces(frame(300)[:-4], VLE=1, special=5))
    return counted(card)


@experiment()
def counts_are_cleared_by_the_read(card: Card) -> list[int]:
    received(card, frame(64), frame(64))
    return [card.get("GPRC"), card.get("GPRC"), card.get("TPR"), card.get("TPR")]


@experiment(rctl=("EN", "BAM"))
def a_pair_is_cleared_by_its_high_word(card: Card) -> list[int]:
    received(card, frame(64))
    return [card.get(name) for name in ("TORL", "TORL", "TORH", "TORL")]


@experiment()
def a_count_is_not_written(card: Card) -> int:
    counted(card)
    card.set("GPRC", 77)
    return card.get("GPRC")
