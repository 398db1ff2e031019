"""Two runs, compared access by access, whatever their scripts come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ringbed.cli.guest import same
from ringbed.cli.guest.errand import GuestOptions
from ringbed.sim.lockstep.card import Access
from ringbed.sim.lockstep.pci_message import CONFIG


def runs(*seen: tuple[int, list[Access]]) -> Callable[..., int]:
    """In the place of `run_uml`: each with its status and its accesses."""
    left: Iterator[tuple[int, list[Access]]] = iter(seen)

    def run(options: GuestOptions, hear: Callable[[bytes], None], watch: Callable[[Access], None]) -> int:
        status, accesses = next(left)
        for each in accesses:
            watch(each)
        return status

    return run


ONE, OTHER, LATER = (Access(clock, "read", 0, place, b"x") for clock, place in ((5, 0), (9, 4), (10, 4)))
CONFIGURED = Access(1, "read", CONFIG, 0, b"y")


@pytest.mark.parametrize(
    ("second", "differ"),
    [([ONE, OTHER], 0), ([ONE, LATER], 1), ([ONE], 1), ([ONE, OTHER, LATER], 1), ([CONFIGURED, ONE, OTHER], 0)],
)
def test_what_differs_is_counted(monkeypatch: pytest.MonkeyPatch, second: list[Access], differ: int) -> None:
    monkeypatch.setattr(same, "run_uml", runs((0, [ONE, OTHER]), (0, second)))
    assert same.uml_same() == same.Same(2, differ, 0)


@pytest.mark.parametrize(("first", "second"), [(7, 0), (0, 7), (7, 3)])
def test_both_are_run_though_a_script_fails(monkeypatch: pytest.MonkeyPatch, first: int, second: int) -> None:
    monkeypatch.setattr(same, "run_uml", runs((first, [ONE]), (second, [ONE])))
    assert same.uml_same() == same.Same(1, 0, first or second)
