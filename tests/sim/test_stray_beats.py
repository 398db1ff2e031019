"""Which stray beats are one finding, and in which words: the same on every engine, run at once or clock by clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ringbed.drivers.world import Direction
from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.memory.host import HostMemory, Response
from ringbed.sim.seam.engine import Event, Finding
from tests.sim.conftest import needs_native
from tests.sim.pysim.test_dma import pulse
from tests.sim.toy import pins_spec

KINDS = [pytest.param("native", marks=needs_native), "pysim", pytest.param("cocotb-icarus", marks=pytest.mark.cocotb)]
BEATS = 16
Scene = Callable[[HostMemory], int]  # maps things; where a burst of BEATS words begins


def beside(memory: HostMemory) -> int:
    """Bytes that are broken at the end of a buffer, and nothing behind them: SLVERR beside DECERR in one burst."""
    mapping = memory.map(bytes(32), Direction.TO_DEVICE)
    memory.set_faulty(mapping.iova + 16, 16)
    return mapping.iova


def between(memory: HostMemory) -> int:
    """Beyond one buffer, as far as the next, and in that one too, which is not to be read."""
    first = memory.map(bytes(64), Direction.TO_DEVICE)
    memory.map(bytes(64), Direction.FROM_DEVICE)
    return first.iova + 32


def ended(memory: HostMemory) -> int:
    """In a buffer that is unmapped, and over its end."""
    mapping = memory.map(bytes(60), Direction.TO_DEVICE)
    memory.unmap(mapping)
    return mapping.iova


SCENES = [beside, between, ended]


def opened(kind: str, memory: HostMemory) -> AnyEngine:
    engine = open_engine(kind, pins_spec(), memory, read_latency=2, write_latency=2)
    engine.set_pin("p_m_axi_rready", 1)
    return engine


def naive(memory: HostMemory, start: int, bursts: int) -> list[tuple[str, str, int]]:
    """Runs of beats with the same answer, by where they began; in the words of the one that reached farthest."""
    found: dict[object, tuple[int, str, int]] = {}
    for _ in range(bursts):
        before, began = Response.OKAY, 0
        for address in (start + 8 * beat for beat in range(BEATS)):
            _, answer = memory.device_read(address, 8)
            if answer is not Response.OKAY:
                began = began if answer is before else address
                place = memory.locate(began, address + 8, write=False)
                text = f"the device reads {began:#x} and is answered {answer.name}: {place.text}"
                reach, words, count = found.get((answer, began), (0, text, 0))
                best = text if place.reach > reach else words
                found[answer, began] = max(reach, place.reach), best, count + 1
            before = answer
    return [("dma.read", text, count) for _, text, count in found.values()]


def told(findings: list[Finding]) -> list[tuple[str, str, int]]:
    return [(each.rule, each.text, each.count) for each in findings]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", [1, 200], ids=["clock by clock", "at once"])
@pytest.mark.parametrize("scene", SCENES)
def test_beats_are_merged_by_answer_and_beginning(kind: str, step: int, scene: Scene) -> None:
    memory = HostMemory(trace_origins=False)
    start, bursts = scene(memory), 2
    engine = opened(kind, memory)
    for _ in range(bursts):
        pulse(engine, arvalid=1, araddr=start, arlen=BEATS - 1, arsize=3, arburst=1)
        for _ in range(0, 200, step):
            engine.run(engine.now + step, Event.NONE)
    findings = engine.findings()
    assert told(findings) == naive(memory, start, bursts)
    assert all(each.last is not None and each.last >= each.clock + 200 for each in findings)
    assert len({each.last for each in findings}) == len(findings), "each was seen last in a beat of its own"
    engine.close()


@pytest.mark.parametrize("kind", [*KINDS[:2]])
def test_a_long_frame_of_stray_beats_loses_none(kind: str) -> None:
    """16 KB beyond a buffer before anybody looks: one finding, every beat counted."""
    memory = HostMemory(trace_origins=False)
    start = memory.map(bytes(64), Direction.TO_DEVICE).iova + 64
    engine = opened(kind, memory)
    for burst in range(8):
        pulse(engine, arvalid=1, araddr=start + 2048 * burst, arlen=255, arsize=3, arburst=1)
    engine.run(engine.now + 2100, Event.NONE)
    [finding] = [each for each in engine.findings() if each.rule != "axi.4k"]
    assert finding.count == 2048
    assert "beyond, by 16384 bytes, the mapping of 64 bytes" in finding.text
    engine.close()
