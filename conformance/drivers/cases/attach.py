"""A driver finds its card, refuses another one, and is taken down."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ringbed.conformance.drivers.bench import MS, Bench
from ringbed.conformance.drivers.found import Case
from ringbed.conformance.drivers.guard import DeadDevice
from ringbed.conformance.drivers.packets import STATION, numbered
from ringbed.sim.testbed.offer import AttachError

__all__ = ["CASES"]


def attach(bench: Bench) -> None:
    bench.open(up=False)
    driver = bench.driver
    if driver.lladdr != STATION:
        bench.find("attach.address", f"lladdr is {driver.lladdr.hex(':')}, the card's is {STATION.hex(':')}")
    counters = driver.counters()
    for name in ("tx_frames", "rx_frames", *driver.RX_DROPS, *driver.TX_DROPS):
        if name not in counters:
            bench.find("call.answer", f"counters() has no {name!r}")
    if bench.upper.link_up:
        bench.find("link.untold", "the sink was told of a link before up()")
    bench.up()
    ways = sorted({state.name[:2] for state in driver.queues()})
    if ways != ["rx", "tx"]:
        bench.find("call.answer", f"queues() of a driver that is up has {', '.join(ways) or 'none'}, not rxq and txq")
    bench.goes_round("frame.lost")


def _refuses(bench: Bench, rule: str, what: str, world: Any) -> None:
    try:
        bench.open(up=False, world=world)
    except AttachError:
        return
    except Exception as error:
        bench.end(rule, f"attached to {what}, the driver raised {type(error).__name__}: {error}")
    bench.find(rule, f"the driver attached to {what}")
    bench.close()


class _Foreign:
    """The card, by ids that are another's."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.pci = inner, replace(inner.pci, vendor=0x10EC, device=0x8139)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def foreign(bench: Bench) -> None:
    _refuses(bench, "attach.foreign", "a card with the ids 10ec:8139", _Foreign)


def dead(bench: Bench) -> None:
    _refuses(bench, "attach.dead", "a card that reads as ones everywhere", DeadDevice)


def detach(bench: Bench) -> None:
    """Down, nothing moves; down and up twice are as once; what was counted stays."""
    bench.open()
    bench.goes_round("frame.lost")
    before = bench.driver.counters()
    bench.down()
    bench.host.engine.wire_out()
    bench.deliver([numbered(at, 64, inward=True) for at in range(4)], to_come=())
    bench.run(MS)
    if came := len(bench.upper.take()):
        bench.find("down.alive", f"down, the driver handed on {came} frames")
    if left := len(bench.host.engine.wire_out()):
        bench.find("down.alive", f"down, the card sent {left} frames")
    bench.down()
    bench.up()
    bench.host.up()
    bench.goes_round()
    after = bench.driver.counters()
    for name in ("tx_frames", "rx_frames"):
        if after[name] < before[name]:
            bench.find("account.lost", f"{name} was {before[name]}, and is {after[name]} after down() and up()")


CASES = (
    Case("attach", "it finds its card, names its counters and queues, comes up, and frames go round", attach),
    Case("attach.foreign", "it refuses a card of other PCI ids", foreign, ("identity",)),
    Case("attach.dead", "it refuses a card that is not there: all registers read as ones", dead, ("identity",)),
    Case("detach", "down, nothing moves and no memory is kept; up again, all is as before", detach),
)
