"""A child process that does not outlive its parent, however that ends."""

from __future__ import annotations

import ctypes
import signal
from collections.abc import Callable

__all__ = ["end_with_parent"]

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent() -> Callable[[], None]:
    """For `preexec_fn`: SIGTERM when the thread that starts the child is gone, and with it its process (prctl(2))."""
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
