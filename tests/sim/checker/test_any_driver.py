"""A driver may do anything: the checker raises nothing, and what it holds of rings agrees with a naive count."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.drivers.world import Direction, PciIdentity
from ringbed.hw.formats.em.rules import RULES
from ringbed.sim.checker.checker import Checker
from ringbed.sim.checker.world import checked
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.testbed.host import Collector

AT = {register.name: register.offset for register in RULES.registers}
NAMES = (
    "RDBAL",
    "RDBAH",
    "RDLEN",
    "RDH",
    "RDT",
    "TDBAL",
    "TDBAH",
    "TDLEN",
    "TDH",
    "TDT",
    "RCTL",
    "TCTL",
    "CTRL",
    "RXDCTL",
)
VALUES = st.sampled_from((0, 1, 2, 3, 7, 8, 9, 64, 128, 256, 1 << 26, 1 << 30, 0xFFFF_FFFF, 0x2000_1000, 0x2000_1080))


class Card:
    """Takes every access; its clock is moved by `read`."""

    pci = PciIdentity(0x8086, 0x100E, 2, 0x020000, (1 << 17, 0, 8), "intx", io_bar=2)

    def __init__(self) -> None:
        self.now = 0

    def read(self, bar: int, offset: int, size: int = 4) -> int:
        self.now += 1
        return 0xFFFF_FFFF

    def write(self, bar: int, offset: int, value: int, size: int = 4) -> None:
        pass

    def peek(self, bar: int, offset: int = 0) -> int:
        return 0


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(NAMES), VALUES),
        st.tuples(st.just("store"), st.integers(0, 255), st.binary(min_size=1, max_size=40)),
        st.tuples(st.just("card"), st.integers(0, 255), st.binary(min_size=1, max_size=40)),
        st.tuples(st.just("map"), st.booleans(), st.integers(1, 4096)),
        st.tuples(st.just("unmap"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("window"), st.sampled_from(NAMES), VALUES),
        st.tuples(st.just("point"), st.integers(0, 15), st.integers(0, 5)),
    ),
    max_size=40,
)


def step(what: str, first: Any, second: Any, world: Any, ring: Any, mapped: list[Any]) -> None:
    device, dma, _ = world
    if what == "write":
        device.write(0, AT[first], second)
    elif what == "window":
        device.write(2, 0, AT[first])
        device.write(2, 4, second)
    elif what in ("store", "card"):
        if what == "card":
            device.write(0, AT["TIPG"], 0)  # the driver's stores until now are seen
        ring.view[first : first + len(second)] = second[: 256 - first]
        if what == "card":
            device.read(0, 8)
    elif what == "map":
        mapped.append(dma.map(bytearray(second), Direction.TO_DEVICE if first else Direction.FROM_DEVICE))
    elif what == "unmap" and first < len(mapped):
        dma.unmap(mapped.pop(first))
    elif what == "point" and second < len(mapped):
        ring.view[16 * first : 16 * first + 8] = mapped[second].iova.to_bytes(8, "little")


@given(STEPS)
@settings(max_examples=300)
def test_nothing_is_raised_and_every_buffer_is_counted_right(steps: list[tuple[str, Any, Any]]) -> None:
    card: Any = Card()
    memory = HostMemory(size=1 << 20)
    checker = Checker(RULES, card, memory)
    world = checked(checker, card, memory, Collector())
    ring, mapped = world[1].coherent(256), list[Any]()
    for way in ("RD", "TD"):
        world[0].write(0, AT[way + "BAL"], ring.iova & 0xFFFF_FFFF)
        world[0].write(0, AT[way + "BAH"], ring.iova >> 32)
        world[0].write(0, AT[way + "LEN"], 128)
    for what, first, second in steps:
        step(what, first, second, world, ring, mapped)
        held = [lent for each in (checker.rx, checker.tx) for lent in each.held.values()]
        for lent in mapped:
            assert lent.owned == sum(lent is other for other in held)
    checker.leave()
    for finding in checker.take():
        assert finding.rule in RULES.rules
        assert str(finding)
