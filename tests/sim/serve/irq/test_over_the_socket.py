"""A card's lines, moved by register writes, heard by a client as INTx, MSI and MSI-X; configuration space beside it."""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.serve.header import Command, Header, parse_header
from ringbed.sim.serve.pace import SLICE
from ringbed.sim.serve.session import Session
from tests.sim.conftest import needs_native
from tests.sim.serve.bench import asked_of
from tests.sim.serve.client import CONFIG, Refused
from tests.sim.serve.irq.events import Events
from tests.sim.serve.irq.opened import Open, cards, put
from tests.sim.serve.lines_card import LINES, MSI, MSIX, PULSE, SCRATCH
from tests.sim.serve.test_parse import scrambled

pytestmark = needs_native
NONE, BOOL, EVENTFD = 1, 2, 4
MASK, UNMASK, TRIGGER = 8, 16, 32
ON, PBA, CONTROL = EVENTFD | TRIGGER, 0x800, 12
CAPABILITY = 0x40


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    yield from cards(tmp_path)


def test_intx_is_any_line(opened: Open) -> None:
    bench, client = opened("")
    with Events(1) as events:
        client.set_vectors(ON, 0, 0, 1, events.files)
        put(bench, client, LINES, 0b1000)
        assert (events.told(), client.read(CONFIG, 6, 2) & 8) == ([1], 8)
        client.write(CONFIG, 5, 4, 1)  # INTx disabled: what waits still does
        put(bench, client, LINES, 0)
        assert client.read(CONFIG, 6, 2) & 8 == 0
        put(bench, client, LINES, 0b0001)
        assert client.read(CONFIG, 6, 2) & 8 == 8
        client.set_irqs(NONE | UNMASK)
        bench.turn()
        assert events.told() == [0]
        client.write(CONFIG, 5, 0, 1)
        bench.turn()
        assert (events.told(), bench.served.account()["interrupts"]) == ([1], 2)


@pytest.mark.parametrize(("messages", "kind"), [(MSI, 1), (MSIX, 2)], ids=["msi", "msix"])
def test_a_rise_is_a_message(opened: Open, messages: str, kind: int) -> None:
    bench, client = opened(messages)
    info = [struct.unpack("<4I", client.ask(7, struct.pack("<4I", 16, 0, each, 0)))[1:] for each in range(3)]
    assert info == [(7, 0, 1), *((3, each, 4) if each == kind else (0, each, 0) for each in (1, 2))]
    client.write(CONFIG, CAPABILITY + 2, 0x21, 2)  # of MSI: four messages, each with a number of its own
    with Events(4) as events:
        client.set_vectors(ON, kind, 0, 4, events.files)
        put(bench, client, LINES, 0b0101)
        assert events.told() == [1, 0, 1, 0]
        put(bench, client, LINES, 0b1101)  # those that stay up say nothing more
        assert events.told() == [0, 0, 0, 1]
        put(bench, client, PULSE, 0b0010)
        assert events.told() == [0, 1, 0, 0]
        put(bench, client, LINES, 0)
        put(bench, client, LINES, 0b0001)
        assert events.told() == [1, 0, 0, 0]
        client.set_vectors(NONE | TRIGGER, kind, 1, 2)
        client.set_vectors(BOOL | TRIGGER, kind, 0, 4, bools=b"\1\0\0\1")
        assert events.told() == [1, 1, 1, 1]
        client.set_vectors(ON, kind, 3, 1)  # no descriptor: it is taken back
        put(bench, client, LINES, 0b1000)
        client.set_vectors(NONE | TRIGGER, kind, 0, 0)
        put(bench, client, LINES, 0b0111)
        assert events.told() == [0] * 4
        assert bench.served.account()["interrupts"] == 9


