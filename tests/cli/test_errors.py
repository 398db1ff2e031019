"""Which errors are a person's, and what they exit with."""

from __future__ import annotations

import importlib

import pytest

from ringbed.cli.errors import KNOWN, Exit, UserError, explain


def test_exit_codes_are_fixed() -> None:
    assert {code.name: code.value for code in Exit} == {"OK": 0, "FINDING": 1, "USAGE": 2, "ENVIRONMENT": 3}


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_error_exists_and_is_explained(name: str) -> None:
    module, _, kind = name.rpartition(".")
    error = getattr(importlib.import_module(module), kind)
    assert issubclass(error, Exception)
    made = error.__new__(error)
    Exception.__init__(made, "a sentence")
    answer = explain(made)
    assert answer is not None
    assert answer[1] is KNOWN[name]


def test_a_subclass_is_known_by_its_base() -> None:
    class Special(UserError):
        pass

    assert explain(Special("no")) == ("no", Exit.USAGE)


def test_what_is_not_known_is_a_defect() -> None:
    assert explain(ValueError("inside")) is None
