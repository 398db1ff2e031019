"""What each message does, and that a refused one does nothing."""

from __future__ import annotations

import errno
import os
import random
import select
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringbed.sim.seam.engine import CardEnded
from ringbed.sim.serve.header import Command, Header, parse_header
from ringbed.sim.serve.session import Session
from tests.sim.conftest import needs_native
from tests.sim.serve.bench import Bench, asked_of
from tests.sim.serve.client import CONFIG, Client, Refused
from tests.sim.serve.test_parse import scrambled

pytestmark = needs_native
NONE, BOOL, EVENTFD = 1, 2, 4
MASK, UNMASK, TRIGGER = 8, 16, 32


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def client(bench: Bench) -> Iterator[Client]:
    client = bench.client()
    yield client
    client.close()


def refusal(client: Client, command: int, payload: bytes, *files: int) -> int:
    with pytest.raises(Refused) as said:
        client.ask(command, payload, files)
    return said.value.errno


def test_what_is_agreed_is_what_both_offer(bench: Bench) -> None:
    client = bench.client(greet=False)
    offered = {"max_msg_fds": 1, "write_multiple": False, "twin_socket": {"supported": True}, "pgsizes": 4096}
    assert client.greet(offered) == {"max_msg_fds": 8, "pgsizes": 4096}
    client.close()


def test_nothing_goes_before_the_greeting_and_it_comes_once(bench: Bench) -> None:
    client = bench.client(greet=False)
    assert refusal(client, Command.DEVICE_RESET, b"") == errno.EINVAL
    assert client.greet({}) == {}
    assert refusal(client, Command.VERSION, bytes(4)) == errno.EINVAL
    client.close()


def test_another_version_is_sent_away(bench: Bench) -> None:
    client = bench.client(greet=False)
    with pytest.raises(Refused, match="ENOTSUP|EOPNOTSUPP"):
        client.greet({}, major=1)
    with pytest.raises(EOFError):
        client.ask(Command.DEVICE_RESET, b"")
    assert bench.served.account()["clients"] == 0
    client.close()


def test_what_the_device_is(client: Client) -> None:
    assert struct.unpack("<4I", client.ask(4, struct.pack("<4I", 16, 0, 0, 0))) == (16, 3, 9, 5)
    regions = [struct.unpack("<4IQQ", client.ask(5, struct.pack("<4IQQ", 32, 0, i, 0, 0, 0))) for i in range(9)]
    sizes = [128 << 10, 0, 8, 0, 0, 0, 0, 256, 0]
    assert regions == [(32, 3 if size else 0, index, 0, size, 0) for index, size in enumerate(sizes)]
    irqs = [struct.unpack("<4I", client.ask(7, struct.pack("<4I", 16, 0, index, 0))) for index in range(5)]
    assert irqs == [(16, 7, 0, 1), *((16, 0, index, 0) for index in range(1, 5))]
    assert refusal(client, 5, struct.pack("<4IQQ", 32, 0, 9, 0, 0, 0)) == errno.EINVAL
    assert refusal(client, 7, struct.pack("<4I", 16, 0, 5, 0)) == errno.EINVAL


def test_a_read_is_no_longer_than_was_agreed(bench: Bench) -> None:
    client = bench.client(greet=False)
    client.greet({"max_data_xfer_size": 16})
    assert len(client.read_bytes(CONFIG, 0, 16)) == 16
    assert refusal(client, Command.REGION_READ, struct.pack("<QII", 0, CONFIG, 17)) == errno.EINVAL
    client.close()


def test_posted_writes_are_not_answered_and_keep_their_order(client: Client) -> None:
    client.enable()
    for value in range(50):
        client.write(0, 0x2820, value, posted=True)
    client.write(0, 1 << 30, 0, posted=True)  # refused, and nobody hears of it
    assert client.read(0, 0x2820) == 49


def test_many_writes_are_done_all_or_not_at_all(client: Client) -> None:
    client.enable()

    def writes(*places: tuple[int, int, int, bytes]) -> bytes:
        each = (struct.pack("<QII8s", offset, region, size, data) for region, offset, size, data in places)
        return struct.pack("<Q", len(places)) + b"".join(each)

    good = (0, 0x2820, 4, b"\7\0\0\0"), (CONFIG, 0x3C, 1, b"\5")
    assert refusal(client, 15, writes(*good, (0, 0x2821, 4, b"1234"))) == errno.EINVAL
    assert (client.read(0, 0x2820), client.read(CONFIG, 0x3C, 1)) == (0, 0)
    assert client.ask(15, writes(*good)) == struct.pack("<Q", 2)
    assert (client.read(0, 0x2820), client.read(CONFIG, 0x3C, 1)) == (7, 5)


def test_maps_come_and_go(bench: Bench, client: Client) -> None:
    file = os.memfd_create("memory")
    os.ftruncate(file, 1 << 20)
    client.map(0, 1 << 20, file)
    client.map(1 << 20, 1 << 16, None, flags=1)
    with pytest.raises(Refused, match="EEXIST"):
        client.map(0x1000, 0x1000, file)
    with pytest.raises(Refused, match="EINVAL"):
        client.unmap(0, 1 << 19)
    client.unmap(0, 1 << 20)
    client.unmap(0, 1 << 20)
    assert bench.memory.windows == 1
    client.map(0, 1 << 20, file)
    client.unmap(0, 0, flags=2)
    assert bench.memory.windows == 0
    account = bench.served.account()
    names = "maps", "unmaps", "unmaps of nothing", "refused"
    assert [account[name] for name in names] == [3, 2, 1, 2]
    os.close(file)