@pytest.mark.parametrize(("messages", "kind"), [(MSI, 1), (MSIX, 2)], ids=["msi", "msix"])
def test_masks_of_the_client_and_of_the_card_are_the_same(opened: Open, messages: str, kind: int) -> None:
    """SET_IRQS, MSI's mask bits, MSI-X's table: whichever is written, all show it, and the pending bits with it."""
    bench, client = opened(messages)

    def masked_and_pending() -> tuple[int, int]:
        if kind == 1:
            return client.read(CONFIG, CAPABILITY + 16), client.read(CONFIG, CAPABILITY + 20)
        masks = (client.read(4, 16 * vector + CONTROL) << vector for vector in range(4))
        return sum(masks), client.read(4, PBA)

    def mask(vector: int, on: bool) -> None:
        if kind == 1:
            before = client.read(CONFIG, CAPABILITY + 16)
            client.write(CONFIG, CAPABILITY + 16, before & ~(1 << vector) | on << vector)
        else:
            client.write(4, 16 * vector + CONTROL, int(on))

    with Events(4) as events:
        client.set_vectors(ON, kind, 0, 4, events.files)
        client.set_vectors(NONE | MASK, kind, 1, 1)
        mask(2, True)
        put(bench, client, LINES, 0b1111)
        assert (events.told(), masked_and_pending()) == ([1, 0, 0, 1], (0b0110, 0b0110))
        put(bench, client, LINES, 0b1011)  # the cause of line 2 is gone
        assert masked_and_pending() == (0b0110, 0b0010)
        mask(1, False)
        client.set_vectors(BOOL | UNMASK, kind, 0, 4, bools=b"\0\0\1\0")
        assert (events.told(), masked_and_pending()) == ([0, 1, 0, 0], (0, 0))


def test_a_mask_outlives_other_writes_to_configuration_space(opened: Open) -> None:
    bench, client = opened(MSI)
    with Events(4) as events:
        client.set_vectors(ON, 1, 0, 4, events.files)
        client.set_vectors(NONE | MASK, 1, 1, 2)
        client.write(CONFIG, 0x3C, 11, 1)
        put(bench, client, LINES, 0b1111)
        assert (events.told(), client.read(CONFIG, CAPABILITY + 16)) == ([1, 0, 0, 1], 0b0110)


def test_a_message_is_sent_at_the_rise_and_not_a_slice_later(opened: Open) -> None:
    bench, client = opened(MSIX)
    with Events(4) as events:
        client.set_vectors(ON, 2, 0, 4, events.files)
        before = bench.engine.now
        client.write(0, PULSE, 0b0100, posted=True)
        bench.turn()
        assert (events.told(), bench.engine.now < before + SLICE / 10) == ([0, 0, 1, 0], True)


def test_bus_mastering_and_the_function_mask_hold_messages_back(opened: Open) -> None:
    bench, client = opened(MSIX)
    with Events(4) as events:
        client.set_vectors(ON, 2, 0, 4, events.files)
        client.write(CONFIG, 4, 3, 2)
        put(bench, client, LINES, 0b0001)
        assert (events.told(), client.read(4, PBA)) == ([0] * 4, 1)
        client.write(CONFIG, CAPABILITY + 2, 0xC000, 2)
        client.enable()
        assert events.told() == [0] * 4
        client.write(CONFIG, CAPABILITY + 2, 0x8000, 2)
        assert (events.told(), client.read(CONFIG, CAPABILITY + 2, 2)) == ([1, 0, 0, 0], 0x8003)


def test_msi_with_fewer_messages_than_lines_shares_them(opened: Open) -> None:
    """Linux without interrupt remapping gives one."""
    bench, client = opened(MSI)
    with Events(1) as events:
        client.write(CONFIG, CAPABILITY + 2, 0x01, 2)
        client.set_vectors(ON, 1, 0, 1, events.files)
        for line in range(4):
            put(bench, client, LINES, 1 << line)
        assert events.told() == [4]


def test_registers_are_in_each_bar_and_the_table_is_not_the_cards(opened: Open) -> None:
    bench, client = opened(MSIX)
    regions = [struct.unpack("<4IQQ", client.ask(5, struct.pack("<4IQQ", 32, 0, i, 0, 0, 0)))[4] for i in range(9)]
    assert regions == [32, 16, 0, 0, 0x1000, 0, 0, 256, 0]
    client.write(0, SCRATCH, 0x1234_5678)
    assert (client.read(0, SCRATCH), client.read(1, SCRATCH)) == (0x1234_5678, 0x1234_5678)
    client.write(1, SCRATCH, 7)
    assert client.read(0, SCRATCH) == 7
    client.write(4, SCRATCH, 9)
    assert (client.read(0, SCRATCH), client.read(4, SCRATCH)) == (7, 9)
    account = bench.served.account()
    assert [account[f"{what} {way}"] for what in ("register", "table") for way in ("reads", "writes")] == [4, 2, 1, 1]
    client.write(CONFIG, 4, 1, 2)  # I/O alone
    assert client.read(1, SCRATCH) == 7
    for region in (0, 4):
        with pytest.raises(Refused, match="EIO"):
            client.read(region, SCRATCH)


