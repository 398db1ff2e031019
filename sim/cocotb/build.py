"""A card as a simulator that cocotb runs in, made by cocotb's own runner and cached by content.

`build` gives a folder with the one file that running takes: the program Verilator made, or Icarus' `sim.vvp`. `spawn`
starts it with a Python test module in it. The runner's subclasses here say where the `verilator` package is (it is not
on PATH) and start the simulator without waiting for its end.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ringbed.sim import needs
from ringbed.sim.cocotb import objcache
from ringbed.sim.native.build import (
    NAMED,
    PRINT,
    RUNTIME_FLAGS,
    WRAP,
    assertions,
    fault_of,
    harness_text,
    must_be_as_read,
    own_text,
    rtl_hash,
    verilog_of,
)  # fmt: skip
from ringbed.sim.native.c_sources import c_hash, c_objects
from ringbed.sim.native.cache import cache_dir, cached, content_hash
from ringbed.sim.native.toolchain import (
    MODEL_FLAGS,
    TIMESCALE,
    BuildError,
    failure,
    find_compiler,
    find_verilator,
)
from ringbed.sim.needs import Missing
from ringbed.sim.seam.progress import Progress, speaker
from ringbed.sim.seam.spec import NicSpec, Rtl

__all__ = ["SIMULATORS", "WAVES", "CocotbMissing", "build", "from_zero", "require", "spawn"]

WAVES = {"verilator": "vcd", "icarus": "fst"}  # the waveform each writes
SIMULATORS = tuple(WAVES)
FOLDER = "RINGBED_FOLDER"  # the environment's name for what names of files in the Verilog are relative to
# Icarus' own way to say so, of $readmemh alone; before any `initial`, since it is a first value.
BESIDE = """module ringbed_beside;
  reg [8*4096:1] folder;
  function integer beside(input integer unused);
    begin if ($value$plusargs("ringbed_folder=%s", folder)) $readmempath(folder); beside = 0; end
  endfunction
  integer told = beside(0);
