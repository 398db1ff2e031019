"""The plugin, as a user's pytest runs it: fixtures, options, and what a failing test leaves."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from scapy.utils import rdpcap

from ringbed.cli.plugin.fixtures import KINDS
from ringbed.sim.engines import ENGINES
from tests.cli.plugin.runs import (
    AFTER,
    BOARD,
    FAILS,
    FLAKY,
    LOOP,
    MARKED,
    NAMES,
    OUTCOMES,
    PING,
    PINGS,
    SPOILT,
    TELLS,
    THEIRS,
    WAVES,
    again_of,
    folder_of,
    run,
    sentence,
    theirs,
)  # fmt: skip


@pytest.mark.parametrize("text", [LOOP, PING], ids=["nic", "host"])
def test_fixtures_of_our_own_card(tmp_path: Path, text: str) -> None:
    done = run(tmp_path, text, "--ringbed-engine=native", "--ringbed-seed=7")
    assert done.returncode == 0, done.stdout
    (capture,) = (tmp_path / "ringbed-out").rglob("wire.pcapng")
    assert len(rdpcap(str(capture))) == 2


def test_a_bug_of_the_lab_by_a_marker(tmp_path: Path) -> None:
    done = run(tmp_path, SPOILT)
    assert done.returncode == 0, done.stdout


def test_somebodys_card_by_a_marker(tmp_path: Path) -> None:
    theirs(tmp_path)
    done = run(tmp_path, THEIRS)
    assert done.returncode == 0, done.stdout


def test_a_failure_leaves_seed_capture_waveform_and_command(tmp_path: Path) -> None:
    """The command brings the same failure, frame and all."""
    done = run(tmp_path, FAILS, "--ringbed-engine=native", "--ringbed-seed=23")
    assert done.returncode == 1
    folder = Path("ringbed-out") / folder_of(tmp_path).name
    assert "seed: 23, engine: native" in done.stdout
    for name in ("wire.pcapng", WAVES):
        assert str(folder / name) in done.stdout
        assert (tmp_path / folder / name).stat().st_size > 100
    frames = [bytes(frame) for frame in rdpcap(str(tmp_path / folder / "wire.pcapng"))]
    again = run(tmp_path, FAILS, *again_of(done), "--ringbed-no-rerun")
    assert again.returncode == 1
    assert [bytes(frame) for frame in rdpcap(str(tmp_path / folder / "wire.pcapng"))] == frames


def test_an_engine_there_is_not_is_refused_at_once(tmp_path: Path) -> None:
    assert set(KINDS) == {"auto", *ENGINES}
    done = run(tmp_path, LOOP, "--ringbed-engine=verilog")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "invalid choice: 'verilog'" in done.stderr


def test_only_what_failed_is_told_of(tmp_path: Path) -> None:
    """A strict xfail that passes has failed, one that fails has not; after a KeyboardInterrupt the capture is whole."""
    (tmp_path / "conftest.py").write_text(TELLS)
    done = run(tmp_path, OUTCOMES, "--ringbed-engine=native", "--ringbed-no-rerun")
    assert done.returncode == pytest.ExitCode.INTERRUPTED, done.stdout
    reports = [json.loads(line) for line in (tmp_path / "told.jsonl").read_text().splitlines()]
    assert [(name, when) for name, when, _, sections in reports if sections] == [("test_that_should_fail", "call")]
    assert [outcome for _, when, outcome, _ in reports if when == "call"] == ["failed", "skipped", "passed"]
    assert len(rdpcap(str(folder_of(tmp_path, "test_mine.py_test_interrupted") / "wire.pcapng"))) == 1


def test_plugins_of_the_command_line(tmp_path: Path) -> None:
    """The second run has them, and ringbed's own where nothing is loaded by itself."""
    (tmp_path / "my_board.py").write_text(BOARD)
    text = FAILS.replace("(ringbed_nic,", "(board, ringbed_nic,")
    words = ["-p", "ringbed.cli.plugin.fixtures", "-p", "my_board", "--ringbed-engine=native"]
    done = run(tmp_path, text, *words, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert (folder_of(tmp_path) / WAVES).stat().st_size > 100, done.stdout
    assert "second run" not in done.stdout
    done = run(tmp_path, text, *again_of(done), "--ringbed-no-rerun", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout
    assert "1 failed" in done.stdout
    done = run(tmp_path, text, "-p", "no:ringbed", "-p", "my_board")
    assert "fixture 'ringbed_nic' not found" in done.stdout


@pytest.mark.needs("cocotb-icarus")
@pytest.mark.cocotb
def test_a_waveform_of_icarus_without_a_failure(tmp_path: Path) -> None:
    """It begins at clock 0, before a driver that asks its card something attaches, or not at all."""
    theirs(tmp_path)
    kind = 'ringbed_nic.engine.kind == "cocotb-icarus"'
    text = MARKED.format('map="mini_nic.toml", driver="drivers:Asks"', kind)
    done = run(tmp_path, text, "--ringbed-engine=cocotb-icarus", "--ringbed-trace")
    assert done.returncode == 0, done.stdout
    folder = folder_of(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["nic0.fst", "wire.pcapng"]
    assert (folder / "nic0.fst").stat().st_size > 100


def test_the_plugin_costs_a_stranger_nothing(tmp_path: Path) -> None:
    """Loaded by every pytest of the environment, it imports nothing of ringbed that is heavy."""
    text = "import sys, json\ndef test_it():\n    json.dump(sorted(sys.modules), open('modules.json', 'w'))\n"
    assert run(tmp_path, text).returncode == 0
    loaded = json.loads((tmp_path / "modules.json").read_text())
    assert [name for name in loaded if name.startswith(("ringbed.sim", "amaranth", "numpy", "rich"))] == []
    assert "ringbed.cli.plugin.fixtures" in loaded


# ---- findings and leaks ----


def test_a_finding_and_a_leak_are_errors_of_the_teardown(tmp_path: Path) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MARKED.format('map="mini_nic.toml", driver="drivers:Strays"', "1"), "--ringbed-no-rerun")
    assert (done.returncode, done.stdout.count("1 passed, 1 error")) == (1, 1), done.stdout
    assert "ringbed found:\nE   nic0: clock" in done.stdout or "ringbed found:\nnic0: clock" in done.stdout
    assert "0xdead0000" in done.stdout
    assert again_of(done)
    assert len(rdpcap(str(folder_of(tmp_path) / "wire.pcapng"))) == 1
    done = run(tmp_path, MARKED.format('map="mini_nic.toml", driver="drivers:Leaks"', "1"), "--ringbed-no-rerun")
    assert done.stdout.count("1 passed, 1 error") == 1, done.stdout
    assert "nic0: the driver is down and keeps" in done.stdout


@pytest.mark.parametrize("driver", ["Strays", "Leaks"])
def test_findings_allowed(tmp_path: Path, driver: str) -> None:
    theirs(tmp_path)
    text = MARKED.format(f'map="mini_nic.toml", driver="drivers:{driver}", findings="allowed"', "1")
    done = run(tmp_path, text)
    assert done.returncode == 0, done.stdout


def test_a_failing_test_shows_its_findings_once(tmp_path: Path) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MARKED.format('map="mini_nic.toml", driver="drivers:Strays"', "0"), "--ringbed-no-rerun")
    assert "1 failed" in done.stdout
    assert "error" not in done.stdout.splitlines()[-1]
    assert "0xdead0000" in done.stdout.partition("- ringbed -")[2]


def test_a_driver_that_raises_in_up_is_told_too(tmp_path: Path) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MARKED.format('map="mini_nic.toml", driver="drivers:Raises"', "1"), "--ringbed-no-rerun")
    assert done.stdout.count("1 error") == 1, done.stdout
    assert "the driver cannot start" in done.stdout
    assert "seed: 1, engine: native" in done.stdout
    assert again_of(done)


