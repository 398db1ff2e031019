"""`ringbed dut`: somebody's own Verilog, a whole NIC or one block of it, by its port map."""

from __future__ import annotations

import typer

from ringbed.cli.dut.check import dut_check
from ringbed.cli.dut.init import dut_init
from ringbed.cli.dut.synth import dut_synth
from ringbed.cli.dut.test import dut_test
from ringbed.cli.errors import EPILOG

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Your own Verilog, a NIC or one block of it, by its port map.")
app.command("init", epilog=EPILOG)(dut_init)
app.command("check", epilog=EPILOG)(dut_check)
app.command("test", epilog=EPILOG)(dut_test)
app.command("synth", epilog=EPILOG)(dut_synth)


@app.callback()
def _root() -> None:
    pass
