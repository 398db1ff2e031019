"""apt as it is asked, with programs that stand in for it: what they are told, and what becomes of what they say."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ringbed.sim.guest import apt as at
from ringbed.sim.guest.apt import Apt, FetchFailed, Package, mirror, packages, shares, unpack

END = " "  # where a sum would be
URIS = f"""Reading package lists...
The following NEW packages will be installed:
  qemu-system-x86
'http://mirror/pool/q_1%3a11.1_amd64.deb' q_1%3a11.1-1_amd64.deb 10377056 SHA256:ab
'http://mirror/pool/l_2.41_all.deb' l_2.41_all.deb 50 MD5Sum:cd
'http://mirror/pool/b_3_all.deb' b_3~bpo_all.deb 7{END}
"""
TARGETS = "http://o/ Other Other\\nhttp://b/ Debian Debian Backports\\nhttp://mirror/debian/ Debian Debian\\n"
SAID = '#!/bin/sh\nfolder=$(dirname "$0")\necho "$(basename "$0") $*" >>"$folder/asked"\n'


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Makes a program on PATH of this name and these lines of shell; PATH has nothing but these and the shell's."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    found = {}

    def make(name: str, lines: str) -> Path:
        found[name] = folder / name
        found[name].write_text(SAID + lines)
        found[name].chmod(0o755)
        return folder / "asked"

    monkeypatch.setattr(shutil, "which", lambda name: str(found.get(name, "")) or None)
    for name in at.PROGRAMS:
        make(name, f'case "$*" in *indextargets*) printf "{TARGETS}";; esac\n')
    return make


@pytest.fixture
def private(tmp_path: Path) -> Path:
    (tmp_path / "apt").mkdir()
    return tmp_path / "apt"


def test_what_apt_lists_and_says() -> None:
    q, library, newer = packages(URIS)
    assert (newer.file, newer.size, newer.digest) == ("b_3~bpo_all.deb", 7, "")
    assert (q.file, q.size, q.digest, q.spelled) == ("q_1%3a11.1-1_amd64.deb", 10377056, "SHA256:ab", "q=1:11.1-1")
    assert library.spelled == "l=2.41"
    said = ["dlstatus:1:0.0:Retrieving file 1", "pmstatus:x:50:y", "dlstatus:2:81.5:x: y", "dlstatus:3:100.1:"]
    assert [*shares(said)] == [0.0, 0.815, 1.0]


def test_the_mirror_is_the_one_of_debian_that_this_machine_names(
    stand_in: Callable[[str, str], Path], private: Path
) -> None:
    assert mirror() == "http://mirror/debian/"
    Apt(private, ("one", "two"))
    lines = (private / "sources.list").read_text().splitlines()
    assert [line.split()[-3:] for line in lines] == [
        ["http://mirror/debian/", suite, "main"] for suite in ("one", "two")
    ]
    assert (private / "status").read_text() == ""


def test_without_apt_or_a_mirror_a_sentence_says_what_to_bring(
    stand_in: Callable[[str, str], Path], private: Path
) -> None:
    stand_in("apt-get", "")
    with pytest.raises(FetchFailed, match="knows no mirror of Debian.*10.1 on has to be on PATH, and --kernel"):
        Apt(private, ("one",))


def test_a_machine_without_apt(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FetchFailed, match="apt-get is not on PATH, so nothing can be fetched"):
        Apt(private, ("one",))


def test_apt_is_kept_from_what_is_this_machines(stand_in: Callable[[str, str], Path], private: Path) -> None:
    asked = stand_in("apt-get", f'case "$*" in *indextargets*) printf "{TARGETS}";; *) cat <<\\E\n{URIS}E\n;; esac\n')
    apt = Apt(private, ("one",))
    assert [each.file for each in apt.closure("q", suite="new")] == [
        "b_3~bpo_all.deb",
        "l_2.41_all.deb",
        "q_1%3a11.1-1_amd64.deb",
    ]
    words = asked.read_text().splitlines()[-1]
    for setting in ("Dir::State", "Dir::State::status", "Dir::Cache", "Dir::Etc::sourcelist"):
        assert f"-o {setting}={private}" in words
    assert "-o Dir::Etc::sourceparts=/dev/null" in words
    assert words.endswith("--print-uris --yes --no-install-recommends -t new install q")


def test_the_package_that_an_empty_one_stands_for(stand_in: Callable[[str, str], Path], private: Path) -> None:
    stand_in("apt-cache", "printf 'linux-image\\n  Depends: image-6.12\\n'\n")
    asked = stand_in("apt-get", f'case "$*" in *indextargets*) printf "{TARGETS}";; *) cat <<\\E\n{URIS}E\n;; esac\n')
    assert len(Apt(private, ("one",)).one("linux-image", "old")) == 3
    assert asked.read_text().splitlines()[-1].endswith("--print-uris download image-6.12")
    stand_in("apt-cache", "")
    with pytest.raises(FetchFailed, match="no package that linux-image stands for"):
        Apt(private, ("one",)).one("linux-image", "old")


def fetching(lines: str) -> str:
    """An apt-get that says that it is half way, and goes on with `lines`."""
    return f"""case "$*" in *indextargets*) printf "{TARGETS}";; *)
