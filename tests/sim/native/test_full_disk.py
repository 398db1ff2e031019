"""A waveform on a disk that fills up ends while it can still be read, in one error with its name; no writer aborts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.conftest import needs_native

pytestmark = needs_native
ROOT = Path(__file__).parents[3]
# A namespace in which whoever runs this may mount a file system of 36 MiB: 4 more than are left free.
SMALL = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs -o size=36m none "$1" && shift']
SCRIPT = """
import sys
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.engine import NativeEngine
from tests.sim.toy import pins_spec
path = sys.argv[1]
engine = NativeEngine(pins_spec(), HostMemory(), waves=path[-3:])
engine.trace(path)
told = []
for value in range(3000):
    try:
        engine.set_pin("p_tx_tdata", value * 0x9E3779B97F4A7C15 % 2**64)
        engine.run(engine.now + 4000)
    except OSError as error:
        told.append(f"{error.filename} {error.strerror}")
engine.trace(None)
engine.close()
print(engine_clocks := 3000 * 4000, *told, sep="\\n")
"""


def on_a_small_disk(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*SMALL[:-1], SMALL[-1] + ' && exec "$@"', "sh", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=dict(os.environ))


def test_it_ends_with_one_error_and_the_card_goes_on(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if on_a_small_disk(disk, "true").returncode and "CI" not in os.environ:
        pytest.skip("this user may not mount anything")
    look = f"{SCRIPT}\nimport os\nprint(os.path.getsize(path) > 10**6, open(path, 'rb').read()[:8] == b'$version')"
    done = on_a_small_disk(disk, sys.executable, "-c", look, str(disk / "w.vcd"))
    assert done.returncode == 0, done.stderr[-2000:]
    sentence = f"{disk / 'w.vcd'} the waveform ends here: less than 32 MiB are free"
    assert done.stdout.splitlines() == ["12000000", sentence, "True True"]
