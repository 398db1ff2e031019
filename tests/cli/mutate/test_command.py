"""`ringbed mutate` as a person runs it, on blocks whose tests are held to its bar."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringbed.cli.errors import Exit
from tests.cli.test_main import run

HELD = ("rx_filter",)


@pytest.mark.full
@pytest.mark.needs("yosys", "native")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("block", HELD)
def test_the_blocks_tests_find_its_mutants(block: str, tmp_path: Path) -> None:
    assert (
        run("mutate", "--nic", "em", "--block", block, "--count", "60", "--seed", "1", "--json", str(tmp_path / "m"))
        == Exit.OK
    )
    shape = json.loads((tmp_path / "m").read_text())
    assert [(row["id"], row["ok"]) for row in shape["rows"]] == [(f"mutate.{block}", True)]
    assert len(shape["blocks"][0]["mutants"]) == 60
