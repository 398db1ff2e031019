"""The README's second command on a machine that lacks something: what needs it is left out with a word, nothing fails.

Each need of `sim/needs.py` is hidden in turn (`hide.py`). By default a sample of the tests that ask for it is run, with
`-m full` that sample by an ordinary user too, and every file whose text names the need; what all of them hidden at once
does to collection is tried in any case.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ringbed.sim.needs import NEEDS
from tests.hidden.hide import HIDDEN, hidden

ROOT = Path(__file__).parents[2]
PLAIN = "tests/sim/test_needs.py"  # tests that need nothing
BENCH = "tests/cli/bench/test_command.py::test_hw"
SAMPLE = {
    "compiler": ["tests/sim/native/test_engine.py", BENCH],
    "clang": ["tests/sim/native/test_clang.py"],
    "verilator": ["tests/sim/native/test_engine.py"],
    "make": ["tests/sim/native/test_verilog_said.py::test_a_bench_does_not_pass_with_an_error_in_it[verilator]"],
    "kernel": ["tests/sim/guest/test_build.py"],
    "icarus": [
        "tests/sim/cocotb/test_engine.py::test_it_ends_with_its_parent_however_that_ends",
        "tests/cli/nic/test_icarus.py", "tests/cli/dut/test_test.py::test_another_engine",
        "tests/examples/test_third_party_lint.py",
        "tests/cli/plugin/test_fixtures.py::test_a_waveform_of_icarus_without_a_failure",
        "tests/examples/test_cocotb.py::test_the_benches_pass[icarus]",
    ],
    "cocotb": ["tests/sim/cocotb/test_run.py", "tests/examples/test_cocotb.py"],
    "libpython": ["tests/sim/cocotb", "tests/cli/nic/test_icarus.py", "tests/examples/test_cocotb.py"],
    "qemu": [
        "tests/hw/nics/em/against_qemu",
        "tests/cli/nic/test_live.py::test_the_model_of_qemu_fails_where_the_page_says",
    ],
    "tap": [
        "tests/sim/kernel", "tests/stack/test_kernel.py", "tests/cli/bench/test_command.py::test_stack",
        *(f"tests/cli/demo/test_command.py::{name}" for name in (
            "test_kernel_and_stack_talk_through_the_card", "test_kernel_and_stack_on_pysim",
            "test_faults_between_kernel_and_stack",
        )),
    ],
    "scapy": ["tests/conformance/references"],
    "yosys": ["tests/hw/test_frame_blocks_yosys.py", "tests/cli/dut/test_check.py", "tests/cli/dut/test_synth.py"],
    "nextpnr": ["tests/sim/yosys"],
    "pywellen": ["tests/sim/trace/test_failure.py"],
    "ip": ["tests/sim/kernel"],
}  # fmt: skip
# What a file of tests says when it has to do with a need.
WORDS = {
    "compiler": "native|compiler|g\\+\\+", "verilator": "native|verilator", "make": "cocotb|make",
    "kernel": "uml|User Mode Linux", "clang": "clang", "icarus": "icarus|cocotb",
    "cocotb": "cocotb", "libpython": "cocotb", "qemu": "qemu", "tap": "tap|demo|kernel",
    "scapy": "scapy|oracle|demo|blocks", "yosys": "yosys|synth|dut", "nextpnr": "nextpnr|synth",
    "pywellen": "pywellen|waves", "ip": "kernel|demo",
}  # fmt: skip


# An ordinary user who owns the checkout, for root: uid 1000 of a user namespace is this root's files and no power.
ORDINARY = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
AS_ROOT = pytest.mark.skipif(os.getuid() != 0, reason="whoever is an ordinary user ran it as one, above")


def run(
    tmp_path: Path, names: tuple[str, ...], *words: str, by: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    command = [*by, sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=short", "-p", "no:cacheprovider"]
    command += ["--basetemp", str(tmp_path / "t"), *words]
    made = hidden(names, tmp_path)
    return subprocess.run(command, cwd=ROOT, env=made, capture_output=True, text=True, check=False)


def leaves_out(done: subprocess.CompletedProcess[str], name: str) -> None:
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert name not in NEEDS or re.search(
        rf"^left out: \d+ tests; no {re.escape(NEEDS[name].what)}: ", done.stdout, re.M
    )


def test_every_need_can_be_hidden_and_is() -> None:
    assert set(NEEDS) < set(HIDDEN)
    assert set(HIDDEN) == set(SAMPLE) == set(WORDS)


@pytest.mark.timeout(600)
def test_collection_with_all_of_them_hidden(tmp_path: Path) -> None:
    done = run(tmp_path, HIDDEN, "--collect-only", "tests")
    assert done.returncode == 0, done.stdout[-6000:]
    assert re.search(r"^\d+/\d+ tests collected", done.stdout, re.M)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", HIDDEN)
def test_what_asks_for_it_is_left_out(tmp_path: Path, name: str) -> None:
    leaves_out(run(tmp_path, (name,), *SAMPLE[name], PLAIN), name)


@pytest.mark.full
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", HIDDEN)
def test_every_file_that_names_it_passes_without_it(tmp_path: Path, name: str) -> None:
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if path.parent != Path(__file__).parent]
    asked = [str(path.relative_to(ROOT)) for path in sorted(files) if re.search(WORDS[name], path.read_text())]
    assert asked
    leaves_out(run(tmp_path, (name,), *asked), name)


@AS_ROOT
def test_the_ordinary_user_is_one(tmp_path: Path) -> None:
    """No uid 0, no capability, and the checkout is theirs."""
    look = f"import os; print(os.getuid(), os.stat({str(tmp_path)!r}).st_uid, open('/proc/self/status').read())"
    done = subprocess.run([*ORDINARY, sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("1000 1000 ")
    assert re.search(r"^CapEff:\s0+$", done.stdout, re.M)


@AS_ROOT
@pytest.mark.timeout(900)
def test_an_ordinary_user_to_whom_tap_is_closed(tmp_path: Path) -> None:
    leaves_out(run(tmp_path, ("tap",), *SAMPLE["tap"], by=ORDINARY), "tap")


@AS_ROOT
@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", HIDDEN)
def test_what_asks_for_it_is_left_out_for_an_ordinary_user(tmp_path: Path, name: str) -> None:
    leaves_out(run(tmp_path, (name,), *SAMPLE[name], PLAIN, by=ORDINARY), name)
