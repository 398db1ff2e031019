"""An exchange's bookkeeping: what was asked is answered right, answered wrong, or lost, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringbed.cli.demo.exchange import StackExchange
from ringbed.sim.wire.payload import payload

PATIENCE = 100


def test_one_request_until_the_first_answer_then_a_window() -> None:
    sent: list[tuple[int, bytes]] = []
    exchange = StackExchange("x", range(20), 1, lambda key, data: sent.append((key, data)), PATIENCE, window=4)
    assert not exchange.proceed(0)
    assert sent == [(0, b"")]
    exchange.answered(0, b"")
    assert not exchange.proceed(1)
    assert [key for key, _ in sent] == [0, 1, 2, 3, 4]
    assert sent[3][1] == payload(1, 3)


@given(st.lists(st.sampled_from(["right", "wrong", "silent", "twice"]), min_size=1, max_size=40), st.booleans())
def test_every_request_ends_in_one_way(fates: list[str], by_length: bool) -> None:
    waiting: list[tuple[int, bytes]] = []
    exchange = StackExchange("x", range(1, len(fates) + 1), 2, lambda key, data: waiting.append((key, data)), PATIENCE)
    now = 0
    while not exchange.proceed(now):
        for key, data in waiting:
            fate, known = fates[key], None if by_length else key
            if fate != "silent":
                exchange.answered(known, data if fate != "wrong" else bytes(len(data)))
            if fate == "twice":
                exchange.answered(known, data)
        waiting.clear()
        now += PATIENCE + 1
    result = exchange.give_up()
    assert result.sent == len(fates)
    assert result.good == fates.count("right") + fates.count("twice")
    assert len(result.wrong) == fates.count("wrong")
    assert len(result.lost) == fates.count("silent")
    assert result.strays == fates.count("twice")
    assert result.disagreements == fates.count("wrong") + fates.count("twice")


def test_giving_up_loses_what_was_never_sent() -> None:
    exchange = StackExchange("x", [5, 6, 7], 1, lambda key, data: None, PATIENCE)
    exchange.proceed(0)
    assert sorted(exchange.give_up().lost) == [5, 6, 7]
