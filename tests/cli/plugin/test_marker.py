"""What a marker may say, and the one sentence for one that says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.plugin.runs import MARKED, MERGED, THEIRS, run, sentence, theirs


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ('"mini_nic.toml", driver="mini_driver:MiniNic"', "ringbed('mini_nic.toml'): name it, such as map="),
        ('driver="mini_driver:MiniNic"', "it goes with a map, which is not given"),
        ('map="mini_nic.toml"', "it goes with a driver, which is not given"),
        ("latency=3", "ringbed(latency=...): there is no such key; there are map,"),
        ('findings="some"', "ringbed(findings='some'): only 'allowed' can be said"),
        ('map="mini_nic.toml", driver="mini_driver:No"', "module mini_driver has no No"),
    ],
)
def test_a_wrong_marker_is_one_sentence(tmp_path: Path, marker: str, said: str) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MARKED.format(marker, "1"))
    assert done.returncode == 1
    assert said in sentence(done)


def test_markers_are_merged_the_closest_first(tmp_path: Path) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MERGED)
    assert done.returncode == 0, done.stdout


def test_a_driver_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, THEIRS.replace("mini_driver:MiniNic", "mini_driver"))
    assert "a class, or 'module:Class', goes with a map" in done.stdout
