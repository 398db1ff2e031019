"""What the `ringbed` command says when something goes wrong: a sentence, an exit code that tells whose turn it is.

Errors that a person caused or can mend are in a table here and never show a traceback. Whatever else is raised is a
defect of ringbed and does.
"""

from __future__ import annotations

import errno
from enum import IntEnum

__all__ = ["EPILOG", "KNOWN", "Exit", "UserError", "explain"]


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FINDING = 1  # it ran, and something disagreed or fell short
    USAGE = 2  # the command line or a file given on it is wrong
    ENVIRONMENT = 3  # this machine lacks something


EPILOG = (
    "Exit codes: 0 all is well; 1 it ran and something disagreed or missed its bar; "
    "2 a wrong option or input file; 3 this machine lacks something the command needs."
)


class UserError(Exception):
    """One sentence for the person at the keyboard; `code` is what the command exits with."""

    def __init__(self, sentence: str, code: Exit = Exit.USAGE) -> None:
        super().__init__(sentence)
        self.code = code


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# By full name, so that `--help` need not import a simulator to know its errors. A test imports every one.
KNOWN: dict[str, Exit] = {
    "ringbed.sim.qemu.qtest.QemuError": Exit.ENVIRONMENT,
    "ringbed.sim.cocotb.engine.SimulatorEnded": Exit.ENVIRONMENT,
    "ringbed.sim.seam.engine.CardEnded": Exit.FINDING,
    "ringbed.sim.native.toolchain.SourceError": Exit.USAGE,
    "ringbed.conformance.nic.case.BrokenSuite": Exit.USAGE,  # said of the suite, not of the NIC: no finding
    "ringbed.sim.faults.plan.FaultFileError": Exit.USAGE,
    "ringbed.hw.errata.asked.UnknownErratum": Exit.USAGE,
    "ringbed.sim.seam.ports.parts.PortMapError": Exit.USAGE,
    "ringbed.sim.wire.replay.CaptureError": Exit.USAGE,
    "ringbed.sim.serve.socket_file.SocketRefused": Exit.USAGE,
    "ringbed.sim.record.file.RecordingError": Exit.USAGE,
    "ringbed.sim.guest.modules.ModuleError": Exit.USAGE,
    "ringbed.sim.needs.Missing": Exit.ENVIRONMENT,
    "ringbed.sim.yosys.tools.SynthError": Exit.ENVIRONMENT,
    "ringbed.sim.native.toolchain.BuildError": Exit.ENVIRONMENT,
    "ringbed.sim.native.cache.CacheError": Exit.ENVIRONMENT,
}


def explain(error: BaseException) -> tuple[str, Exit] | None:
    """The sentence and exit code for `error`; None when it is nobody's fault but ours."""
    if isinstance(error, UserError):
        return str(error), error.code
    if isinstance(error, OSError) and (told := _of_the_system(error)):
        return told
    if isinstance(error, MemoryError):
        return "this machine has not enough memory for that", Exit.ENVIRONMENT
    for kind in type(error).__mro__:
        code = KNOWN.get(f"{kind.__module__}.{kind.__qualname__}")
        if code is not None:
            return str(error), code
    return None


def _of_the_system(error: OSError) -> tuple[str, Exit] | None:
    from ringbed.sim.seam.sentence import sentence

    if error.filename is not None:  # a file or folder somebody named, or their home
        return sentence(f"{error.filename}: {error.strerror}"), Exit.USAGE
    if error.errno in FULL:  # what writes does not say where
        return f"what should be written has no room: {error.strerror}", Exit.ENVIRONMENT
    return None
