"""What a stock driver on a card of ours takes: to its first ping, and for TCP both ways. For `ringbed bench guest`."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ringbed.cli.guest.errand import GuestOptions
from ringbed.cli.guest.run import run_guest
from ringbed.cli.guest.timed import TimedEngine
from ringbed.cli.serve.run import ServeOptions
from ringbed.conformance.guest import GATE
from ringbed.sim.serve.served import Served

__all__ = ["GuestRates", "Listener", "guest_rates"]

CHECKS = 'CHECKS="probe link pings tcp errors" SIZES=56 BYTES={size}\n'
BYTES = 8 << 20


@dataclass(slots=True)
class GuestRates:
    """Seconds of wall time, Mbit/s as the guest saw it, and of this process's processor time during TCP the share that
    the model's processor time is.
    """

    boot_s: float | None = None
    rates: dict[str, float] = field(default_factory=dict)
    model_share: float | None = None
    errors: int | None = None
    status: int = 0


class Listener:
    """To the gate's lines. `clock` gives seconds, `used` ns of processor time: all of this process, the model alone."""

    def __init__(self, clock: Callable[[], float], used: Callable[[], tuple[int, int]]) -> None:
        self.found = GuestRates()
        self._clock, self._used, self._begin = clock, used, clock()
        self._rest, self._before = b"", (0, 0)

    def hear(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._line(line.decode(errors="replace"))

    def _line(self, line: str) -> None:
        match line.split():
            case ["ok", "pings"]:
                self.found.boot_s = self._clock() - self._begin
            case ["#", "tcp"]:
                self._before = self._used()
            case ["ok", "tcp"]:
                processor, model = (now - before for now, before in zip(self._used(), self._before, strict=True))
                self.found.model_share = model / processor if processor else None
            case ["rate", way, size, hundredths]:
                self.found.rates[way] = int(size) * 8 / max(1, int(hundredths)) / 1e4
            case [number, "lines", "of", "error", "level"]:
                self.found.errors = int(number)


def guest_rates(divisor: int) -> GuestRates:
    """Raises Missing with what is not there: QEMU and a kernel that cannot be fetched, a TAP device."""
    engines: list[TimedEngine] = []

    def opened(served: Served) -> None:
        assert isinstance(served.engine, TimedEngine)
        engines.append(served.engine)

    listener = Listener(time.monotonic, lambda: (time.process_time_ns(), engines[0].model_cpu_ns))
    with tempfile.TemporaryDirectory(prefix="ringbed-bench.") as folder:
        script = Path(folder) / "script"
        script.write_text(CHECKS.format(size=BYTES // divisor) + GATE.read_text())
        serve = ServeOptions(
            Path(), "kernel", "10.77.0.1/24", "", None, None, None, 64, (), None, open_engine=TimedEngine
        )
        options = GuestOptions(None, None, script, None, "", None, False, None, None, serve)
        listener.found.status = run_guest(options, listener.hear, opened)
    return listener.found
