"""One kind at a time, what the engine is asked to stop for, and every message that sets interrupts."""

from __future__ import annotations

import errno
import os
import random
from dataclasses import replace
from typing import Any

import pytest

from ringbed.drivers.world import MsixPlace, PciIdentity
from ringbed.sim.cards import EM_PCI
from ringbed.sim.seam.engine import NEVER
from ringbed.sim.serve.irq.interrupts import MAX_FILES, Interrupts
from ringbed.sim.serve.messages import Action, Data, Refusal, SetIrqs
from tests.sim.serve.irq.events import Events

INTX, MSI, MSIX = 0, 1, 2
TABLE, PBA = 0, 0x800
WITH_MSI = replace(EM_PCI, interrupt="msi", vectors=4)
WITH_MSIX = replace(EM_PCI, interrupt="msix", vectors=4, bars=(1 << 17, 0, 8, 0x1000), msix=MsixPlace(3, TABLE, PBA))


class Lines:
    """An engine of which only the lines matter."""

    def __init__(self) -> None:
        self.held, self.watched = 0, "never asked"
        self.lines = self._risen = 0

    def put(self, lines: int) -> None:
        self._risen |= lines & ~self.lines
        self.lines = lines

    def risen(self) -> int:
        taken, self._risen = self._risen, 0
        return taken

    def hold_irq(self, until: int) -> None:
        self.held = until

    def watch(self, lines: int | None) -> None:
        self.watched = f"{lines:04b}" if lines is not None else "any"


def made(pci: PciIdentity, master: bool = True) -> tuple[Interrupts, Lines]:
    engine: Any = Lines()
    interrupts = Interrupts(engine, pci)
    interrupts.follow(master, False, 0, 4)
    return interrupts, engine


def arm(interrupts: Interrupts, kind: int, events: Events, start: int = 0) -> Refusal | None:
    files = events.copies()
    refusal = interrupts.set(SetIrqs(Data.EVENTFD, Action.TRIGGER, kind, start, len(files)), files)
    for file in files:
        os.close(file)
    return refusal


def do(interrupts: Interrupts, action: Action, kind: int, start: int, count: int, bools: bytes = b"") -> None:
    data = Data.BOOL if bools else Data.NONE
    assert interrupts.set(SetIrqs(data, action, kind, start, count, bools), []) is None


def pending(interrupts: Interrupts) -> int:
    """Of the kind that is on."""
    interrupts.shown()
    return interrupts.vectors.pending


def why(refusal: Refusal | None, code: int = errno.EINVAL) -> str:
    assert refusal is not None
    assert refusal.errno == code
    return refusal.why


@pytest.mark.parametrize(
    ("pci", "counts", "flags"),
    [
        (EM_PCI, [1, 0, 0, 0, 0], [7, 0, 0, 0, 0]),
        (WITH_MSI, [1, 4, 0, 0, 0], [7, 3, 0, 0, 0]),
        (WITH_MSIX, [1, 0, 4, 0, 0], [7, 0, 3, 0, 0]),
        (replace(WITH_MSIX, pin=0), [0, 0, 4, 0, 0], [0, 0, 3, 0, 0]),
        (replace(WITH_MSIX, msi=8), [1, 8, 4, 0, 0], [7, 3, 3, 0, 0]),
    ],
    ids=["intx", "msi", "msix", "msix alone", "all"],
)
def test_the_kinds_that_a_card_has(pci: PciIdentity, counts: list[int], flags: list[int]) -> None:
    interrupts, _ = made(pci)
    assert [interrupts.count(kind) for kind in range(5)] == counts
    assert [interrupts.flags(kind) for kind in range(5)] == flags


def test_intx_is_the_level_of_all_lines() -> None:
    interrupts, engine = made(WITH_MSIX)
    assert (engine.held, engine.watched, interrupts.armed) == (NEVER, "never asked", False)
    with Events(1) as events:
        assert arm(interrupts, INTX, events) is None
        assert (engine.held, interrupts.armed) == (0, True)
        interrupts.rose()
        assert (engine.held, interrupts.armed, events.told(), interrupts.signals) == (NEVER, False, [1], 1)
        do(interrupts, Action.UNMASK, INTX, 0, 1)
        assert (engine.held, interrupts.armed) == (0, True)
        interrupts.follow(True, True, 0, 1)  # the command register keeps it quiet
        assert (engine.held, interrupts.armed) == (NEVER, False)
        interrupts.close()
    assert (engine.held, engine.watched) == (NEVER, "never asked")


def test_intx_waits_while_a_line_is_up_and_nothing_else_is_on() -> None:
    interrupts, engine = made(WITH_MSIX)
    engine.put(0b0100)
    assert interrupts.shown()[2]
    with Events(1) as events:
        assert arm(interrupts, MSIX, events) is None
        assert not interrupts.shown()[2]
        interrupts.close()
    assert interrupts.shown()[2]
    engine.put(0)
    assert not interrupts.shown()[2]
    pinless, engine = made(replace(WITH_MSIX, pin=0))
    engine.put(1)
    assert not pinless.shown()[2]


