"""Writing what a person asked for into a file: refused early with one sentence, and never left half written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from ringbed.cli.errors import UserError

__all__ = ["must_be_writable", "write_text"]


def must_be_writable(path: Path) -> None:
    """Raises UserError when `path` cannot become a file; called before long work, so that its result is not lost."""
    if str(path) == "-":
        return  # standard output
    folder = path.parent
    if not folder.is_dir():
        raise UserError(f"cannot write {path}: there is no folder {folder}")
    if path.is_dir():
        raise UserError(f"cannot write {path}: it is a folder")
    if not os.access(folder, os.W_OK):
        raise UserError(f"cannot write {path}: no permission to write in {folder}")


def write_text(path: Path, text: str) -> None:
    """`path` holds all of `text` or what it held before; raises UserError when it cannot be written."""
    must_be_writable(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
