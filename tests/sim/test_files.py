"""What is opened as somebody's file is a file: a pipe would be waited for, a device may have no end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringbed.sim.files import kind_of_no_file, read_file, resolved


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\0\xff")
    (tmp_path / "link").symlink_to("file")
    assert read_file(str(tmp_path / "file")) == read_file(tmp_path / "link") == b"\0\xff"
    assert kind_of_no_file(tmp_path / "link") == ""


def test_what_is_none_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a pipe or a device"), (Path("/dev/null"), "a pipe or a device"),
                       (tmp_path, "a folder")):  # fmt: skip
        with pytest.raises(OSError, match=f"it is {kind}, and no file") as caught:
            read_file(path)
        assert caught.value.filename == str(path)


def test_what_the_system_makes_up_is_refused(tmp_path: Path) -> None:
    """It says that it is a file, and empty; one that is keeps being one."""
    for path in (Path("/proc/self/status"), Path("/proc/mounts")):
        with pytest.raises(OSError, match="it is made up by the system as it is read, and no file") as caught:
            read_file(path)
        assert caught.value.filename == str(path)
    (tmp_path / "empty").touch()
    assert read_file(tmp_path / "empty") == b""


def test_what_would_be_waited_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `/proc/kmsg` is while the kernel has nothing to say, which only root may open."""

    def waits(handle: int, size: int) -> bytes:
        raise BlockingIOError

    (tmp_path / "kmsg").touch()
    monkeypatch.setattr(os, "read", waits)
    assert kind_of_no_file(tmp_path / "kmsg") == "made up by the system as it is read"


def test_what_cannot_be_read_has_its_name_in_the_error() -> None:
    """Memory of a process that has none at 0 is a file that can be opened."""
    with pytest.raises(OSError, match="Input/output error") as caught:
        read_file("/proc/self/mem")
    assert caught.value.filename == "/proc/self/mem"


def test_a_link_that_leads_to_itself_is_for_who_opens_it(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    assert resolved(tmp_path / "loop" / "x").name == "x"
    with pytest.raises(OSError, match="symbolic links"):
        read_file(tmp_path / "loop")


def test_a_full_name_follows_links(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    assert resolved(tmp_path / "link" / ".." / "a.v") == (tmp_path / "a.v").resolve()
