"""The whole house on real traffic: the Linux kernel at the other end of the card's wire."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator

import pytest

from ringbed.sim.kernel.netns import Job, KernelHost
from ringbed.sim.testbed.accounting import lost
from ringbed.sim.testbed.assembly import StackHost, StackOnDriver, account, open_host
from ringbed.sim.testbed.pump import HostLink, Pump, WallPump
from ringbed.sim.wire.frame import HostEnd
from ringbed.stack.socket.udp import UdpSocket
from ringbed.stack.stack import Stack
from tests.sim.conftest import needs_native

pytestmark = [needs_native, pytest.mark.tap]

LIMIT = 60_000_000_000  # of wall time: a hung exchange ends
SIZES = [0, 1, 18, 19, 255, 1471, 1472]


@pytest.fixture
def stack_host() -> Iterator[StackHost]:
    host = open_host("em0", StackOnDriver(Stack("h1")))
    host.up()
    host.upper.ifd.add_ifl().add_iff().add_ifa("10.77.0.2/24")
    yield host
    assert host.engine.findings() == []
    host.down()
    host.engine.close()


def _echo(socket: UdpSocket) -> None:
    while socket.readable:
        message = socket.recvmsg()
        socket.sendmsg(message.data, message.source, message.control)


def test_the_kernel_pings_the_stack_and_exchanges_udp_with_it(stack_host: StackHost) -> None:
    server = stack_host.upper.stack.udp_socket()
    server.bind(("0.0.0.0", 7))
    server.set_upcall(_echo)
    with KernelHost.create("10.77.0.1/24") as kernel:
        pump = Pump([stack_host], [HostLink(stack_host, HostEnd(kernel.tap))])

        def wait(seconds: float) -> None:
            select.select([kernel.tap], [], [], seconds)

        wall = WallPump(pump, time.monotonic_ns, wait)  # noqa: TID251 - the kernel lives on wall time
        jobs: list[Job] = []
        for name, more in (("ping", {}), ("udp_exchange", {"port": 7})):
            jobs.append(kernel.start(name, target="10.77.0.2", sizes=SIZES, seconds=20.0, **more))
            assert wall.run_until(jobs[-1].done, LIMIT)
            assert jobs[-1].result()["good"] == len(SIZES)
        pump.run(pump.now + 1_000_000, at_rest=True)
    assert lost(account(stack_host)) == 0
    assert stack_host.upper.stack.stats.udp.udps_inhwcsum.value == len(SIZES)
