"""Every frame in one place: causes of card and driver, and a frame that vanished shows."""

from __future__ import annotations

import pytest

from ringbed.drivers.world import TxFrame
from ringbed.sim.faults.plan import parse_plan
from ringbed.sim.seam.engine import EngineClosed
from ringbed.sim.testbed.accounting import Leg, card_count, driver_legs, lost
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.testbed.pump import Pump
from ringbed.sim.wire.frame import Damage, damage, to_wire
from tests.drivers.bench import frame
from tests.sim.fake_engine import FakeEngine, fake_host


def busy_host() -> Host[Collector]:
    """A host that has seen good frames, and one of each of several ends."""
    host = fake_host(Collector(), rx_ring=8)
    wires = [to_wire(frame(60, seed)) for seed in range(50)]
    wires += [damage(wires[0], 20, 1, Damage.WIRE), to_wire(frame(60, 1, b"\x02\0\0\0\0\x99")), to_wire(frame(1600))]
    for wire in wires:
        host.engine.wire_in(wire, host.engine.now)
    sent = [frame(60), b"", frame(2000), frame(1514)]
    assert host.driver.transmit(0, [TxFrame([data]) for data in sent]) == 4
    Pump([host]).run(host.now + 1_000_000)
    return host


def test_causes_of_card_and_driver_explain_everything() -> None:
    up, down = driver_legs(busy_host())
    assert (up.sent, up.delivered) == (53, 50)
    assert {name: count for name, count in up.causes.items() if count} == {
        "RB_RXCRC": 1, "RB_RXFILTER": 1, "RB_RXGIANT": 1,
    }  # fmt: skip
    assert (down.sent, down.delivered) == (4, 2)
    assert {name: count for name, count in down.causes.items() if count} == {"tx_null": 1, "tx_long": 1}
    assert lost([up, down]) == 0


def test_a_reset_in_between_is_accounted_for() -> None:
    host = busy_host()
    assert isinstance(host.engine, FakeEngine)
    host.driver.transmit(0, [TxFrame([frame(60)])] * 9)
    host.engine.card.step(3)
    host.driver.down()
    up, down = driver_legs(host)
    assert lost([up, down]) == 0
    assert down.causes["tx_reset"] + down.causes["RB_TXFLUSH"] == 9


def test_a_frame_that_vanished_shows() -> None:
    host = busy_host()
    assert isinstance(host.engine, FakeEngine)
    assert card_count(host, "RB_RXDONE") == 50
    host.engine.card.rb["RB_RXCRC"] -= 1
    host.engine.card.rb["RB_TXWIRE"] += 1
    up, down = driver_legs(host)
    assert (up.lost, down.lost) == (1, -1)
    assert lost([up, down]) == 2  # one too many does not make up for one too few


def test_a_leg_prints_what_happened_and_nothing_else() -> None:
    leg = Leg("em0 wire to driver", 10, 7, {"RB_RXCRC": 2, "RB_RXOFF": 0})
    assert str(leg) == "em0 wire to driver: sent 10, delivered 7, RB_RXCRC 2, lost 1"


def test_a_link_that_swallows_and_doubles_is_in_the_account() -> None:
    """What the peer sent is what the driver handed on, less what the link dropped, and what it doubled."""
    host = fake_host(Collector())
    plan = parse_plan(
        "[[link]]\nkind = 'drop'\nat = [0, 1, 5]\nwhere = 'rx'\n"
        "[[link]]\nkind = 'duplicate'\nat = [7, 8]\nwhere = 'rx'\n"
        "[[link]]\nkind = 'drop'\nat = [2]\nwhere = 'tx'"
    )
    faults = Faults(plan)
    end = faults.end(host)
    for seed in range(20):
        end.wire_in(to_wire(frame(60, seed)), host.engine.now)
    assert host.driver.transmit(0, [TxFrame([frame(60)])] * 4) == 4
    Pump([host]).run(host.now + 1_000_000)
    assert len(end.wire_out()) == 3
    into, out = faults.legs()
    assert str(into) == "em0 link to wire: sent 20, doubled 2, delivered 19, dropped by the link 3, lost 0"
    assert str(out) == "em0 wire to link: sent 4, delivered 3, dropped by the link 1, lost 0"
    assert lost([*driver_legs(host), into, out]) == 0
    assert isinstance(host.engine, FakeEngine)
    host.engine.card.rb["RB_RXWIRE"] -= 1
    assert lost(faults.legs()) == 1


def no_peek(offset: int) -> int:
    raise ValueError("the port map of em has no peek")


def test_a_card_without_the_window_is_counted_on_its_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    host = fake_host(Collector())
    counters = host.driver.counters() | {"rx_frames": 7, "rx_errors": 2, "tx_frames": 5, "tx_long": 1, "tx_reset": 2}
    stats = host.engine.stats()
    stats.dropped, stats.wire_in, stats.wire_out = {"bad_fcs": 3, "error": 0}, 14, 3
    monkeypatch.setattr(host.driver, "counters", lambda: counters)
    monkeypatch.setattr(host.engine, "stats", lambda: stats)
    monkeypatch.setattr(host.engine, "peek", no_peek)
    up, down = driver_legs(host)
    assert str(up) == (
        "em0 wire to driver: sent 14, delivered 7, bad_fcs 3, rx_errors 2, "
        "lost 2 or dropped by the card, which cannot be asked"
    )
    assert str(down) == "em0 driver to wire: sent 6, delivered 3, tx_long 1, tx_reset 2, lost 0"
    stats.wire_in = 11
    assert str(driver_legs(host)[0]).endswith("lost -1")  # nobody dropped a frame that came twice


def test_the_engine_of_another_model_has_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """QEMU answers a look with 0, as any register that it has not."""
    host = fake_host(Collector())
    monkeypatch.setattr(host.engine, "kind", "qemu")
    assert host.engine.stats().wire_in == 0
    host.engine.wire_in(to_wire(frame(60)), host.engine.now)
    Pump([host]).run(host.now + 1_000_000)
    assert driver_legs(host)[0].lost == -1


def test_a_closed_engine_has_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    host = fake_host(Collector())

    def closed(offset: int) -> int:
        raise EngineClosed("em")

    monkeypatch.setattr(host.engine, "peek", closed)
    with pytest.raises(EngineClosed):
        driver_legs(host)
