"""One lock around every change of configuration, which no packet ever waits for (A13)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ringbed.stack.kern.config import Config, changing
from ringbed.stack.kern.owned import NotTheWriter
from ringbed.stack.kern.packet import Packet
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.link.carrier import vlan
from ringbed.stack.stack import Stack
from tests.stack.host import OUR, FakeInterface, Host, icmp_frame, udp_frame
from tests.stack.host6 import OUR6, OUR_LINK, Host6, advert, icmp6_frame, nd_frame


def test_a_change_within_a_change_is_one() -> None:
    config = Config(Scheduler())
    with config.change():
        with config.change():
            assert config.held
        assert config.held
    assert not config.held
    assert (config.changes, config.contended) == (1, 0)


def test_a_change_that_fails_is_over() -> None:
    config = Config(Scheduler())
    with pytest.raises(ValueError, match="why"), config.change():
        raise ValueError("why")
    assert not config.held
    with config.change():
        pass
    assert config.changes == 2


class Held:
    """Another thread in the middle of a change, until the end of `with`."""

    def __init__(self, config: Config) -> None:
        self.config, self.go, self.there = config, threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._hold)

    def _hold(self) -> None:
        with self.config.change():
            self.there.set()
            self.go.wait(60)

    def __enter__(self) -> None:
        self.thread.start()
        assert self.there.wait(60)

    def __exit__(self, *_: object) -> None:
        self.go.set()
        self.thread.join()


def test_packets_go_on_while_somebody_changes_configuration() -> None:
    """Input, output, a ping, a datagram to a bound socket and its answer, a neighbour that is asked for: no wait."""
    host = Host6()
    sock, four = host.stack.udp_socket(family="inet6"), host.stack.udp_socket()
    sock.bind(("::", 7))
    four.bind((OUR, 7))
    with Held(host.stack.config):
        host.give(icmp_frame(), icmp6_frame(), udp_frame())
        four.sendto(b"x", ("10.0.0.77", 9))
        host.stack.run()
        assert len(host.taken()) == 3, "a ping's answer; ARP's questions for the other who pings and for 10.0.0.77"
        assert four.readable
        assert not host.stack.config.held
        assert len(host.iff.resolver.neighbours) == 2


CHANGES: dict[str, Callable[[Host], object]] = {
    "a route": lambda host: host.stack.add_route("192.0.2.0/24", "reject"),
    "an address": lambda host: host.iff.add_ifa("10.1.0.2/24"),
    "an address less": lambda host: host.iff.remove_ifa(f"{OUR}/24"),
    "an interface": lambda host: host.ifd.add_ifl(5, vlan(5)),
    "a family": lambda host: host.ifl.add_iff("inet6"),
    "a device": lambda host: host.stack.drivers["em"].add_ifd(FakeInterface()),
    "a driver": lambda host: host.stack.add_driver("ix"),
    "an instance": lambda host: host.stack.add_instance(1),
    "a binding": lambda host: host.stack.udp_socket().bind((OUR, 7)),
    "a connection": lambda host: host.stack.udp_socket().connect(("10.0.0.1", 7)),
    "a raw socket": lambda host: host.stack.icmp_socket(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_every_change_waits_for_the_one_before_it_and_that_is_counted(what: str) -> None:
    host = Host()
    config, done = host.stack.config, threading.Event()
    before = config.changes

    def change() -> None:
        CHANGES[what](host)
        done.set()

    thread = threading.Thread(target=change)
    with Held(config):
        thread.start()
        assert not done.wait(0.05)
    thread.join(60)
    assert done.is_set()
    assert (config.changes - before, config.contended) == (2, 1)


def test_configuration_that_is_changed_beside_the_lock_is_found_out() -> None:
    """In debug mode, in which tests run."""
    host = Host6()
    udp = host.stack._protocols[0].udp["inet"]
    changes: list[Callable[[], object]] = [
        lambda: host.iff.ifas.clear(),
        lambda: host.iff6.unused.update({1: "no"}),
        lambda: host.ifl.iffs.clear(),
        lambda: host.ifd.ifls.clear(),
        lambda: host.stack.drivers["em"].ifds.clear(),
        lambda: udp._ports.update({1: 1}),
        lambda: udp.ip.interfaces.clear(),
        lambda: setattr(udp.ip, "default", None),
    ]
    for change in changes:
        with pytest.raises(NotTheWriter, match="not by the consumer of queue of the configuration"):
            change()
    host.ifd.media = "1000baseT"  # the driver's to say
    host.iff6.attempts = 3


def test_a_worker_has_configuration_changed_in_process_context() -> None:
    """An address that was found free: the resolver's consumer may not wait for a change that may wait for it."""
    host = Host6(attempts=1, known=False)
    stack = host.stack
    config = stack.config
    stack._core.scheduler.now += 1_000_000_000
    stack._core.timers.post_due(stack.now)
    resolver = host.iff6.resolver
    resolver.queue.drain()
    assert host.iff6.unused, "found, and not yet ours"
    before = config.changes
    stack.run()
    assert host.iff6.unused == {}
    assert config.changes == before + 2


def test_what_was_found_about_an_address_that_has_gone_and_come_again_is_not_of_the_new_one() -> None:
    host = Host6(attempts=1, known=False)
    resolver = host.iff6.resolver
    frame = nd_frame(advert(OUR6, flags=0), dst="ff02::1")
    host.ifd.ifiqs[0].input([Packet([frame])])
    host.ifd.ifiqs[0].run()
    for queue in (host.stack._protocols[0].icmp["inet6"].queue, resolver.queue):
        queue.drain()
    host.iff6.remove_ifa(f"{OUR6}/64")
    host.iff6.add_ifa(f"{OUR6}/64")
    host.stack.run()
    assert set(host.iff6.unused.values()) == {"tentative"}
    host.later(2)
    assert host.iff6.unused == {}
    assert OUR_LINK in [host.iff6.family.text(ifa.local) for ifa in host.iff6.ifas]


def test_a_method_that_changes_is_one_change_and_keeps_its_name() -> None:
    class Thing:
        def __init__(self, config: Config) -> None:
            self.config = config

        @changing
        def double(self, number: int, *, more: int = 0) -> int:
            """Twice."""
            assert self.config.held
            return 2 * number + more

    thing = Thing(Config(Scheduler()))
    assert thing.double(4, more=1) == 9
    assert (thing.double.__name__, thing.double.__doc__) == ("double", "Twice.")
    assert thing.config.changes == 1


def test_each_host_has_its_own() -> None:
    assert Stack("a").config is not Stack("b").config
