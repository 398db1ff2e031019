"""What the commands that run Yosys say of its set-up, where the screen is a terminal and where it is not."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from rich.console import Console

from ringbed.cli import main as cli
from ringbed.cli.errors import Exit
from ringbed.cli.synth_output import set_up_told
from ringbed.sim.yosys import tools as synth_tools
from ringbed.sim.yosys.tools import LOG, SET_UP

BLOCKS = Path(__file__).parents[2] / "examples" / "third_party" / "blocks"
LINE = "Yosys is set up, once a machine: a minute or two\n"


def test_on_stderr_where_the_output_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    screen, file, level = io.StringIO(), io.StringIO(), LOG.level
    for output, terminal in ((screen, True), (file, False)):
        with set_up_told(Console(file=output, force_terminal=terminal)):
            LOG.info(SET_UP, "Yosys")
    LOG.info(SET_UP, "Yosys")
    assert capsys.readouterr().err == LINE
    assert (screen.getvalue(), file.getvalue()) == (LINE, "")
    assert (LOG.level, LOG.handlers) == (level, [])


COMMANDS = (
    ["dut", "check", str(BLOCKS / "rx_checksum.toml")], ["dut", "synth", str(BLOCKS / "rx_checksum.toml")],
    ["nic", "synth", "em", "status_beats"],
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("limit", ["-1", "604801", "1e300", "inf", "nan", "soon"])
def test_a_limit_that_cannot_be(command: list[str], limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One that the system's clocks cannot count to ended in a traceback."""
    with pytest.raises(SystemExit) as end:
        cli.main([*command, "--limit", limit])
    assert end.value.code == Exit.USAGE
    assert "Invalid value for '--limit'" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_sets_it_up_says_so(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its package's runtime is played: what it writes when it compiles, and a tool that gives nothing."""
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path))
    wrote = "import sys; sys.exit('Preparing to run yosys. This might take a while...')"
    monkeypatch.setattr(synth_tools, "_command", lambda tool, arguments: [sys.executable, "-c", wrote])
    synth_tools._ready.cache_clear()
    try:
        with pytest.raises(SystemExit):
            cli.main(command)
    finally:
        synth_tools._ready.cache_clear()
    assert capsys.readouterr().err.startswith(LINE)