@pytest.mark.parametrize(("pci", "kind"), [(WITH_MSI, MSI), (WITH_MSIX, MSIX)])
def test_vectors_are_rises_of_the_lines_that_are_armed(pci: PciIdentity, kind: int) -> None:
    interrupts, engine = made(pci)
    with Events(2) as events:
        assert arm(interrupts, kind, events, 1) is None
        assert (engine.held, engine.watched, interrupts.armed) == (0, "0110", True)
        engine.put(0b1111)
        interrupts.rose()
        assert (events.told(), interrupts.signals) == ([1, 1], 2)
        do(interrupts, Action.MASK, kind, 1, 1)
        assert (engine.watched, pending(interrupts)) == ("0100", 0b1001)
        engine.put(0)
        engine.put(0b0110)
        interrupts.rose()
        assert (events.told(), pending(interrupts)) == ([0, 1], 0b0010)
        do(interrupts, Action.UNMASK, kind, 0, 4, b"\0\1\0\0")
        assert (events.told(), engine.watched) == ([1, 0], "0110")
        do(interrupts, Action.TRIGGER, kind, 0, 4, b"\1\0\1\1")
        do(interrupts, Action.TRIGGER, kind, 0, 2)
        assert events.told() == [1, 1]
        do(interrupts, Action.TRIGGER, kind, 0, 0)  # none at all: it is off
        assert (engine.watched, engine.held, interrupts.armed) == ("any", NEVER, False)


def test_what_rose_and_fell_before_somebody_was_there_is_not_told() -> None:
    interrupts, engine = made(WITH_MSIX)
    with Events(2) as events:
        engine.put(0b0011)
        engine.put(0b0010)
        assert arm(interrupts, MSIX, events) is None
        assert events.told() == [0, 1]  # line 1 is up
        do(interrupts, Action.MASK, MSIX, 0, 2)
        engine.put(0b0001)
        engine.put(0)
        do(interrupts, Action.UNMASK, MSIX, 0, 2)
        assert events.told() == [0, 0]
        interrupts.close()


def test_what_rose_before_a_mask_is_told() -> None:
    interrupts, engine = made(WITH_MSIX)
    with Events(1) as events:
        assert arm(interrupts, MSIX, events) is None
        engine.put(1)
        do(interrupts, Action.MASK, MSIX, 0, 1)
        assert (events.told(), interrupts.shown(), interrupts.vectors.masked) == ([1], (0, 0, False), 0b1111)
        interrupts.close()


@pytest.mark.parametrize("pci", [WITH_MSI, WITH_MSIX], ids=["msi", "msix"])
def test_configuration_space_masks_and_lets_send(pci: PciIdentity) -> None:
    interrupts, engine = made(pci, master=False)
    kind = MSI if pci is WITH_MSI else MSIX
    with Events(4) as events:
        assert arm(interrupts, kind, events) is None
        engine.put(0b0011)
        interrupts.settle()
        assert (events.told(), interrupts.vectors.pending, interrupts.armed) == ([0] * 4, 0b0011, False)
        assert interrupts.shown()[1] == (0b0011 if kind == MSI else 0)
        interrupts.follow(True, False, 0b0001, 4, gated=True)  # of MSI-X it is all of them
        told = [0, 1, 0, 0] if kind == MSI else [0] * 4
        assert (events.told(), engine.watched) == (told, "1110" if kind == MSI else "0000")
        interrupts.follow(True, False, 0, 4)
        assert events.told() == ([1, 0, 0, 0] if kind == MSI else [1, 1, 0, 0])
        interrupts.close()


def test_the_table_is_the_vectors() -> None:
    interrupts, engine = made(WITH_MSIX)
    with Events(4) as events:
        assert arm(interrupts, MSIX, events) is None
        interrupts.write_table(TABLE + 16 + 12, [1])
        assert engine.watched == "1101"
        engine.put(0b0011)
        assert (interrupts.read_table(PBA), events.told()) == (0b0010, [1, 0, 0, 0])
        interrupts.write_table(TABLE + 16 + 12, [0])
        assert (interrupts.read_table(PBA), events.told(), engine.watched) == (0, [0, 1, 0, 0], "1111")
        interrupts.write_table(TABLE, [0xFEE0_0000])
        engine.put(0)
        engine.put(1)
        interrupts.reset()
        assert (interrupts.read_table(TABLE), events.told()) == (0, [0] * 4)
        interrupts.close()
    plain, _ = made(EM_PCI)
    plain.write_table(0, [1])
    assert plain.read_table(0) == 0


