"""The command as a person meets it: help that teaches, one sentence for a mistake, exit codes that mean something."""

from __future__ import annotations

import subprocess
import sys

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
