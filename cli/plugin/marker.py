"""The marker of the pytest plugin: what a test, its class and its module say of the card. docs/pytest.md has the keys.

What is wrong with one is a UsageError, whose sentence is all that the report then shows.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["OWN", "driver_of", "settings_of"]

OWN = ("map", "driver", "address", "findings")  # keys that are not settings of the engine


def settings_of(item: pytest.Item) -> dict[str, Any]:
    """All markers of a test, its own before its class's, before its module's. UsageError for one that is none."""
    merged: dict[str, Any] = {}
    for marker in item.iter_markers("ringbed"):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.ringbed({marker.args[0]!r}): name it, such as map={marker.args[0]!r}"
            )
        merged = {**marker.kwargs, **merged}
    _check(merged)
    return merged


def _check(marker: dict[str, Any]) -> None:
    from ringbed.sim.seam.settings import Settings

    known = [*OWN, "offloads", "waves", *(each.name for each in dataclasses.fields(Settings))]
    for key in marker:
        if key not in known:
            raise pytest.UsageError(
                f"@pytest.mark.ringbed({key}=...): there is no such key; there are {', '.join(known)}"
            )
    if ("map" in marker) != ("driver" in marker):
        has, lacks = ("map", "driver") if "map" in marker else ("driver", "map")
        raise pytest.UsageError(
            f"@pytest.mark.ringbed({has}={marker[has]!r}): it goes with a {lacks}, which is not given"
        )
    if marker.get("findings", "allowed") != "allowed":
        raise pytest.UsageError(f"@pytest.mark.ringbed(findings={marker['findings']!r}): only 'allowed' can be said")


def driver_of(named: str | Callable[..., Any]) -> Callable[..., Any]:
    """The class itself, or `module:Class` of a module that tests can import."""
    if callable(named):
        return named
    module, _, name = str(named).partition(":")
    if not name:
        raise pytest.UsageError(f"@pytest.mark.ringbed(driver={named!r}): a class, or 'module:Class', goes with a map")
    found: Callable[..., Any] | None = getattr(importlib.import_module(module), name, None)
    if found is None:
        raise pytest.UsageError(f"@pytest.mark.ringbed(driver={named!r}): module {module} has no {name}")
    return found