def test_a_kind_waits_for_the_other_to_end() -> None:
    interrupts, _ = made(WITH_MSIX)
    with Events(1) as events:
        assert arm(interrupts, INTX, events) is None
        assert why(arm(interrupts, MSIX, events)) == "MSI-X while another kind is on: that one ends first"
        do(interrupts, Action.TRIGGER, INTX, 0, 0)
        assert arm(interrupts, MSIX, events, 3) is None
        assert why(arm(interrupts, INTX, events)) == "INTx while another kind is on: that one ends first"
        assert interrupts.set(SetIrqs(Data.EVENTFD, Action.TRIGGER, MSIX, 0, 4), []) is None  # no descriptors: off
        assert arm(interrupts, INTX, events) is None
        interrupts.close()


HAS_NOT = "the card has not {} interrupts from {} on of kind {}"
REFUSED = [
    (SetIrqs(Data.NONE, Action.TRIGGER, 5, 0, 1), 0, errno.EINVAL, HAS_NOT.format(1, 0, 5)),
    (SetIrqs(Data.NONE, Action.TRIGGER, 3, 0, 1), 0, errno.EINVAL, HAS_NOT.format(1, 0, 3)),
    (SetIrqs(Data.NONE, Action.MASK, MSI, 0, 1), 0, errno.EINVAL, HAS_NOT.format(1, 0, 1)),
    (SetIrqs(Data.NONE, Action.MASK, MSIX, 1, 4), 0, errno.EINVAL, HAS_NOT.format(4, 1, 2)),
    (SetIrqs(Data.EVENTFD, Action.TRIGGER, MSIX, 4, 1), 1, errno.EINVAL, HAS_NOT.format(1, 4, 2)),
    (SetIrqs(Data.EVENTFD, Action.MASK, MSIX, 0, 1), 1, errno.ENOTSUP, "an eventfd that masks MSI-X"),
    (SetIrqs(Data.EVENTFD, Action.UNMASK, MSIX, 0, 1), 1, errno.ENOTSUP, "an eventfd that unmasks MSI-X"),
    (SetIrqs(Data.EVENTFD, Action.MASK, INTX, 0, 1), 1, errno.ENOTSUP, "an eventfd that masks INTx"),
]


@pytest.mark.parametrize(("message", "files", "code", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_refused(message: SetIrqs, files: int, code: int, said: str) -> None:
    interrupts, engine = made(WITH_MSIX)
    with Events(files) as events:
        given = events.copies()
        assert why(interrupts.set(message, given), code) == said
        assert len(given) == files
        assert (interrupts.vectors.on, interrupts.line.on, interrupts.vectors.masked) == (False, False, 0b1111)
        assert (engine.held, engine.watched) == (NEVER, "never asked")
        for file in given:
            os.close(file)


def test_more_descriptors_than_were_agreed_on() -> None:
    many = MAX_FILES + 1
    interrupts, _ = made(replace(WITH_MSIX, vectors=many))
    with Events(many) as events:
        assert why(arm(interrupts, MSIX, events)) == "9 descriptors at once, and 8 may come"
        assert not interrupts.vectors.on


def state(interrupts: Interrupts, engine: Lines) -> tuple[object, ...]:
    vectors = interrupts.vectors
    watched = interrupts.line.armed, interrupts.line.on, engine.held, engine.watched
    return vectors.on, vectors.masked, vectors.pending, vectors.wanted, interrupts.signals, *watched


@pytest.mark.parametrize("pci", [WITH_MSI, WITH_MSIX], ids=["msi", "msix"])
def test_whatever_is_refused_changes_nothing(pci: PciIdentity) -> None:
    rng, (interrupts, engine) = random.Random(11), made(pci)
    refused, before_all = 0, len(os.listdir("/proc/self/fd"))
    for _ in range(3_000):
        engine.put(rng.randrange(16))
        interrupts.settle()
        data, action = rng.choice(list(Data)), rng.choice(list(Action))
        count = rng.randrange(1, 6) if rng.randrange(8) else 0
        message = SetIrqs(data, action, rng.randrange(4), rng.randrange(4) if count else 0, count,
                          rng.randbytes(count) if data is Data.BOOL else b"")  # fmt: skip
        if not count:
            message = replace(message, data=Data.NONE, action=Action.TRIGGER)
        files = [os.eventfd(0, os.EFD_NONBLOCK) for _ in range(count if message.data is Data.EVENTFD else 0)]
        before, given = state(interrupts, engine), list(files)
        if (refusal := interrupts.set(message, files)) is not None:
            refused += 1
            assert refusal.errno in (errno.EINVAL, errno.ENOTSUP)
            assert (state(interrupts, engine), files) == (before, given), message
        for file in files:
            os.close(file)
    assert 600 < refused < 2_700
    interrupts.close()
    assert len(os.listdir("/proc/self/fd")) == before_all
