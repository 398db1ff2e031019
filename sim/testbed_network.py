"""Any number of hosts on one switch, in a few lines.

    with open_network(3) as net:                          10.0.0.1 to 10.0.0.3, the stacks h1 to h3
        socket = net.stacks[0].icmp_socket()
        socket.echo_request("10.0.0.2", 1, 1, b"ping")
        net.pump.run_until(lambda: len(socket.buffer) > 0, net.pump.now + 10**9)

The same seeds give the same trace, with any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ringbed.sim.account import Leg
from ringbed.sim.cable import LATENCY_NS
from ringbed.sim.capture import CaptureWriter, TappedEnd
from ringbed.sim.pump import Pump
from ringbed.sim.switch import Switch
from ringbed.sim.switch_link import SwitchLink
from ringbed.sim.testbed import StackHost, StackOnDriver, account, open_host
from ringbed.sim.wire import WireEnd
from ringbed.stack.stack import Stack

__all__ = ["Network", "open_network"]

MOST = 250  # hosts that fit 10.0.0.0/24 with room to spare
Wrap = Callable[[int, WireEnd], WireEnd]


class Network:
    """Hosts on a switch, host number n (from 0) on port n; a context manager that closes all of it.

    `latency_ns` is each cable's; half of it is the window of the pump, so it is at least 2. `capture` gets an interface
    for each port, with what the card there got and sent. `wrap(n, end)` may put a link of its own around a card's end.
    """

    def __init__(
        self, hosts: Sequence[StackHost], switch: Switch | None = None, *, latency_ns: int = LATENCY_NS,
        threads: int = 1, capture: CaptureWriter | None = None, wrap: Wrap | None = None,
    ) -> None:  # fmt: skip
        self.hosts = tuple(hosts)
        self.switch = switch or Switch(len(self.hosts))
        if latency_ns < 2:
            raise ValueError(
                f"a cable of a network takes at least 2 ns, not {latency_ns}: half of it is the look-ahead"
            )
        self.link = SwitchLink(self.switch, latency_ns)
        for number, host in enumerate(self.hosts):
            end: WireEnd = host.engine
            if capture is not None:
                interface = capture.interface(f"{host.upper.stack.hostname}.{host.name}", f"switch port {number}")
                end = TappedEnd(end, capture, interface, host.frequency.ns)
            self.link.plug(number, wrap(number, end) if wrap else end, host.frequency)
        self.pump = Pump(self.hosts, [self.link], latency_ns // 2, threads)

    @property
    def stacks(self) -> tuple[Stack, ...]:
        return tuple(host.upper.stack for host in self.hosts)

    def settle(self, within_ns: int = 10**9) -> bool:
        """Run until nothing is in flight anywhere, for `within_ns` at most; whether that came."""
        return self.pump.run(self.pump.now + within_ns, at_rest=True)

    def account(self) -> list[Leg]:
        """All legs of all hosts and of the switch; at rest none has lost a frame."""
        return [leg for host in self.hosts for leg in account(host)] + self.switch.legs()

    def close(self) -> None:
        """End the threads and the engines. The drivers are not taken down: a test that wants that does it first."""
        self.pump.close()
        for host in self.hosts:
            host.engine.close()

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_network(
    count: int, *, switch: Switch | None = None, latency_ns: int = LATENCY_NS, threads: int = 1,
    capture: CaptureWriter | None = None, wrap: Wrap | None = None, **options: Any,
) -> Network:  # fmt: skip
    """`count` hosts, up and with addresses: number n (from 1) is the stack hn, 10.0.0.n/24, 02:00:00:00:00:n.

    `options` are those of `open_host`. All stand at the same time when it returns. Raises ValueError, BuildError.
    """
    if not 1 <= count <= MOST:
        raise ValueError(f"a network has 1 to {MOST} hosts, not {count}")
    hosts = [_stack_host(number, **options) for number in range(1, count + 1)]
    network = Network(hosts, switch, latency_ns=latency_ns, threads=threads, capture=capture, wrap=wrap)
    network.pump.run(max(host.now for host in hosts) + latency_ns)
    return network


def _stack_host(number: int, **options: Any) -> StackHost:
    upper = StackOnDriver(Stack(f"h{number}"))
    host = open_host("em0", upper, mac=bytes([2, 0, 0, 0, 0, number]), **options)
    host.up()
    upper.ifd.add_ifl().add_iff().add_ifa(f"10.0.0.{number}/24")
    return host
