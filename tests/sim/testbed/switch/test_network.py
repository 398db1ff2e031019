"""Hosts with stacks on a switch: ARP, ping and UDP across, every frame accounted for, the same trace with threads."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringbed.sim.faults.plan import FaultFileError, FaultPlan, parse_plan, record_text
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.testbed import network as testbed_network
from ringbed.sim.testbed.accounting import lost
from ringbed.sim.testbed.faults import Faults
from ringbed.sim.testbed.network import Network, open_network
from ringbed.sim.testbed.pump import Pump
from ringbed.sim.testbed.switch import Switch
from ringbed.sim.wire.capture import CaptureWriter
from ringbed.sim.wire.frame import WireEnd
from ringbed.sim.wire.link_faults import FaultyEnd
from ringbed.sim.wire.payload import payload
from tests.sim.conftest import needs_native
from tests.sim.fake_engine import fake_host
from tests.sim.testbed.stack_hosts import stack_host

SECOND = 10**9
PORT = 7
Made = Callable[..., Network]


def on_fakes(count: int, **options: Any) -> Network:
    """`count` hosts on fake cards, all at the same time."""
    network = Network([stack_host(number) for number in range(1, count + 1)], **options)
    network.pump.run(max(host.now for host in network.hosts) + 2000)
    return network


def serve(network: Network) -> None:
    """Every host echoes on PORT, as often as the request's first byte says: answers may meet new questions."""

    def answer(service: Any) -> None:
        while service.readable:
            message = service.recvmsg()
            service.sendmsg(message.data, message.source, message.control, message.journey)

    for stack in network.stacks:
        service = stack.udp_socket()
        service.bind(("0.0.0.0", PORT))
        service.set_upcall(answer)


@pytest.fixture(params=["fake", pytest.param("native", marks=needs_native)])
def made(request: pytest.FixtureRequest) -> Made:
    return on_fakes if request.param == "fake" else open_network


def test_three_hosts_walk(made: Made) -> None:
    """Everybody pings everybody and sends datagrams of all sizes; the switch has learnt where they are."""
    with made(3) as network:
        serve(network)
        pings = [stack.icmp_socket() for stack in network.stacks]
        sockets = [stack.udp_socket() for stack in network.stacks]
        sizes = (0, 1, 18, 1472)
        for one in range(3):
            for other in {0, 1, 2} - {one}:
                pings[one].echo_request(f"10.0.0.{other + 1}", 7, other, b"ping")
                for size in sizes:
                    sockets[one].sendto(payload(other, size), (f"10.0.0.{other + 1}", PORT))
        assert network.settle()
        for one in range(3):
            others = sorted({0, 1, 2} - {one})
            got = [pings[one].recv() for _ in others]
            assert sorted(echo.source for echo in got) == [f"10.0.0.{other + 1}" for other in others]
            answers = []
            while sockets[one].readable:
                answers.append(sockets[one].recvfrom())
            assert sorted(answers) == sorted(
                (payload(other, size), (f"10.0.0.{other + 1}", PORT)) for other in others for size in sizes
            )
        assert [(row.address[-1], row.port) for row in network.switch.table()] == [(1, 0), (2, 1), (3, 2)]
        legs = network.account()
        names = [leg.name for leg in legs]
        assert len(set(names)) == len(names)
        assert {"h1 wire to driver", "h2 ifq to driver", "h3 driver to protocol"} < set(names)
        assert lost(legs) == 0, [str(leg) for leg in legs]
        assert sum(port.counters["copies"] for port in network.switch.ports) == 6  # ARP requests: all ask at once
        assert all(host.engine.findings() == [] for host in network.hosts)
        for host in network.hosts:
            host.down()


def test_time_jumps_over_what_is_idle_and_neighbours_are_forgotten_in_it() -> None:
    """A minute costs a few windows a second, and ARP's timers run as they would in real time."""
    with on_fakes(3) as network:
        socket = network.stacks[0].icmp_socket()
        socket.echo_request("10.0.0.2", 1, 1, b"x")
        assert network.settle()
        assert len(socket.buffer) == 1
        before = [host.engine.runs for host in network.hosts]  # type: ignore[attr-defined]
        network.pump.run(network.pump.now + 60 * SECOND)
        runs = [host.engine.runs - was for host, was in zip(network.hosts, before, strict=True)]  # type: ignore[attr-defined]
        assert max(runs) < 60 * 20
        assert {host.now for host in network.hosts} == {network.pump.now}
        assert {stack.now for stack in network.stacks} == {network.pump.now}, "a socket used now is used now"


def test_an_idle_host_is_left_where_it_is() -> None:
    """Two hosts talk: the third is not run, but looked at it has the time of the others."""
    with on_fakes(3) as network:
        serve(network)
        sockets = [network.stacks[number].udp_socket() for number in (0, 1)]
        for other, socket in ((2, sockets[0]), (1, sockets[1])):
            socket.sendto(b"known", (f"10.0.0.{other}", PORT))
        assert network.settle()
        runs = network.hosts[2].engine.runs  # type: ignore[attr-defined]
        for _ in range(50):
            sockets[0].sendto(b"again", ("10.0.0.2", PORT))
            assert network.pump.run_until(lambda: sockets[0].readable, network.pump.now + SECOND)
            sockets[0].recvfrom()
            assert network.hosts[2].now >= network.pump.now
        assert network.hosts[2].engine.runs == runs  # type: ignore[attr-defined]


