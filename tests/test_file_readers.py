"""Whatever is in a file, its reader gives what it is for, or one of the errors that it documents, in one sentence.

A reader is a row of `READERS`. A few hundred inputs are read by default; `-m full` reads a hundred thousand of each.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from ringbed.cli.errors import Exit, explain
from ringbed.hw.formats.literal import Parameter
from ringbed.sim.dut.block import BlockReader
from ringbed.sim.dut.map import Reader
from ringbed.sim.dut.verilog.ports import Top, read_top
from ringbed.sim.faults.plan import DRAWN, KINDS, FaultFileError, FaultRecord, Value, load_plan, record_text
from ringbed.sim.files import read_file
from ringbed.sim.native.toolchain import BuildError
from ringbed.sim.native.verilog_said import said
from ringbed.sim.record.file import RecordingError, RecordingReader
from ringbed.sim.seam.portmap import PortMap, PortMapError
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import Rtl
from ringbed.sim.wire.replay import CaptureError, read_capture
from tests.cli.test_main import run
from tests.mutations import spoilt
from tests.sim.record.encode import SAMPLE, encoded, recording
from tests.sim.wire.test_replay import blocks, option, pcap, pcapng

ROOT = Path(__file__).parent.parent
THIRD_PARTY = ROOT / "examples" / "third_party"
NIC = THIRD_PARTY / "nic" / "mini_nic.toml"
BLOCKS = sorted((THIRD_PARTY / "blocks").glob("*.toml"))
FEW, CHUNK, CHUNKS = 300, 12_500, 8


@dataclass(frozen=True)
class FileReader:
    """`read` gets a file like one of `samples`, and may raise one of `errors` and nothing else."""

    samples: Callable[[], list[bytes]]
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...]


def read_and_replay(path: Path) -> object:
    capture = read_capture(path)
    return [(frame.frame, frame.wire, frame.sound, frame.whole) for frame in capture.frames]


def kind_of(design: Path) -> type[Reader]:
    return BlockReader if design in BLOCKS else Reader


@cache
def top_of(design: Path) -> Top:
    """What Verilator says of the design of a map as it is: asked once, since the map alone is changed."""
    asked: list[Top] = []

    def ask(top: str, rtl: Rtl, parameters: Mapping[str, Parameter]) -> Top:
        asked.append(read_top(top, rtl, parameters))
        return asked[0]

    kind_of(design)(design, ask)
    return asked[0]


def read_map_of(design: Path) -> Callable[[Path], object]:
    """Maps of a NIC and of a block, the Verilog beside them."""

    def read(path: Path) -> object:
        for source in design.parent.glob("*.v"):
            if not (there := path.parent / source.name).exists():
                there.symlink_to(source)
        return kind_of(design)(path, lambda top, rtl, parameters: top_of(design)).problems

    return read


def a_record() -> bytes:
    """One of each kind of fault, as a run leaves it."""
    drawn: dict[str, Value] = {"bits": (3, 9), "damage": "wire", "length": 20, "beat": 1}
    records = [
        FaultRecord(part, kind, "em0 rx" if part == "link" else "em0", number, "read" if part == "bus" else "",
                    {name: drawn.get(name, default) for name, default in
                     {**defaults, **dict.fromkeys(DRAWN.get((part, kind), ()), 0)}.items()})
        for part, kinds in KINDS.items() for number, (kind, defaults) in enumerate(kinds.items())
    ]  # fmt: skip
    return record_text(records).encode()


def read_settings(path: Path) -> Settings | None:
    """Settings as a marker, a script or `open_dut` gives them; None where the file is no table of names."""
    try:
        table = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    return Settings.of(table) if isinstance(table, dict) else None


def read_recording(path: Path) -> list[object]:
    with RecordingReader(path) as reader:
        return [reader.header, *reader.records()]


def read_records(path: Path) -> list[object]:
    """Bytes of records, in a file whose sums are right."""
    packed = path.with_suffix(".packed")
    packed.write_bytes(recording([read_file(path)]))
    return read_recording(packed)


SETTINGS = dict(
    read_latency=50, write_latency=3, irq_hold=0, link_bps=10**9, manner="strict", seed=1, check=True,
    backpressure=0.25, reset_clocks=4, reset_wait=9, answer_limit=1000, skip_idle=False,
    plusargs=["verbose", "limit=7"],
)  # fmt: skip
SAID = b"""ERROR: t.v:3: a message
         Time: 30000  Scope: top
FATAL: t.v:4: $fatal
         Time: 30000  Scope: top.sub
