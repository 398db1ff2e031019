"""How Verilator's files become units: each in one, slow ones apart, none too long but a file that is; a small card is
one with its harness.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.native.compile import FAST, SLOW, SMALL, UNIT, Unit, units

SIZES = st.lists(st.tuples(st.integers(1, 40_000) | st.integers(1, 1_500_000), st.booleans()), min_size=1, max_size=12)


def included(source: Path) -> list[Path]:
    return [source.with_name(name) for name in re.findall(r'^#include "(.*)"$', source.read_text(), re.MULTILINE)]


@given(sizes=SIZES)
def test_every_file_is_in_one_unit_of_its_level(sizes: list[tuple[int, bool]]) -> None:
    with tempfile.TemporaryDirectory() as work:
        files = [Path(work) / f"Vtop_{number}{'__Slow' * slow}.cpp" for number, (_, slow) in enumerate(sizes)]
        for path, (size, _) in zip(files, sizes, strict=True):
            with path.open("wb") as file:
                file.truncate(size)  # of nothing: no disk is filled
        harness = Path(work) / "harness.cpp"
        harness.write_text("not Verilator's")
        found = units(Path(work), "Vtop", harness)
        if sum(size for size, _ in sizes) <= SMALL:
            (whole,) = found
            assert (sorted(included(whole.source)), whole.level) == (sorted([*files, harness]), FAST)
            return
        assert found.pop(0) == Unit(harness)
        assert sorted(path for unit in found for path in included(unit.source)) == sorted(files)
        for unit in found:
            inside = included(unit.source)
            assert {SLOW if path.stem.endswith("__Slow") else FAST for path in inside} == {unit.level}
            assert len(inside) == 1 or sum(path.stat().st_size for path in inside) <= UNIT
        first, *rest = (unit for unit in found if unit.level == FAST) if any(not slow for _, slow in sizes) else found
        longest = max(path.stat().st_size for path in included(first.source))
        assert all(path.stat().st_size <= longest for unit in rest for path in included(unit.source))
