"""A served card on record: a session of clients that do what clients do, replayed from its file without any of them."""

from __future__ import annotations

import shutil
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from ringbed.drivers.world import TxFrame, TxSum
from ringbed.sim.cards import em, em_lab
from ringbed.sim.errata import pin_steps
from ringbed.sim.record.engine import Recording, ReplayEngine
from ringbed.sim.record.file import RecordingReader
from ringbed.sim.record.header import header_of
from ringbed.sim.record.records import Kind, Record
from ringbed.sim.record.replay import Outcome, Replay
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.seam.engine import Event
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.wire.frame import WireEnd
from tests.sim.conftest import needs_native
from tests.sim.serve.bench import Bench, Machine, TestWire
from tests.sim.serve.test_server import PEER, US, exchange, frames

pytestmark = [needs_native, pytest.mark.usefixtures("slices")]
ERRATUM = "tx-ospf-corrupted-by-csum-engine"


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """So short that messages come in the middle of frames."""
    monkeypatch.setattr("ringbed.sim.serve.pace.SLICE", 50)


class Sent:
    """The end of a card's wire, and what left the card."""

    def __init__(self, end: WireEnd) -> None:
        self._end, self.frames = end, list[tuple[int, bytes]]()

    def wire_in(self, frame: bytes, at: int = 0, error: bool = False) -> None:
        self._end.wire_in(frame, at, error)

    def wire_out(self) -> list[tuple[int, bytes]]:
        left = self._end.wire_out()
        self.frames += left
        return left


def kept(path: Path) -> list[Record]:
    with RecordingReader(path) as reader:
        return [each for each in reader.records() if each.kind is not Kind.TIME]


def replayed(path: Path, spec: NicSpec, instead: Sequence[dict[str, int]] = ()) -> tuple[Outcome, list[bytes]]:
    """And the frames that left the card, of a card that has nothing but the file."""
    ends = list[Sent]()

    def tap(end: WireEnd) -> WireEnd:
        ends.append(Sent(end))
        return ends[0]

    with RecordingReader(path) as reader:
        engine = ReplayEngine(spec, None)
        outcome = Replay(engine, reader.header.pins, instead, tap).run(reader.records())
        engine.close()
    return outcome, [frame for _, frame in ends[0].frames]


def until_in_flight(bench: Bench, machine: Machine, count: int) -> None:
    """Frames are being sent, and a burst of the card's is out."""
    machine.driver.transmit(0, [TxFrame([frame]) for frame in frames(count, PEER, US)])
    machine.client.read(7, 0)
    while not bench.engine.in_flight(0, 1 << 64):
        bench.engine.run(bench.engine.now + 1, Event.NONE)


class Kept(TestWire):
    """With all that ever left the card."""

    def __init__(self, end: WireEnd, frequency: Frequency) -> None:
        super().__init__(end, frequency)
        self.ever = list[bytes]()

    def move(self, now: int) -> int:
        before = len(self.out)
        moved = super().move(now)
        self.ever += self.out[before:]
        return moved


def ever(bench: Bench) -> list[bytes]:
    assert isinstance(bench.wire, Kept)
    return bench.wire.ever


def recorded(folder: Path, spec: NicSpec | None = None) -> tuple[Recording, Bench]:
    recording = Recording(folder / "record")
    return recording, Bench(folder, spec, make_wire=Kept, open_engine=recording.engine)


def session(bench: Bench) -> None:
    """Rings both ways with interrupts, a reset under traffic, a client that dies, one that takes its memory back while
    bursts are out, and one that takes the bus.
    """
    machine = Machine(bench)
    machine.up()
    for seed in range(2):
        exchange(machine, 16, seed)
    until_in_flight(bench, machine, 32)
    bench.wire.next += frames(16, US, PEER)
    machine.client.reset()
    bench.rest()
    machine.close()
    for number, gone in enumerate([None, unmap, no_master]):
        bench.wire.out.clear()
        machine = Machine(bench)
        machine.up()
        exchange(machine, 4, number)
        until_in_flight(bench, machine, 32)
        if gone is not None:
            gone(machine)
        machine.close()  # rings on
    bench.rest()


