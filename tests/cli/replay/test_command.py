"""`ringbed replay`: what it refuses, what it says of a recording that is not one, and a whole run with its files."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ringbed.cli.errors import Exit
from ringbed.drivers.world import TxFrame
from ringbed.sim.native.toolchain import wave_format
from ringbed.sim.record.file import RecordingReader
from ringbed.sim.record.records import Kind
from ringbed.sim.wire.replay import read_capture
from tests.cli.processes import ended_after
from tests.cli.serve.test_command import ERRATUM, MAP, Guest, Serving
from tests.cli.test_main import run
from tests.mutations import spoilt
from tests.sim.conftest import needs_native
from tests.sim.record.encode import SAMPLE, encoded, recording
from tests.sim.record.scene import kept
from tests.sim.serve.client import Client
from tests.sim.waves import Waves

SIZE_READ = "8'h14: prdata = {16'd0, rx_size};"
US, PEER = bytes.fromhex("020000000001"), bytes.fromhex("020000000099")


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    with ended_after(partial(Serving, tmp_path)) as begin:
        yield begin


def frames_out(path: Path) -> int:
    """As far as it is in the file."""
    return sum(each.kind is Kind.SENT for each in kept(path))


def more_than(count: int, path: Path) -> bool:
    return frames_out(path) > count


@pytest.fixture
def record(serving: Callable[..., Serving], tmp_path: Path) -> Path:
    """`ringbed serve em --vfio-user /tmp/em.sock --record em.rec`: three frames out, nobody at the far end."""
    running = serving("--wire", "pcap", "--record", "em.rec")
    guest = Guest(running)
    for count, size in enumerate((60, 600, 1514)):
        assert guest.driver.transmit(0, [TxFrame([PEER + US + b"\x88\xb5" + bytes(size - 14)])]) == 1
        guest.until(partial(more_than, count, tmp_path / "em.rec"))
    guest.close()
    running.hear("client 1 is gone")
    assert running.end() == 0, running.said
    return tmp_path / "em.rec"


@needs_native
def test_a_card_by_its_map(serving: Callable[..., Serving], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its registers, a reset by its client's end, and the second client's: the same again; on another RTL it is not."""
    running = serving("--wire", "pcap", "--record", "nic.rec", nic=str(MAP))
    running.hear("for QEMU")
    for size in (64, 16):
        client = Client(running.socket, None)
        client.enable(6)
        client.write(0, 0x14, size)
        assert client.read(0, 0x14) == size
        client.close()
        running.hear("is gone")
    assert running.end() == 0, running.said
    kinds = [each.kind for each in kept(tmp_path / "nic.rec")]
    assert kinds.count(Kind.RESET) == 2
    assert run("replay", str(tmp_path / "nic.rec"), "--map", str(MAP)) == Exit.OK
    assert "register accesses: 4, " in capsys.readouterr().out
    for name in ("mini_nic.toml", "mini_nic.v"):
        (tmp_path / name).write_text((MAP.parent / name).read_text())
    (tmp_path / "mini_nic.v").write_text(changed((MAP.parent / "mini_nic.v").read_text()))
    assert run("replay", str(tmp_path / "nic.rec"), "--map", str(tmp_path / "mini_nic.toml")) == Exit.FINDING
    said = " ".join(capsys.readouterr().out.split())
    assert "this is not the card of the recording: the RTL is another" in said
    assert "on record: the answer is 0x40 (clock" in said


def changed(verilog: str) -> str:
    """The size of its receive ring is read with another bit in it."""
    assert (mended := verilog.replace(SIZE_READ, SIZE_READ.replace("rx_size", "rx_size ^ 16'd1"))) != verilog
    return mended


