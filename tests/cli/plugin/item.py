"""A pytest item of the plugin's tests: what `Bench` and `told` read of one, and nothing that runs."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

__all__ = ["Item"]

GIVEN = {"engine": "native", "seed": 1, "trace": False, "out": "ringbed-out", "no_rerun": False}


class Item:
    """Of `test_a.py` in `folder`, where pytest was started, with markers and options as given.

    `others` are pytest's own options as it keeps them, `plugins` those that are loaded.
    """

    def __init__(
        self, folder: Path, *marked: dict[str, Any], name: str = "test_x", config_stash: pytest.Stash | None = None,
        plugins: Collection[str] = (), others: dict[str, Any] | None = None, **given: Any,
    ) -> None:  # fmt: skip
        self.nodeid, self.path, self.stash = f"test_a.py::{name}", folder / "test_a.py", pytest.Stash()
        session = pytest.Stash() if config_stash is None else config_stash
        self._markers = [pytest.mark.ringbed(**keys).mark for keys in marked]
        options = {f"ringbed_{key}": value for key, value in (GIVEN | given).items()}
        own: dict[str, Any] = {
            "inifilename": None,
            "rootdir": None,
            "override_ini": None,
            "pythonwarnings": None,
            "plugins": [],
        }
        self.config = SimpleNamespace(
            getoption=options.__getitem__, option=SimpleNamespace(**(own | (others or {}))),
            invocation_params=SimpleNamespace(dir=folder), stash=session,
            pluginmanager=SimpleNamespace(hasplugin=lambda plugin: plugin in plugins, getplugin=lambda name: None),
        )  # fmt: skip

    def iter_markers(self, name: str) -> list[pytest.Mark]:
        assert name == "ringbed"
        return self._markers

    @property
    def real(self) -> pytest.Item:
        """For a type checker: it is asked for nothing else."""
        return cast(pytest.Item, self)