def test_the_interrupt_is_set_masked_and_tried(bench: Bench, client: Client) -> None:
    before = len(os.listdir("/proc/self/fd"))
    event, line = os.eventfd(0, os.EFD_NONBLOCK), bench.served.interrupts.line
    client.set_irqs(EVENTFD | TRIGGER, file=event)
    assert line.armed
    client.set_irqs(NONE | MASK)
    assert not line.armed
    client.set_irqs(BOOL | UNMASK, bools=b"\0")
    assert not line.armed
    client.set_irqs(BOOL | UNMASK, bools=b"\1")
    assert line.armed
    client.set_irqs(NONE | TRIGGER)
    client.set_irqs(BOOL | TRIGGER, bools=b"\0")
    assert os.eventfd_read(event) == 1
    again = os.eventfd(0, os.EFD_NONBLOCK)
    client.set_irqs(EVENTFD | UNMASK, file=again)
    client.set_irqs(NONE | MASK)
    os.eventfd_write(again, 1)
    bench.turn()
    assert line.armed
    with pytest.raises(Refused):
        client.set_irqs(EVENTFD | MASK, file=again)
    for index, count in ((0, 2), (1, 1), (4, 1), (5, 0), (9, 1)):
        with pytest.raises(Refused):
            client.set_irqs(NONE | TRIGGER, count, index=index)
    client.set_irqs(NONE | TRIGGER, 0, index=2)  # all of none
    client.set_irqs(EVENTFD | TRIGGER)
    assert not line.armed
    client.set_irqs(NONE | TRIGGER, 0)
    os.close(event)
    os.close(again)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_line_that_is_up_is_told_again(bench: Bench, client: Client) -> None:
    """A cause is set and left set: each unmask, and each new eventfd, hears of it."""
    event = os.eventfd(0, os.EFD_NONBLOCK)
    client.enable()
    client.set_irqs(EVENTFD | TRIGGER, file=event)
    client.write(0, 0x00D0, 4)  # IMS: a link change
    client.write(0, 0x00C8, 4)  # ICS
    bench.rest()
    bench.rest()
    assert os.eventfd_read(event) == 1
    client.set_irqs(NONE | UNMASK)
    bench.rest()
    assert os.eventfd_read(event) == 1
    client.set_irqs(EVENTFD | TRIGGER, file=event)
    bench.rest()
    assert os.eventfd_read(event) == 1
    assert client.read(0, 0x00C0) & 4  # ICR: read, it is cleared
    client.set_irqs(NONE | UNMASK)
    bench.rest()
    assert not select.select([event], [], [], 0)[0]
    os.close(event)


class Watched:
    """A session straight on a card, and all that a message may change in it."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.refused = bench, list[str]()
        self.session = Session(bench.engine, bench.served.function, asked_of(bench), self.refused.append)
        greeting = struct.pack("<HH", 0, 0)
        self.session.answer(Header(0, 1, 20), greeting, [])
        self.session.answer(Header(0, 10, 34), struct.pack("<QIIH", 4, CONFIG, 2, 7), [])

    def state(self) -> tuple[Any, ...]:
        served = self.bench.served
        counts = {name: count for name, count in served.function.counts.items() if name != "refused"}
        config = served.function._config
        return counts, bytes(config._bytes), served.memory.windows, served.interrupts.armed, served.interrupts.signals

    def ask(self, command: int, payload: bytes, files: int) -> Header:
        given = [os.memfd_create("garbage") for _ in range(files)]
        answer = self.session.answer(Header(5, command, 16 + len(payload)), payload, given)
        return parse_header(answer[:16])


@pytest.mark.parametrize("count", [3_000, pytest.param(1_000_000, marks=pytest.mark.full)])
def test_garbage_is_refused_and_changes_nothing(bench: Bench, count: int) -> None:
    rng, watched = random.Random(count), Watched(bench)
    open_files = len(os.listdir("/proc/self/fd"))
    refused = 0
    for _ in range(count):
        command, payload, files = scrambled(rng)
        before = watched.state()
        answer = watched.ask(command, payload, files)
        assert (answer.number, answer.command) == (5, command)
        if answer.errno:
            refused += 1
            assert watched.state() == before
    assert refused == len(watched.refused) > count / 4
    watched.session.leave()
    assert len(os.listdir("/proc/self/fd")) == open_files


def test_a_reply_to_nothing_is_no_message(bench: Bench) -> None:
    watched = Watched(bench)
    before = watched.state()
    event = os.eventfd(0)
    assert watched.session.answer(Header(1, Command.DEVICE_RESET, 16, 1), b"", [event]) == b""
    assert (watched.state(), len(watched.refused)) == (before, 1)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.close(event)


def test_a_card_that_has_ended_keeps_nothing_of_a_client_that_leaves(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended() -> None:
        raise CardEnded("the card", 5, "$finish")

    client, file = bench.client(), os.memfd_create("memory")
    os.ftruncate(file, 0x1000)
    client.map(0x8000_0000, 0x1000, file)
    assert bench.memory.windows == 1
    monkeypatch.setattr(bench.served.function, "_reset_card", ended)
    client.close()
    bench.turn()
    assert bench.memory.windows == 0
    os.close(file)
    monkeypatch.undo()
