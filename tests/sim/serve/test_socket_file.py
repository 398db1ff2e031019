"""The socket's file: its owner's alone, made over a stale one, not over anything else, gone at the end."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from ringbed.sim.serve.socket_file import LONGEST, SocketFile, SocketRefused


def refused(path: Path) -> str:
    with pytest.raises(SocketRefused) as said:
        SocketFile(path)
    return str(said.value)


def test_it_is_its_owners_alone_and_goes_at_the_end(tmp_path: Path) -> None:
    file = SocketFile(tmp_path / "s")
    mode = file.path.lstat().st_mode
    assert (stat.S_ISSOCK(mode), stat.S_IMODE(mode)) == (True, 0o600)
    assert file.accept() is None
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(file.path))
        end = file.accept()
        assert end is not None
        end.close()
    file.close()
    assert not file.path.exists()
    (tmp_path / "x").touch()
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) != 0o600  # the umask is what it was


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s"
    killed = socket.socket(socket.AF_UNIX)
    killed.bind(str(path))
    killed.close()
    file = SocketFile(path)
    assert refused(path) == f"the socket {path} is in use: somebody listens there"
    path.unlink()
    other = SocketFile(path)
    file.close()  # the file is the other's by now
    assert path.exists()
    other.close()


def test_what_else_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    assert refused(tmp_path / "file").endswith("something is there that is no socket")
    assert refused(tmp_path).endswith("something is there that is no socket")
    assert (tmp_path / "file").read_text() == "mine"
    assert refused(tmp_path / "no" / "s").endswith(f"there is no folder {tmp_path / 'no'}")
    assert refused(tmp_path / ("s" * LONGEST)).endswith(f"a socket's path has {LONGEST} bytes at most")
