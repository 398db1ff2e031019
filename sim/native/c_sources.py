"""C and C++ beside somebody's Verilog: the functions that it imports by DPI-C, as objects for a model of Verilator's.

`.c` is compiled as C, anything else as C++. `svdpi.h` is found; so are the map's folders of includes and a file's own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from ringbed.sim.native.cache import cache_dir, content_hash
from ringbed.sim.native.toolchain import SourceError, find_compiler, find_verilator, run_tool
from ringbed.sim.seam.spec import Rtl

__all__ = ["c_hash", "c_objects", "check_c"]

FLAGS = ("-fPIC", "-O2", "-w")


def c_hash(rtl: Rtl | None) -> str:
    """Of every file with all that it includes, "" where there is none. Raises SourceError."""
    texts = []
    for number, path in enumerate(rtl.c_files if rtl is not None else ()):
        with tempfile.TemporaryDirectory() as work:
            text = Path(work) / f"{number}.i"
            log = _log(path)
            _compile(rtl or Rtl(()), path, ["-E", "-P", "-o", str(text)], log)
            log.unlink(missing_ok=True)
            texts.append(text.read_text(encoding="utf-8", errors="replace"))
    return content_hash(*texts) if texts else ""


def check_c(rtl: Rtl, foreign: Sequence[str]) -> None:
    """Whether the files are C that a compiler takes, and have the functions `foreign` (import "DPI-C") under these
    names: C++ has them under others without extern "C". Raises SourceError with the first error of compiler or linker.
    """
    if not rtl.c_files:
        return
    with tempfile.TemporaryDirectory() as work:
        log = _log(*rtl.c_files)
        objects = c_objects(rtl, Path(work), log)
        wanted = [f"-Wl,--require-defined={name}" for name in foreign]
        command = [*find_compiler().command, "-shared", *wanted, "-o", str(Path(work) / "c.so"), *map(str, objects)]
        run_tool("the linker", command, log, fault=SourceError)
        log.unlink(missing_ok=True)


def c_objects(rtl: Rtl | None, work: Path, log: Path) -> list[Path]:
    """In `work`. Raises SourceError with the compiler's first error."""
    objects = []
    for number, path in enumerate(rtl.c_files if rtl is not None else ()):
        objects.append(work / f"c{number}.o")
        _compile(rtl or Rtl(()), path, ["-c", "-o", str(objects[-1])], log)
    return objects


def _log(*files: Path) -> Path:
    """Of these files, since it outlives the folder; without what a compiler said of them before."""
    log = cache_dir() / f"c.{content_hash(*map(str, files))[:12]}.log"
    log.unlink(missing_ok=True)
    return log


def _compile(rtl: Rtl, path: Path, arguments: Sequence[str], log: Path) -> None:
    language = ["-x", "c"] if path.suffix == ".c" else ["-x", "c++", "-std=c++17"]
    folders = [find_verilator().root / "include" / "vltstd", path.parent, *rtl.include]
    command = [*find_compiler().command, *FLAGS, *language, *(f"-I{folder}" for folder in folders)]
    run_tool("the C compiler", [*command, *arguments, str(path)], log, fault=SourceError)
