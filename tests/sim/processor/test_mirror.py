"""What a mirror says has changed, against a scan."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringbed.sim.processor.mirror import Change, Mirror

UNIT = 16


def scan(before: bytes, now: bytes) -> list[Change]:
    units = [(before[at : at + UNIT], now[at : at + UNIT]) for at in range(0, len(now), UNIT)]
    return [Change(index, new, old) for index, (old, new) in enumerate(units) if old != new]


@given(
    st.integers(1, 200),
    st.lists(st.lists(st.tuples(st.integers(0, 199), st.binary(min_size=1, max_size=40)), max_size=12), max_size=4),
)
def test_stores_against_a_scan(size: int, looks: list[list[tuple[int, bytes]]]) -> None:
    """Stores of any length at any place, some of what is there already, and several looks; a rest at the end too."""
    memory = bytearray(size)
    mirror = Mirror(memoryview(memory), UNIT)
    for stores in looks:
        before = bytes(memory)
        for at, data in stores:
            if at < size:
                memory[at : at + len(data)] = data[: size - at]
        assert mirror.take() == scan(before, bytes(memory))
        assert mirror.take() == []
        assert [mirror.unit(index) for index in range(-(-size // UNIT))] == [
            bytes(memory[at : at + UNIT]) for at in range(0, size, UNIT)
        ]


def test_all_of_a_ring() -> None:
    memory = bytearray(4096)
    mirror = Mirror(memoryview(memory), UNIT)
    memory[:] = b"\xff" * 4096
    assert [change.index for change in mirror.take()] == list(range(256))
