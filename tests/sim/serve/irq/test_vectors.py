"""Messages: one a rise, pending while they cannot be sent, and forgotten when the cause is gone (decision 0022)."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from ringbed.sim.serve.irq.vectors import Vectors, bits
from tests.sim.serve.irq.events import Events


@pytest.fixture
def events() -> Iterator[Events]:
    with Events(4) as made:
        yield made


def armed(events: Events, msix: bool = True) -> Vectors:
    vectors = Vectors(4, msix)
    vectors.master = True
    vectors.arm(0, events.copies(), 0)
    return vectors


def closed(vectors: Vectors) -> None:
    vectors.disarm(vectors.all)


def test_numbers_of_the_bits_that_are_set() -> None:
    assert list(bits(0)) == []
    assert list(bits(0b1010_0001)) == [0, 5, 7]


@pytest.mark.parametrize("msix", [False, True])
def test_a_rise_is_a_message_and_a_line_that_stays_up_is_none(events: Events, msix: bool) -> None:
    vectors = armed(events, msix)
    vectors.look(0b0101, 0b0101)
    assert events.told() == [1, 0, 1, 0]
    vectors.look(0, 0b0101)
    assert (events.told(), vectors.pending) == ([0] * 4, 0)
    vectors.look(0b0100, 0b0101)  # it fell and rose
    vectors.look(0b1000, 0b0101)  # it rose and fell
    assert (events.told(), vectors.signals, vectors.wanted) == ([0, 0, 1, 1], 4, 0b1111)
    closed(vectors)


@pytest.mark.parametrize("way", ["mask", "gate", "master"])
def test_what_cannot_be_sent_is_pending_and_sent_when_it_can(events: Events, way: str) -> None:
    vectors = armed(events)

    def shut(on: bool) -> None:
        if way == "mask":
            vectors.mask(0b0011, on)
        elif way == "gate":
            vectors.gated = on
        else:
            vectors.master = not on

    shut(True)
    assert vectors.wanted & 0b0011 == 0
    vectors.look(0b0011, 0b0011)
    assert (events.told(), vectors.pending) == ([0] * 4, 0b0011)
    vectors.look(0, 0b0010)  # the cause of line 0 is gone
    assert vectors.pending == 0b0010
    shut(False)
    vectors.look(0, 0b0010)
    assert (events.told(), vectors.pending, vectors.wanted) == ([0, 1, 0, 0], 0, 0b1111)
    closed(vectors)


def test_msix_begins_masked_and_arming_unmasks() -> None:
    with Events(1) as events:
        vectors = Vectors(4, True)
        vectors.master = True
        assert vectors.masked == 0b1111
        vectors.arm(2, events.copies(), 0)
        assert (vectors.masked, vectors.wanted) == (0b1011, 0b0100)
        closed(vectors)
        assert (vectors.masked, vectors.wanted, vectors.on) == (0b1011, 0, False)


def test_msi_begins_unmasked_and_arming_leaves_its_masks(events: Events) -> None:
    vectors = Vectors(4, False)
    vectors.master = True
    assert vectors.masked == 0
    vectors.mask(0b0010, True)
    vectors.arm(0, events.copies(), 0)
    assert (vectors.masked, vectors.wanted) == (0b0010, 0b1101)
    closed(vectors)


def test_a_new_eventfd_hears_of_a_line_that_is_up_and_the_last_is_closed(events: Events) -> None:
    vectors = armed(events)
    vectors.look(0b0001, 0b0001)
    assert events.told() == [1, 0, 0, 0]
    reader, writer = os.pipe()
    vectors.arm(0, [writer], 0b0001)
    vectors.look(0, 0b0001)
    assert (os.read(reader, 8), events.told()) == ((1).to_bytes(8, "little"), [0] * 4)
    vectors.disarm(0b0001)
    assert os.read(reader, 8) == b""  # the other end is closed
    vectors.look(0b0001, 0b0001)
    assert (vectors.pending, vectors.wanted) == (0b0001, 0b1110)
    os.close(reader)
    closed(vectors)


def test_a_trigger_asks_neither_lines_nor_masks(events: Events) -> None:
    vectors = armed(events)
    vectors.mask(0b1111, True)
    vectors.disarm(0b1000)
    vectors.trigger(0b1110)
    assert (events.told(), vectors.signals, vectors.lost) == ([0, 1, 1, 0], 2, 0)
    os.eventfd_write(events.files[1], (1 << 64) - 2)
    vectors.trigger(0b0010)
    assert (vectors.signals, vectors.lost) == (2, 1)
    closed(vectors)


@pytest.mark.parametrize(("given", "wanted"), [(1, [4, 0, 0, 0]), (2, [2, 2, 0, 0]), (4, [1, 1, 1, 1])])
def test_lines_share_the_messages_that_software_has_given(given: int, wanted: list[int]) -> None:
    """MSI: a line beyond them has the low bits of its number left (PCI 3.0, 6.8.1.6)."""
    with Events(4) as events:
        vectors = Vectors(4, False)
        vectors.master, vectors.given = True, given
        vectors.arm(0, events.copies()[:given], 0)
        for line in range(4):
            vectors.look(1 << line, 1 << line)
        assert events.told() == wanted
        closed(vectors)


def test_a_client_that_arms_more_than_were_given_numbers_has_them(events: Events) -> None:
    vectors = armed(events, msix=False)
    vectors.given = 1
    vectors.look(0b1111, 0b1111)
    assert events.told() == [1, 1, 1, 1]
    closed(vectors)


def test_msix_shares_nothing() -> None:
    with Events(1) as events:
        vectors = Vectors(4, True)
        vectors.master, vectors.given = True, 0
        vectors.arm(0, events.copies(), 0)
        vectors.look(0b1111, 0b1111)
        assert (events.told(), vectors.pending) == ([1], 0b1110)
        closed(vectors)


def test_reset_forgets_what_is_pending_and_keeps_the_clients_eventfds() -> None:
    with Events(2) as events:
        vectors = Vectors(4, True)
        vectors.master = vectors.gated = True
        vectors.arm(0, events.copies(), 0)
        vectors.mask(0b0001, True)
        vectors.look(0b0011, 0b0011)
        vectors.reset()
        assert (vectors.pending, vectors.masked, vectors.gated, vectors.on) == (0, 0b1100, False, True)
        vectors.look(0, 0b0011)
        assert events.told() == [0, 0]
        closed(vectors)
    msi = Vectors(2, False)
    msi.mask(0b11, True)
    msi.reset()
    assert msi.masked == 0
