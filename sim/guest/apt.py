"""Debian packages by this machine's own apt, without root and without a change of the machine.

apt is given folders of its own: an empty list of what is installed, so that all a program needs comes with it; and the
releases of Debian that are wanted, from the mirror that this machine's apt names, with its keys, its proxies and its
certificates.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringbed.sim.guest.parent import end_with_parent
from ringbed.sim.needs import Missing

__all__ = ["Apt", "FetchFailed", "Package", "Share", "unpack"]

PROGRAMS = ("apt-get", "apt-cache", "dpkg-deb")
HELP = "QEMU from 10.1 on has to be on PATH, and --kernel and --modules name a kernel"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# What the machine's apt would do afterwards: clear its cache, tell its desktop.
CALM = "#clear APT::Update;\n#clear DPkg::Post-Invoke;\n"
Share = Callable[[float], None]  # told how much of it is done, 0..1


class FetchFailed(Missing):
    """apt could not get what it was asked for: no network, no mirror, no room. One sentence, with its own words."""


@dataclass(frozen=True, slots=True)
class Package:
    """`file` is its name in a pool, which holds its version; `digest` a sum of it, or ""."""

    uri: str
    file: str
    size: int
    digest: str

    @property
    def spelled(self) -> str:
        """What `apt-get download` is told: name=version."""
        name, version, _ = self.file.split("_")
        return f"{name}={version.replace('%3a', ':')}"


class Apt:
    """`folder` holds its lists; `suites` are releases of Debian. Raises FetchFailed without apt or a mirror."""

    def __init__(self, folder: Path, suites: Sequence[str]) -> None:
        absent = next((program for program in PROGRAMS if shutil.which(program) is None), None)
        if absent is not None:
            raise FetchFailed(f"{absent} is not on PATH, so nothing can be fetched: {HELP}")
        self._folder = folder
        keys = f"[signed-by={KEYRING}] " if os.path.exists(KEYRING) else ""
        lines = (f"deb {keys}{mirror()} {suite} main\n" for suite in suites)
        for name, text in (("sources.list", "".join(lines)), ("status", ""), ("calm.conf", CALM)):
            (folder / name).write_text(text)
        for name in ("state/lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def update(self, share: Share = lambda done: None) -> None:
        """Which packages there are. Raises FetchFailed."""
        self._get(["--error-on=any", "update"], share)

    def closure(self, *names: str, suite: str) -> list[Package]:
        """These packages and all they need, none of what they recommend. Raises FetchFailed."""
        said = self._ask("apt-get", "--print-uris", "--yes", "--no-install-recommends", "-t", suite, "install", *names)
        return sorted(packages(said), key=lambda each: each.file)

    def one(self, name: str, suite: str) -> list[Package]:
        """The package that the empty one `name` stands for, by itself. Raises FetchFailed."""
        said = self._ask("apt-cache", "-t", suite, "depends", name)
        found = re.search(r"^\s+Depends: (\S+)$", said, re.MULTILINE)
        if found is None:
            raise FetchFailed(f"apt knows no package that {name} stands for")
        return list(packages(self._ask("apt-get", "--print-uris", "download", found[1])))

    def download(self, wanted: Sequence[Package], folder: Path, share: Share = lambda done: None) -> list[Path]:
        """Their files, in `folder`; apt has held them against their sums. Raises FetchFailed."""
        self._get(["download", *(each.spelled for each in wanted)], share, folder)
        paths = [folder / each.file for each in wanted]
        short = next((path.name for path in paths if not os.path.exists(path)), None)
        if short is not None:
            raise FetchFailed(f"apt says that it has fetched all, and {short} is not there")
        return paths

    def _words(self, program: str) -> list[str]:
        folder = self._folder
        settings = {
            "Dir::State": folder / "state", "Dir::State::status": folder / "status", "Dir::Cache": folder / "cache",
            "Dir::Etc::sourcelist": folder / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null", "Dir::Etc::preferencesparts": "/dev/null",
            "Acquire::Languages": "none", "Acquire::Retries": "3", "APT::Sandbox::User": "root",
            "APT::Architecture": "amd64",
        }  # fmt: skip
        options = (word for name, value in settings.items() for word in ("-o", f"{name}={value}"))
        return [program, "-c", str(folder / "calm.conf"), *options]

    def _ask(self, program: str, *words: str) -> str:
        done = subprocess.run(
            [*self._words(program), *words], capture_output=True, text=True, check=False, env=_plain_words()
        )
        if done.returncode:
            raise FetchFailed(_failed(words, done.stderr))
        return done.stdout

    def _get(self, words: Sequence[str], share: Share, folder: Path | None = None) -> None:
        """With apt's own account of how far it is, by a pipe. apt ends when this does, however it does."""
        reads, writes = os.pipe()
        command = [*self._words("apt-get"), "-o", f"APT::Status-Fd={writes}", *words]
        with open(reads, encoding="utf-8", errors="replace") as status, open(self._folder / "log", "w+") as log:
            try:
                process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder, pass_fds=[writes],
                    env=_plain_words(), preexec_fn=end_with_parent(),
                )  # fmt: skip
            finally:
                os.close(writes)
            try:
                for done in shares(status):
                    share(done)
                code = process.wait()
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
            log.seek(0)
            if code:
                raise FetchFailed(_failed(words, log.read()))


def mirror() -> str:
    """The first that this machine's apt has for a release of Debian, as .ci/fresh finds it. Raises FetchFailed."""
    words = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)"]
    said = subprocess.run(words, capture_output=True, text=True, check=False, env=_plain_words()).stdout
    for line in said.splitlines():
        uri, _, whose = line.partition(" ")
        if whose == "Debian Debian":  # others are its security updates, its backports, and other people's
            return uri
    raise FetchFailed(
        f"apt of this machine knows no mirror of Debian (`apt-get update` first, if it should), so nothing can be "
        f"fetched: {HELP}"
    )


def packages(said: str) -> Iterator[Package]:
    """What `apt-get --print-uris` lists: 'URI' FILE SIZE DIGEST, the last of which may be missing.

    apt lists a sum of an old kind, where there is one, and holds a file against all its sums when it has fetched it.
    """
    for line in said.splitlines():
        found = re.fullmatch(r"'([^']+)' (\S+) (\d+)(?: (\S+:\S+))?", line.strip())
        if found is not None:
            yield Package(found[1], found[2], int(found[3]), found[4] or "")


def shares(lines: Iterable[str]) -> Iterator[float]:
    """Of apt's status, how much is fetched: dlstatus:NUMBER:PERCENT:WORDS."""
    for line in lines:
        found = re.match(r"dlstatus:\d+:([\d.]+):", line)
        if found is not None:
            yield min(1.0, float(found[1]) / 100)


def unpack(package: Path, root: Path) -> None:
    """Raises FetchFailed with what dpkg says: a full disk, as a rule."""
    done = subprocess.run(["dpkg-deb", "-x", str(package), str(root)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise FetchFailed(f"{package.name} cannot be unpacked: {_last(done.stderr)}")


def _plain_words() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def _failed(words: Sequence[str], said: str) -> str:
    what = next(word for word in words if not word.startswith("-"))
    return f"apt-get {what} failed, so nothing was fetched: {_last(said)}; {HELP}"


def _last(said: str) -> str:
    """Its first error, else its last line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it says nothing"]
    return next((line for line in lines if line.startswith("E: ")), lines[-1]).removeprefix("E: ")
