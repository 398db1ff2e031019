"""Writing what a person asked for into a file: refused early with one sentence, and never left half written.

What is there already and is no file, such as /dev/null or a pipe, is written to and stays what it is; so does a link.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ringbed.cli.errors import UserError

__all__ = ["must_all_be_writable", "must_be_writable", "write_text"]


def must_be_writable(path: Path, *read: Path | None) -> None:
    """Raises UserError when `path` cannot become a file; called before long work, so that its result is not lost.

    `read` are files that the command reads: none of them is written over.
    """
    if str(path) == "-":
        return  # standard output
    folder = _target(path).parent
    if not os.path.isdir(folder):
        raise UserError(f"cannot write {path}: there is no folder {folder}")
    _must_be_a_name(path)
    if os.path.isdir(path):
        raise UserError(f"cannot write {path}: it is a folder")
    for source in filter(None, read):
        if os.path.exists(path) and os.path.exists(source) and path.samefile(source):
            raise UserError(f"cannot write {path}: this command reads it")
    if not os.access(path if _is_no_file(path) else folder, os.W_OK):
        raise UserError(f"cannot write {path}: no permission to write in {folder}")


def must_all_be_writable(written: Iterable[Path | None], *read: Path | None) -> None:
    """`must_be_writable` for each, None left out; raises UserError for two that are one file as well."""
    seen = set[str]()
    for path in filter(None, written):
        must_be_writable(path, *read)
        place = os.path.realpath(path)
        if place in seen and not _takes_all(path):
            raise UserError(f"cannot write {path}: this command would write it twice")
        seen.add(place)


def _must_be_a_name(path: Path) -> None:
    """That no file may have, such as one that is too long, the system says now as it would when it is written."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None


def write_text(path: Path, text: str) -> None:
    """`path` holds all of `text` or what it held before; raises UserError when it cannot be written."""
    must_be_writable(path)
    try:
        if _is_no_file(path):
            path.write_text(text, encoding="utf-8")
        else:
            _replace(_target(path), text)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _target(path: Path) -> Path:
    """Where a link leads to; `path` itself where it is none."""
    return Path(os.path.realpath(path)) if os.path.islink(path) else path


def _is_no_file(path: Path) -> bool:
    return os.path.exists(path) and not os.path.isfile(path)


def _takes_all(path: Path) -> bool:
    """/dev/null, a terminal, a pipe: what comes later does not replace what came before."""
    return os.path.exists(path) and (stat.S_ISCHR(path.stat().st_mode) or path.is_fifo())


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
