"""The command as a person meets it: help that teaches, one sentence for a mistake, exit codes that mean something."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from ringbed.cli import main as cli
from ringbed.cli.errors import EPILOG, Exit, UserError


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        cli.main(list(arguments))
    return 0 if end.value.code is None else int(end.value.code)


def test_help_teaches_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == Exit.OK
    shown = " ".join(capsys.readouterr().out.split())
    assert EPILOG in shown
    for group in cli.app.registered_groups:
        assert str(group.name) in shown


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == Exit.OK
    assert capsys.readouterr().out.startswith("ringbed 0.")


@pytest.mark.parametrize("line", [["frobnicate"], ["nic", "frobnicate"], ["--frobnicate"], ["nic", "info"]])
def test_a_wrong_command_line_is_usage(line: list[str]) -> None:
    assert run(*line) == Exit.USAGE


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom ringbed.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'amaranth', 'numpy', 'scapy', 'ringbed.sim', 'jinja2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_users_error_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise UserError("the cable is not plugged in", Exit.ENVIRONMENT)

    monkeypatch.setattr(cli, "app", app)
    assert run() == Exit.ENVIRONMENT
    assert capsys.readouterr().err == "ringbed: the cable is not plugged in\n"


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("ringbed nic info em >/dev/full", 3, "ringbed: what should be written has no room: No space left on device\n"),
        ("mkdir gone && cd gone && rmdir ../gone && ringbed nic list", 2,
         "ringbed: the folder that this was started in is there no more\n"),
        ("set -o pipefail; ringbed --version | :", 1, ""),
    ],
)  # fmt: skip
def test_where_nothing_can_be_written_or_nobody_reads(tmp_path: Path, line: str, code: int, said: str) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"} | {"PATH": path}
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout) == (code, said, "")


def seconds_of(command: Any, *words: str) -> Iterator[tuple[tuple[str, ...], str, float]]:
    """Each option of every command that is a time: the command's words, the option, the most it takes."""
    for name, below in getattr(command, "commands", {}).items():
        yield from seconds_of(below, *words, name)
    for option in command.params:
        if option.name in ("limit", "seconds"):
            yield words, option.opts[0], option.max


def test_no_time_is_longer_than_clocks_count(capsys: pytest.CaptureFixture[str]) -> None:
    """A time of 10**300 s was a traceback, of whatever waited for it."""
    found = list(seconds_of(typer.main.get_command(cli.app)))
    assert {(" ".join(words), option) for words, option, _ in found} >= {
        ("demo", "--seconds"), ("dut check", "--limit"), ("dut synth", "--limit"), ("nic synth", "--limit"),
    }  # fmt: skip
    for words, option, most in found:
        assert run(*words, "x", option, str(int(most) + 1)) == Exit.USAGE
        assert f"Invalid value for '{option}'" in capsys.readouterr().err


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", app)
    with pytest.raises(ZeroDivisionError):
        cli.main([])


def test_ctrl_c_is_a_word_and_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", app)
    assert run() == 130
    assert capsys.readouterr().err.splitlines()[-1] == "ringbed: interrupted"
