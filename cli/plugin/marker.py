"""The marker of the pytest plugin: what a test, its class and its module say of the card. docs/pytest.md has the keys.

What is wrong with one is a UsageError, whose sentence is all that the report then shows.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

__all__ = ["OWN", "driver_of", "must_record", "must_take_a_card", "settings_of"]

OWN = ("map", "driver", "address", "findings")  # keys that are not for the engine
OPTIONS = (
    "offloads",
    "waves",
    "checker",
    "processor",
    "errata",
)  # and those that are, but are no settings of every engine


def settings_of(item: pytest.Item) -> dict[str, Any]:
    """All markers of a test, its own before its class's, before its module's. UsageError for one that is none."""
    merged: dict[str, Any] = {}
    for marker in item.iter_markers("ringbed"):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.ringbed({marker.args[0]!r}): name it, such as map={marker.args[0]!r}"
            )
        merged = {**marker.kwargs, **merged}
    _check_keys(merged)
    _check_values(merged, item.path.parent)
    return merged


def _wrong(key: str, value: object, why: str) -> pytest.UsageError:
    return pytest.UsageError(f"@pytest.mark.ringbed({key}={value!r}): {why}")


def _check_keys(marker: dict[str, Any]) -> None:
    from ringbed.sim.seam.settings import Settings

    known = [*OWN, *OPTIONS, *(each.name for each in dataclasses.fields(Settings))]
    for key in marker:
        if key not in known:
            raise pytest.UsageError(
                f"@pytest.mark.ringbed({key}=...): there is no such key; there are {', '.join(known)}"
            )
    if "map" in marker and "driver" not in marker:
        raise _wrong("map", marker["map"], "it goes with a driver, which is not given")
    if marker.get("findings", "allowed") != "allowed":
        raise _wrong("findings", marker["findings"], "only 'allowed' can be said")


def _check_values(marker: dict[str, Any], here: Path) -> None:
    """Of what is not checked by who uses it, or with a traceback into files of ours."""
    from ringbed.hw.formats.em import OFFLOADS
    from ringbed.sim.seam.settings import Settings

    try:
        Settings.of({key: value for key, value in marker.items() if key not in (*OWN, *OPTIONS)})
    except ValueError as error:
        raise pytest.UsageError(f"@pytest.mark.ringbed: {error}") from None
    if "map" in marker and not (isinstance(marker["map"], (str, Path)) and os.path.isfile(here / marker["map"])):
        raise _wrong("map", marker["map"], f"there is no such file in {here}")
    if "checker" in marker:
        if "map" in marker:
            raise _wrong("checker", marker["checker"], "it knows the rules of em, and this card is your own")
        if marker["checker"] not in (True, False, "lines"):
            raise _wrong("checker", marker["checker"], "True, False or 'lines'")
    if "processor" in marker:
        _check_processor(marker)
    if "errata" in marker:
        _check_errata(marker)
    if "offloads" in marker:
        if "map" in marker:
            raise _wrong("offloads", marker["offloads"], "they are those of em, and this card is your own")
        given = marker["offloads"]
        if not isinstance(given, (list, tuple)) or any(each not in OFFLOADS for each in given):
            raise _wrong("offloads", given, f"a list of some of {', '.join(OFFLOADS)}")


def _check_errata(marker: dict[str, Any]) -> None:
    from ringbed.hw.errata.asked import errata_writes

    given = marker["errata"]
    if "map" in marker or "offloads" in marker:
        raise _wrong("errata", given, "they are of em's lab, which goes with neither map= nor offloads=")
    if not isinstance(given, dict) or not all(isinstance(wanted, dict) for wanted in given.values()):
        raise _wrong("errata", given, "a mapping, such as {'tx-stall-32-bytes': {'length': 40}}")
    try:
        errata_writes(given)
    except ValueError as error:
        raise _wrong("errata", given, str(error)) from None


def _check_processor(marker: dict[str, Any]) -> None:
    from ringbed.sim.checker.wanted import check_for, check_without_rules
    from ringbed.sim.processor.model import Processor

    processor = marker["processor"]
    if not isinstance(processor, Processor):
        raise _wrong("processor", processor, "it is a Processor, of ringbed.lab")
    try:
        if "map" in marker:
            check_without_rules(processor)
        else:
            check_for("", marker.get("checker"), processor)
    except ValueError as error:
        raise pytest.UsageError(f"@pytest.mark.ringbed: {error}") from None


def must_record(engine: str, waves: object) -> None:
    """UsageError where an engine of this kind records no such waveform here; "" is none."""
    from ringbed.sim.engines import wave_formats

    if waves not in ("", *wave_formats(engine)):
        there = " or ".join(map(repr, wave_formats(engine))) or "none"
        raise _wrong("waves", waves, f"a waveform of engine {engine} is {there} on this machine")


def driver_of(named: str | Callable[..., Any]) -> Callable[..., Any]:
    """The class itself, or `module:Class` of a module that tests can import."""
    if callable(named):
        return named
    module, _, name = str(named).partition(":")
    if not name or not all(each.isidentifier() for each in module.split(".")):
        raise _wrong("driver", named, "it is a class, or 'module:Class'")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # of a module of theirs that is there, and imports what is not
        raise _wrong("driver", named, f"there is no module {error.name} that tests can import") from None
    if not callable(found):
        raise _wrong("driver", named, f"module {module} has no {name}{'' if found is None else ' that is a class'}")
    made: Callable[..., Any] = found
    return made


def must_take_a_card(named: object, make: Callable[..., Any], **more: object) -> None:
    """UsageError for a class that is not made of what a driver of this card is made of."""
    try:
        inspect.signature(make).bind(None, None, None, **more)
    except TypeError as error:
        words = ", ".join(["device, dma, sink", *(f"{key}=..." for key in more)])
        which = "of the card of a map" if more else "of em, the card without map=,"
        raise _wrong("driver", named, f"a driver {which} is made of ({words}): {error}") from None
    except ValueError:
        return  # Python does not know what it takes
