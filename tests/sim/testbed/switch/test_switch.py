"""A learning switch: what it learns, where frames go, when they leave, and that every one of them is accounted for."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.seam.engine import NEVER
from ringbed.sim.testbed.accounting import lost
from ringbed.sim.testbed.switch import DROPS_IN, Switch
from ringbed.sim.wire.frame import Damage, damage, fcs, to_wire

EVERYBODY = bytes([255] * 6)


def station(number: int) -> bytes:
    return bytes([2, 0, 0, 0, 0, number])


def frame(destination: bytes, source: bytes, length: int = 60, fill: int = 0) -> bytes:
    """On the wire, with FCS."""
    return to_wire(destination + source + b"\x88\xb5" + bytes([fill]) * (length - 14))


def out(switch: Switch) -> list[list[tuple[int, bytes]]]:
    switch.advance(NEVER - 1)
    return [port.wire_out() for port in switch.ports]


def where(switch: Switch) -> list[int]:
    """The ports that something left by."""
    return [number for number, left in enumerate(out(switch)) if left]


def test_unknown_stations_are_flooded_to_and_known_ones_are_not() -> None:
    switch = Switch(4)
    switch.ports[1].wire_in(frame(station(9), station(1)), 100)
    assert where(switch) == [0, 2, 3]
    switch.ports[3].wire_in(frame(station(1), station(3)), 200)
    assert where(switch) == [1]
    switch.ports[1].wire_in(frame(station(3), station(1)), 300)
    assert where(switch) == [3]
    assert [(row.address, row.port, row.seen) for row in switch_table(switch, 300)] == [
        (station(1), 1, 300), (station(3), 3, 200),
    ]  # fmt: skip
    assert lost(switch.legs()) == 0


def switch_table(switch: Switch, now: int) -> list[Any]:
    switch.now = now
    return switch.table()


@pytest.mark.parametrize("group", [EVERYBODY, bytes.fromhex("01005e000001"), bytes.fromhex("0180c2000010")])
def test_groups_are_flooded_also_when_somebody_pretends_to_be_one(group: bytes) -> None:
    switch = Switch(3)
    switch.ports[0].wire_in(frame(station(1), group), 0)
    switch.ports[1].wire_in(frame(group, station(1)), 1)
    left = out(switch)
    assert [len(frames) for frames in left] == [1, 1, 2]
    assert switch.counters["learnt"] == 1


@pytest.mark.parametrize("last", range(16))
def test_addresses_of_the_bridge_itself_are_never_forwarded(last: int) -> None:
    switch = Switch(3)
    switch.ports[2].wire_in(frame(bytes.fromhex("0180c20000") + bytes([last]), station(1)), 0)
    assert where(switch) == []
    assert switch.ports[2].counters["reserved"] == 1
    assert lost(switch.legs()) == 0


def test_damaged_frames_are_counted_each_for_its_cause() -> None:
    good = frame(station(2), station(1), 100)
    runt = good[:50] + fcs(good[:50])
    giant = frame(station(2), station(1), 1519)
    cases = [
        (damage(good, 20, 1, Damage.WIRE), False, "bad_fcs"), (good, True, "symbol_error"), (runt, False, "runt"),
        (giant, False, "giant"), (b"", False, "runt"), (damage(good, 20, 1, Damage.HOST), False, "passed"),
    ]  # fmt: skip
    for wire, error, cause in cases:
        switch = Switch(2)
        switch.ports[0].wire_in(wire, 0, error)
        assert where(switch) == ([1] if cause == "passed" else [])
        assert switch.ports[0].counters[cause] == 1
        assert switch.counters["learnt"] == (cause == "passed"), "a damaged source address teaches nothing"
        assert lost(switch.legs()) == 0


def test_a_frame_to_the_port_it_came_from_goes_nowhere() -> None:
    switch = Switch(2)
    switch.ports[0].wire_in(frame(station(9), station(1)), 0)
    switch.ports[0].wire_in(frame(station(1), station(2)), 1)
    assert [len(left) for left in out(switch)] == [0, 1]
    assert switch.ports[0].counters["same_port"] == 1
    alone = Switch(1)
    alone.ports[0].wire_in(frame(EVERYBODY, station(1)), 0)
    assert (where(alone), alone.ports[0].counters["nowhere"]) == ([], 1)
    assert lost(switch.legs() + alone.legs()) == 0


def test_stations_move_are_forgotten_and_do_not_fit() -> None:
    switch = Switch(3, table_size=2, aging_ns=1000)

    def say(port: int, who: int, at: int) -> None:
        switch.ports[port].wire_in(frame(station(99), station(who)), at)

    say(0, 1, 0)
    say(1, 2, 10)
    say(2, 3, 20)  # the table is full
    switch.advance(20)
    assert [row.address for row in switch.table()] == [station(1), station(2)]
    say(2, 1, 30)  # moved
    switch.advance(30)
    assert (switch.counters["moved"], switch.table()[0].port) == (1, 2)
    say(2, 3, 1010)  # station 2 was heard a thousand nanoseconds ago
    switch.advance(1010)
    assert [row.address for row in switch.table()] == [station(1), station(3)]
    assert switch.counters == {"learnt": 3, "moved": 1, "aged": 1, "table_full": 1}
    switch.advance(1030)
    assert [row.address for row in switch.table()] == [station(3)]
    for port in switch.ports:
        port.wire_out()
    switch.ports[0].wire_in(frame(station(1), station(4)), 1031)  # forgotten, though its row is still there
    assert where(switch) == [1, 2]


@pytest.mark.parametrize("bps", [10**7, 10**9, 25 * 10**8, 10**11])
def test_frames_leave_at_the_speed_of_their_port(bps: int) -> None:
    """Exactly: preamble, frame and gap count as bytes, and nothing is rounded on the way."""
    switch = Switch([10**9, bps], forward_ns=700)
    lengths = [60, 61, 62, 333, 1514] * 20
    for length in lengths:
        switch.ports[0].wire_in(frame(station(2), station(1), length), 1000)
    left = out(switch)[1]
    byte, free = Fraction(8 * 10**9, bps), Fraction(1700)
    for (at, wire), length in zip(left, lengths, strict=True):
        done = free + (8 + length + 4) * byte
        assert (at, len(wire)) == (-(-done.numerator // done.denominator), length + 4)
        free = done + 12 * byte


def test_a_queue_has_so_many_bytes_and_no_more() -> None:
    switch = Switch(3, queue_bytes=3000, forward_ns=0)
    for index in range(4):
        switch.ports[0].wire_in(frame(station(9), station(1), 996, index), 10)
        switch.ports[1].wire_in(frame(station(9), station(2), 996, index), 10)
    left = out(switch)[2]
    assert [wire[14] for _, wire in left] == [0, 1, 2], "arrivals at one time go by the number of their port"
    assert all(wire[6:12] == station(1) for _, wire in left)
    counters = switch.ports[2].counters
    assert (counters["given"], counters["out"], counters["queue_full"]) == (8, 3, 5)
    assert switch.ports[2].peak == 3000
    switch.ports[0].wire_in(frame(station(9), station(1), 996), left[0][0])  # the first has just left
    assert len(out(switch)[2]) == 1
    assert lost(switch.legs()) == 0


def test_nothing_is_forwarded_before_its_time() -> None:
    switch = Switch(2)
    assert switch.due() == NEVER
    switch.ports[0].wire_in(frame(station(2), station(1)), 5000)
    assert (switch.due(), switch.advance(4999)) == (5000, 0)
    assert switch.ports[1].wire_out() == []
    assert switch.advance(5000) == 1
    assert switch.due() == NEVER
    assert switch.ports[1].wire_out()[0][0] == 5000 + 1000 + (8 + 64) * 8


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ports": 0}, "10M to 100G"), ({"ports": [10**9, 9600]}, "9600"),
        ({"ports": 2, "table_size": 0}, "0 stations"),
        ({"ports": 2, "queue_bytes": 1000}, "queues of 1000"), ({"ports": 2, "longest": 63}, "frames of 63"),
        ({"ports": 2, "aging_ns": 0}, "for 0 ns"), ({"ports": 2, "forward_ns": -1}, "after -1 ns"),
    ],
)  # fmt: skip
def test_a_switch_there_cannot_be_is_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Switch(**wrong)


# ---- any traffic ----

ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, 3),  # port
        st.integers(0, 40_000),  # time
        st.sampled_from([*map(station, range(5)), EVERYBODY, bytes.fromhex("0180c2000001")]),
        st.sampled_from([*map(station, range(5)), EVERYBODY]),
        st.sampled_from([60, 500, 1514, 1600]),
        st.sampled_from(["", "", "", "fcs", "symbol", "runt"]),
    ),
    max_size=60,
)
Arrival = tuple[int, int, bytes, bytes, int, str]


def wire_of(arrival: Arrival) -> bytes:
    _, _, destination, source, length, spoilt = arrival
    wire = frame(destination, source, length)
    return {"fcs": damage(wire, 20, 1, Damage.WIRE), "runt": wire[:40]}.get(spoilt, wire)


def naive(arrivals: list[Arrival], queue_bytes: int) -> list[list[tuple[int, bytes]]]:
    """What leaves each port: one pass over a sorted list, with no state but a dictionary and a list of departures."""
    known: dict[bytes, int] = {}
    left: list[list[tuple[int, bytes]]] = [[] for _ in range(4)]
    for port, at, destination, source, length, spoilt in sorted(arrivals, key=lambda a: (a[1], a[0])):
        if spoilt or length > 1518:
            continue
        if not source[0] & 1:
            known[source] = port
        if destination[:5] == bytes.fromhex("0180c20000"):
            continue
        outs = [known[destination]] if destination in known else [number for number in range(4) if number != port]
        for number in outs:
            now, queue = at + 1000, left[number]
            waiting = sum(len(wire) for leaves, wire in queue if leaves > now)
            if number != port and waiting + length + 4 <= queue_bytes:
                begin = max(now, queue[-1][0] + 12 * 8 if queue else 0)
                queue.append((begin + (8 + length + 4) * 8, frame(destination, source, length)))
    return left


@given(ARRIVALS, st.sampled_from([1600, 4000, 100_000]), st.randoms(use_true_random=False))
def test_any_traffic_is_what_the_naive_switch_makes_of_it(arrivals: list[Arrival], queue: int, rng: Any) -> None:
    """In whatever order ports are served and time is cut, and nothing is lost."""
    switch = Switch(4, queue_bytes=queue)
    handed = sorted(arrivals, key=lambda a: (a[1] // 1000, a[0]))  # as a pump's windows hand them over
    left: list[list[tuple[int, bytes]]] = [[] for _ in range(4)]
    for window in range(42):
        batch = [arrival for arrival in handed if arrival[1] // 1000 == window]
        order = list(range(4))
        rng.shuffle(order)
        for port in order:
            for arrival in batch:
                if arrival[0] == port:
                    switch.ports[port].wire_in(wire_of(arrival), arrival[1], arrival[5] == "symbol")
        switch.advance(window * 1000 + 999)
        for number, one in enumerate(switch.ports):
            left[number] += one.wire_out()
    assert left == naive(handed, queue)
    assert lost(switch.legs()) == 0
    totals = {name: sum(port.counters[name] for port in switch.ports) for name in switch.ports[0].counters}
    drops = sum(totals[name] for name in (*DROPS_IN, "queue_full"))
    assert totals["in"] + totals["copies"] == totals["out"] + drops
    assert totals["in"] == len(arrivals)
