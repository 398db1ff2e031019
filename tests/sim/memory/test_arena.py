"""The arena's files: shared, zero, closed with their owner, and with owners that are garbage."""

from __future__ import annotations

import errno
import gc
import os
import resource
from collections.abc import Iterator

import pytest

from ringbed.sim.memory.arena import shared_pages
from ringbed.sim.memory.host import HostMemory

SPARE = 30  # files that the process may open besides those it has


class Owner:
    """Of pages, and of itself: no count of references ever sees its end."""

    def __init__(self) -> None:
        self.file, self.pages = shared_pages(4096, self)
        self.itself: Owner | None = self


def opened() -> list[str]:
    return os.listdir("/proc/self/fd")


@pytest.fixture
def few_files() -> Iterator[None]:
    """Little room for files, and garbage that is collected by nobody."""
    gc.collect()
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(map(int, opened())) + SPARE, limits[1]))
    gc.disable()
    yield
    gc.enable()
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_the_file_is_the_pages_and_ends_with_its_owner() -> None:
    before = opened()
    owner = Owner()
    assert bytes(owner.pages) == bytes(4096)
    owner.pages[5] = 7
    assert owner.file is not None
    assert os.pread(owner.file, 8, 0) == b"\0\0\0\0\0\7\0\0"
    owner.itself = None
    del owner
    assert opened() == before


def test_without_such_files_there_are_pages_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    file, pages = shared_pages(4096, Owner)
    assert (file, bytes(pages)) == (None, bytes(4096))


@pytest.mark.usefixtures("few_files")
def test_garbage_is_collected_where_there_is_no_file_left() -> None:
    for _ in range(9 * SPARE):
        Owner()
    for _ in range(9 * SPARE):
        memory = HostMemory(size=1 << 20)
        vars(memory)["itself"] = memory


@pytest.mark.usefixtures("few_files")
def test_where_none_is_garbage_the_error_is_the_systems_and_nothing_is_left_open() -> None:
    files: list[int] = []
    with pytest.raises(OSError, match="Too many open files"):
        files.extend(os.dup(0) for _ in range(9 * SPARE))
    os.close(files.pop())  # room for the file, and none for what mmap makes of it
    with pytest.raises(OSError, match="Too many open files") as raised:
        Owner()
    files.append(os.dup(0))
    for file in files:
        os.close(file)
    assert raised.value.errno == errno.EMFILE
