"""Which errors are a person's, and what they exit with."""

from __future__ import annotations

import errno
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


def test_what_a_machine_has_not_enough_of_is_its_own_fault() -> None:
    told = explain(OSError(errno.ENOSPC, "No space left on device"))
    assert told == ("what should be written has no room: No space left on device", Exit.ENVIRONMENT)
    assert explain(MemoryError()) == ("this machine has not enough memory for that", Exit.ENVIRONMENT)
    assert explain(OSError(errno.EBADF, "Bad file descriptor")) is None


def test_the_name_of_a_file_may_be_long() -> None:
    told = explain(OSError(errno.ENAMETOOLONG, "File name too long", "a\n" * 5000))
    assert told is not None
    assert "\n" not in told[0]
    assert len(told[0]) < 1500


def test_what_is_not_known_is_a_defect() -> None:
    assert explain(ValueError("inside")) is None
