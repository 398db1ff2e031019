from __future__ import annotations

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.message import FIRST, FULL, QUEUED, Message, Posted
from ringbed.stack.kern.packet import Packet
from ringbed.stack.route.nexthop import Resolve


def test_only_full_is_false() -> None:
    assert [bool(answer) for answer in (FULL, QUEUED, FIRST)] == [False, True, True]
    assert set(Posted) == {FULL, QUEUED, FIRST}


def test_a_packet_is_counted_once_however_it_is_carried() -> None:
    reason = Counter("reason", is_drop=True)
    Message().drop(reason)
    assert reason.value == 0
    Packet([b""]).drop(reason)
    Resolve(Packet([b""]), 1).drop(reason)
    assert reason.value == 2
