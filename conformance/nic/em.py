"""`em` behind its own driver, for the suite: the clean card, or one whose RTL is somebody's (a lab build, a mutant)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ringbed.conformance.nic.over_host import HostNic
from ringbed.conformance.nic.places import PlacedMemory
from ringbed.conformance.nic.target import Opener, Setup
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector

__all__ = ["STATION", "em_opener"]

STATION = bytes.fromhex("02000000000b")  # whom the frames of `conformance/frames` are to


def em_opener(
    engine: str = "native", spec: NicSpec | None = None, errata: Mapping[str, Mapping[str, int]] | None = None,
    say: Callable[[str], None] | None = None,
) -> Opener:  # fmt: skip
    """Opens one for a Setup; with `errata`, as `open_host` takes them, the lab's card with these bugs on."""

    def opened(setup: Setup) -> HostNic:
        options = {"rx_ring": setup.rx_ring, "tx_ring": setup.tx_ring, "buffer_size": setup.buffer_size,
                   "mtu": setup.mtu}  # fmt: skip
        host = open_host(
            "em0", Collector(), engine=engine, mac=STATION, spec=spec, memory=PlacedMemory(setup.rx_offset),
            driver_options=options, errata=errata, say=say, checker=False,  # the card is asked, not its driver
        )  # fmt: skip
        try:
            return HostNic(host, setup)
        except BaseException:
            host.engine.close()
            raise

    return opened
