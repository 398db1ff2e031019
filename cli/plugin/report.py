"""What the pytest plugin adds to the report of a test that failed: seed, findings, files, the command that brings it
again; and the second run, with a waveform, of the first failure of a session.

The second run is a process of its own with the same settings, and with folders of its own until it is over: it touches
neither the first run's capture nor pytest's cache. What it recorded is then put beside the first run's files.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ringbed.cli.plugin.bench import CAPTURE, WAVEFORMS, Bench, unwritable
from ringbed.sim.engines import wave_formats

__all__ = ["told"]

RERUN_S = 900
SHOWN = 20  # findings
RERAN = pytest.StashKey[bool]()
TOLD = pytest.StashKey[bool]()


def told(item: pytest.Item, bench: Bench) -> list[str]:
    """The lines of the report's section; after a test's first, only what is new."""
    bench.look()
    new, bench.trouble = bench.trouble, []
    found = [*new[:SHOWN], *([f"and {len(new) - SHOWN} findings more"] if len(new) > SHOWN else [])]
    if item.stash.get(TOLD, False):
        return found or ["see above"]
    item.stash[TOLD] = True
    command = _command(item, bench)
    kinds = ", ".join(host.engine.kind for host in bench.hosts) or bench.engine
    lines = [f"seed: {bench.seed}, engine: {kinds}", *found, *bench.counts()]
    files, said = list(bench.files), list[str]()
    if _worth_it(item, bench):
        item.config.stash[RERAN] = True  # one waveform a session, of the first failure
        recorded, said = _again(item, command, bench.folder)
        files += recorded
    here = item.config.invocation_params.dir
    lines += [str(path.relative_to(here) if path.is_relative_to(here) else path) for path in files]
    again = [*command, f"--ringbed-out={item.config.getoption('ringbed_out')}"]
    return [*lines, *bench.beside(), *said, "again: " + shlex.join([*_pytest(here), *again])]


def _worth_it(item: pytest.Item, bench: Bench) -> bool:
    """Not without a card, nor on an engine that records no waveform."""
    if not bench.hosts or bench.trace or not wave_formats(bench.engine):
        return False
    return not item.config.getoption("ringbed_no_rerun") and RERAN not in item.config.stash


def _pytest(here: Path) -> list[str]:
    """This one: a `pytest` on PATH may be another Python's."""
    python = Path(sys.executable)
    return [str(python.relative_to(here) if python.is_relative_to(here) else python), "-m", "pytest"]


def _command(item: pytest.Item, bench: Bench) -> list[str]:
    """From the folder pytest was started in, which need not be its rootdir; with the settings it was given."""
    option, here = item.config.option, item.config.invocation_params.dir
    _, separator, name = item.nodeid.partition("::")
    words = [os.path.relpath(item.path, here) + separator + name]
    words += [f"--ringbed-engine={bench.engine}", f"--ringbed-seed={bench.seed}"]
    if option.inifilename:
        words += ["-c", str(option.inifilename)]
    if option.rootdir:
        words.append(f"--rootdir={option.rootdir}")
    plugins = [each for each in option.plugins if each != "no:terminal"]  # that one every worker of xdist is given
    for flag, given in (("-o", option.override_ini), ("-W", option.pythonwarnings), ("-p", plugins)):
        words += [word for each in given or () for word in (flag, each)]
    return [*words, "--runxfail"] if getattr(option, "runxfail", False) else words


def _again(item: pytest.Item, command: list[str], folder: Path) -> tuple[list[Path], list[str]]:
    """Run the test once more, recording; the files it left, moved to `folder`, and what is to be said of it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(dir=folder)
    except OSError as error:
        return [], [f"there was no second run, for a waveform: {unwritable(folder, error)}"]
    with work as name:
        words = [sys.executable, "-m", "pytest", "-q", *command, f"--ringbed-out={name}/out", "--ringbed-trace"]
        if item.config.pluginmanager.hasplugin("cacheprovider"):  # as it may be asked for, by `addopts = --ff`
            words += ["-o", f"cache_dir={name}/cache"]
        if item.config.pluginmanager.hasplugin("xdist"):
            words.append("-n0")
        try:
            done = subprocess.run(
                words, capture_output=True, text=True, check=False, timeout=RERUN_S, stdin=subprocess.DEVNULL,
                cwd=item.config.invocation_params.dir, env=_environment(),
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return [], [f"a second run, for a waveform, was ended after {RERUN_S} s"]
        kept = _kept(Path(name) / "out", folder)
    return kept, _verdict(done, any(path.suffix in WAVEFORMS for path in kept))


def _environment() -> dict[str, str]:
    """A worker of xdist is told so by variables, which its own child must not read as its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST_")}


def _kept(out: Path, folder: Path) -> list[Path]:
    """The second run's capture is `again.pcapng`: what the first one had on its wire is evidence."""
    kept = []
    for path in sorted(each for each in out.glob("*/*") if os.path.isfile(each)):
        kept.append(path.replace(folder / ("again.pcapng" if path.suffix == CAPTURE else path.name)))
    return kept


def _verdict(done: subprocess.CompletedProcess[str], recorded: bool) -> list[str]:
    if done.returncode == pytest.ExitCode.TESTS_FAILED:
        lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return [] if recorded else [f"the second run failed before it had a waveform: {' '.join(lines[:1])}"]
    if done.returncode == pytest.ExitCode.OK:
        return [
            "the second run passed: flaky, or something in the test is not drawn from the seed, or is kept in files"
        ]
    last = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[-1]
    return [f"the second run, for a waveform, did not get to the test (exit {done.returncode}): {last}"]
