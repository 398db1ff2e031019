"""An engine that is recorded: what is written and when, what is said among it, and that the run is the one without."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringbed.sim.memory.regions import Region, RegionTable
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.record.engine import Recording, RecordingEngine, ReplayEngine
from ringbed.sim.record.file import RecordingReader
from ringbed.sim.record.records import Kind, Record
from ringbed.sim.seam.engine import Event
from tests.sim.conftest import needs_native
from tests.sim.record.encode import fnv1a
from tests.sim.record.scene import BASE, SCRATCH, SIZE, Scene, kept, recorded, replayed
from tests.sim.toy import toy_spec

pytestmark = needs_native


def opened(recording: Recording) -> tuple[RecordingEngine, RegionTable, Region]:
    region = Region(BASE, memoryview(bytearray(SIZE)))
    memory = RegionTable([Region(0x1000, memoryview(bytearray(SIZE))), region])
    return recording.engine(toy_spec(), memory), memory, region


def test_what_is_done_to_a_card_stands_there_in_order(tmp_path: Path) -> None:
    def act(scene: Scene) -> None:
        engine = scene.engine
        engine.run(engine.now + 10)
        engine.write(SCRATCH, 5)
        assert engine.read(SCRATCH) == 5
        engine.wire_in(b"\1\2\3\4\5\6\7\x08", engine.now + 7)
        engine.run(engine.now + 400)
        engine.hold_irq(engine.now + 9)
        engine.set_pin("invert", 3)
        engine.shut(16, 16)
        engine.shut(0, 0)
        engine.note("end")

    recorded(tmp_path / "record", act=act)
    records = kept(tmp_path / "record")
    answer = next(each for each in records if each.kind is Kind.ANSWER)
    end = records[-1].clock
    assert answer.value == 5
    assert [each[1:] for each in records] == [
        Record(0, Kind.STORE, 0, BASE & 0xFFFF_FFFF)[1:],
        Record(0, Kind.STORE, 4, BASE >> 32)[1:],
        Record(0, Kind.STORE, 8, 3)[1:],
        Record(0, Kind.STORE, SCRATCH, 5)[1:],
        Record(0, Kind.ASK, SCRATCH)[1:],
        answer[1:],
        Record(0, Kind.FRAME, answer.clock + 7, 0, 8, b"\1\2\3\4\5\6\7\x08")[1:],
        Record(0, Kind.WRITE, BASE, 0, 8, b"\1\2\3\4\5\6\7\x08")[1:],
        Record(0, Kind.READ, BASE, 0, 8, b"\1\2\3\4\5\6\7\x08")[1:],
        Record(0, Kind.SENT, length=8, data=fnv1a(b"\1\2\3\4\5\6\7\x08"))[1:],
        Record(0, Kind.LINE, value=1)[1:],
        Record(0, Kind.HOLD, value=end + 9)[1:],
        Record(0, Kind.PIN, 0, 3)[1:],
        Record(0, Kind.SHUT, 16, 31)[1:],
        Record(0, Kind.SHUT, 1, 0)[1:],
        Record(0, Kind.NOTE, data=b"end")[1:],
    ]
    assert [each.clock for each in records[:6]] == [0, 0, 0, 10, 10, answer.clock]


def test_it_is_the_run_without_a_record(tmp_path: Path) -> None:
    def act(engine: NativeEngine) -> list[tuple[int, bytes]]:
        for at in range(0, 3000, 500):
            engine.wire_in(bytes(range(at // 500, 200)), at + 60)
        engine.run(4000)
        return engine.wire_out()

    plain = NativeEngine(toy_spec(), RegionTable([Region(BASE, memoryview(bytearray(SIZE)))]))
    for offset, value in ((0, BASE & 0xFFFF_FFFF), (4, BASE >> 32), (8, 3)):
        plain.write(offset, value)
    frames = list[tuple[int, bytes]]()
    scene = recorded(tmp_path / "record", act=lambda scene: frames.extend(act(scene.engine)))
    assert frames == act(plain) != []
    assert scene.engine.now == plain.now


def test_at_rest_all_of_it_is_in_the_file(tmp_path: Path) -> None:
    """As a server's turn ends: the process could be killed now."""
    path = tmp_path / "record"
    with Recording(path) as recording:
        engine, _, _ = opened(recording)
        assert kept(path) == []
        for number in range(1, 4):
            engine.write(SCRATCH, number)
            engine.run(engine.now + 100, Event.IDLE)
            before = kept(path)
            engine.wire_out()
            stores = [each.value for each in kept(path) if each.kind is Kind.STORE]
            assert (len(before) < len(kept(path)), stores) == (True, list(range(1, number + 1)))
        before = kept(path)
        engine.wire_out()
        assert kept(path) == before
        engine.close()


