"""Every file that a command is given to read is a file, or the command says in one sentence that it is none."""

from __future__ import annotations

import itertools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from tests.cli.test_main import run
from tests.sim.conftest import NIC
from tests.sim.record.encode import SAMPLE, encoded, recording

# Of every command: what it reads and writes, by the option or the argument, and what else it wants to get so far.
READ = {
    ("demo", "pcap"): "--wire pcap --pcap",
    ("demo", "faults"): "--wire pcap --faults",
    ("nic synth", "dut"): "em --page page.md --dut",
    ("dut init", "sources"): "",
    ("dut init", "include"): "a.v --include",
    ("dut init", "library"): "a.v --library",
    ("dut check", "portmap"): "",
    ("dut test", "portmap"): "",
    ("dut test", "expect"): "a.toml --expect",
    ("dut synth", "maps"): "",
    ("drivers check", "portmap"): "mini_driver:MiniNic --map",
    ("serve", "pcap"): "em --vfio-user s.sock --pcap",
    ("replay", "recording"): "",
    ("replay", "map"): "a.rec --map",
    ("guest", "run"): "--run",
    ("guest", "kernel"): "--modules . --kernel",
    ("guest", "modules"): "--kernel a.v --modules",
    ("guest", "module"): "--module",
    ("guest", "share"): "--share",
    ("guest", "faults"): "--faults",
}
WRITTEN = {
    ("demo", "perfetto"): "--wire pcap --perfetto",
    ("demo", "json"): "--wire pcap --json",
    ("demo", "out"): "--wire pcap --out",
    ("bench", "json"): "stack --json",
    ("nic verilog", "output"): "em --output",
    ("drivers new", "out"): "my_nic --out",
    ("conformance run", "json"): "--filter csum.tx.udp4.len-60 --json",
    ("conformance run", "junit"): "--filter csum.tx.udp4.len-60 --junit",
    ("conformance list", "json"): "--json",
    ("drivers check", "json"): "my_nic:MyNic --json",
    ("drivers check", "junit"): "my_nic:MyNic --junit",
    ("drivers check", "html"): "my_nic:MyNic --html",
    ("mutate", "json"): "--block parse --json",
    ("nic synth", "json"): "em --json",
    ("nic synth", "page"): "em --page",
    ("errata list", "json"): "--json",
    ("errata show", "json"): "tx-stall-32-bytes --json",
    ("nic test", "json"): "em --json",
    ("nic stats", "json"): "em --json",
    ("nic registers", "json"): "em --json",
    ("dut init", "flat"): "a.v --flat",
    ("dut init", "output"): "a.v --output",
    ("dut test", "pcap"): "a.toml --pcap",
    ("dut test", "junit"): "a.toml --junit",
    ("dut test", "waves"): "a.toml --waves",
    ("dut test", "save"): "a.toml --record",
    ("dut synth", "json"): "a.toml --json",
    ("serve", "vfio_user"): "em --vfio-user",
    ("serve", "capture"): "em --vfio-user s.sock --capture",
    ("serve", "trace"): "em --vfio-user s.sock --trace",
    ("serve", "record"): "em --vfio-user s.sock --record",
    ("serve", "json"): "em --vfio-user s.sock --json",
    ("serve", "perfetto"): "em --vfio-user s.sock --perfetto",
    ("guest", "perfetto"): "--perfetto",
    ("guest", "capture"): "--capture",
    ("guest", "trace"): "--trace",
    ("guest", "record"): "--record",
    ("guest", "log"): "--log",
    ("guest", "json"): "--json",
    ("replay", "trace"): "a.v --trace",
    ("replay", "capture"): "a.v --capture",
    ("replay", "listing"): "a.v --list",
    ("replay", "json"): "a.v --json",
}


@pytest.fixture(autouse=True)
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with Verilog, a map and a recording, in which the commands run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.v").write_text("module a (input clk); endmodule\n")
    shutil.copy(NIC / "mini_nic.toml", "a.toml")
    shutil.copy(NIC / "mini_nic.v", tmp_path)
    (tmp_path / "a.rec").write_bytes(recording([encoded(SAMPLE)]))


def paths_of(command: Any, *words: str) -> Iterator[tuple[str, str]]:
    """Each option and argument of every command that is a path: the command's words, and its name."""
    for name, below in getattr(command, "commands", {}).items():
        yield from paths_of(below, *words, name)
    for option in command.params:
        if option.type_descriptor.annotation in (Path, list[Path]):
            yield " ".join(words), option.name


def test_every_path_of_a_command_is_read_or_written() -> None:
    """So that the next one is in a table of this file, and what is read is tried below."""
    found = set(paths_of(typer.main.get_command(cli.app)))
    assert found == READ.keys() | WRITTEN.keys()


@pytest.fixture(params=["a pipe", "a terminal", "what the kernel makes up"])
def no_file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The first two would be waited for, and some of the third, as `/proc/kmsg`, which root alone may open."""
    os.mkfifo(tmp_path / "pipe")
    ours, theirs = os.openpty()
    yield {"a pipe": str(tmp_path / "pipe"), "a terminal": os.ttyname(theirs)}.get(request.param, "/proc/mounts")
    os.close(ours)
    os.close(theirs)


@pytest.mark.needs("scapy")
@pytest.mark.parametrize(("command", "name"), READ)
def test_what_is_no_file_is_one_sentence(
    command: str, name: str, no_file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*command.split(), *READ[command, name].split(), no_file) == Exit.USAGE
    said = capsys.readouterr().err
    assert said.startswith(f"ringbed: {no_file}")
    assert said.count("\n") == 1
    assert re.search(r"(and no file|is not a file|is no folder)\b", said)


def pairs() -> Iterator[tuple[str, str, str]]:
    """Two files of one command, each by the words up to it; folders are none."""
    files = [key for key in WRITTEN if key[1] != "out"]
    for (command, first), (other, second) in itertools.combinations(files, 2):
        if command == other:
            yield command, WRITTEN[command, first], WRITTEN[other, second].split()[-1]


@pytest.mark.parametrize(("command", "words", "option"), [*pairs()])
def test_one_file_for_two_results_is_one_sentence_before_any_work(
    command: str, words: str, option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.symlink("one.vcd", "same")
    assert run(*command.split(), *words.split(), "one.vcd", option, "same") == Exit.USAGE
    said = capsys.readouterr()
    assert re.fullmatch(r"ringbed: cannot write (same|one\.vcd): this command would write it twice\n", said.err)
    assert said.out == ""
    assert not (tmp_path / "one.vcd").exists()


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000 + "x"], ids=["a name", "all of it"])
@pytest.mark.parametrize(("command", "option"), READ | WRITTEN)
def test_what_is_too_long_for_a_file_is_one_sentence_before_any_work(
    command: str, option: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = set(tmp_path.iterdir())
    words = (READ | WRITTEN)[command, option]
    assert run(*command.split(), *words.split(), name) == Exit.USAGE
    said = capsys.readouterr()
    assert re.fullmatch(r"ringbed: [^\n]*x/?x[^\n]*\n", said.err)
    assert said.out == ""
    assert [each for each in set(tmp_path.rglob("*")) - before if not each.is_dir()] == []