** VVP Stop(0) **
** Flushing output streams.
** Current simulation time is 5000 ticks.
"""

READERS = {
    "pcap": FileReader(
        lambda: [pcap("<", nano=True), pcap(">", nano=False, cut=70), pcap("<", nano=False, link=0x2400_0001)],
        read_and_replay, (CaptureError,),
    ),
    "pcapng": FileReader(
        lambda: [
            pcapng(), blocks(">", option(9, b"\x83", ">")), blocks("<", option(13, b"\4"), packet=option(2, bytes(4))),
        ],
        read_and_replay, (CaptureError,),
    ),
    "fault plan": FileReader(
        lambda: [(ROOT / "examples" / "faults.toml").read_bytes()], load_plan, (FaultFileError,)
    ),
    "fault record": FileReader(lambda: [a_record()], load_plan, (FaultFileError,)),
    "port map of ours": FileReader(
        lambda: [(ROOT / "hw" / "nics" / "em" / "em.toml").read_bytes()], PortMap.load, (PortMapError,)
    ),
    "port map of somebody's NIC": FileReader(
        lambda: [NIC.read_bytes()], read_map_of(NIC), (PortMapError, BuildError)
    ),
    "port map of somebody's block": FileReader(
        lambda: [path.read_bytes() for path in BLOCKS], read_map_of(BLOCKS[0]), (PortMapError, BuildError)
    ),
    "recording": FileReader(lambda: [recording([encoded(SAMPLE)])], read_recording, (RecordingError,)),
    "records of a recording": FileReader(lambda: [encoded(SAMPLE)], read_records, (RecordingError,)),
    "settings": FileReader(lambda: [json.dumps(SETTINGS).encode()], read_settings, (ValueError,)),
    "what a simulator said": FileReader(lambda: [SAID], lambda path: said(path.read_bytes()), ()),
}  # fmt: skip


def check(name: str, seed: int, count: int, folder: Path) -> None:
    """Raises what a reader must not, with the input that did it."""
    reader, path = READERS[name], folder / "input"
    rng, samples = random.Random(seed), reader.samples()
    for number in range(count):
        data = spoilt(rng, samples)
        path.write_bytes(data)
        try:
            reader.read(path)
        except reader.errors as error:
            assert_sentence(str(error), name, data)
        except Exception as error:
            error.add_note(f"{name}, seed {seed}, input {number}: {data[:2000]!r}")
            raise


def assert_sentence(text: str, name: str, data: bytes) -> None:
    assert text.strip(), f"{name} says nothing of {data!r}"
    assert "\n" not in text, f"{name} says {text!r} of {data[:2000]!r}"
    assert len(text) < 1500, f"{name} says {len(text)} characters of {data[:2000]!r}"


@pytest.mark.parametrize("name", READERS)
def test_the_samples_are_good(name: str, tmp_path: Path) -> None:
    for number, data in enumerate(READERS[name].samples()):
        (tmp_path / str(number)).write_bytes(data)
        READERS[name].read(tmp_path / str(number))


@pytest.mark.parametrize("name", READERS)
def test_a_spoilt_file_gives_what_it_is_for_or_one_sentence(name: str, tmp_path: Path) -> None:
    check(name, 1, FEW, tmp_path)


@pytest.mark.parametrize("name", [name for name in READERS if name not in ("settings", "what a simulator said")])
def test_what_is_no_file_is_not_read(name: str, tmp_path: Path) -> None:
    """A pipe would be waited for, another device has no end: this one is empty, and not even that is found."""
    (tmp_path / "input").symlink_to("/dev/null")  # in a folder of the test's: some readers are given Verilog beside it
    with pytest.raises(OSError, match="it is a pipe or a device, and no file"):
        READERS[name].read(tmp_path / "input")


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 2 + CHUNKS))
@pytest.mark.parametrize("name", READERS)
def test_a_hundred_thousand(name: str, seed: int, tmp_path: Path) -> None:
    check(name, seed, CHUNK, tmp_path)


@pytest.mark.parametrize("way", ["exists", "is_file", "is_dir", "is_symlink"])
def test_whether_a_file_is_there_is_asked_without_an_error(way: str) -> None:
    """`Path.exists` raises OSError for a name that is too long, `os.path.exists` says that it is not there."""
    asked = re.compile(rf"\b(?!entry\b)\w+[\])]*\.{way}\(\)")  # `entry` is of a package, which may be no folder
    rooms = ("cli", "sim", "conformance", "benchmarks", "drivers", "hw", "stack")
    sources = [path for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(sources) > 300
    assert [str(path) for path in sources if asked.search(path.read_text(encoding="utf-8"))] == []


class Reached(Exception):
    """The file was read, and the card would be built now."""


@pytest.mark.parametrize("option", ["--pcap", "--faults"])
@pytest.mark.parametrize("seed", range(12))
def test_demo_says_one_sentence_of_garbage_and_ends_with_2(
    option: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Up to where the card is built; what comes out of the command otherwise would be a traceback."""

    def reached(*arguments: object, **named: object) -> None:
        raise Reached

    monkeypatch.setattr("ringbed.cli.demo.replay.open_card", reached)
    rng = random.Random(seed)
    names = ("pcap", "pcapng") if option == "--pcap" else ("fault plan", "fault record")
    samples = [sample for name in names for sample in READERS[name].samples()]
    path = tmp_path / "garbage"
    path.write_bytes(rng.randbytes(rng.randrange(60)) if seed < 4 else spoilt(rng, [spoilt(rng, samples)]))
    try:
        code = run("demo", "--wire", "pcap", option, str(path), "--out", str(tmp_path / "out"))
    except Reached:
        return
    said = capsys.readouterr().err
    assert (code, said.count("\n")) == (Exit.USAGE, 1), said
    assert said.startswith("ringbed: ")


@pytest.mark.parametrize("name", READERS)
def test_the_command_knows_every_error_of_a_file(name: str) -> None:
    """Those of settings come from a program's own line, not from a file that a command was given."""
    for kind in READERS[name].errors if name != "settings" else ():
        explained = explain(kind("a sentence"))
        assert explained is not None
        assert explained[1] in (Exit.USAGE, Exit.ENVIRONMENT)
