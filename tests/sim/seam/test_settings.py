"""Options are checked when they are given."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from ringbed.sim.seam.settings import Settings


def test_defaults_are_those_of_the_bench() -> None:
    settings = Settings()
    assert (settings.read_latency, settings.write_latency, settings.pacing, settings.check) == (50, 50, None, True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"read_latency": 0}, "read_latency must be at least 1 clock, not 0"),
        ({"seed": -1}, "seed -1 must fit 32 bits"),
        ({"manner": "lenient"}, "manner must be 'hardware' or 'strict', not 'lenient'"),
        ({"backpressure": 1.0}, "backpressure is a probability below 1, not 1.0"),
        ({"link_bps": 9600}, "a link runs at 10M to 100G bits per second, not 9600"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match="not|must") as caught:
        Settings(**options)
    assert sentence in str(caught.value)


def test_a_name_that_is_none_is_told_with_those_there_are() -> None:
    assert Settings.of({"seed": 3}) == Settings(seed=3)
    with pytest.raises(ValueError, match=r"^there is no setting 'latency'; there are read_latency, .*plusargs, leap$"):
        Settings.of({"latency": 3}, "leap")


@pytest.mark.parametrize("name", [each.name for each in fields(Settings)])
@pytest.mark.parametrize("value", ["1", b"1", [1], {}, 1.5, True, None, object()], ids=lambda of: type(of).__name__)
def test_a_value_of_another_type_is_named(name: str, value: object) -> None:
    """For every setting there is, so that the next cannot be forgotten."""
    good: dict[str, set[type]] = {
        "bool": {bool},
        "float": {float},
        "str": {str},
        "int | None": {type(None)},
        "tuple[str, ...]": {list},
    }
    if type(value) not in good.get(str(next(each.type for each in fields(Settings) if each.name == name)), set()):
        with pytest.raises(ValueError, match=f"^{name} must be "):
            Settings.of({name: value})