def test_links_of_ones_own_go_around_a_card() -> None:
    """Host 2's cable loses every second frame on the way in; what it swallowed is all that is missing."""

    class Losing:
        def __init__(self, end: WireEnd) -> None:
            self.end, self.count = end, 0

        def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
            self.count += 1
            if self.count % 2:
                self.end.wire_in(frame, at, error)

        def wire_out(self) -> list[tuple[int, bytes]]:
            return self.end.wire_out()

    ends: list[Losing] = []

    def wrap(number: int, end: WireEnd) -> WireEnd:
        if number == 1:
            ends.append(Losing(end))
            return ends[0]
        return end

    with on_fakes(2, wrap=wrap) as network:
        serve(network)
        socket = network.stacks[0].udp_socket()
        for index in range(9):
            socket.sendto(bytes([index]), ("10.0.0.2", PORT))
            assert network.settle()
        answers = 0
        while socket.readable:
            answers += len(socket.recvfrom()[0])
        assert ends[0].count == 10
        assert answers == 4
        assert lost(network.account()) == 0


@pytest.mark.parametrize(("latency", "words"), [(0, "at least 2 ns, not 0"), (1, "at least 2 ns, not 1")])
def test_no_look_ahead_is_refused(latency: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        on_fakes(2, latency_ns=latency)


@pytest.mark.parametrize("count", [0, 251])
def test_a_network_has_hosts_and_addresses_for_them(count: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 250 hosts, not {count}"):
        open_network(count)


# ---- the same trace, whatever the threads ----


@dataclass(frozen=True)
class Trace:
    """All that a run leaves behind: the pcapng file of every port, counters of stacks, drivers and switch, and time."""

    capture: bytes
    counters: tuple[tuple[tuple[str, int], ...], ...]
    received: tuple[tuple[bytes, ...], ...]
    now: tuple[int, ...]


Send = tuple[int, int, int, int]  # from, to, bytes, nanoseconds to wait before


def run(made: Made, threads: int, sends: list[Send], hosts: int = 3, **options: Any) -> Trace:
    """Hosts that ask and echo, while new questions are put in from outside."""
    file = io.BytesIO()
    with (
        CaptureWriter(file) as capture,
        made(hosts, threads=threads, capture=capture, switch=Switch(hosts, queue_bytes=8000), **options) as network,
    ):
        serve(network)
        sockets = [stack.udp_socket() for stack in network.stacks]
        for number, (source, destination, size, wait) in enumerate(sends):
            network.pump.run(network.pump.now + wait)
            target = destination % hosts if destination % hosts != source % hosts else (source + 1) % hosts
            sockets[source % hosts].sendto(bytes([number]) * size, (f"10.0.0.{target + 1}", PORT))
        assert network.settle(10 * SECOND)
        legs = network.account()
        assert lost(legs) == 0, [str(leg) for leg in legs]
        received: list[list[bytes]] = [[] for _ in range(hosts)]
        for number, socket in enumerate(sockets):
            while socket.readable:
                received[number].append(socket.recvfrom()[0])
        counters = [tuple(host.driver.counters().items()) for host in network.hosts]
        counters += [tuple(port.counters.items()) for port in network.switch.ports]
        for stack in network.stacks:
            counters.append(tuple((f"{g.title} {c.text}", c.value) for g in stack.groups() for c in g.counters))
        now = tuple(host.now for host in network.hosts)
    return Trace(file.getvalue(), tuple(counters), tuple(map(tuple, received)), now)


def traffic(seed: int, count: int) -> list[Send]:
    rng = random.Random(seed)
    return [
        (rng.randrange(3), rng.randrange(3), rng.randrange(1473), rng.choice([0, 0, 300, 9000])) for _ in range(count)
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_trace_with_threads_and_without(made: Made, seed: int) -> None:
    """On RTL and on fake cards, byte for byte, simulated nanosecond for simulated nanosecond."""
    sends = traffic(seed, 40)
    alone = run(made, 1, sends)
    assert len(alone.capture) > 40 * 100
    assert sum(map(len, alone.received)) > 10
    for threads in (2, 3) if made is on_fakes else (3,):
        assert run(made, threads, sends) == alone


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, 3), st.integers(0, 1472), st.sampled_from([0, 1, 999, 1000, 50_000]),
        ),
        max_size=25,
    ),
    st.integers(2, 5),
)  # fmt: skip
def test_any_traffic_leaves_the_same_trace(sends: list[Send], threads: int) -> None:
    assert run(on_fakes, threads, sends, hosts=4) == run(on_fakes, 1, sends, hosts=4)


