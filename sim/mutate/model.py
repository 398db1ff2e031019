"""The mutants of a block as one compiled model: which of them it is, is said when one is made.

`Model` is one block of it; two numbers go in and out. An assertion of the block that fails raises AssertionError with
its words, as Amaranth's simulator does.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from ringbed.sim.mutate.netlist import Mutants
from ringbed.sim.native.assertions import with_words
from ringbed.sim.native.build import PRINT, harness_text, own_text, runtime
from ringbed.sim.native.cache import cached, content_hash
from ringbed.sim.native.compile import CXX_FLAGS, compile_units, units
from ringbed.sim.native.toolchain import MODEL_FLAGS, Compiler, Verilator, find_compiler, find_verilator, run_tool
from ringbed.sim.seam.progress import speaker

__all__ = ["Model", "build", "opened"]

WORDS = "verilog_words.hpp"
PREFIX = "Vblock"


def build(mutants: Mutants) -> Path:
    """A shared library of them, kept by its content. Raises BuildError, which is a Missing where a tool is."""
    compiler, verilator = find_compiler(), find_verilator()
    verilog = with_words((mutants.folder / "mutants.v").read_text(encoding="utf-8"))
    harness = (resources.files("ringbed.sim.mutate") / "harness.cpp").read_text(encoding="utf-8")
    key = content_hash(
        verilog, harness, harness_text(WORDS), repr(MODEL_FLAGS), compiler.version, verilator.version,
        own_text(__file__),
    )  # fmt: skip

    def make(target: Path, work: Path) -> None:
        speaker(None, "a model of the mutants")("Verilator, then the compiler")
        _verilate(verilog, work, verilator)
        for name, text in (("harness.cpp", harness), (WORDS, harness_text(WORDS)), (PRINT, harness_text(PRINT))):
            (work / name).write_text(text, encoding="utf-8")
        _compile(work, target, compiler, verilator)

    return cached("mutants", key + ".so", make)


def _verilate(verilog: str, work: Path, verilator: Verilator) -> None:
    (work / "mutants.v").write_text(verilog, encoding="utf-8")
    command = [str(verilator.binary), "--cc", *MODEL_FLAGS, "--assert", "--prefix", PREFIX, "--top-module", "top"]
    command += ["--Mdir", str(work), str(work / "mutants.v")]
    run_tool("Verilator", command, work / "build.log", {**os.environ, "VERILATOR_ROOT": str(verilator.root)})


def _compile(work: Path, target: Path, compiler: Compiler, verilator: Verilator) -> None:
    include = verilator.root / "include"
    flags = [*CXX_FLAGS, f"-DMODEL={PREFIX}", f'-DMODEL_HEADER="{PREFIX}.h"', "-DVM_TRACE=0", "-DVM_COVERAGE=0"]
    flags += ["-DVM_SC=0", "-DVL_TIME_CONTEXT", f"-I{include}", f"-I{include / 'vltstd'}", f"-I{work}"]
    wanted = units(work, PREFIX, work / "harness.cpp")
    objects = compile_units(compiler, wanted, flags, work, work / "build.log")
    objects += sorted(runtime(compiler, verilator, "", None).glob("*.o"))
    command = [*compiler.command, "-shared", "-Wl,-Bsymbolic", "-Wl,-z,defs", "-o", str(target), *map(str, objects)]
    run_tool("the linker", [*command, *compiler.libs, "-pthread"], work / "build.log")


class Model:
    """A block of the library `path` with fault `mutant`, 0 for none."""

    def __init__(self, path: Path, mutant: int) -> None:
        self._lib = lib = ctypes.CDLL(str(path))
        lib.rb_new.restype, lib.rb_new.argtypes = ctypes.c_void_p, [ctypes.c_uint]
        lib.rb_sizes.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint), ctypes.POINTER(ctypes.c_uint)]
        lib.rb_step.restype = ctypes.c_bool
        lib.rb_step.argtypes = [ctypes.c_void_p, ctypes.c_bool, ctypes.c_bool, *[ctypes.c_char_p] * 3]
        lib.rb_said.restype, lib.rb_said.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
        lib.rb_delete.argtypes = [ctypes.c_void_p]
        self._block = lib.rb_new(mutant)
        size, out = ctypes.c_uint(), ctypes.c_uint()
        lib.rb_sizes(self._block, ctypes.byref(size), ctypes.byref(out))
        self._size, self._out = size.value, ctypes.create_string_buffer(out.value)

    def settled(self, inputs: int) -> int:
        """The outputs with these inputs, and no clock."""
        return self._step(False, False, 0, inputs)

    def clocked(self, before: int, inputs: int, *, reset: bool) -> int:
        """The outputs behind a rising edge that found the inputs `before`, and the reset."""
        return self._step(True, reset, before, inputs)

    def _step(self, edge: bool, reset: bool, before: int, now: int) -> int:
        size, out = self._size, self._out
        fine = self._lib.rb_step(
            self._block, edge, reset, before.to_bytes(size, "little"), now.to_bytes(size, "little"), out
        )
        if not fine:
            raise AssertionError(self._lib.rb_said(self._block).decode(errors="replace"))
        return int.from_bytes(out.raw, "little")

    def close(self) -> None:
        self._lib.rb_delete(self._block)


@contextmanager
def opened(path: Path, mutant: int) -> Iterator[Any]:
    """A Model that is closed behind it."""
    model = Model(path, mutant)
    try:
        yield model
    finally:
        model.close()