# ---- the second run ----


def test_a_flaky_test_keeps_the_capture_of_the_run_that_failed(tmp_path: Path) -> None:
    done = run(tmp_path, FLAKY, "--ringbed-engine=native")
    assert "the second run passed: flaky" in done.stdout
    folder = folder_of(tmp_path)
    (first,), (second,) = (rdpcap(str(folder / name)) for name in ("wire.pcapng", "again.pcapng"))
    assert (bytes(first)[:5], bytes(second)[:6]) == (b"FIRST", b"SECOND")
    assert sorted(path.name for path in folder.iterdir()) == ["again.pcapng", WAVES, "wire.pcapng"]


def test_an_earlier_run_s_files_go_and_the_user_s_stay(tmp_path: Path) -> None:
    run(tmp_path, FAILS, "--ringbed-engine=native", "--ringbed-no-rerun")
    folder = folder_of(tmp_path)
    for name in ("old.vcd", "notes.txt"):
        (folder / name).write_text("?")
    done = run(tmp_path, FAILS, "--ringbed-engine=native", "--ringbed-no-rerun")
    assert "old.vcd" not in done.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["notes.txt", "wire.pcapng"]


@pytest.mark.parametrize("addopts", ["--ff", "-n2", "--pdb"])
def test_from_a_subfolder_with_options_of_the_ini(tmp_path: Path, addopts: str) -> None:
    """What the ini asks for does not keep the second run from the test, nor does another folder than its own."""
    (tmp_path / "sub").mkdir()
    run(tmp_path, "", addopts=addopts)
    (tmp_path / "sub" / "test_that.py").write_text(FAILS)
    words = [sys.executable, "-m", "pytest", "-q", "test_that.py", "--ringbed-engine=native"]
    done = subprocess.run(
        words, cwd=tmp_path / "sub", capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    folder = folder_of(tmp_path / "sub", "sub_test_that.py_test_that_fails")
    assert (folder / WAVES).stat().st_size > 100, done.stdout
    if addopts != "--pdb":  # a debugger that is left ends pytest before it lists failures
        assert str(folder.relative_to(tmp_path / "sub") / WAVES) in done.stdout
        assert again_of(done)[0] == "test_that.py::test_that_fails"


# ---- teardown, names ----


def test_the_card_is_open_until_the_teardown(tmp_path: Path) -> None:
    """A user's fixture takes the card down and reads it, after a failure too; a failing teardown is told as well."""
    text = AFTER.replace("TEARDOWN", "1").replace("CALL", "0")
    done = run(tmp_path, text, "--ringbed-engine=native", "--ringbed-no-rerun")
    assert done.stdout.splitlines()[-1].startswith("1 failed, 1 passed"), done.stdout
    text = AFTER.replace("TEARDOWN", "0").replace("CALL", "1")
    done = run(tmp_path, text, "--ringbed-engine=native", "--ringbed-no-rerun")
    assert done.stdout.splitlines()[-1].startswith("2 passed, 1 error"), done.stdout
    assert again_of(done)[0] == "test_mine.py::test_that_fails"


def test_every_test_has_a_folder_of_its_own(tmp_path: Path) -> None:
    done = run(tmp_path, NAMES, "--ringbed-engine=native", "-n2")
    assert done.returncode == 0, done.stdout
    captures = list((tmp_path / "ringbed-out").rglob("wire.pcapng"))
    assert len(captures) == 4


def test_without_a_compiler(tmp_path: Path) -> None:
    """Our own card is simulated in Python then; somebody's Verilog cannot be, and says why."""
    theirs(tmp_path)
    nothing = {"PATH": "", "CXX": "", "RINGBED_CACHE": str(tmp_path / "cache")}
    done = run(tmp_path, LOOP.replace('ringbed_engine == "native"', 'ringbed_nic.engine.kind == "pysim"'), **nothing)
    assert done.returncode == 0, done.stdout
    done = run(tmp_path, THEIRS, **nothing)
    assert done.returncode == 1
    said = sentence(done)
    assert "no C++ compiler: g++ or clang++ is not on PATH, or does not run, or does not know C++17 (" in said
    assert "conftest" not in said
    assert "def ringbed_nic" not in said


def page(name: str) -> str:
    return (Path(__file__).parents[3] / "docs" / name).read_text(encoding="utf-8")


def lines_of_the_page() -> list[str]:
    block = re.search(r"^```\n-+ ringbed -+\n(.*?)^```$", page("pytest.md"), re.MULTILINE | re.DOTALL)
    assert block is not None
    return block[1].splitlines()


@pytest.mark.parametrize(("name", "tests"), [("pytest.md", 2), ("bring-your-own-nic.md", 1)])
def test_the_tests_on_the_pages_pass(tmp_path: Path, name: str, tests: int) -> None:
    blocks = re.findall(r"^ *```python\n(.*?)^ *```$", page(name), re.MULTILINE | re.DOTALL)
    done = run(tmp_path, "\n\n".join(map(textwrap.dedent, blocks)))
    assert f"{tests} passed" in done.stdout, done.stdout


def test_the_page_shows_what_is_printed(tmp_path: Path) -> None:
    """But for the hash in a folder's name, the waveform's format, where the interpreter is, and what `run` adds."""
    said = run(tmp_path, FAILS, "--ringbed-seed=23").stdout
    said = re.sub("fails-[0-9a-f]{8}", "fails-0f4a6c1e", said).replace(WAVES, "em0.fst")
    said = said.replace("-o strict_markers=true -p no:cacheprovider ", "")
    lines = said.replace(sys.executable, ".venv/bin/python").splitlines()
    begin = lines.index("seed: 23, engine: native")
    shown = lines_of_the_page()
    assert lines[begin : begin + len(shown)] == shown


def test_the_capture_has_what_went_over_the_wire(tmp_path: Path) -> None:
    """A peer's pings, frames that nobody took; and it is said when frames went past it."""
    shutil.copy(Path(__file__).parents[2] / "examples" / "five.py", tmp_path)
    done = run(tmp_path, PINGS, "--ringbed-no-rerun")
    assert "3 failed, 1 passed" in done.stdout, done.stdout

    def frames(test: str) -> list[bytes]:
        return [bytes(each) for each in rdpcap(str(folder_of(tmp_path, f"test_mine.py_{test}") / "wire.pcapng"))]

    echoes = [frame for frame in frames("test_that_fails") if b"to the far end" in frame]
    assert [frame[34] for frame in echoes] == [8, 0]  # the request and its answer
    assert len(frames("test_five_methods")) == 5  # who has it, the ping, the datagram
    assert frames("test_beside") == []
    (line,) = (each for each in done.stdout.splitlines() if "not in the capture" in each)
    assert line.startswith("frames that are not in the capture: 4; they went over host.engine itself, ")
    (left,) = frames("test_that_does_not_take")
    assert left.startswith(b"not taken")


@pytest.mark.parametrize("words", [["--ringbed-trace"], []])
def test_a_folder_that_cannot_be_written(tmp_path: Path, words: list[str]) -> None:
    """A file stands where it should be, which stops root, too: one sentence, for a second run as well."""
    (tmp_path / "ringbed-out").write_text("")
    done = run(tmp_path, "def test_that_fails(ringbed_nic):\n    assert 0\n", *words)
    assert done.returncode == 1
    assert re.search(
        r"ringbed-out/\S+ cannot be written \(Not a directory\): --ringbed-out names another", sentence(done)
    )
    assert "INTERNALERROR" not in done.stdout
