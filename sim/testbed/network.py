"""Any number of hosts on one switch, in a few lines.

    with open_network(3) as net:                          10.0.0.1 to 10.0.0.3, the stacks h1 to h3
        socket = net.stacks[0].icmp_socket()
        socket.echo_request("10.0.0.2", 1, 1, b"ping")
        net.pump.run_until(lambda: len(socket.buffer) > 0, net.pump.now + 10**9)

The same seeds give the same trace, with any number of threads. With `faults=Faults(load_plan("faults.toml"))` a plan
speaks of h1 to h3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from ringbed.sim.testbed.accounting import Leg
from ringbed.sim.testbed.assembly import StackHost, StackOnDriver, account, open_host
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.pump import Link, Pump
from ringbed.sim.testbed.switch import Switch
from ringbed.sim.testbed.switch_link import SwitchLink
from ringbed.sim.wire.cable import LATENCY_NS
from ringbed.sim.wire.capture import CaptureWriter, TappedEnd
from ringbed.sim.wire.frame import WireEnd
from ringbed.sim.wire.link_faults import FaultyEnd
from ringbed.stack.stack import Stack

__all__ = ["Network", "open_network"]

MOST = 250  # hosts that fit 10.0.0.0/24 with room to spare
Wrap = Callable[[int, WireEnd], WireEnd]


class Network:
    """Hosts on a switch, host number n (from 0) on port n; a context manager that closes all of it.

    `latency_ns` is each cable's; half of it is the window of the pump, so it is at least 2. `capture` gets an interface
    for each port, with what the card there got and sent. `wrap(n, end)` may put a link of its own around a card's end;
    it keeps no frame back, since the pump does not ask it when one is due. `faults` do, and befall links, buses and
    hosts, which a plan knows by the names of their stacks. Raises ValueError.
    """

    def __init__(
        self, hosts: Sequence[StackHost], switch: Switch | None = None, *, latency_ns: int = LATENCY_NS,
        threads: int = 1, capture: CaptureWriter | None = None, wrap: Wrap | None = None, faults: Faults | None = None,
    ) -> None:  # fmt: skip
        self.hosts = tuple(hosts)
        self.switch = switch or Switch(len(self.hosts))
        if latency_ns < 2:
            raise ValueError(
                f"a cable of a network takes at least 2 ns, not {latency_ns}: half of it is the look-ahead"
            )
        self.link = SwitchLink(self.switch, latency_ns)
        self._faults = faults
        if faults is not None:
            faults.plan.require_hosts([host.upper.stack.hostname for host in self.hosts])
        for number, host in enumerate(self.hosts):
            end = self._end(number, host, capture)
            wrapped = wrap(number, end) if wrap else end
            if isinstance(wrapped, FaultyEnd) and wrapped is not end:
                raise ValueError(
                    f"port {number} is wrapped in an end that keeps frames back: give its plan as `faults`"
                )
            self.link.plug(number, wrapped, host.frequency)
        link: Link = self.link if faults is None else faults.link(self.link)
        self.pump = Pump(self.hosts, [link], latency_ns // 2, threads)

    def _end(self, number: int, host: StackHost, capture: CaptureWriter | None) -> WireEnd:
        """The card's, with its capture, and its faults around that."""
        end, name = host.engine, host.upper.stack.hostname
        tapped: WireEnd = end
        if capture is not None:
            interface = capture.interface(f"{name}.{host.name}", f"switch port {number}")
            tapped = TappedEnd(end, capture, interface, host.frequency.ns)
        if self._faults is None:
            return tapped
        self._faults.attach(host, name)
        return self._faults.end(host, tapped, name)

    @property
    def stacks(self) -> tuple[Stack, ...]:
        return tuple(host.upper.stack for host in self.hosts)

    def settle(self, within_ns: int = 10**9) -> bool:
        """Run until nothing is in flight anywhere, for `within_ns` at most; whether that came."""
        return self.pump.run(self.pump.now + within_ns, at_rest=True)

    def account(self) -> list[Leg]:
        """All legs of all hosts, by the names of their stacks, and of the switch; at rest none has lost a frame."""
        links = self._faults.legs() if self._faults is not None else []
        return [leg for host in self.hosts for leg in _legs(host)] + self.switch.legs() + links

    def close(self) -> None:
        """End the threads and the engines. The drivers are not taken down: a test that wants that does it first."""
        with ExitStack() as stack:  # one that cannot be closed keeps no other open
            for host in self.hosts:
                stack.callback(host.engine.close)
            self.pump.close()
            if self._faults is not None:
                self._faults.collect()

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def open_network(
    count: int, *, switch: Switch | None = None, latency_ns: int = LATENCY_NS, threads: int = 1,
    capture: CaptureWriter | None = None, wrap: Wrap | None = None, faults: Faults | None = None, **options: Any,
) -> Network:  # fmt: skip
    """`count` hosts, up and with addresses: number n (from 1) is the stack hn, 10.0.0.n/24, 02:00:00:00:00:n.

    `options` are those of `open_host`; QEMU's card, which has no RB counters for the account, is refused. All stand at
    the same time when it returns. Raises ValueError, BuildError.
    """
    if options.get("engine") == "qemu":
        raise ValueError("a network counts every frame at every card: QEMU's has no counters for that, take native")
    if not 1 <= count <= MOST:
        raise ValueError(f"a network has 1 to {MOST} hosts, not {count}")
    with ExitStack() as opened:  # whatever is open when something fails is closed
        hosts = [_stack_host(number, opened, **options) for number in range(1, count + 1)]
        network = Network(
            hosts, switch, latency_ns=latency_ns, threads=threads, capture=capture, wrap=wrap, faults=faults
        )  # fmt: skip
        opened.callback(network.pump.close)
        network.pump.run(max(host.now for host in hosts) + latency_ns)
        opened.pop_all()
    return network


def _stack_host(number: int, opened: ExitStack, **options: Any) -> StackHost:
    upper = StackOnDriver(Stack(f"h{number}"))
    host = open_host("em0", upper, mac=bytes([2, 0, 0, 0, 0, number]), **options)
    opened.callback(host.engine.close)
    host.up()
    upper.ifd.add_ifl().add_iff().add_ifa(f"10.0.0.{number}/24")
    return host


def _legs(host: StackHost) -> list[Leg]:
    """A host's account; the cards of a network all have one name, its stacks do not."""
    name = host.upper.stack.hostname
    return [replace(leg, name=name + leg.name.removeprefix(host.name)) for leg in account(host)]
