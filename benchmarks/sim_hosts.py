"""Hosts on a switch: what a frame costs with two of them and with eight, and what an idle second costs.

Every host has a stack and a UDP socket that answers what it is asked, and another that asks its peers one after the
other with a few questions on their way. The data of every answer is compared: a fast wrong answer is no figure. Cost is
processor time, not wall time, and the least of some rounds: the ratio shall not depend on what else the machine does.
"""

from __future__ import annotations

import time
from typing import Any

from ringbed.sim.testbed.network import Network, open_network

__all__ = ["PATTERNS", "cost_per_frame", "hosts_cost", "idle_ms_per_s"]

SECOND = 1_000_000_000
PORT = 7
DATA = 958  # bytes of a datagram: 1,000 in an Ethernet frame
OUT = 4  # questions of one host on their way
ROUNDS = 5
PATTERNS = ("pair", "all")  # two hosts talk and the others are idle; everybody talks to everybody


class _Talker:
    """One host's part: answers on PORT, asks `peers` in turn. `answers` counts what came back."""

    def __init__(self, stack: Any, peers: list[str], number: int) -> None:
        self.answers = 0
        self._peers, self._turn = peers, 0
        self._data = bytes([number]) * DATA
        self._server = stack.udp_socket()
        self._server.bind(("0.0.0.0", PORT))
        self._server.set_upcall(self._serve)
        self._client = stack.udp_socket()
        self._client.set_upcall(self._answered)

    def ask(self) -> None:
        self._turn += 1
        self._client.sendto(self._data, (self._peers[self._turn % len(self._peers)], PORT))

    def _serve(self, server: Any) -> None:
        while server.readable:
            message = server.recvmsg()
            server.sendmsg(message.data, message.source, message.control, message.journey)

    def _answered(self, client: Any) -> None:
        while client.readable:
            if client.recvfrom()[0] != self._data:
                raise RuntimeError("an answer came back changed")
            self.answers += 1
            self.ask()


class _Traffic:
    """A network whose hosts talk in a pattern, every address known and every host's questions on their way."""

    def __init__(self, network: Network, pattern: str) -> None:
        self._network = network
        count = len(network.hosts) if pattern == "all" else 2
        names = [f"10.0.0.{number + 1}" for number in range(count)]
        peers = [[name for name in names if name != mine] for mine in names]
        self._talkers = [_Talker(network.stacks[number], peers[number], number) for number in range(count)]
        for talker in self._talkers:
            talker.ask()
        self.run(2 * count * count)  # one question at a time, until everybody knows everybody's address
        for talker in self._talkers * (OUT - 1):
            talker.ask()

    @property
    def answers(self) -> int:
        return sum(talker.answers for talker in self._talkers)

    @property
    def frames(self) -> int:
        """What the drivers were given."""
        return sum(int(host.driver.counters()["rx_frames"]) for host in self._network.hosts)

    def run(self, answers: int) -> None:
        """Until there were so many answers in all. Raises RuntimeError when they do not come."""
        pump = self._network.pump
        if not pump.run_until(lambda: self.answers >= answers, pump.now + 10 * SECOND):
            raise RuntimeError(f"the hosts stand still after {self.answers} answers")


def cost_per_frame(hosts: int, pattern: str, frames: int, engine: str = "native", threads: int = 1) -> float:
    """Microseconds of processor time for a frame that a driver was given, on a warm network."""
    costs = []
    with open_network(hosts, engine=engine, threads=threads) as network:
        traffic = _Traffic(network, pattern)
        for _ in range(ROUNDS):
            before, begin = traffic.frames, time.process_time()
            traffic.run(traffic.answers + max(1, frames // (2 * ROUNDS)))
            costs.append((time.process_time() - begin) / (traffic.frames - before) * 1e6)
    return min(costs)


def hosts_cost(frames: int, hosts: int = 8, engine: str = "native") -> dict[str, tuple[float, float]]:
    """For each pattern: the cost of a frame with two hosts and with `hosts`, in microseconds."""
    two = cost_per_frame(2, "all", frames, engine)
    return {pattern: (two, cost_per_frame(hosts, pattern, frames, engine)) for pattern in PATTERNS}


def idle_ms_per_s(seconds: int, engine: str = "native") -> float:
    """Wall milliseconds for a simulated second of a host that has only timers: ARP, the driver's watchdog, its stack's.

    It has a neighbour in its table, so ARP has something to count down; the neighbour's end is a host on a switch.
    """
    with open_network(2, engine=engine) as network:
        socket = network.stacks[0].icmp_socket()
        socket.echo_request("10.0.0.2", 1, 1, b"known")
        if not network.settle() or not socket.buffer:
            raise RuntimeError("the neighbour does not answer")
        begin = time.perf_counter()
        network.pump.run(network.pump.now + seconds * SECOND)
        return (time.perf_counter() - begin) * 1000 / seconds
