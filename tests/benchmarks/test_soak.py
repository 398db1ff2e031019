"""The soak's own judgement: it sees what is missing, changed or out of order, and a card that stands still."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from ringbed.benchmarks import soak as soaking
from ringbed.benchmarks.soak import every_fault, soak
from ringbed.sim.faults.plan import KINDS, FaultPlan
from ringbed.sim.testbed import accounting
from ringbed.sim.testbed.host import Host
from ringbed.sim.testbed.pump import Pump
from ringbed.sim.wire.frame import Damage, damage
from tests.sim.conftest import needs_native

QUIET = FaultPlan()


def test_every_kind_of_fault_is_in_it() -> None:
    rules = every_fault(0.01, 3).rules
    assert {(rule.part, rule.kind) for rule in rules} == {(part, kind) for part in KINDS for kind in KINDS[part]}
    assert {rule.values["damage"] for rule in rules if rule.kind in ("flip", "truncate")} == {"wire", "host"}
    assert {rule.rate for rule in rules} == {0.01}


@pytest.mark.parametrize(
    ("sent", "came", "changed"),
    [("abcd", "abcd", 0), ("abcd", "bd", 0), ("abab", "bb", 0), ("abcd", "ba", 1), ("abcd", "aa", 1), ("", "x", 1)],
)
def test_frames_may_be_missing_and_nothing_else(sent: str, came: str, changed: int) -> None:
    order = soaking._Order()
    order.sent(letter.encode() for letter in sent)
    for letter in came:
        order.came(letter.encode())
    assert order.changed == changed


def test_its_datagrams_have_the_sums_scapy_gives_them() -> None:
    for offered, expected in soaking._stock(random.Random(1)):
        if offered.sums:
            packet = Ether(expected)
            del packet[IP].chksum, packet[UDP].chksum
            assert bytes(packet) == expected


@needs_native
def test_a_quiet_soak_loses_nothing() -> None:
    result = soak(300, plan=QUIET)
    assert (result.offered, result.unaccounted, result.changed, result.alive, result.findings) == (300, 0, 0, True, [])
    assert result.faults == {}
    assert result.counters["rx_frames"] >= 300


@needs_native
def test_a_frame_nobody_counted_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = accounting.card_count

    def forgetful(host: Host[Any], name: str) -> int:
        return right(host, name) - (name == "RB_RXWIRE")

    monkeypatch.setattr(accounting, "card_count", forgetful)
    assert soak(100, plan=QUIET).unaccounted > 0


@needs_native
@pytest.mark.parametrize("way", ["wire_in", "wire_out"])
def test_a_frame_that_changed_is_seen(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Changed between the soak's eyes and the card's, with a good FCS."""
    watched = soaking._Watched

    class Spoilt(watched):  # type: ignore[misc, valid-type]
        def __init__(self, engine: Any, *orders: Any) -> None:
            super().__init__(_Spoiling(engine, way), *orders)

    monkeypatch.setattr(soaking, "_Watched", Spoilt)
    assert soak(100, plan=QUIET).changed > 0


class _Spoiling:
    """An engine's wire that turns a bit of every frame, one way."""

    def __init__(self, engine: Any, way: str) -> None:
        self._engine, self._way = engine, way

    def wire_in(self, frame: bytes, at: int, error: bool) -> None:
        self._engine.wire_in(_spoil(frame) if self._way == "wire_in" else frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        change: Callable[[bytes], bytes] = _spoil if self._way == "wire_out" else bytes
        return [(clock, change(frame)) for clock, frame in self._engine.wire_out()]


def _spoil(frame: bytes) -> bytes:
    return damage(frame, 20, 1, Damage.HOST)


@needs_native
def test_a_card_that_stands_still_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    run, seen = Pump.run, []

    def unplugged(pump: Pump, until: int, at_rest: bool = False) -> bool:
        seen.append(until)
        if len(seen) == 5:
            pump.hosts[0].engine.set_pin("link_up", 0)
        return run(pump, until, at_rest)

    monkeypatch.setattr(Pump, "run", unplugged)
    result = soak(300, plan=QUIET)
    assert result.offered < 300
    assert not result.alive
