"""docs/write-a-saboteur.md, done as it says: its two files, and what they print."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "write-a-saboteur.md"


@pytest.mark.timeout(900)
def test_every_step_of_the_page(tmp_path: Path) -> None:
    """`python try_it.py`, on the engine that needs no compiler."""
    text = PAGE.read_text(encoding="utf-8")
    files = dict(re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    assert sorted(files) == ["my_bug.py", "try_it.py"]
    for name, body in files.items():
        (tmp_path / name).write_text(body, encoding="utf-8")
    [printed] = re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    done = subprocess.run(
        [sys.executable, "try_it.py", "pysim"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout == printed
