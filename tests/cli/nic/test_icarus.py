"""`ringbed nic verilog --icarus` in a flow of one's own: the script that docs/cocotb.md has, word for word."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "cocotb.md").read_text(encoding="utf-8")


@pytest.mark.needs("cocotb-icarus")
@pytest.mark.cocotb
@pytest.mark.timeout(300)
def test_a_flow_of_ones_own(tmp_path: Path) -> None:
    (block,) = re.findall(r"```sh\n(ringbed nic verilog em --icarus .*)\n```", PAGE)
    (script,) = re.findall(r"```python\n(from cocotb_tools\.runner .*?)```", PAGE, re.S)
    (tmp_path / "own_flow_tests.py").write_text((Path(__file__).parent / "own_flow_tests.py").read_text())
    (tmp_path / "flow.py").write_text(script)
    # cocotb's runner asks for it, and calls its results otherwise
    env = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    for words in (["-m", "ringbed.cli.main", *block.split()[1:]], ["flow.py"]):
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (results,) = tmp_path.rglob("results.xml")
    (case,) = ElementTree.parse(results).iter("testcase")
    assert case.get("name") == "a_ping"
    assert case.find("failure") is None
