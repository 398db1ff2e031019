"""QEMU as a child that never outlives its command, and what it prints handed on as it comes."""

from __future__ import annotations

import os
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any

from ringbed.sim.guest.parent import end_with_parent
from ringbed.sim.guest.qemu import Qemu

__all__ = ["Child", "child"]

OWN_END, PATIENCE = 60.0, 5.0  # seconds that it has to end by itself; once asked to


class Child:
    """`code` is its exit code, once it has ended."""

    def __init__(
        self, process: subprocess.Popen[bytes], hear: Callable[[bytes], None], over: Callable[[], None]
    ) -> None:
        self._process, self._hear, self._over = process, hear, over
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    @property
    def code(self) -> int | None:
        return self._process.poll()

    def wait(self) -> None:
        """For its own end, a minute at the most; it is not asked to."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(OWN_END)

    def end(self) -> None:
        """It and all it printed."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._thread.join()

    def _follow(self) -> None:
        """To the end of what it prints, then to its own."""
        out = self._process.stdout
        try:
            while out is not None and (piece := os.read(out.fileno(), 1 << 16)):
                self._hear(piece)
        finally:
            self._process.wait()
            self._over()


@contextmanager
def child(
    qemu: Qemu, words: Sequence[str], errors: IO[Any], hear: Callable[[bytes], None] | None, over: Callable[[], None]
) -> Iterator[Child]:
    """QEMU, started with `words`, to the end of the block at the latest; `over` is called when it has ended.

    With `hear` its output is handed on, and it reads nothing; without, the terminal is its own meanwhile.
    """
    mine = hear is not None
    with _terminal():
        process = subprocess.Popen(
            [*qemu.words, *words], stdin=subprocess.DEVNULL if mine else None, stdout=subprocess.PIPE if mine else None,
            stderr=errors, env={**os.environ, **qemu.environment}, preexec_fn=end_with_parent(),
        )  # fmt: skip
        running = Child(process, hear or (lambda piece: None), over)
        try:
            yield running
        finally:
            running.end()
            if process.stdout is not None:
                process.stdout.close()


@contextmanager
def _terminal() -> Iterator[None]:
    """As it was, whatever a program that was killed has made of it."""
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
