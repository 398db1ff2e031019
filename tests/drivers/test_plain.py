"""PlainNic: what is the same for all cards that only move frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ringbed.drivers.ethtool import SPEED_UNKNOWN, Coalesce, Features, Pause, RingSizes
from ringbed.drivers.plain import PlainNic
from ringbed.drivers.world import Capabilities, QueueState

MAC = bytes.fromhex("020000000001")


class Sink:
    def __init__(self) -> None:
        self.links: list[bool] = []

    def input(self, queue: int, frames: Any) -> None: ...

    def restart(self, queue: int) -> None: ...

    def link(self, up: bool) -> None:
        self.links.append(up)


class Least(PlainNic):
    """A driver that does nothing, often enough for these tests."""

    def __init__(self, lladdr: bytes = MAC) -> None:
        self.calls: list[str] = []
        self.listener = Sink()
        world: Any = None
        super().__init__(world, world, self.listener, name="x0", lladdr=lladdr)

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def queues(self) -> Sequence[QueueState]:
        return [QueueState("rxq", 8, 0), QueueState("txq", 16, 0)]


def test_up_and_down_once_each() -> None:
    nic = Least()
    for _ in range(2):
        nic.up()
    for _ in range(2):
        nic.down()
    assert nic.calls == ["start", "stop"]
    assert nic.listener.links == [True, False]


def test_it_offers_nothing_and_counts_from_0() -> None:
    nic = Least()
    assert nic.capabilities == Capabilities()
    assert nic.counters() == {"tx_frames": 0, "rx_frames": 0, "tx_reset": 0, "tx_toobig": 0}


@pytest.mark.parametrize("bad", [b"", bytes(6), bytes.fromhex("010000000001"), bytes(7)])
def test_an_address_that_is_none(bad: bytes) -> None:
    with pytest.raises(ValueError, match="is no address of a station"):
        Least(bad)
    nic = Least()
    with pytest.raises(ValueError, match="is no address of a station"):
        nic.set_lladdr(bad)
    assert nic.lladdr == MAC


def test_filters_check_what_they_are_given() -> None:
    nic = Least()
    nic.set_promiscuous(True)
    nic.set_all_multicast(True)
    nic.set_multicast([bytes.fromhex("01005e000001")])
    nic.set_vlans([0, 4095])
    with pytest.raises(ValueError, match="is no address of a group"):
        nic.set_multicast([MAC])
    with pytest.raises(ValueError, match="4096 is no VLAN"):
        nic.set_vlans([4096])


def test_ethtool_tells_what_there_is_and_refuses_the_rest() -> None:
    nic = Least()
    tool = nic.ethtool
    assert (tool.info().driver, tool.info().lladdr) == ("Least", "02:00:00:00:00:01")
    assert tool.rings() == tool.ring_limits() == RingSizes(8, 16)
    for change, same, other in (
        (tool.set_rings, RingSizes(8, 16), RingSizes(16, 16)),
        (tool.set_coalesce, Coalesce(), Coalesce(rx_usecs=5)),
        (tool.set_features, Features(), Features(tso=True)),
        (tool.set_pause, Pause(False, False, False), Pause()),
    ):
        setter: Any = change
        setter(same)
        with pytest.raises(ValueError, match="x0 has no other"):
            setter(other)
    assert (tool.registers(), tool.eeprom(), tool.statistics()) == ([], (), nic.counters())
    with pytest.raises(KeyError):
        tool.registers(["CTRL"])
    assert not tool.self_test()[0].passed
    nic.up()
    assert tool.self_test()[0].passed


def test_a_speed_that_nobody_told_is_not_told() -> None:
    nic = Least()
    assert nic.ethtool.link().speed == 0
    nic.up()
    assert nic.ethtool.link().speed == SPEED_UNKNOWN
    nic.speed = 10_000
    assert nic.ethtool.link().speed == 10_000


@pytest.mark.parametrize(
    ("names", "sizes"),
    [(["rxq", "txq", "txq"], (8, 32)), (["txq", "rxq"], (16, 8)), (["rxq0", "rxq1"], (16, 0)), ([], (0, 0))],
)
def test_one_ring_size_each_way(names: list[str], sizes: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    nic = Least()
    monkeypatch.setattr(nic, "queues", lambda: [QueueState(name, 8 << at, 0) for at, name in enumerate(names)])
    assert nic.ethtool.rings() == nic.ethtool.ring_limits() == RingSizes(*sizes)
