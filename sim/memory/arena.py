"""Pages of memory that another process can share: a file without a name, closed when what it was made for is gone."""

from __future__ import annotations

import errno
import gc
import mmap
import os
import weakref

__all__ = ["shared_pages"]


def shared_pages(size: int, owner: object) -> tuple[int | None, mmap.mmap]:
    """The file, None where there is no such thing, and its `size` bytes, zero; closed with `owner`. Raises OSError.

    An owner that nobody holds is gone when garbage is collected, which a process at the limit of its files cannot wait
    for: a test's every example may have memory of its own.
    """
    try:
        file, pages = _opened(size)
    except OSError as error:
        if error.errno != errno.EMFILE:
            raise
        gc.collect()
        file, pages = _opened(size)
    if file is not None:
        weakref.finalize(owner, os.close, file)
    return file, pages


def _opened(size: int) -> tuple[int | None, mmap.mmap]:
    if not hasattr(os, "memfd_create"):
        return None, mmap.mmap(-1, size)
    file = os.memfd_create("ringbed-arena")
    try:
        os.ftruncate(file, size)
        return file, mmap.mmap(file, size)
    except OSError:
        os.close(file)
        raise
