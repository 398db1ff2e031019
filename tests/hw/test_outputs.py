"""Every output of every block is read by a test of that block: by its text, and by breaking it in the full run.

A block is a component in one of the rooms of `hw/` that a frame passes; its tests are in the file of the same place.
The text is looked through for the name of the port where it is not being set; that a test does more than name it is
seen when the port is broken, which takes minutes a block; WALKED says which were.
"""

from __future__ import annotations

import ast
import os
import pkgutil
import re
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from amaranth.lib import wiring

import ringbed.hw
from ringbed.sim.synth.blocks import blocks_of
from tests.hw import mutants

ROOT = Path(__file__).parents[2]
OTHER = ("formats", "nics", "errata", "dut")  # no blocks of their own, or none that pass a card's frames

# Blocks that are asked about through the one that holds them, and by which tests.
ASKED_IN = {
    "mac.tx_meter.TxMeter": "tx/test_send", "ring.descriptor_queue.DescriptorQueue": "ring/test_fetch",
    "ring.status_beats.StatusBeats": "ring/test_completion", "rx.parse.Parse": "rx/test_checksum",
    "rx.realign.Realign": "rx/test_checksum", "tx.orders.TxOrders": "tx/test_ring",
    "tx.segment_cut.SegmentCut": "tx/test_segment", "tx.segment_header.SegmentHeader": "tx/test_segment",
}  # fmt: skip

# Ports that a table names: a few are asked for, one of each sort.
NAMED = {
    "bus.registers.RegisterFile": r"(bus\..*|.*data|busy|(CTRL|RDBAL|MTA|ICR|STATISTICS)(_[a-z_]*)?)",
    "station.counters.Counters": r"RB_RXWIRE|RB_RXDONE",
}

# Blocks that were walked so far, all of them seen. The others are asked for by
# `python -m tests.hw.mutants MODULE CLASS TESTS RESULT=VALUE...`; what lives wants a test, and the block a place here.
WALKED = (
    "bus.card_reset.CardReset", "interrupt.causes.Interrupt", "interrupt.deadline.Deadline",
    "interrupt.throttle.Throttle", "mac.pause_rx.PauseRx", "rx.filter_table.FilterTable",
    "stream.packet_buffer.PacketBuffer",
)  # fmt: skip

# Results that no test can see broken so, and why.
SAME: dict[str, dict[str, str]] = {}


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


def names_read(path: Path) -> set[str]:
    """Attributes and words of a file, those apart that are only set."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    setting = [
        call.args[0] for call in calls if call.args and isinstance(call.func, ast.Attribute) and call.func.attr == "set"
    ]
    only_set = {id(node) for target in setting for node in ast.walk(target)}
    read = [node for node in ast.walk(tree) if id(node) not in only_set]
    attributes = {node.attr for node in read if isinstance(node, ast.Attribute)}
    return attributes | {node.value for node in read if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_the_card_has_every_block() -> None:
    assert set(BLOCKS.values()) - set(instances()) == set()


@pytest.mark.parametrize("block", sorted(BLOCKS.keys() - NAMED.keys() - ASKED_IN.keys()))
def test_every_output_is_named_by_a_test_that_does_not_set_it(block: str) -> None:
    read = names_read(file_of(block))
    outputs = {name.split(".")[0] for name, _, _ in mutants.results(instances()[BLOCKS[block]])}
    assert outputs - read == set()


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("block", WALKED)
def test_a_test_fails_for_every_output_that_is_broken(block: str) -> None:
    kind = BLOCKS[block]
    named = re.compile(NAMED.get(block, ".*"))
    ways = [f"{name}={held}" for name, held in mutants.breaks(instances()[kind]) if named.fullmatch(name)]
    command = [sys.executable, "-m", "tests.hw.mutants", kind.__module__, kind.__name__, str(file_of(block)), *ways]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    assert set(run.stdout.split()) == set(SAME.get(block, ()))
