"""The calendar of a kernel that travels in time, message by message."""

from __future__ import annotations

import random

import pytest

from ringbed.sim.lockstep.calendar import FOREVER, Calendar, OutOfStep, TimeMessage, TimeOp, parse_time


def begun(tod: int = 0) -> Calendar:
    calendar = Calendar(tod)
    assert calendar.answer(TimeMessage(TimeOp.START, 1, 99)) == TimeMessage(TimeOp.ACK, 1, 0)
    return calendar


def test_a_message_is_sixteen_bytes() -> None:
    message = TimeMessage(TimeOp.REQUEST, 0x01020304, 0x05060708090A0B0C)
    assert message.bytes().hex() == "02000000040302010c0b0a0908070605"
    assert parse_time(message.bytes()) == message


def test_only_what_a_kernel_says_is_heard() -> None:
    heard = []
    for op in range(20):
        try:
            heard.append(parse_time(op.to_bytes(4, "little") + bytes(12)).op.name)
        except OutOfStep:
            continue
    assert heard == ["ACK", "START", "REQUEST", "WAIT", "GET", "UPDATE", "GET_TOD"]


def test_a_kernel_asks_waits_and_runs() -> None:
    calendar = begun(tod=1000)
    assert (calendar.now, calendar.wanted, calendar.waiting) == (0, None, False)
    calendar.answer(TimeMessage(TimeOp.REQUEST, 2, 70))
    calendar.answer(TimeMessage(TimeOp.REQUEST, 3, 50))
    assert (calendar.wanted, calendar.waiting) == (50, False)
    assert calendar.answer(TimeMessage(TimeOp.WAIT, 4)) == TimeMessage(TimeOp.ACK, 4)
    assert calendar.waiting
    assert calendar.run(50) == TimeMessage(TimeOp.RUN, 1, 50)
    assert (calendar.now, calendar.wanted, calendar.waiting) == (50, None, False)
    assert calendar.answer(TimeMessage(TimeOp.ACK, 1)) is None
    assert calendar.answer(TimeMessage(TimeOp.GET, 5)) == TimeMessage(TimeOp.ACK, 5, 50)
    assert calendar.answer(TimeMessage(TimeOp.GET_TOD, 6)) == TimeMessage(TimeOp.ACK, 6, 1050)
    assert calendar.answer(TimeMessage(TimeOp.UPDATE, 7, 50)) == TimeMessage(TimeOp.ACK, 7)


def test_it_runs_no_sooner_and_no_later_than_it_may() -> None:
    calendar = begun()
    with pytest.raises(ValueError, match="cannot run at 5"):
        calendar.run(5)  # it does not wait
    calendar.answer(TimeMessage(TimeOp.REQUEST, 2, 70))
    calendar.answer(TimeMessage(TimeOp.WAIT, 3))
    calendar.now = 20
    for time in (19, 71):
        with pytest.raises(ValueError, match=f"a kernel at 20 ns that wants 70 cannot run at {time}"):
            calendar.run(time)
    assert calendar.run(70).time == 70


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (TimeMessage(TimeOp.START, 9), "START 9: START comes once"),
        (TimeMessage(TimeOp.REQUEST, 9, 49), "REQUEST 9 is of 49 ns, and it is 50 ns"),
        (TimeMessage(TimeOp.REQUEST, 9, FOREVER), "REQUEST 9 is of"),
        (TimeMessage(TimeOp.UPDATE, 9, 49), "UPDATE 9 is of 49 ns, and it is 50 ns"),
        (TimeMessage(TimeOp.UPDATE, 9, 51), "UPDATE 9 to 51 ns from 50, by nobody's leave"),
        (TimeMessage(TimeOp.ACK, 2), "ACK 2 of nothing"),
    ],
    ids=lambda value: value.op.name if isinstance(value, TimeMessage) else "",
)
def test_what_cannot_be_is_told(message: TimeMessage, why: str) -> None:
    calendar = begun()
    calendar.answer(TimeMessage(TimeOp.WAIT, 2))
    calendar.run(50)
    with pytest.raises(OutOfStep, match=why):
        calendar.answer(message)
    assert calendar.answer(TimeMessage(TimeOp.ACK, 1)) is None
    with pytest.raises(OutOfStep, match="ACK 1 of nothing"):
        calendar.answer(TimeMessage(TimeOp.ACK, 1))


def test_before_it_began_and_while_it_waits() -> None:
    with pytest.raises(OutOfStep, match="GET 1: START comes once, before everything else"):
        Calendar().answer(TimeMessage(TimeOp.GET, 1))
    calendar = begun()
    calendar.answer(TimeMessage(TimeOp.WAIT, 2))
    with pytest.raises(OutOfStep, match="WAIT 3 of a kernel that waits already"):
        calendar.answer(TimeMessage(TimeOp.WAIT, 3))


def test_any_bytes_are_a_message_or_refused() -> None:
    """Nothing but OutOfStep comes of it, and time never goes back."""
    chance = random.Random(5)
    refused = 0
    for _ in range(300):
        calendar = Calendar()
        for _ in range(40):
            before = calendar.now
            op, time = chance.randrange(12), chance.choice([0, 5, before, before + 9, 1 << 63, (1 << 64) - 1])
            data = op.to_bytes(4, "little") + chance.randrange(3).to_bytes(4, "little") + time.to_bytes(8, "little")
            try:
                calendar.answer(parse_time(data))
            except OutOfStep:
                refused += 1
            if calendar.waiting and calendar.wanted is not None and chance.random() < 0.7:
                calendar.run(calendar.wanted)
            assert before <= calendar.now < FOREVER
    assert 0 < refused < 300 * 40