endmodule
"""
PACKAGES = ("cocotb", "cocotbext-axi")


class CocotbMissing(Missing):
    """This machine lacks what a cocotb engine needs; the sentence says what."""


def require(simulator: str) -> None:
    """Raises CocotbMissing unless cocotb, what it runs on and the simulator are here, ValueError for another one."""
    if simulator not in SIMULATORS:
        raise ValueError(f"cocotb runs on {' and '.join(SIMULATORS)} here, not on {simulator!r}")
    needs.require(f"cocotb-{simulator}", error=CocotbMissing)


def build(spec: NicSpec, simulator: str, waves: bool = False, progress: Progress | None = None) -> Path:
    """The folder to run from. Raises CocotbMissing, BuildError."""
    require(simulator)
    progress = speaker(progress, f"{spec.name} for cocotb on {simulator}")
    verilog = verilog_of(spec, progress)
    sources = rtl_hash(spec)
    key = content_hash(
        verilog, sources, simulator, repr(waves), repr((MODEL_FLAGS, RUNTIME_FLAGS, WRAP)), repr(_words(simulator)),
        assertions(spec), c_hash(spec.rtl),
        _tools(simulator), own_text(__file__, objcache.__file__),
    )  # fmt: skip

    def make(target: Path, work: Path) -> None:
        progress("compiling the card" if simulator == "icarus" else "running Verilator and the C++ compiler")
        source = work / f"{spec.portmap.top}.v"
        source.write_text(from_zero(verilog) if simulator == "icarus" else verilog, encoding="utf-8")
        rtl = spec.rtl or Rtl(())
        if simulator == "verilator":
            links = " ".join((WRAP, *find_compiler().libs))
            flags = [*MODEL_FLAGS, assertions(spec), "-LDFLAGS", links, *_told_by_us(work)]
            flags += NAMED if waves and spec.rtl is not None else ()
            flags += [str(path) for path in c_objects(spec.rtl, work, work / "build.log")]
        else:
            (work / "beside.v").write_text(BESIDE, encoding="utf-8")
            flags = ["-Wno-timescale", "-s", "ringbed_beside", str(work / "beside.v")]
        build = _Build(simulator, flags, fault_of(spec), bool(rtl.c_files))
        made = build.make(spec.portmap.top, [source, *rtl.files], rtl.include, work, waves)
        target.mkdir()
        made.rename(target / made.name)
        must_be_as_read(spec, sources)

    return cached("cocotb", key, make)


def _words(simulator: str) -> dict[str, str]:
    """The files by which Verilator says $error and its like as Icarus does."""
    names = (
        (PRINT, "verilog_files.hpp", "verilog_words.hpp", "cocotb_verilator.cpp") if simulator == "verilator" else ()
    )
    return {name: harness_text(name) for name in names}


def _told_by_us(work: Path) -> list[str]:
    for name, text in _words("verilator").items():
        (work / name).write_text(text, encoding="utf-8")
    return [str(work / "cocotb_verilator.cpp")]


def from_zero(verilog: str) -> str:
    """Our own Verilog for Icarus, with every variable 0 at first, as in Verilator and silicon's sense of either value.

    Yosys gives first values to flip-flops alone. Where combinational blocks look at each other's outputs bit by bit,
    which is no loop in hardware, X would stay for ever. The variable by which Yosys has every block run once at time 0
    must change for that, now that nothing else does. Blocks of one statement have no such variable: where they copy a
    flip-flop that is 1 at first, they would say 0 until it changes.
    """
    verilog = re.sub(
        r"^  reg (\\\$auto\$verilog_backend\S+ ) = 0;$", r"  reg \1 = 0; initial \1 <= 1;", verilog, flags=re.M
    )
    verilog = re.sub(
        r"^  always @\*\n    ([^;]*;)$", r"  always @*\n    \1\n  initial begin #0; \1 end", verilog, flags=re.M
    )
    return re.sub(r"^(  reg (?:\[\d+:\d+\] )?(?:\\\S+ |\w+));$", r"\1 = 0;", verilog, flags=re.M)


def _tools(simulator: str) -> str:
    """What a built simulator depends on; cocotb's libraries are linked by their path."""
    import cocotb_tools.config

    versions = [importlib.metadata.version(package) for package in PACKAGES]
    if simulator == "verilator":
        versions += [find_verilator().version, find_compiler().version]
    else:
        versions += [subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=False).stdout[:80]]
    return repr((versions, str(cocotb_tools.config.libs_dir)))


def _makeflags() -> str:
    """What Verilator's makefile gets wrong, or knows nothing of, as make has it from the environment.

    Compiler and Python are ours: the package names those of the machine it was made on, or `python`, which Debian has
    not. It misses CFG_CXXFLAGS_PCH_I. PRINT is of the runtime alone: a precompiled header, which files of a large card
    have, must be a file's first.
    """
    compiler = shlex.join(find_compiler().command).replace("$", "$$")
    python = shlex.quote(sys.executable).replace("$", "$$")
    runtime = " ".join(["-Os", *RUNTIME_FLAGS, "-include", f"../{PRINT}"])
    variables = {
        "CXX": compiler, "LINK": compiler, "CFG_CXXFLAGS_PCH_I": "-include", "OPT_FAST": "-O1", "OPT_SLOW": "-O0",
        "OPT_GLOBAL": runtime, "PYTHON3": python,
    }  # fmt: skip
    return " ".join(f"{name}={_word(value)}" for name, value in variables.items())


def _word(value: str) -> str:
    """As make wants one word of MAKEFLAGS: a backslash before blanks; and `$` once more, it is read twice."""
    return re.sub(r"([\\\s])", r"\\\1", value.replace("$", "$$"))


def _objcache() -> str:
    """For the makefile: the runtime is the same for every card, and three quarters of what a small one takes."""
    verilator = find_verilator()
    key = content_hash(verilator.version, find_compiler().version, harness_text(PRINT))
    folder = cache_dir() / "runtime" / f"cocotb-{key}"
    words = [sys.executable, "-S", "-P", objcache.__file__, str(folder), str(verilator.root)]
    return shlex.join(words).replace("$", "$$")