def test_busy_it_is_written_by_and_by(tmp_path: Path) -> None:
    """Every ten milliseconds of the card's, or every block; a burst that is going on is never parted by that."""
    path = tmp_path / "record"
    with Recording(path) as recording:
        engine, _, _ = opened(recording)
        sizes = list[int]()
        for step in range(3):
            engine.write(SCRATCH, step)
            engine.run(engine.now + engine.frequency.clocks(6_000_000))
            sizes.append(len(kept(path)))
        assert sizes == [0, sizes[1], sizes[1]]
        assert sizes[1] > 0
        size = path.stat().st_size
        for number in range(20):
            engine.wire_in(number.to_bytes(1) * 2000, engine.now)
            engine.run(engine.now + 10)
        assert path.stat().st_size > size
        engine.close()


def test_closed_in_the_middle_of_a_burst_it_has_what_was_read_and_the_clock(tmp_path: Path) -> None:
    """The frame of 250 bytes is read back as one burst of 32 beats."""

    def act(scene: Scene) -> None:
        scene.engine.wire_in(bytes(250), 0)
        while scene.engine.stats().read_beats < 5:
            scene.engine.run(scene.engine.now + 1, Event.NONE)

    path = tmp_path / "record"
    scene = recorded(path, act=act)
    *_, read, time = kept(path)
    assert (read.kind, read.place, read.length) == (Kind.READ, BASE, 48)  # the sixth beat is on the bus
    assert (time.kind, time.clock) == (Kind.TIME, scene.engine.now)
    with RecordingReader(path) as reader:
        outcome, _ = replayed(kept(path), reader.header.settings)
    assert (outcome.difference, outcome.clock) == (None, time.clock)


def test_what_is_said_and_where_memory_goes_is_there_too(tmp_path: Path) -> None:
    path, said = tmp_path / "record", list[str]()
    with Recording(path) as recording:
        hear = recording.heard(said.append)
        hear("before there was a card")
        engine, memory, region = opened(recording)
        engine.skip(500)
        hear("client 1 is here")
        memory.remove_region(region)
        engine.run(engine.now)
        engine.close()
        hear("the card is gone")
    assert said == ["before there was a card", "client 1 is here", "the card is gone"]
    notes = [(each.clock, each.data) for each in kept(path) if each.kind is Kind.NOTE]
    assert notes == [(500, b"client 1 is here"), (500, b"memory: 1 region")]


def test_an_engine_that_is_compiled_anew_for_a_waveform_goes_on_being_recorded(tmp_path: Path) -> None:
    path = tmp_path / "record"
    with Recording(path) as recording:
        engine, _, _ = opened(recording)
        engine.set_pin("invert", 9)
        engine.trace(tmp_path / "toy.vcd")
        engine.write(SCRATCH, 1)
        engine.run(100)
        engine.close()
    assert (tmp_path / "toy.vcd").stat().st_size > 0
    assert [each[:4] for each in kept(path) if each.kind is not Kind.TIME] == [
        (0, Kind.PIN, 0, 9), (0, Kind.PIN, 0, 9), (0, Kind.STORE, SCRATCH, 1),
    ]  # fmt: skip
    with RecordingReader(path) as reader:
        assert replayed(kept(path), reader.header.settings)[0].difference is None


def test_what_raises_an_error_in_the_middle_of_a_run_is_not_recorded(tmp_path: Path) -> None:
    with Recording(tmp_path / "record") as recording, pytest.raises(ValueError, match="is not recorded"):
        recording.engine(toy_spec(), None, manner="strict")


def test_a_full_disk_ends_the_run_with_the_files_name() -> None:
    with Recording("/dev/full") as recording, pytest.raises(OSError, match="No space left") as error:
        opened(recording)
    assert error.value.filename == "/dev/full"


def test_a_replay_needs_no_memory(tmp_path: Path) -> None:
    engine = ReplayEngine(toy_spec(), None)
    engine.write(SCRATCH, 1)
    engine.run(10)
    assert engine.taken() != b""
    assert engine.taken() == b""
    engine.close()


def test_of_what_is_said_a_reader_gets_no_more_than_it_takes(tmp_path: Path) -> None:
    with Recording(tmp_path / "record") as recording:
        engine, _, _ = opened(recording)
        engine.note("long " * 400_000)
        engine.close()
    (note,) = (each.data for each in kept(tmp_path / "record") if each.kind is Kind.NOTE)
    assert note == b"long " * 200


def test_a_file_is_left_alone_until_the_card_is_opened(tmp_path: Path) -> None:
    """Whose socket is somebody else's is refused before, and the file may be that one's."""
    (tmp_path / "record").write_bytes(b"of another")
    with Recording(tmp_path / "record"):
        pass
    assert (tmp_path / "record").read_bytes() == b"of another"
