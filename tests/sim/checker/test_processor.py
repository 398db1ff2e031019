"""With the time that a processor takes, a mistake in the order of stores and doorbells has the effect it has on a
machine, and a driver without one loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ringbed.drivers.world import Nic, TxFrame
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.processor.model import Processor
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector
from ringbed.sim.wire.frame import from_wire, to_wire
from tests.sim.checker.planted import PUT, STATION, Fault, planted

pytestmark = pytest.mark.needs("native")

SLOW = Processor(access_ns=200, store_ns=30, interrupt_ns=1000)
FRAMES = [bytes.fromhex("0200000000fe") + STATION + b"\x88\xb5" + bytes([number]) * 50 for number in range(40)]
EARLY = Fault("bell first", "ring.unwritten", (
    (PUT, "self.device.write(0, TX + TAIL, (self.tx.tail + 1) % self.size)\n        " + PUT),))  # fmt: skip


def run(
    driver: Callable[..., Nic] | None, processor: Processor | None
) -> tuple[list[bytes], list[bytes], set[str], int]:
    """What was sent, what was received, the rules that were broken, and ns."""
    host = open_host("em0", Collector(), driver=driver, engine="native", checker=True, processor=processor)
    try:
        host.up()
        host.advance(host.now + 3_000_000)
        begin = host.now
        sent = 0
        while sent < len(FRAMES):
            sent += host.driver.transmit(0, [TxFrame([frame]) for frame in FRAMES[sent:]])
            for frame in FRAMES[:5]:
                host.engine.wire_in(to_wire(STATION + frame[6:]), host.engine.now)
            host.advance(host.now + 1)
        busy = host.now - begin
        host.advance(host.now + 300_000)
        out = [from_wire(frame) for _, frame in host.engine.wire_out()]
        received: list[Any] = [frame.data for frame in host.upper.take()]
        host.down()
        return out, received, {each.rule for each in host.findings() if isinstance(each, DriverFinding)}, busy
    finally:
        host.engine.close()


@pytest.mark.parametrize("driver", [None, planted(Fault("none", "", ()))[0]], ids=["em", "template"])
def test_a_clean_driver_takes_longer_and_loses_nothing(driver: Callable[..., Nic] | None) -> None:
    quick, slow = run(driver, None), run(driver, SLOW)
    for out, received, rules, _ in (quick, slow):
        assert out == FRAMES
        assert received == [STATION + frame[6:] for frame in FRAMES[:5]]
        assert rules == set()
    assert slow[3] - quick[3] >= SLOW.access_ns + len(FRAMES) * SLOW.store_ns


def test_a_bell_before_its_descriptor_goes_wrong_only_with_time() -> None:
    """Without, the card looks when the driver has returned, and finds it all there."""
    driver, _ = planted(EARLY)
    out, _, rules, _ = run(driver, None)
    assert out == FRAMES
    assert "ring.unwritten" in rules
    out, _, rules, _ = run(driver, Processor(access_ns=2000))  # longer than the card takes to read a descriptor
    assert out != FRAMES
    assert "ring.unwritten" in rules
