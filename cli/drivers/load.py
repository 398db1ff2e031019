"""A driver by the words `MODULE:CLASS`: imported from here, and seen to be one, or a sentence says why not."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ringbed.cli.errors import UserError

__all__ = ["load_driver"]


def load_driver(
    named: str, more: Sequence[str] = (), methods: Sequence[str] = (), beside: Path | None = None
) -> Callable[..., Any]:  # fmt: skip
    """The class, or whatever makes a driver of (device, dma, sink) and the keywords `more`. Raises UserError.

    Modules are looked for in the current folder first, as `python -m` does, and then in that of the file `beside`.
    """
    module, colon, name = named.partition(":")
    if not colon or not name.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise UserError(f"{named!r} names no driver: it is MODULE:CLASS, such as my_nic:MyNic")
    for folder in (beside and str(beside.resolve().parent), os.getcwd()):
        if folder and folder not in sys.path:
            sys.path.insert(0, folder)
    found = getattr(_imported(module), name, None)
    if not callable(found):
        raise UserError(f"module {module} has no {name}{'' if found is None else ' that makes a driver'}")
    _must_take_a_card(named, found, more)
    if isinstance(found, type) and (lacks := [each for each in methods if not callable(getattr(found, each, None))]):
        raise UserError(f"{named} is no driver: it has no {', '.join(lacks)} (drivers/world.py says what one has)")
    made: Callable[..., Any] = found
    return made


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise UserError(f"there is no module {error.name}, neither here nor where Python looks") from None
        raise UserError(_why(module, error)) from None
    except (Exception, SystemExit) as error:
        raise UserError(_why(module, error)) from None


def _why(module: str, error: BaseException) -> str:
    """Why it cannot be imported, with the last line of theirs on the way there."""
    if isinstance(error, SyntaxError):
        return f"module {module} cannot be imported: {error.msg} ({error.filename}:{error.lineno})"
    walked = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith("<")]
    where = f" ({walked[-1].filename}:{walked[-1].lineno})" if len(walked) > 1 else ""
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"module {module} cannot be imported: {words}{where}"


def _must_take_a_card(named: str, make: Callable[..., Any], more: Sequence[str]) -> None:
    try:
        inspect.signature(make).bind(None, None, None, **dict.fromkeys(more))
    except TypeError as error:
        words = ", ".join(["device, dma, sink", *(f"{key}=..." for key in more)])
        raise UserError(f"{named} is no driver of this card: one is made of ({words}), and {error}") from None
    except ValueError:
        return  # Python does not know what it takes