for word; do case $word in APT::Status-Fd=*) fd=${{word#*=}};; esac; done
echo dlstatus:1:50.0:x >"/dev/fd/$fd"
{lines};; esac
"""


def test_files_are_fetched_into_a_folder_and_it_is_told_how_far(
    stand_in: Callable[[str, str], Path], private: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(private)  # where its `update` leaves what it touches
    wanted = [Package("", "q_1%3a2_amd64.deb", 3, ""), Package("", "l_2_all.deb", 3, "")]
    asked = stand_in("apt-get", fetching("touch q_1%3a2_amd64.deb l_2_all.deb"))
    told = list[float]()
    apt = Apt(private, ("one",))
    assert apt.download(wanted, tmp_path, told.append) == [tmp_path / each.file for each in wanted]
    assert told == [0.5]
    assert asked.read_text().splitlines()[-1].endswith("download q=1:2 l=2")
    apt.update(told.append)
    assert asked.read_text().splitlines()[-1].endswith("--error-on=any update")
    assert told == [0.5, 0.5]


def test_a_fetch_that_fails_says_apts_first_error(
    stand_in: Callable[[str, str], Path], private: Path, tmp_path: Path
) -> None:
    stand_in("apt-get", fetching('echo "W: a warning"; echo "E: no route" >&2; echo "E: more" >&2; exit 100'))
    with pytest.raises(FetchFailed, match="^apt-get download failed, so nothing was fetched: no route; QEMU"):
        Apt(private, ("one",)).download([Package("", "q_1_all.deb", 3, "")], tmp_path)
    stand_in("apt-get", fetching("true"))
    with pytest.raises(FetchFailed, match=r"has fetched all, and q_1_all.deb is not there"):
        Apt(private, ("one",)).download([Package("", "q_1_all.deb", 3, "")], tmp_path)


def test_apt_ends_when_who_waits_for_it_is_interrupted(
    stand_in: Callable[[str, str], Path], private: Path, tmp_path: Path
) -> None:
    stand_in("apt-get", fetching('echo $$ >"$folder/pid"; exec sleep 1000'))

    def interrupt(done: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Apt(private, ("one",)).update(interrupt)
    pid = tmp_path / "bin" / "pid"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()) if pid.exists() else 1 << 22, 0)


def test_what_cannot_be_unpacked_is_told(tmp_path: Path) -> None:
    (tmp_path / "cut.deb").write_bytes(b"!<arch>\n")
    with pytest.raises(FetchFailed, match=r"cut.deb cannot be unpacked: "):
        unpack(tmp_path / "cut.deb", tmp_path / "root")
