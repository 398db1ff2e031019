"""The same over `Em`: one thing of it is replaced by what a driver may not do; and what only `Em` does, clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from ringbed.benchmarks.planted.over_em import FAULTS_OF_EM, FEATURES, message, planted_over_em, work
from ringbed.drivers.ethtool import Features, RingSizes
from ringbed.drivers.world import TxFrame
from ringbed.sim.checker.finding import DriverFinding
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector, Host

pytestmark = pytest.mark.needs("native")


@contextmanager
def up(**options: Any) -> Iterator[Host[Collector]]:
    host = open_host("em0", Collector(), checker=True, engine="native", driver_options=options)
    try:
        host.up()
        host.advance(host.now + 3_000_000)
        yield host
    finally:
        host.engine.close()


def rules(host: Host[Collector]) -> list[str]:
    return [each.rule for each in host.findings() if isinstance(each, DriverFinding)]


# ---- clean ----


@pytest.mark.parametrize("workarounds", [(), ("descriptor_4k", "tso_tail")])
def test_messages_tags_and_other_settings_are_clean(workarounds: tuple[str, ...]) -> None:
    with up(features=FEATURES, workarounds=workarounds) as host:
        work(host)
        host.driver.transmit(0, [message(1, tag=42), TxFrame([bytes(range(60))], vlan=7)])
        host.driver.ethtool.set_rings(RingSizes(64, 32))
        work(host)
        host.driver.set_promiscuous(True)
        host.driver.ethtool.set_features(Features())
        host.advance(host.now + 1_500_000_000)  # the watchdog
        host.down()
        host.up()
        assert all(check.passed for check in host.driver.ethtool.self_test())
        host.down()
        assert rules(host) == []


def test_a_reset_with_work_in_flight_is_clean() -> None:
    """All that the card has is the driver's again."""
    with up() as host:
        for _ in range(3):
            host.driver.transmit(0, [message(number) for number in range(8)])
            host.down()
            host.up()
            host.advance(host.now + 3_000_000)
        host.down()
        assert rules(host) == []


# ---- with a fault ----


def _tags_without_asking(driver: Any) -> None:
    driver.rings.tx.tagging = True


@pytest.mark.parametrize("name", FAULTS_OF_EM)
def test_a_fault_of_em_is_found(name: str) -> None:
    with planted_over_em(name) as rule, up(features=FEATURES) as host:
        with suppress(Exception):  # of a driver that was misled
            work(host)
            host.down()
        assert rules(host)[0] == rule


@pytest.mark.parametrize(
    ("rule", "does"),
    [
        ("register.live", lambda driver: driver.hardware.write("RXDCTL", 1 << 16)),
        ("ring.live", lambda driver: driver.hardware.write("RDLEN", 128)),
        ("register.reserved", lambda driver: driver.hardware.write("TCTL", 1)),
        ("tx.untagged", _tags_without_asking),
    ],
)
def test_a_setting_that_may_not_be(rule: str, does: Callable[[Any], None]) -> None:
    with up() as host:
        does(host.driver)
        if rule == "tx.untagged":
            host.driver.transmit(0, [TxFrame([bytes(range(60))], vlan=7)])
            host.advance(host.now + 50_000)
        assert rules(host) == [rule]
