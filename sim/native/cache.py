"""What is slow to make is kept, by its content: models, Verilog, netlists.

Results are written beside their place and renamed, under a lock per key, so that concurrent builders wait for one
another and never see half a file. The cache is `$RINGBED_CACHE`, else `$XDG_CACHE_HOME/ringbed`, else
`~/.cache/ringbed`; deleting it is always safe.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ringbed.sim.native.toolchain import BuildError

__all__ = ["CacheError", "cache_dir", "cached", "content_hash"]


class CacheError(Exception):
    """Nothing can be kept where it should be: one sentence with the folder, and what names another one."""


def cache_dir() -> Path:
    """Where results are kept; made when missing. Raises CacheError."""
    path = Path(os.environ.get("RINGBED_CACHE") or _usual())
    with _writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def _usual() -> Path:
    if named := os.environ.get("XDG_CACHE_HOME"):
        return Path(named) / "ringbed"
    try:
        return Path.home() / ".cache" / "ringbed"
    except RuntimeError:  # a user without an entry in the system's list, and without HOME
        raise CacheError(
            "there is no home folder to keep what is built in: the environment variable RINGBED_CACHE names one"
        ) from None


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise CacheError(
            f"the cache {path} cannot be written ({why}): the environment variable RINGBED_CACHE names another folder"
        ) from None


def content_hash(*parts: str) -> str:
    """A name for what these texts together determine."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def cached(kind: str, name: str, make: Callable[[Path, Path], None]) -> Path:
    """The file or folder `kind/name` of the cache, made by `make(target, work)` when missing. Raises CacheError."""
    folder = cache_dir() / kind
    target = folder / name
    if os.path.exists(target):
        return target
    with _writing(folder):
        folder.mkdir(exist_ok=True)
    with _lock(folder / f"{name}.lock"):
        if os.path.exists(target):
            return target
        with _writing(folder):
            work = Path(tempfile.mkdtemp(prefix=f"{name[:12]}.", dir=folder))
        try:
            made = work / f"made.{name[-8:]}"
            make(made, work)
            made.rename(target)
        except OSError as error:  # of a full disk the system does not say which
            error.filename = error.filename or str(folder)
            raise
        except BuildError as error:
            raise _with_kept_log(error, work, folder / f"{name}.log") from None
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return target


def _with_kept_log(error: BuildError, work: Path, kept: Path) -> BuildError:
    """The work folder goes away; its log stays, and the sentence must name where."""
    log = work / "build.log"
    if not os.path.exists(log):
        return error
    log.replace(kept)
    return type(error)(str(error).replace(str(log), str(kept)))


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    with _writing(path.parent):
        file = path.open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
