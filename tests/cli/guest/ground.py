"""What the tests of guests stand on: fetched by the product's own code, left out only where nothing can be fetched."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from typing import TypeVar

import pytest
from rich.console import Console

from ringbed.cli.guest.ground import Ground, QemuGround, find_ground, find_uml, is_there, uml_is_there
from ringbed.sim.guest.apt import FetchFailed, mirror
from tests.conftest import INSISTS, LACKS

__all__ = ["excused", "fetched", "fetched_uml"]


G = TypeVar("G")


def mirror_answers() -> bool:
    """Whether the mirror has what is fetched first: asked without a line of the product's fetch."""
    try:
        with urllib.request.urlopen(f"{mirror().rstrip('/')}/dists/trixie/InRelease", timeout=60) as answer:
            return len(answer.read()) > 1000
    except (OSError, ValueError, FetchFailed):
        return False


def fetched() -> QemuGround:
    """Without CI nobody asked for a download: such tests are for who has run `ringbed guest`. With CI set a test is
    left out only where a mirror cannot be reached, which is no part of a machine.
    """
    if not INSISTS and not is_there():
        pytest.skip(f"{LACKS}no QEMU and kernel for a guest are kept (`ringbed guest` keeps them)")
    return excused(lambda: find_ground(None, None, Console(stderr=True)), mirror_answers)


def fetched_uml() -> Ground:
    """As `fetched`; a machine without what builds a kernel is one that lacks a need."""
    if not INSISTS and not uml_is_there():
        pytest.skip(f"{LACKS}no kernel in lock step is kept (`ringbed guest --uml` builds it)")
    return excused(lambda: find_uml(None, None, Console(stderr=True)), mirror_answers)


def excused(find: Callable[[], G], answers: Callable[[], bool]) -> G:
    """A mirror that answers while the fetch fails is no excuse."""
    try:
        return find()
    except FetchFailed as why:
        if answers():
            pytest.fail(f"the mirror answers, and yet: {why}")
        pytest.skip(f"{LACKS}{why}")