def test_what_is_refused_before_anything_is_built(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "record"
    path.write_bytes(recording([encoded(SAMPLE)]))
    for words, why in {
        ("--from", "9", "--until", "9"): "there is no clock from 9 on and before 9",
        ("--trace", str(tmp_path / "w.txt")): "a waveform is .fst or .vcd, not w.txt",
        ("--erratum", ERRATUM, "--map", str(MAP)): "--erratum is of em's lab, and --map names a card of its own",
        ("--map", str(path.parent / "none.toml")): f"{path.parent / 'none.toml'}: No such file or directory",
        ("--erratum", ERRATUM): f"the lab's card is em, 64 bits wide, and {path} is of 'toy'",
        ("--erratum", "none-such"): "the lab has no erratum 'none-such': `ringbed errata list`",
        ("--capture", str(path)): f"cannot write {path}: this command reads it",
        (): f"{path} is of a NIC 'toy', which is none of em, em128, em256, em512, em_lab",
    }.items():
        assert run("replay", str(path), *words) == Exit.USAGE
        assert capsys.readouterr().err.startswith(f"ringbed: {why}")


@pytest.mark.parametrize("seed", range(12))
def test_garbage_is_one_sentence(seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where the sums are right, and the header is of a card that there is: its records make no sense then."""
    rng, path = random.Random(seed), tmp_path / "garbage"
    good = recording([encoded(SAMPLE)])
    path.write_bytes(rng.randbytes(rng.randrange(60)) if seed < 4 else spoilt(rng, [spoilt(rng, [good])]))
    assert run("replay", str(path)) == Exit.USAGE
    said = capsys.readouterr().err
    assert said.startswith(f"ringbed: {path} is ")
    assert said.count("\n") == 1


@needs_native
def test_a_recording_is_replayed_from_its_file_alone(
    record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ringbed replay em.rec`, with everything that it can leave."""
    waves, capture, listing, account = (
        tmp_path / name for name in (f"em.{wave_format()}", "wire.pcapng", "list.txt", "account.json")
    )
    records = kept(record)
    sent = [each for each in records if each.kind is Kind.SENT]
    end = sent[1].clock + 1
    (tmp_path / "em.sock").unlink(missing_ok=True)
    assert run("replay", str(record), "--list", str(listing), "--json", str(account), "--capture", str(capture)) == 0
    said = capsys.readouterr().out
    assert re.search(r"It is the same as the recording, up to clock [\d,]+ \(register accesses: \d+, ", said)
    assert "frames out: 3, " in said
    rows = {row["id"]: (row["value"], row["ok"]) for row in json.loads(account.read_text())["rows"]}
    assert rows["replay.differences"] == (0, True)
    assert rows["replay.frames_out"] == (3, True)
    assert rows["replay.register_accesses"][0] == sum(each.kind in (Kind.STORE, Kind.ANSWER) for each in records)
    assert rows["replay.clocks"] == (records[-1].clock, True)
    assert [len(each.data) for each in read_capture(capture).frames] == [64, 604, 1518]
    lines = listing.read_text().splitlines()
    assert len(lines) == sum(each.kind is not Kind.TIME for each in records)
    assert any(re.fullmatch(r" *\d+  0x\d is written to TDT \(0x3818\)", line) for line in lines)
    assert sum("leaves the card" in line for line in lines) == 3
    begin = sent[0].clock
    words = ("--trace", str(waves), "--from", str(begin), "--until", str(end), "--list", "-")
    assert run("replay", str(record), *words) == 0
    heard = capsys.readouterr()
    assert f"up to clock {end:,} (" in heard.err
    clocks = [int(line.split()[0]) for line in heard.out.splitlines()]
    assert (min(clocks), max(clocks)) == (begin, end - 1)
    wave, period = Waves(waves), 8000  # picoseconds
    for each in sent[:2]:
        assert [wave.at(f"TOP.em.tx_t{name}", each.clock * period + 1) for name in ("valid", "last")] == [1, 1]
    times = [time // period for time, _ in wave.changes("TOP.em.clk")]
    assert (min(times), max(times)) == (begin, end - 1)


@needs_native
def test_a_difference_is_one_sentence_and_ends_with_1(
    record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer on record that the card does not give; and the lab's card, which is told to be another."""
    records = kept(record)
    at = next(index for index, each in enumerate(records) if each.kind is Kind.ANSWER)
    records[at] = records[at]._replace(value=records[at].value ^ 4)
    with RecordingReader(record) as reader:
        (tmp_path / "other.rec").write_bytes(recording([encoded(records)], reader.header))
    assert run("replay", str(tmp_path / "other.rec")) == Exit.FINDING
    said = capsys.readouterr().out
    clock, value = records[at].clock, records[at].value
    assert f"It is not the recording: it differs first at clock {clock}: on record: the answer is {value:#x}" in said
    assert run("replay", str(record), "--erratum", ERRATUM) == 0
    said = capsys.readouterr().out
    assert "this is not the card of the recording: the card is 'em', here 'em_lab'" in said
    assert "this is not the card of the recording: the RTL is another (digest " in said
    end = records[-1].clock
    assert run("replay", str(record), "--trace", str(tmp_path / f"w.{wave_format()}"), "--from", str(end)) == 0
    assert f"there is no waveform: it would begin at clock {end}, and that is not there" in capsys.readouterr().out


@needs_native
def test_a_recording_of_a_run_that_was_killed_is_replayed_to_its_end(
    serving: Callable[..., Serving], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = serving("--wire", "pcap", "--record", "em.rec")
    guest = Guest(running)
    assert guest.driver.transmit(0, [TxFrame([PEER + US + b"\x88\xb5" + bytes(50)])]) == 1
    guest.until(lambda: frames_out(tmp_path / "em.rec"))
    running.process.kill()
    running.process.wait()
    guest.client.close()
    guest.device.close()
    data = (tmp_path / "em.rec").read_bytes()
    (tmp_path / "cut.rec").write_bytes(data[:-1])
    assert run("replay", str(tmp_path / "em.rec")) == 0
    assert "frames out: 1" in capsys.readouterr().out
    assert run("replay", str(tmp_path / "cut.rec")) == 0
    assert "ends in the middle: all that is whole of it was replayed" in capsys.readouterr().out