def unmap(machine: Machine) -> None:
    (arena,) = machine.memory.regions
    machine.client.unmap(arena.iova, arena.length)


def no_master(machine: Machine) -> None:
    machine.client.enable(3)


def test_a_session_of_clients_comes_again_from_its_file(tmp_path: Path) -> None:
    recording, bench = recorded(tmp_path)
    with recording:
        session(bench)
        clock, sent, interrupts = bench.engine.now, ever(bench), bench.served.interrupts.signals
        accesses = bench.served.account()["register reads"]
        bench.close()
    records = kept(tmp_path / "record")
    outcome, again = replayed(tmp_path / "record", em())
    assert outcome.difference is None
    assert outcome.same == Counter(each.kind for each in records)
    assert again == sent
    assert outcome.clock == clock
    assert len(sent) > 2 * 16 + 3 * 4
    assert sum(each.kind is Kind.LINE and each.value for each in records) >= interrupts > 10
    assert outcome.same[Kind.ANSWER] == accesses
    refused = {each.kind for each in records if each.kind in (Kind.READ, Kind.WRITE) and each.value}
    assert Kind.READ in refused
    shut = [(each.place, each.value) for each in records if each.kind is Kind.SHUT]
    assert (0, (1 << 64) - 1) in shut
    assert len(set(shut)) == 3  # all of it, the arena, none


def test_a_run_that_is_killed_is_replayed_as_far_as_it_was_written(tmp_path: Path) -> None:
    """The file as it is in the middle of traffic, and cut somewhere in its last block."""
    recording, bench = recorded(tmp_path)
    with recording:
        machine = Machine(bench)
        machine.up()
        exchange(machine, 16)
        until_in_flight(bench, machine, 64)
        for _ in range(40):
            bench.turn()
        assert bench.served.server.busy
        shutil.copy(tmp_path / "record", tmp_path / "killed")
        machine.close()
        bench.close()
    whole, killed = kept(tmp_path / "record"), kept(tmp_path / "killed")
    assert 0 < len(killed) < len(whole)
    assert whole[: len(killed)] == killed
    data = (tmp_path / "killed").read_bytes()
    (tmp_path / "cut").write_bytes(data[:-5])
    for name in ("killed", "cut"):
        outcome, again = replayed(tmp_path / name, em())
        assert outcome.difference is None
        assert outcome.same == Counter(each.kind for each in kept(tmp_path / name))
        assert again == ever(bench)[: len(again)] != []


def ip(protocol: int, payload: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, bytes(4), bytes(4))
    return PEER + US + b"\x08\x00" + head + payload


def test_on_another_rtl_it_is_told_where_the_first_difference_is(tmp_path: Path) -> None:
    """The lab's card with its bug off is the same to the clock; with it on, the frame that it spoils is the first."""
    recording, bench = recorded(tmp_path)
    with recording:
        machine = Machine(bench)
        machine.up()
        udp, ospf = ip(17, bytes(60)), ip(89, bytes(range(64)))
        machine.driver.transmit(0, [TxFrame([udp], TxSum.UDP), TxFrame([ospf], TxSum.IPV4)])
        machine.work()
        machine.close()
        bench.close()
    assert len(ever(bench)) == 2
    path = tmp_path / "record"
    with RecordingReader(path) as reader:
        assert header_of(em(), reader.header.settings).differences(reader.header) == []
        found = header_of(em_lab(), reader.header.settings).differences(reader.header)
    assert [each.split("(")[0] for each in found][0] == "the card is 'em', here 'em_lab'"
    assert any(each.startswith("the RTL is another") for each in found)
    outcome, _ = replayed(path, em_lab())
    assert outcome.difference is None
    outcome, _ = replayed(path, em_lab(), pin_steps({ERRATUM: {}}))
    spoilt = [each for each in kept(path) if each.kind is Kind.SENT][1]
    assert outcome.difference is not None
    assert outcome.difference.recorded == spoilt
    assert outcome.difference.replayed is not None
    assert outcome.difference.replayed._replace(data=spoilt.data) == spoilt
    assert outcome.difference.clock == spoilt.clock
    assert outcome.same[Kind.SENT] == 1
