"""A file is written whole or not at all, and a place that cannot be written is named in one sentence."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ringbed.cli import files
from ringbed.cli.errors import UserError


def test_text_is_written_with_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    files.write_text(tmp_path / "made", "text\n")
    assert (tmp_path / "made").read_text() == "text\n"
    assert (tmp_path / "made").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_stays_and_leads_to_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("there")
    files.write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there").read_text() == "text"


def test_what_is_no_file_is_written_to_and_stays(tmp_path: Path) -> None:
    """As root, /dev/null would be a file from then on, for the whole machine."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    files.write_text(tmp_path / "pipe", "text")
    assert os.read(reader, 10) == b"text"
    os.close(reader)
    assert [each.name for each in tmp_path.iterdir() if each.is_fifo()] == ["pipe"]


def test_two_results_may_go_where_neither_replaces_the_other(tmp_path: Path) -> None:
    files.must_all_be_writable([Path("/dev/null"), None, Path("/dev/null"), tmp_path / "a", tmp_path / "b"])
    with pytest.raises(UserError, match="would write it twice"):
        files.must_all_be_writable([tmp_path / "a", tmp_path / "b", tmp_path / "." / "a"])
    with socket.socket(socket.AF_UNIX) as served:
        served.bind(str(tmp_path / "s"))
    with pytest.raises(UserError, match="would write it twice"):
        files.must_all_be_writable([tmp_path / "s", tmp_path / "s"])


def test_what_a_command_reads_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("")
    (tmp_path / "link").symlink_to("a.toml")
    files.must_be_writable(tmp_path / "b", tmp_path / "a.toml", None, tmp_path / "missing")
    with pytest.raises(UserError, match=r"cannot write .*/link: this command reads it$"):
        files.must_be_writable(tmp_path / "link", None, tmp_path / "a.toml")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot write .*/no/out\.v: there is no folder .*/no$"):
        files.must_be_writable(tmp_path / "no" / "out.v")


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="it is a folder"):
        files.write_text(tmp_path, "")


def test_a_folder_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(UserError, match="no permission to write in"):
        files.must_be_writable(tmp_path / "out.v")


def test_what_was_there_stays_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "out").write_text("before")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="No space left on device"):
        files.write_text(tmp_path / "out", "after")
    assert (tmp_path / "out").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
