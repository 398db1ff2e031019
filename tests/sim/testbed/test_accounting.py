"""Every frame in one place: causes of card and driver, and a frame that vanished shows."""

from __future__ import annotations

import pytest

from ringbed.drivers.ethtool import Features
from ringbed.drivers.world import Segmentation, TxFrame, TxSum
from ringbed.hw.formats import em
from ringbed.hw.formats.window import Count, Part, Stop
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


def test_a_card_without_the_window_is_counted_on_its_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    host = fake_host(Collector())
    counters = host.driver.counters() | {"rx_frames": 7, "rx_errors": 2, "tx_frames": 5, "tx_long": 1, "tx_reset": 2}
    stats = host.engine.stats()
    stats.dropped, stats.wire_in, stats.wire_out = {"bad_fcs": 3, "error": 0}, 14, 3
    monkeypatch.setattr(host.driver, "counters", lambda: counters)
    monkeypatch.setattr(host.engine, "stats", lambda: stats)
    monkeypatch.setattr(host.engine, "window", None)
    up, down = driver_legs(host)
    assert str(up) == (
        "em0 wire to driver: sent 14, delivered 7, bad_fcs 3, rx_errors 2, "
        "lost 2 or dropped by the card, which cannot be asked: 2 of 14 frames of the wire never reached the driver; "
        "never all had; at most 2 were on their way"
    )
    assert str(down) == "em0 driver to wire: sent 6, delivered 3, tx_long 1, tx_reset 2, lost 0"
    stats.wire_in = 11
    assert str(driver_legs(host)[0]).endswith("lost -1")  # nobody dropped a frame that came twice


def test_frames_that_wait_on_the_wire_are_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    host = fake_host(Collector())
    stats = host.engine.stats()
    stats.wire_in, stats.wire_waiting = 5, 5
    monkeypatch.setattr(host.engine, "window", None)
    monkeypatch.setattr(host.engine, "stats", lambda: stats)
    assert str(driver_legs(host)[0]) == "em0 wire to driver: sent 5, delivered 0, waiting on the wire 5, lost 0"


COUNTS = [pytest.param(count, id=count.name) for count in em.WINDOW.counts]


@pytest.mark.parametrize("count", COUNTS)
def test_every_counter_of_the_card_is_in_the_account(count: Count) -> None:
    """The whole table: a frame that ends in a counter ends in a cause of its name, one that is made was made."""
    host = busy_host()
    assert isinstance(host.engine, FakeEngine)
    rb = host.engine.card.rb
    way = ["rx", "tx"].index(count.way)
    begun = em.WINDOW.of(count.way, Part.BEGUN)[0].name
    before, wires = driver_legs(host)[way], em.WINDOW.on_wire(rb)
    rb[count.name] += 7
    leg = driver_legs(host)[way]
    if count.part is Part.APART:
        assert leg == before
    elif count.part is Part.MADE:
        assert (leg.added[count.name], leg.lost) == (before.added[count.name] + 7, 7)
    elif count.part is Part.ENDED:
        rb[begun] += 7
        if count.way == "tx":
            host.driver.rings.tx.counters["tx_frames"] += 7  # type: ignore[attr-defined]
        leg = driver_legs(host)[way]
        assert (leg.causes[count.name], leg.lost) == (before.causes.get(count.name, 0) + 7, 0)
        rb[begun] -= 7
    else:
        assert leg.lost in (7, -7, 0)
    now = em.WINDOW.on_wire(rb)
    assert (now[0] - wires[0], now[1] - wires[1]) == (7 * count.rx_wire, 7 * count.tx_wire)


@pytest.mark.parametrize("stop", em.WINDOW.stops, ids=lambda stop: stop.name)
def test_what_stands_behind_a_stopped_queue_is_under_its_name(stop: Stop, monkeypatch: pytest.MonkeyPatch) -> None:
    host = busy_host()
    assert isinstance(host.engine, FakeEngine)
    way = ["rx", "tx"].index(stop.way)
    host.engine.card.rb[em.WINDOW.of(stop.way, Part.BEGUN)[0].name] += 3
    host.driver.rings.tx.counters["tx_frames"] += 3 + 2  # type: ignore[attr-defined]  # and 2 that are on the ring still
    assert driver_legs(host)[way].lost == (3, 5)[way]
    host.engine.card.reg[stop.name, 0] = em.StopCause.DATA
    leg = driver_legs(host)[way]
    assert (leg.causes[f"behind {stop.name} data"], leg.lost) == ((3, 5)[way], 0)


def test_what_the_card_never_took_is_said() -> None:
    host = busy_host()
    host.driver.rings.tx.counters["tx_frames"] += 3  # type: ignore[attr-defined]
    assert str(driver_legs(host)[1]).endswith(", lost 3: 3 the card has not taken from the ring")


def test_what_the_driver_never_took_is_said() -> None:
    """Written back, and the driver did not look: it missed an interrupt, say."""
    host = busy_host()
    assert isinstance(host.engine, FakeEngine)
    for part in (Part.BEGUN, Part.DONE):
        host.engine.card.rb[em.WINDOW.of("rx", part)[0].name] += 3
    host.driver.rings.rx.counters["rx_errors"] += 1  # type: ignore[attr-defined]
    assert str(driver_legs(host)[0]).endswith(", lost 2: 2 the driver has not taken from the ring")


def test_what_a_vlan_filter_drops_and_a_message_that_is_cut() -> None:
    """By the card's own doing, whatever the table says of its counters."""
    features = Features(True, True, tso=True, vlan_strip=True, vlan_insert=True, vlan_filter=True)
    host = fake_host(Collector(), features=features)
    host.engine.wire_in(to_wire(frame(12) + b"\x81\0\0\5" + frame(60)), host.engine.now)
    header = bytes(frame(12)) + b"\x08\0" + bytes(frame(40))
    message = TxFrame([header + bytes(4000)], TxSum.NONE, 14, 34, segmentation=Segmentation(1000, 54))
    assert host.driver.transmit(0, [message]) == 1
    Pump([host]).run(host.now + 1_000_000)
    up, down = driver_legs(host)
    assert str(up) == "em0 wire to driver: sent 1, delivered 0, RB_RXVLAN 1, lost 0"
    assert str(down) == "em0 driver to wire: sent 1, RB_TXSEG 4, delivered 4, RB_TXTSO 1, lost 0"


def test_a_closed_engine_has_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    host = fake_host(Collector())

    def closed(offset: int) -> int:
        raise EngineClosed("em")

    monkeypatch.setattr(host.engine, "peek", closed)
    with pytest.raises(EngineClosed):
        driver_legs(host)
