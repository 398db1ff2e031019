"""Cables to a switch as a link of a pump: order over windows, time, and what is refused."""

from __future__ import annotations

import pytest

from ringbed.drivers.world import TxFrame
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import NEVER
from ringbed.sim.testbed.host import Collector, Host
from ringbed.sim.testbed.pump import Pump, TimedLink
from ringbed.sim.testbed.switch import Switch
from ringbed.sim.testbed.switch_link import SwitchLink
from ringbed.sim.wire.frame import from_wire, to_wire
from tests.drivers.bench import frame
from tests.sim.fake_engine import fake_host
from tests.sim.testbed.switch.test_switch import station
from tests.sim.wire.far_end import FarEnd


def test_through_the_switch_in_one_move_in_the_order_of_arrival() -> None:
    switch = Switch(3, forward_ns=500)
    link = SwitchLink(switch, 2000)
    assert isinstance(link, TimedLink)
    ends = [FarEnd() for _ in range(3)]
    for port, end in enumerate(ends):
        link.plug(port, end, Frequency())
    first, second = to_wire(station(3) + station(1) + bytes(48)), to_wire(station(3) + station(2) + bytes(48))
    ends[0].left = [(20, second)]  # clocks of 8 ns
    ends[1].left = [(10, first)]
    link.advance(1000)
    assert link.move() == 2 + 4
    assert [wire for _, wire in ends[2].came] == [first, second]
    assert ends[2].came[0][0] == -(-(10 * 8 + 2000 + 500 + 72 * 8 + 2000) // 8)
    assert link.due() == NEVER


def test_a_frame_that_could_be_overtaken_waits_for_its_time() -> None:
    """A host that has run past the end of its window sends a frame from there; another may send before that yet."""
    switch = Switch(3)
    link = SwitchLink(switch, 2000)
    ends = [FarEnd() for _ in range(3)]
    for port, end in enumerate(ends):
        link.plug(port, end, Frequency())
    early, late = to_wire(station(3) + station(1) + bytes(48)), to_wire(station(3) + station(2) + bytes(48))
    ends[0].left = [(130, late)]  # 1040 ns
    link.advance(1000)
    assert link.move() == 1
    assert (ends[2].came, link.due()) == ([], 1040)
    ends[1].left = [(128, early)]
    link.advance(2000)
    link.move()
    assert [wire for _, wire in ends[2].came] == [early, late]


def test_hosts_on_a_switch_under_one_pump() -> None:
    hosts: list[Host[Collector]] = [fake_host(Collector(), number) for number in (1, 2, 3)]
    link = SwitchLink(Switch(3))
    for port, host in enumerate(hosts):
        link.plug(port, host.engine, host.frequency)
    pump = Pump(hosts, [link])
    pump.run(max(host.now for host in hosts) + 1000)
    to_b, to_a = frame(60, 1, station(2)), frame(60, 2, station(1))
    hosts[0].driver.transmit(0, [TxFrame([to_b])])
    assert pump.run(pump.now + 10**9, at_rest=True)
    assert [[item.data for item in host.upper.take()] for host in hosts] == [[], [to_b], []]
    hosts[1].driver.transmit(0, [TxFrame([to_a])])
    begin = pump.now
    assert pump.run(begin + 10**9, at_rest=True)
    assert [[item.data for item in host.upper.take()] for host in hosts] == [[to_a], [], []]
    assert begin + 4000 < pump.now < begin + 20_000


def test_a_slow_port_keeps_its_frames_and_the_pump_waits_for_them() -> None:
    """At 10 Mbit/s a frame takes longer than any window: nobody is at rest until the last one has come."""
    hosts: list[Host[Collector]] = [fake_host(Collector(), number) for number in (1, 2)]
    link = SwitchLink(Switch([10**9, 10**7]))
    for port, host in enumerate(hosts):
        link.plug(port, host.engine, host.frequency)
    pump = Pump(hosts, [link])
    pump.run(max(host.now for host in hosts) + 1000)
    sent = [frame(1000, seed, station(2)) for seed in range(10)]
    hosts[0].driver.transmit(0, [TxFrame([data]) for data in sent])
    begin, activity = pump.now, pump.activity
    assert pump.run(begin + 10**9, at_rest=True)
    assert [item.data for item in hosts[1].upper.take()] == sent
    assert pump.now - begin > 10 * 1000 * 800
    assert pump.activity - activity < 200


def test_what_cannot_be_plugged_is_refused() -> None:
    with pytest.raises(ValueError, match="takes at least 1 ns, not 0: it is the look-ahead"):
        SwitchLink(Switch(2), 0)
    link = SwitchLink(Switch(2))
    link.plug(1, FarEnd())
    for port in (1, 2, -1):
        with pytest.raises(ValueError, match=f"port {port} is not free; free are \\[0\\]"):
            link.plug(port, FarEnd())
    link.plug(0, FarEnd())
    with pytest.raises(ValueError, match="free are none"):
        link.plug(0, FarEnd())


def test_a_bad_frame_reaches_nobody() -> None:
    ends = [FarEnd(), FarEnd()]
    link = SwitchLink(Switch(2))
    for port, end in enumerate(ends):
        link.plug(port, end)
    good = to_wire(station(2) + station(1) + bytes(46))
    ends[0].left = [(1, good[:-1] + b"!"), (2, good)]
    link.advance(1000)
    link.move()
    assert [from_wire(wire) for _, wire in ends[1].came] == [from_wire(good)]
