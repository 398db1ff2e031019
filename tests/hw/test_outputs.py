"""Every output of every block is read by a test of that block: by its text, and by breaking it in the full run.

A block is a component in one of the rooms of `hw/` that a frame passes; its tests are in the file of the same place.
The text is looked through for the name of each port and of each of its fields where they are read (`reading.py`); that
a test does more than name them is seen when each is broken, of every block in turn, which takes minutes for each.
"""

from __future__ import annotations

import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Fragment
from amaranth.lib import wiring

import ringbed.hw
from ringbed.hw.station.counters import Counters
from ringbed.hw.stream.fifo import Fifo
from ringbed.hw.stream.frame_facts import FrameFacts
from ringbed.hw.tx.segment import Segment
from ringbed.sim.synth.blocks import blocks_of
from tests.hw import mutants
from tests.hw.reading import names_read

ROOT = Path(__file__).parents[2]
OTHER = ("formats", "nics", "errata", "dut")  # no blocks of their own, or none that pass a card's frames

# Blocks that are asked about through the one that holds them, and by which tests.
ASKED_IN = {
    "ring.descriptor_queue.DescriptorQueue": "ring/test_fetch", "ring.status_beats.StatusBeats": "ring/test_completion",
    "tx.orders.TxOrders": "tx/test_ring",
}  # fmt: skip

# Ports that a table names: a few are asked for, one of each sort.
NAMED = {
    "bus.registers.RegisterFile": r"(bus\..*|.*data|busy|(CTRL|RDBAL|MTA|ICR|STATISTICS)(_[a-z_]*)?)",
}

# Blocks whose results are named by what they are made for, where the tests make them for something else than the card.
TESTED_AS: dict[str, Callable[[], Any]] = {
    "station.counters.Counters": lambda: Counters({"one": 1, "some": 8, "many": 32}),
    "stream.fifo.Fifo": lambda: Fifo(37, 5),
    "stream.frame_facts.FrameFacts": lambda: FrameFacts(64, 8, 4, 4),  # of the lab's card alone
    "tx.segment.Segment": lambda: Segment(64, 8),
}

# Ports that the tests compare bit for bit, so that no text names their fields.
WHOLE = {"tx.pack.Pack": ("begin", "finish"), "tx.read.TxRead": ("begin", "finish")}

NO_ERROR = "what goes to the wire is whole: a frame with an error was dropped before it"
READS = dict.fromkeys(
    ("bus.awid=0", "bus.awaddr=0", "bus.awlen=0", "bus.awsize=0", "bus.awburst=0", "bus.awvalid=0", "bus.wdata=0",
     "bus.wstrb=0", "bus.wlast=0", "bus.wvalid=0", "bus.bready=0"), "never writes",
)  # fmt: skip
WRITES = dict.fromkeys(
    ("bus.arid=0", "bus.araddr=0", "bus.arlen=0", "bus.arsize=0", "bus.arburst=0", "bus.arvalid=0", "bus.rready=0"),
    "never reads",
)

# Results that no test can see broken so, and why.
SAME: dict[str, dict[str, str]] = {
    "bus.dma.DmaRead": READS,
    "bus.dma.DmaWrite": WRITES | {"bus.bready=1": "always ready: an answer is one bit for its source"},
    "bus.registers.RegisterFile": dict.fromkeys(("bus.bresp=0", "bus.rresp=0"), "OKAY is 0, and there is no other"),
    "bus.read_buffer.ReadBuffer": {"i.ready=1": "always ready: what was asked for has room"},
    "mac.pause_tx.PauseSend": {"o.payload.beat.error=0": NO_ERROR},
    "ring.descriptor_queue.DescriptorQueue": {"beat.ready=1": "always ready: what was asked for has room"},
    "ring.fetch.RingFetch": {"beat.ready=1": "always ready: what was asked for has room"},
    "ring.whole.Ring": {"bus.fetched.ready=1": "always ready: what was asked for has room"},
    "rx.ring.RxPlace": {"entry.payload.late=0": "nothing of a receive ring waits for a timer of the transmitter's"},
    "tx.orders.TxOrders": {"o.finish.abort=0": "left to who decides it: never set here"},
    "tx.segment.Segment": {"o.payload.error=0": "what was spoilt ends with `abort`, beside the beats"},
    "tx.read.TxRead": {"beat.ready=1": "always ready: what was asked for has room"},
    "tx.vlan_insert.VlanInsert": {"o.payload.beat.error=0": NO_ERROR},
}


def classes() -> dict[str, Any]:
    """Every block by module and name."""
    found = {}
    for info in pkgutil.walk_packages(ringbed.hw.__path__, "ringbed.hw."):
        if info.ispkg or info.name.split(".")[2] in OTHER:
            continue
        module = import_module(info.name)
        for name, kind in vars(module).items():
            if isinstance(kind, type) and issubclass(kind, wiring.Component) and kind.__module__ == info.name:
                found[f"{info.name.removeprefix('ringbed.hw.')}.{name}"] = kind
    return {name: kind for name, kind in found.items() if not kind.__name__.startswith("_")}


BLOCKS = classes()


@cache
def instances() -> dict[Any, Any]:
    """A block of each class as the card has it."""
    return {type(block.component): block.component for block in blocks_of("em", 64).values()}


def file_of(block: str) -> Path:
    room, file, _ = block.split(".")
    return ROOT / "tests" / "hw" / f"{ASKED_IN.get(block, f'{room}/test_{file}')}.py"


def as_tested(block: str) -> Any:
    """A block whose results have the names that they have in its tests."""
    if block not in TESTED_AS:
        return instances()[BLOCKS[block]]
    made = TESTED_AS[block]()
    Fragment.get(made, None)  # elaborated, or it would be complained of as never used
    return made


def words_of(block: str) -> set[str]:
    """What a text that reads all results of a block names: each port, and each field down to the last."""
    named = set[str]()
    for port, _, fields in mutants.results(as_tested(block)):
        whole = port in WHOLE.get(block, ())
        for name in [port] if whole else [name for name, _, _ in fields if f"{name}=0" not in SAME.get(block, {})]:
            parts = [part for part in name.split(".") if not part.isdigit()]
            named |= {parts[0], parts[-1]}
    return named


def test_the_card_has_every_block() -> None:
    assert set(BLOCKS.values()) - set(instances()) == {FrameFacts}  # of the lab's card alone


@pytest.mark.parametrize("block", sorted(BLOCKS.keys() - NAMED.keys() - ASKED_IN.keys()))
def test_every_output_is_named_by_a_test_that_reads_it(block: str) -> None:
    assert words_of(block) - names_read(file_of(block).read_text(encoding="utf-8")) == set()


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("block", sorted(BLOCKS))
def test_a_test_fails_for_every_output_that_is_broken(block: str) -> None:
    kind = BLOCKS[block]
    named = re.compile(NAMED.get(block, ".*"))
    ways = [f"{name}={held}" for name, held in mutants.breaks(as_tested(block)) if named.fullmatch(name)]
    command = [sys.executable, "-m", "tests.hw.mutants", kind.__module__, kind.__name__, str(file_of(block)), *ways]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    assert set(run.stdout.split()) == SAME.get(block, {}).keys()