class _Build:
    """One run of cocotb's `Runner.build`."""

    def __init__(self, simulator: str, flags: Sequence[str], fault: type[BuildError], with_c: bool) -> None:
        self.simulator, self.flags, self.fault = simulator, flags, fault
        self.lacks = "; Icarus Verilog has no DPI-C" if with_c and simulator == "icarus" else ""

    def make(self, top: str, sources: Sequence[Path], include: Sequence[Path], work: Path, waves: bool) -> Path:
        """Build in `work`; the file to keep."""
        log = work / "build.log"
        try:
            _runner(self.simulator).build(
                sources=[_tagged(path) for path in sources], includes=list(include), hdl_toplevel=top,
                build_dir=work / "sim_build",
                build_args=list(self.flags), always=True, timescale=TIMESCALE, waves=waves, log_file=log,
            )  # fmt: skip
        except (RuntimeError, OSError) as error:
            said = failure(log) if os.path.exists(log) else ""
            why = (said or f" ({error})") + self.lacks
            raise self.fault(f"cocotb's build for {self.simulator} failed{why}; full log: {log}") from None
        return work / "sim_build" / (top if self.simulator == "verilator" else "sim.vvp")


def spawn(
    folder: Path, spec: NicSpec, simulator: str, module: str, *, env: Mapping[str, str], cwd: Path | None = None,
    keep: Sequence[int] = (), wave: Path | None = None, output: Any = subprocess.DEVNULL,
    plusargs: Sequence[str] = (),
) -> subprocess.Popen[bytes]:  # fmt: skip
    """Start the simulator in `folder` with the test `module` in it, and the descriptors `keep` open.

    `plusargs` come before those of the card's map. `wave` needs a build with waves; its format is `WAVES[simulator]`.
    """
    rtl = spec.rtl or Rtl(())
    with _opened(rtl.folder) as beside:
        words = [f"+{each}" for each in (*plusargs, *rtl.plusargs)]
        words += [f"+ringbed_folder=/proc/self/fd/{beside}"] if simulator == "icarus" else []
        command, environment = _runner(simulator).prepared(folder.absolute(), spec.portmap.top, module, wave, words)
        environment[FOLDER] = str(rtl.folder.absolute())
        return subprocess.Popen(
            command, cwd=cwd or (rtl.folder if spec.rtl else folder), env=environment | env,
            pass_fds=(*keep, beside), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """A descriptor of it. Icarus is told no name, since with one that is not ASCII it writes past its own memory."""
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield opened
    finally:
        os.close(opened)


def _tagged(path: Path) -> Any:
    """A source: the runner would guess by the ending what else it could be."""
    from cocotb_tools.runner import Verilog

    return Verilog(path)


def _runner(simulator: str) -> Any:
    """cocotb's runner, told where the tools are."""
    from cocotb_tools import runner

    base: Any = runner.Verilator if simulator == "verilator" else runner.Icarus

    class Runner(base):  # type: ignore[misc]  # one of two classes, chosen at run time
        def _simulator_in_path_build_only(self) -> None:
            self.executable = str(find_verilator().binary)

        def _set_env_build(self) -> None:
            super()._set_env_build()
            if simulator == "verilator":
                self.env["VERILATOR_ROOT"] = str(find_verilator().root)
                self.env["MAKEFLAGS"] = _makeflags()
                self.env.setdefault("OBJCACHE", _objcache())

        def prepared(
            self, folder: Path, top: str, module: str, wave: Path | None, words: Sequence[str]
        ) -> tuple[list[str], dict[str, str]]:  # fmt: skip
            """What `test` would run, and in which environment."""
            self.build_dir, self.sim_hdl_toplevel, self.test_module = folder, top, module
            self.hdl_toplevel_lang, self.pre_cmd, self.gui, self.waves = "verilog", None, False, wave is not None
            file = [] if wave is None else ["--trace-file", str(wave)]
            self.test_args = file if simulator == "verilator" else []
            dump = [f"+dumpfile_path={wave}"] if wave is not None and simulator == "icarus" else []
            self.plusargs = [*dump, *words]
            self.env: dict[str, str] = {}
            self._set_env_test()
            (command,) = self._test_command()
            return list(command), {key: os.fspath(value) for key, value in self.env.items()}

    return Runner()
