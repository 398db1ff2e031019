"""A whole server under bad messages, over its socket: each has the error that it is due, or ends the session, and the
card, its memory and its interrupts are what they were.
"""

from __future__ import annotations

import hashlib
import os
import random
import select
import socket
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ringbed.hw.formats.em.registers import REGISTERS
from ringbed.sim.serve.header import Command
from tests.sim.conftest import needs_native
from tests.sim.serve.bad_messages import BAR0, LENT, MOST, PAGE, PAGES, Bad, Given, bad_message
from tests.sim.serve.bench import Bench
from tests.sim.serve.client import CONFIG, Client

pytestmark = needs_native
LOOK = 250  # messages between two looks at what is slow to look at
LIES = 997  # messages between two that end the session


class Fuzzed:
    """A server with a client that keeps to the rules until it is told to send what does not."""

    def __init__(self, bench: Bench, given: Given) -> None:
        self.bench, self.given = bench, given
        bench.engine.hold_irq(0)
        self.come()

    def come(self) -> None:
        """A client, set up always the same."""
        self.client = client = self.bench.client(greet=False)
        client.greet({"max_msg_fds": 8, "max_data_xfer_size": MOST, "write_multiple": True})
        client.map(LENT, PAGES * PAGE, self.given.file)
        client.enable()
        client.set_irqs(0x24, file=self.given.event)
        client.write(0, 0x2820, 0x1234)
        client.read(0, 0x2820)
        self.bench.rest()
        self.socket: socket.socket = client.socket

    def quick(self) -> tuple[Any, ...]:
        """What any message could change, but in the card; the clock too, which no refused message lets run."""
        served = self.bench.served
        function, line = served.function, served.interrupts.line
        counts = {name: count for name, count in function.counts.items() if name != "refused"}
        maps = [(each.address, each.size, each.allowed) for each in served.memory._windows]
        lent = [each.row for each in served.memory.regions], served.memory.far
        armed = line.on, line.armed, line.signals, line.lost, line.files(), served.interrupts.vectors.on
        return counts, maps, lent, armed, bytes(function._config._bytes), served.memory.master, self.bench.engine.now

    def slow(self) -> str:
        """A digest of every register, looked at without a trace, and of the memory that was lent."""
        peek = self.bench.engine.peek
        registers = [peek(each.at(index)) for each in REGISTERS for index in range(each.count)]
        memory = os.pread(self.given.file, PAGES * PAGE, 0)
        return hashlib.sha256(repr(registers).encode() + memory).hexdigest()

    def send(self, bad: Bad) -> None:
        if bad.files:
            socket.send_fds(self.socket, [bad.data], list(bad.files))
        else:
            self.socket.send(bad.data)

    def answer(self) -> bytes:
        """All that there is after a turn."""
        self.bench.turn()
        data = b""
        while select.select([self.socket], [], [], 0)[0]:
            part = self.socket.recv(1 << 16)
            if not part:
                return data + b"end"
            data += part
        return data

    def ended(self, before: str) -> None:
        """The session is over: nothing of it is left, and the next begins where it began."""
        served = self.bench.served
        assert (served.memory.windows, served.memory.regions, served.interrupts.line.on) == (0, [], False)
        self.client.close()
        self.bench.rest()
        self.come()
        assert self.slow() == before


def due(bad: Bad) -> bytes:
    """The answer: a header alone."""
    if not bad.errno:
        return b""
    number, command = struct.unpack_from("<HH", bad.data)
    end = b"end" if bad.ends else b""
    return struct.pack("<HHIII", number, command, 16, 0x21, bad.errno) + end


@pytest.mark.parametrize("count", [2_000, pytest.param(1_000_000, marks=[pytest.mark.full, pytest.mark.timeout(3600)])])
def test_bad_messages_are_refused_by_the_right_error_and_change_nothing(tmp_path: Path, count: int) -> None:
    rng, given, bench = random.Random(count), Given(), Bench(tmp_path)
    fuzzed, kinds, ends = Fuzzed(bench, given), Counter[str](), 0
    quick, slow, open_files = fuzzed.quick(), fuzzed.slow(), len(os.listdir("/proc/self/fd"))
    for index in range(count):
        bad = bad_message(rng, given, lie=index % LIES == LIES - 1)
        kinds[bad.what] += 1
        refused = bench.served.function.counts["refused"]
        fuzzed.send(bad)
        assert fuzzed.answer() == due(bad), (index, bad)
        if bad.ends:
            fuzzed.ended(slow)
            ends, quick = ends + 1, fuzzed.quick()
        else:
            assert bench.served.function.counts["refused"] == refused + 1, (index, bad)
        assert fuzzed.quick() == quick, (index, bad)
        if not index % LOOK:
            assert fuzzed.slow() == slow, (index, bad)
        bench.said.clear()
    assert (fuzzed.slow(), len(os.listdir("/proc/self/fd"))) == (slow, open_files)
    assert (len(kinds), ends) == (15, count // LIES)
    assert bench.served.findings() == []
    assert fuzzed.client.read(CONFIG, 0) == 0x100E_8086
    fuzzed.client.close()
    bench.close()
    given.close()


ORDERS: list[tuple[str, int, bytes]] = [
    (Command(command).name, command, payload)
    for command, payload in (
        (Command.DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 0, PAGE)),
        (Command.DMA_UNMAP, struct.pack("<IIQQ", 24, 2, 0, 0)),
        (Command.DEVICE_GET_INFO, struct.pack("<4I", 16, 0, 0, 0)),
        (Command.DEVICE_SET_IRQS, struct.pack("<5I", 20, 0x21, 0, 0, 0)),
        (Command.REGION_READ, struct.pack("<QII", 0, 0, 4)),
        (Command.REGION_WRITE, struct.pack("<QIII", 4, CONFIG, 4, 7)),
        (Command.DEVICE_RESET, b""),
    )
]


def test_nothing_is_done_before_the_greeting(tmp_path: Path) -> None:
    given, bench = Given(), Bench(tmp_path)
    client: Client = bench.client(greet=False)
    fuzzed = object.__new__(Fuzzed)
    fuzzed.bench, fuzzed.given, fuzzed.client, fuzzed.socket = bench, given, client, client.socket
    bench.rest()
    before = fuzzed.quick(), fuzzed.slow()
    for number, (name, command, payload) in enumerate(ORDERS):
        data = struct.pack("<HHIII", number, command, 16 + len(payload), 0, 0) + payload
        bad = Bad(name, data, (), 22)
        fuzzed.send(bad)
        assert fuzzed.answer() == due(bad)
        assert (fuzzed.quick(), fuzzed.slow()) == before
    assert BAR0 == bench.served.function.size(0)
    client.close()
    bench.close()
    given.close()
