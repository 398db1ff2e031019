"""What is told of a test that failed, line by line, and with which words it is run again: the second run is played."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ringbed.cli.plugin.bench import Bench
from ringbed.cli.plugin.report import told
from tests.cli.plugin.item import Item

COMMAND = ["test_a.py::test_x", "--ringbed-engine=native", "--ringbed-seed=1"]
BEGIN = f"again: {shlex.quote(sys.executable)} -m pytest "
AGAIN = BEGIN + f"{' '.join(COMMAND)} --ringbed-out=ringbed-out"
PASSED = "the second run passed: flaky, or something in the test is not drawn from the seed, or is kept in files"
EARLY = "the second run failed before it had a waveform"
LOST = "the second run, for a waveform, did not get to the test"
FAILED = (1, "FAILED test_a.py::test_x - assert 0\n1 failed\n", "")


class Bed:
    """Stands for a bench: one card, a capture, nothing found."""

    def __init__(self, folder: Path, *found: str, kinds: tuple[str, ...] = ("native",), **given: Any) -> None:
        self.folder, self.files, self.looks = folder / "ringbed-out" / "mine", [folder / "mine" / "wire.pcapng"], 0
        self.engine, self.seed, self.trace = given.get("engine", "native"), 1, given.get("trace", False)
        self.hosts = [SimpleNamespace(engine=SimpleNamespace(kind=kind)) for kind in kinds]
        self.trouble: list[str] = []
        self.counting: list[str] = []
        self._found = [*found]

    def look(self) -> None:
        self.trouble += self._found
        self._found = []

    def beside(self) -> list[str]:
        return []

    def counts(self) -> list[str]:
        return [f"{name}: counted" for name in self.counting]

    def find(self, line: str) -> None:
        self._found.append(line)

    @property
    def real(self) -> Bench:
        return cast(Bench, self)


class Second:
    """Plays the second run: leaves its files where it is told, and ends as it is told. None: it does not end."""

    def __init__(self, end: tuple[int, str, str] | None = FAILED, *left: str) -> None:
        self.end, self.left = end, left
        self.runs: list[list[str]] = []
        self.how: dict[str, Any] = {}

    def __call__(self, words: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        self.runs.append(words)
        self.how = how
        if self.end is None:
            raise subprocess.TimeoutExpired(words, how["timeout"])
        (out,) = (word.partition("=")[2] for word in words if word.startswith("--ringbed-out="))
        for name in self.left:
            path = Path(out) / "folder" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("second")
        return subprocess.CompletedProcess(words, *self.end)


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Second]:
    def play(*args: Any) -> Second:
        second = Second(*args)
        monkeypatch.setattr(subprocess, "run", second)
        monkeypatch.setattr("ringbed.sim.engines.wave_format", lambda: "fst")  # which asks a compiler by `run`
        return second

    return play


Play = Callable[..., Second]


def test_every_line_of_a_first_failure(tmp_path: Path, play: Play) -> None:
    """The second run's files lie beside the first run's, and nothing else of it stays."""
    play(FAILED, "wire.pcapng", "em0.fst")
    bed = Bed(tmp_path, "em0: clock 7: stray: a read", kinds=("native", "pysim"))
    bed.counting = ["em0"]
    mine = Path("ringbed-out", "mine")
    assert told(Item(tmp_path).real, bed.real) == [
        "seed: 1, engine: native, pysim", "em0: clock 7: stray: a read", "em0: counted",
        "mine/wire.pcapng", str(mine / "em0.fst"), str(mine / "again.pcapng"), AGAIN,
    ]  # fmt: skip
    assert sorted(path.name for path in bed.folder.iterdir()) == ["again.pcapng", "em0.fst"]


def test_files_outside_the_folder_pytest_was_started_in(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    item = Item(tmp_path / "sub", no_rerun=True, out=str(tmp_path))
    lines = told(item.real, Bed(tmp_path).real)
    assert lines[1] == str(tmp_path / "mine" / "wire.pcapng")
    assert lines[2].endswith(f" --ringbed-out={tmp_path}")


def test_how_the_second_run_is_started(tmp_path: Path, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's variables are not its own, nor is what pytest is given on stdin."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    second = play()
    told(Item(tmp_path).real, Bed(tmp_path).real)
    (words,) = second.runs
    assert words[1:4] == ["-m", "pytest", "-q"]
    assert words[4:7] == COMMAND
    assert words[8:] == ["--ringbed-trace"]
    assert second.how["cwd"] == tmp_path
    assert (second.how["stdin"], second.how["timeout"]) == (subprocess.DEVNULL, 900)
    assert set(os.environ) - set(second.how["env"]) >= {"PYTEST_XDIST_WORKER"}
    assert "PATH" in second.how["env"]


def test_plugins_that_a_second_run_shall_not_meet(tmp_path: Path, play: Play) -> None:
    """Only where they are: without xdist there is no `-n`."""
    second = play()
    told(Item(tmp_path, plugins=["cacheprovider", "xdist"]).real, Bed(tmp_path).real)
    (words,) = second.runs
    assert (words[9], words[10].startswith("cache_dir="), words[11]) == ("-o", True, "-n0")
    assert Path(words[10].partition("=")[2]).is_relative_to(tmp_path / "ringbed-out" / "mine")


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"inifilename": "my.ini"}, ["-c", "my.ini"]),
        ({"rootdir": ".."}, ["--rootdir=.."]),
        ({"override_ini": ["a=1", "b=2"]}, ["-o", "a=1", "-o", "b=2"]),
        ({"pythonwarnings": ["error"]}, ["-W", "error"]),
        ({"plugins": ["my_board", "no:faulthandler", "no:terminal"]}, ["-p", "my_board", "-p", "no:faulthandler"]),
        ({"runxfail": True}, ["--runxfail"]),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_what_the_command_line_said_is_said_again(
    tmp_path: Path, play: Play, others: dict[str, Any], words: list[str]
) -> None:
    second = play()
    lines = told(Item(tmp_path, others=others).real, Bed(tmp_path).real)
    assert shlex.split(lines[-1])[4:] == [*COMMAND, *words, "--ringbed-out=ringbed-out"]
    assert second.runs[0][4 : 7 + len(words)] == [*COMMAND, *words]


def test_a_parameter_with_a_blank_is_quoted(tmp_path: Path) -> None:
    lines = told(Item(tmp_path, name="test_x[a b]", no_rerun=True).real, Bed(tmp_path).real)
    assert shlex.split(lines[-1])[4] == "test_a.py::test_x[a b]"


def test_only_the_first_failure_of_a_session_is_run_again(tmp_path: Path, play: Play) -> None:
    second, session = play(), pytest.Stash()
    for name in ("test_x", "test_y"):
        assert told(Item(tmp_path, name=name, config_stash=session).real, Bed(tmp_path).real)[0].startswith("seed: 1")
    assert len(second.runs) == 1


@pytest.mark.parametrize(
    ("given", "bed"),
    [
        ({"no_rerun": True}, {}),
        ({}, {"trace": True}),
        ({}, {"kinds": ()}),
        ({}, {"engine": "qemu", "kinds": ("qemu",)}),
    ],
    ids=["not wanted", "recorded already", "no card", "qemu records nothing"],
)
def test_not_run_again(tmp_path: Path, play: Play, given: dict[str, Any], bed: dict[str, Any]) -> None:
    second = play()
    assert told(Item(tmp_path, **given).real, Bed(tmp_path, **bed).real)[-1].startswith(BEGIN)
    assert second.runs == []


@pytest.mark.parametrize(
    ("end", "left", "said"),
    [
        (FAILED, ("em0.vcd",), ""),
        (FAILED, ("wire.pcapng",), f"{EARLY}: FAILED test_a.py::test_x - assert 0"),
        ((0, "1 passed\n", ""), ("em0.vcd",), PASSED),
        ((4, "a\n", "usage\nERROR: no such option\n"), (), f"{LOST} (exit 4): ERROR: no such option"),
        ((2, "a\nno tests ran\n", " "), (), f"{LOST} (exit 2): no tests ran"),
        ((-9, "", ""), (), f"{LOST} (exit -9): it said nothing"),
        (None, (), "a second run, for a waveform, was ended after 900 s"),
    ],
    ids=["as the first", "otherwise", "passed", "refused", "not collected", "died", "hung"],
)  # fmt: skip
def test_how_the_second_run_ended(
    tmp_path: Path, play: Play, end: tuple[int, str, str] | None, left: tuple[str, ...], said: str
) -> None:
    play(end, *left)
    lines = told(Item(tmp_path).real, Bed(tmp_path).real)
    assert lines[2 + len(left) : -1] == ([said] if said else [])


def test_of_many_findings_the_first(tmp_path: Path) -> None:
    found = [f"em0: clock {clock}: rule: text" for clock in range(23)]
    lines = told(Item(tmp_path, no_rerun=True).real, Bed(tmp_path, *found).real)
    assert lines[1:-2] == [*found[:20], "and 3 findings more"]


def test_a_second_failure_of_a_test_tells_what_is_new(tmp_path: Path) -> None:
    item, bed = Item(tmp_path, no_rerun=True).real, Bed(tmp_path, "early")
    assert told(item, bed.real)[1] == "early"
    bed.find("late")
    assert told(item, bed.real) == ["late"]
    assert told(item, bed.real) == ["see above"]


def test_an_engine_that_did_not_open_is_told_as_it_was_asked_for(tmp_path: Path) -> None:
    assert told(Item(tmp_path).real, Bed(tmp_path, kinds=(), engine="auto").real)[0] == "seed: 1, engine: auto"


@pytest.mark.parametrize(("folder", "shown"), [("my venv", "'my venv/bin/python'"), (".venv", ".venv/bin/python")])
def test_the_command_names_the_interpreter_that_ran(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, shown: str
) -> None:
    """From the folder pytest was started in, where it is below that."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / folder / "bin" / "python"))
    lines = told(Item(tmp_path, no_rerun=True).real, Bed(tmp_path).real)
    assert lines[-1].startswith(f"again: {shown} -m pytest test_a.py::test_x ")
    lines = told(Item(tmp_path / "below", no_rerun=True).real, Bed(tmp_path).real)
    assert f"{tmp_path}/{folder}/bin/python" in lines[-1]


def test_a_second_run_that_has_no_place(tmp_path: Path, play: Play) -> None:
    second = play()
    (tmp_path / "ringbed-out").write_text("")
    lines = told(Item(tmp_path).real, Bed(tmp_path).real)
    assert second.runs == []
    assert re.search("no second run, .*mine cannot be written .*: --ringbed-out names another folder$", lines[-2])
