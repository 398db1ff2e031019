"""What is kept: where, once, and whole or not at all."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest

from ringbed.sim.native.cache import CacheError, cache_dir, cached
from ringbed.sim.native.toolchain import BuildError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RINGBED_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_dir() == tmp_path / ".cache" / "ringbed"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "ringbed"
    monkeypatch.setenv("RINGBED_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"
    assert cache_dir().is_dir()


def test_a_user_without_a_home_is_told_what_names_another_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whom neither the environment nor the system's list of users knows one."""

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("RINGBED_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(CacheError, match="no home folder .* RINGBED_CACHE names one"):
        cache_dir()


def test_concurrent_builders_make_a_thing_once(cache: Path) -> None:
    made: list[int] = []
    inside = threading.Event()

    def make(target: Path, work: Path) -> None:
        made.append(1)
        inside.wait(0.2)
        target.write_text("made")

    threads = [threading.Thread(target=cached, args=("kind", "name", make)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert (cache / "kind" / "name").read_text() == "made"


def test_a_failed_maker_leaves_nothing_behind(cache: Path) -> None:
    def make(target: Path, work: Path) -> None:
        target.write_text("half")
        (work / "build.log").write_text("why")
        raise BuildError(f"it failed; full log: {work / 'build.log'}")

    with pytest.raises(BuildError) as caught:
        cached("kind", "name", make)
    assert Path(str(caught.value).split("full log: ")[1]).read_text() == "why"
    assert sorted(path.name for path in (cache / "kind").iterdir()) == ["name.lock", "name.log"]


@pytest.mark.parametrize("place", ["cache", "cache/kind"])
def test_a_cache_that_cannot_be_written_is_one_sentence(cache: Path, place: str) -> None:
    """A file stands where a folder is wanted: that stops root, too."""
    blocked = cache.parent / place
    blocked.parent.mkdir(exist_ok=True)
    blocked.write_text("")
    says = rf"^the cache {blocked} cannot be written \(File exists\): .* RINGBED_CACHE names another folder$"
    with pytest.raises(CacheError, match=says):
        cached("kind", "name", lambda target, work: target.touch())


@pytest.mark.parametrize("what", ["mkdtemp", "open"])
def test_a_folder_of_the_cache_in_which_nothing_can_be_made(
    cache: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def refused(*_args: object, **_named: object) -> None:
        raise PermissionError(13, "Permission denied", "there")

    monkeypatch.setattr(*{"mkdtemp": (tempfile, "mkdtemp", refused), "open": (Path, "open", refused)}[what])
    with pytest.raises(CacheError, match=rf"^the cache {cache}/kind cannot be written \(Permission denied\)"):
        cached("kind", "name", lambda target, work: target.touch())


def test_what_a_maker_raises_is_its_own(cache: Path) -> None:
    def make(target: Path, work: Path) -> None:
        raise FileNotFoundError(2, "No such file", "source.v")

    with pytest.raises(FileNotFoundError):
        cached("kind", "name", make)
