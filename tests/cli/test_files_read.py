"""Every file that a command is given to read is a file, or the command says in one sentence that it is none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from tests.cli.test_main import run

# Of every command: what it reads, by the option or the argument, and what else it wants to get as far as that.
READ = {
    ("demo", "pcap"): "--wire pcap --pcap",
    ("demo", "faults"): "--wire pcap --faults",
    ("nic synth", "dut"): "em --page page.md --dut",
    ("dut init", "sources"): "",
    ("dut init", "include"): "a.v --include",
    ("dut init", "library"): "a.v --library",
    ("dut check", "portmap"): "",
    ("dut test", "portmap"): "",
    ("dut synth", "maps"): "",
}
WRITTEN = {
    ("demo", "perfetto"), ("demo", "json"), ("demo", "out"), ("bench", "json"), ("nic verilog", "output"),
    ("drivers new", "out"),
    ("nic synth", "json"), ("nic synth", "page"), ("nic test", "json"), ("nic stats", "json"),
    ("nic registers", "json"), ("dut init", "flat"), ("dut init", "output"), ("dut test", "pcap"),
    ("dut test", "junit"), ("dut test", "waves"), ("dut synth", "json"),
}  # fmt: skip


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
    assert found == READ.keys() | WRITTEN


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
    command: str, name: str, no_file: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.v").write_text("module a (input clk); endmodule\n")
    assert run(*command.split(), *READ[command, name].split(), no_file) == Exit.USAGE
    said = capsys.readouterr().err
    assert said.startswith(f"ringbed: {no_file}")
    assert said.count("\n") == 1
    assert re.search(r"(and no file|is not a file|is no folder)\b", said)
