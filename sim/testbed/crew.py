"""The threads that share the hosts of a window. With one there are none: the caller does the work itself.

An engine in C++ leaves the interpreter lock while it runs, so that cards do run at once. Nothing is shared between
hosts (each has its own memory, driver, stack and counters), so neither the split nor who is faster can be seen in the
outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ringbed.sim.testbed.host import Host

__all__ = ["Crew"]


class Crew:
    """`threads` in all, the caller's among them. Raises ValueError for none."""

    def __init__(self, threads: int = 1) -> None:
        if threads < 1:
            raise ValueError(f"{threads} threads run nothing")
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads - 1, "ringbed-host") if threads > 1 else None

    def advance(self, hosts: Sequence[Host[Any]], until: int) -> None:
        """Run each to `until` ns. What a host raises is raised here; of several, the first in the order given."""
        if self._pool is None or len(hosts) < 2:
            _advance(hosts, until)
            return
        shares = [hosts[index :: self.threads] for index in range(min(self.threads, len(hosts)))]
        futures = [self._pool.submit(_advance_all, share, until) for share in shares[1:]]
        failed = _advance_all(shares[0], until)
        for future in futures:
            failed |= future.result()
        for host in hosts:
            if host in failed:
                raise failed[host]

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()


def _advance(hosts: Sequence[Host[Any]], until: int) -> None:
    for host in hosts:
        host.advance(until)


def _advance_all(hosts: Sequence[Host[Any]], until: int) -> dict[Host[Any], Exception]:
    """The same, a host that raises in nobody's way; what each of them raised."""
    failed: dict[Host[Any], Exception] = {}
    for host in hosts:
        try:
            host.advance(until)
        except Exception as error:  # raised again by `advance`
            failed[host] = error
    return failed
