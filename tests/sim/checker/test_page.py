"""The script on docs/driver-checker.md prints what the page says, and the page names every rule."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ringbed import lab
from ringbed.hw.formats.em.rules import RULES

PAGE = (Path(__file__).parents[3] / "docs" / "driver-checker.md").read_text(encoding="utf-8")
PLACES = ((r"0x[0-9a-f]+", "ADDRESS"), (r"[\w./]+\.py:\d+(-\d+)?", "FILE:LINE"), (r"clock \d+", "clock N"))
SCRIPTS = ("See it find something", "Stores come late")


def block(language: str, section: str) -> str:
    text = PAGE.partition(f"## {section}\n")[2].partition("\n## ")[0]
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_every_script_is_run() -> None:
    assert PAGE.count("```python\n") == len(SCRIPTS)
    assert PAGE.count("```py\n") == 1


@pytest.mark.needs("native")
@pytest.mark.parametrize("section", SCRIPTS)
def test_the_script_prints_what_the_page_says(section: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block("python", section), "/page/driver_checker.py", "exec"), {"__name__": "page"})
    said = capsys.readouterr().out
    for pattern, name in PLACES:
        said = re.sub(pattern, name, said)
    assert said == block("text", section)


@pytest.mark.needs("native")
def test_the_line_with_a_processor() -> None:
    names: dict[str, Any] = {name: getattr(lab, name) for name in ("Collector", "Processor", "open_host")}
    exec(block("py", "A processor takes time"), names)
    host = names["host"]
    host.up()
    host.down()
    assert host.findings() == []
    host.engine.close()


def test_it_names_every_rule() -> None:
    table = PAGE.partition("## The rules")[2].partition("## What it")[0]
    named = set()
    for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        names = re.findall(r"`([\w.]+)`", cell)
        named |= {names[0].partition(".")[0] + name if name.startswith(".") else name for name in names}
    assert named == set(RULES.rules)