def test_a_reset_is_the_cards_and_the_clients_eventfds_stay(opened: Open) -> None:
    bench, client = opened(MSIX)
    with Events(4) as events:
        client.set_vectors(ON, 2, 0, 4, events.files)
        client.write(4, 0, 0xFEE0_0000)
        client.set_vectors(NONE | MASK, 2, 0, 1)
        put(bench, client, LINES, 0b0011)
        assert events.told() == [0, 1, 0, 0]
        client.reset()
        client.enable()
        assert (client.read(0, LINES), client.read(4, 0), client.read(4, PBA)) == (0, 0, 0)
        put(bench, client, LINES, 0b0011)
        assert events.told() == [1, 1, 0, 0]


def test_the_next_client_begins_anew(opened: Open) -> None:
    bench, client = opened(MSIX)
    before = len(os.listdir("/proc/self/fd"))
    with Events(4) as events:
        client.set_vectors(ON, 2, 0, 4, events.files)
        put(bench, client, LINES, 0b0001)
        client.close()
        bench.turn()
        assert (events.told(), bench.served.interrupts.armed) == ([1, 0, 0, 0], False)
    assert len(os.listdir("/proc/self/fd")) == before - 2  # both ends of its connection
    client = bench.client()
    client.enable()
    assert (client.read(0, LINES), client.read(4, CONTROL)) == (0, 1)
    with Events(1) as events:
        client.set_vectors(ON, 0, 0, 1, events.files)  # INTx, for a change
        put(bench, client, LINES, 0b0100)
        assert events.told() == [1]
    client.close()


def test_too_many_descriptors(opened: Open) -> None:
    _, client = opened(MSIX)
    with Events(9) as events, pytest.raises(Refused, match="EINVAL"):
        client.set_vectors(ON, 2, 0, 9, events.files)


@pytest.mark.parametrize(("messages", "count"), [(MSI, 1_500), (MSIX, 1_500)], ids=["msi", "msix"])
def test_garbage_is_refused_and_changes_nothing(opened: Open, messages: str, count: int) -> None:
    bench, _ = opened(messages)
    rng, refused = random.Random(count), 0
    function, said = bench.served.function, list[str]()
    session = Session(bench.engine, function, asked_of(bench), said.append)
    session.answer(Header(0, 1, 20), struct.pack("<HH", 0, 0), [])

    def state() -> tuple[Any, ...]:
        vectors = function.interrupts.vectors
        counts = {name: each for name, each in function.counts.items() if each and name != "refused"}
        asked = vectors.on, vectors.masked, vectors.pending, vectors.wanted, function.interrupts.line.armed
        return counts, asked, function.interrupts.signals, bench.memory.windows, bytes(function._config._bytes)

    for _ in range(count):
        command, payload, files = scrambled(rng)
        if rng.randrange(2):  # half of them are of the kind that is looked for here
            many = rng.randrange(7)
            flags = rng.choice((ON, ON, NONE | TRIGGER, BOOL | TRIGGER, NONE | MASK, BOOL | UNMASK, rng.randrange(64)))
            payload = struct.pack("<5I", 20, flags, rng.randrange(4), rng.randrange(5), many) + rng.randbytes(
                many if flags & BOOL else 0
            )
            command, files = Command.DEVICE_SET_IRQS, many if flags & EVENTFD else 0
        before = state()
        given = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(files)]
        answer = parse_header(session.answer(Header(5, command, 16 + len(payload)), payload, given)[:16])
        if answer.errno:
            refused += 1
            assert state() == before
    assert count / 4 < refused == len(said) < count * 0.95
    session.leave()
