"""The far end of a served card's wire: a kernel's TAP device, and a capture that is played."""

from __future__ import annotations

import os
import select
from fractions import Fraction
from pathlib import Path

import pytest

from ringbed.sim.cards import EM_PCI
from ringbed.sim.kernel.netns import KernelHost
from ringbed.sim.kernel.tap import Tap
from ringbed.sim.seam.clock import Frequency
from ringbed.sim.serve.wires import GAP_NS, ReplayWire, TapWire
from ringbed.sim.testbed.assembly import StackOnDriver
from ringbed.sim.wire.cable import LATENCY_NS
from ringbed.sim.wire.frame import to_wire
from ringbed.sim.wire.replay import Capture, CapturedFrame
from ringbed.stack.stack import Stack
from tests.sim.conftest import needs_native
from tests.sim.serve.bench import Bench, Machine
from tests.sim.wire.far_end import FarEnd

SIZES, LOOKS = [0, 1, 18, 56, 1472], 20_000
HALF = Frequency(Fraction(500_000_000))  # two nanoseconds a clock
FRAMES = [bytes([number]) * 60 for number in range(3)]


def test_a_tap_device_gets_and_gives_frames_a_latency_later() -> None:
    end = FarEnd()
    reader, writer = os.pipe2(os.O_NONBLOCK)
    wire = TapWire(end, Tap(reader), HALF)  # a pipe keeps what is written in order; frames are one write each
    os.write(writer, FRAMES[0])
    assert wire.move(8_000) == 1
    assert end.came == [(4_000 + LATENCY_NS // 2, to_wire(FRAMES[0]))]
    assert (wire.files(), wire.deadline()) == ([reader], None)
    os.close(reader)
    os.close(writer)
    reader, writer = os.pipe2(os.O_NONBLOCK)
    wire = TapWire(end, Tap(writer), HALF)
    wire._tap.read = lambda limit=64: []  # type: ignore[method-assign]
    end.left = [(10, to_wire(FRAMES[1]))]
    assert wire.move(20) == 1
    assert os.read(reader, 100) == FRAMES[1]
    os.close(reader)
    os.close(writer)


def test_a_capture_is_played_once_the_card_has_sent_a_frame() -> None:
    end, capture = FarEnd(), Capture("c", [CapturedFrame(frame, 0, 60) for frame in FRAMES])
    wire = ReplayWire(end, HALF, capture)
    assert (wire.move(1_000), end.came) == (0, [])
    end.left = [(5, to_wire(FRAMES[0]))]
    assert wire.move(2_000) == 1 + 3
    assert end.came == [(1_000 + n * GAP_NS // 2, to_wire(frame)) for n, frame in enumerate(FRAMES)]
    end.left = [(6, to_wire(FRAMES[0]))]
    assert (wire.move(3_000), wire.replayed, len(end.came)) == (1, 3, 3)
    assert (wire.files(), wire.deadline()) == ((), None)


def test_without_a_capture_frames_are_taken() -> None:
    end = FarEnd()
    end.left = [(5, to_wire(FRAMES[0]))]
    assert ReplayWire(end, HALF).move(1) == 1
    assert (end.left, end.came) == ([], [])


@pytest.mark.tap
@needs_native
def test_a_kernel_pings_a_stack_on_our_driver_over_the_socket(tmp_path: Path) -> None:
    """The whole way: Linux, TAP device, wire, RTL, vfio-user, driver, stack, and back."""
    with KernelHost.create("10.77.0.1/24") as kernel:
        bench = Bench(tmp_path, make_wire=lambda end, frequency: TapWire(end, kernel.tap, frequency))
        above = StackOnDriver(Stack("guest"))
        machine = Machine(bench, above)
        above.attach(machine.driver, EM_PCI)
        above.ifd.add_ifl().add_iff().add_ifa("10.77.0.2/24")
        machine.driver.up()
        job = kernel.start("ping", target="10.77.0.2", sizes=SIZES, seconds=20.0)
        for _ in range(LOOKS):
            machine.work(50)
            above.work(bench.engine.frequency.ns(bench.engine.now))
            if job.done():
                break
            select.select([kernel.tap], [], [], 0.002)
        assert job.result()["good"] == len(SIZES)
        machine.close()
        assert bench.served.findings() == []
        bench.close()