def test_other_traffic_leaves_another_trace() -> None:
    """So that the comparison above compares something."""
    sends = traffic(1, 10)
    later = [*sends[:-1], (*sends[-1][:3], sends[-1][3] + 8)]
    assert run(on_fakes, 1, sends).capture != run(on_fakes, 1, later).capture


# ---- faults, and what is closed when something fails ----

HURT = """
    seed = 5
    [[link]]
    kind = 'drop'
    rate = 0.05
    [[link]]
    kind = 'reorder'
    rate = 0.2
    ns = 400_000
    [[link]]
    kind = 'duplicate'
    rate = 0.1
    where = 'h1'
    [[host]]
    kind = 'irq_late'
    rate = 0.2
"""


def test_faults_of_a_network_are_the_same_with_threads_and_played_back(made: Made) -> None:
    """Each host has draws of its own, a record tells them apart, and what is held back comes before all is at rest."""
    sends = traffic(4, 40)
    bus = "[[bus]]\nkind = 'jitter'\nrate = 0.1" if made is open_network else ""
    faults = [Faults(parse_plan(HURT + bus)) for _ in range(2)]
    alone = run(made, 1, sends, faults=faults[0])
    assert run(made, 3, sends, faults=faults[1]) == alone
    record = record_text(faults[0].records())
    assert record_text(faults[1].records()) == record
    places = {found.where.split()[0] for found in faults[0].records()}
    assert places == {"h1", "h2", "h3"}
    assert {"link drop", "link reorder", "link duplicate", "host irq_late"} <= set(faults[0].counts())
    assert {found.where.split()[0] for found in faults[0].records() if found.kind == "duplicate"} == {"h1"}
    again = Faults(parse_plan(record))
    assert run(made, 1, sends, faults=again) == alone
    assert record_text(again.records()) == record


def test_faults_of_a_host_that_is_not_there() -> None:
    with pytest.raises(FaultFileError, match="asked for at 'em0', but the hosts are h1, h2"):
        on_fakes(2, faults=Faults(parse_plan("[[link]]\nkind = 'drop'\nrate = 1\nwhere = 'em0'")))


def test_an_end_that_holds_frames_back_is_not_for_wrapping() -> None:
    """The pump would not know of them."""
    faults = Faults(FaultPlan())

    def wrap(number: int, end: WireEnd) -> WireEnd:
        return FaultyEnd(end, FaultPlan(), "h", lambda: 0, Frequency(), faults._records.append)

    with pytest.raises(ValueError, match="port 0 is wrapped in an end that keeps frames back"):
        on_fakes(2, wrap=wrap)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"latency_ns": 1}, "at least 2 ns"), ({"threads": 0}, "0 threads"),
        ({"switch": Switch(2)}, "port 2 is not free"),
        ({"at_host": 3}, "the third"), ({"at_run": 1}, "at the first run"),
    ],
)  # fmt: skip
def test_what_was_opened_is_closed_when_a_network_does_not_come_to_be(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], words: str
) -> None:
    opened: list[Any] = []
    closed: list[Any] = []
    broken, wrong_run = options.pop("at_host", 0), options.pop("at_run", 0)

    def open_fake(name: str, upper: Any, *, mac: bytes, **_: Any) -> Any:
        if mac[-1] == broken:
            raise ValueError("the third has no card")
        host = fake_host(upper, mac[-1], name, up=False)
        opened.append(host.engine)
        monkeypatch.setattr(host.engine, "close", lambda: closed.append(host.engine))
        return host

    def fail(*_: object) -> None:
        raise ValueError("at the first run")

    monkeypatch.setattr(testbed_network, "open_host", open_fake)
    if wrong_run:
        monkeypatch.setattr(Pump, "run", fail)
    before = threading.active_count()
    with pytest.raises(ValueError, match=words):
        open_network(3, **options)
    assert len(opened) == (2 if broken else 3)
    assert sorted(map(id, closed)) == sorted(map(id, opened))
    assert threading.active_count() == before


def test_one_engine_that_cannot_be_closed_keeps_no_other_open(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    network = on_fakes(3)

    def close(number: int) -> None:
        if number == 1:
            raise OSError("stuck")
        closed.append(number)

    for number, host in enumerate(network.hosts):
        monkeypatch.setattr(host.engine, "close", partial(close, number))
    with pytest.raises(OSError, match="stuck"):
        network.close()
    assert sorted(closed) == [0, 2]


def test_a_card_without_counters_of_its_own_is_refused() -> None:
    """QEMU's would make an account in which frames are missing that are not."""
    with pytest.raises(ValueError, match="QEMU's has no counters for that"):
        open_network(2, engine="qemu")


def test_the_links_of_an_account_have_the_names_of_the_plan() -> None:
    with on_fakes(2, faults=Faults(parse_plan("[[link]]\nkind = 'drop'\nat = [0]\nwhere = 'h2 rx'"))) as network:
        names = [leg.name for leg in network.account()]
    assert len(set(names)) == len(names)
    assert {"h1 link to wire", "h2 wire to link"} < set(names)
