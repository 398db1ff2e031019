"""A program in the place of QEMU: it never outlives who started it, and what it prints is handed on."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from pathlib import Path

from ringbed.cli.guest.child import child
from ringbed.sim.guest.qemu import Qemu

SHELL = Qemu(("sh", "-c"), {"TOLD": "by us"})


def test_its_output_is_handed_on_and_its_end_is_told() -> None:
    heard, over = bytearray(), threading.Event()
    with tempfile.TemporaryFile() as errors:
        with child(SHELL, ['echo "$TOLD"; cat; echo bad >&2; exit 3'], errors, heard.extend, over.set) as running:
            assert over.wait(60)
            assert running.code == 3
        errors.seek(0)
        assert (bytes(heard), errors.read()) == (b"by us\n", b"bad\n")


def test_its_own_end_is_waited_for() -> None:
    heard = bytearray()
    with tempfile.TemporaryFile() as errors:
        with child(SHELL, ["sleep 0.3; echo late; exit 4"], errors, heard.extend, lambda: None) as running:
            running.wait()
            assert running.code == 4
        assert bytes(heard) == b"late\n"


def test_it_ends_with_the_block_even_when_it_does_not_want_to() -> None:
    heard = bytearray()
    ready = threading.Event()

    def hear(piece: bytes) -> None:
        heard.extend(piece)
        ready.set()

    with tempfile.TemporaryFile() as errors:
        stubborn = "import signal, time; signal.signal(signal.SIGTERM, lambda *_: None); print('up', flush=True)\n"
        words = [stubborn + "while True: time.sleep(1)"]
        with child(Qemu((sys.executable, "-c")), words, errors, hear, lambda: None) as running:
            assert ready.wait(60)
            assert running.code is None
        assert running.code == -signal.SIGKILL


def test_it_ends_when_who_started_it_is_killed(tmp_path: Path) -> None:
    script = """
        import sys, tempfile, threading
        from ringbed.cli.guest.child import child
        from ringbed.sim.guest.qemu import Qemu
        with tempfile.TemporaryFile() as errors:
            hear = sys.stdout.buffer.write
            with child(Qemu(("sh", "-c")), ["echo $$; exec sleep 1000"], errors, hear, lambda: None):
                threading.Event().wait()
    """
    parent = subprocess.Popen([sys.executable, "-u", "-c", textwrap.dedent(script)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    handle = os.pidfd_open(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert select.select([handle], [], [], 60)[0]
    os.close(handle)
