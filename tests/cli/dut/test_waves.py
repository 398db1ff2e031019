"""The waveform of a finding: of its case alone where that is enough, else behind as many others as it needs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringbed.cli.dut.waves import check_format, record
from ringbed.cli.errors import UserError
from ringbed.conformance.blocks.case import Answers, Ask, Behind, Case, Cut, Finding
from ringbed.hw.formats.block_setup import Setup
from ringbed.hw.formats.blocks import contract

FRAME, WRONG = bytes(60), bytes(59) + b"\1"
CASES = [Case("any", Ask(FRAME, {}), ((FRAME,),)) for _ in range(200)]
FINDING = Finding("lengths", 1, 150, "any", "what begins with byte 59", "00", "01", FRAME, {}, WRONG)
BEFORE_IT = "w.vcd: the batch of number 150 of lengths, which was not wrong again: it needs what was asked before"


class Opened:
    """A block whose answer to the last case is wrong when at least `after` were asked before it."""

    def __init__(self, after: int, *wrongs: str) -> None:
        self.after, self.wrongs, self.asked, self.events = after, wrongs, list[int](), list[Any]()
        self.setup = Setup(contract("tx-checksum"), {"start": 16, "offset": 16, "enable": 1})
        self.engine, self.now = self, 0

    def __call__(self, asks: list[Ask]) -> Answers:
        self.asked.append(len(asks))
        self.now = 100 * len(asks)
        return Answers([FRAME] * (len(asks) - 1) + [WRONG if len(asks) > self.after else FRAME], wrongs=self.wrongs)

    def trace(self, path: Path) -> None:
        self.events.append(path.name)

    def begin(self, into: bool, out: bool, noise: int) -> None:
        self.events.append((into, out))
        self.noise = noise

    def interrupt(self, asks: list[Ask], cut: Cut) -> bool:
        self.events.append((asks, cut))
        return True

    def close(self) -> None:
        self.events.append("close")


@pytest.mark.parametrize(("after", "asked", "words"), [
    (0, [1], "w.vcd: number 150 of lengths, alone, 100 clocks"),
    (5, [1, 8], "w.vcd: number 150 of lengths, as the last of 8, 800 clocks"),
    (20, [1, 8, 23], "w.vcd: number 150 of lengths, as the last of 23, 2,300 clocks"),
    (23, [1, 8, 23], BEFORE_IT),
])  # fmt: skip
def test_as_few_as_show_it(after: int, asked: list[int], words: str) -> None:
    block: Any = Opened(after)
    assert record(lambda: block, CASES, replace(FINDING, pauses="pauses out"), Path("w.vcd")) == words
    assert block.asked == asked
    assert block.events == ["w.vcd", (False, True), "close"] * len(asked)


def test_what_came_behind_a_reset_in_mid_frame_comes_behind_one_again() -> None:
    block: Any = Opened(0)
    behind = Behind(CASES[3].ask, Cut(2, late=5), 9)
    cases = [replace(case, behind=behind) if at == FINDING.index else case for at, case in enumerate(CASES)]
    record(lambda: block, cases, replace(FINDING, cut=behind.words), Path("w.vcd"))
    assert block.events == ["w.vcd", (False, False), ([CASES[3].ask], Cut(2, late=5)), "close"]
    assert block.asked == [1]


def test_another_mistake_is_not_the_same() -> None:
    block: Any = Opened(0)
    assert "was not wrong again" in record(lambda: block, CASES, replace(FINDING, what="the length"), Path("w.vcd"))


def test_what_is_said_of_a_batch_is_shown_by_all_of_it() -> None:
    block: Any = Opened(1000, "a beat was changed")
    found = Finding("lengths", 1, 128, "72 cases from here on", "a beat was changed", "", "", b"", {})
    words = record(lambda: block, CASES, found, Path("w.vcd"))
    assert words == "w.vcd: number 128 of lengths, with its batch, 7,200 clocks"
    assert block.asked == [72]


def test_a_file_that_the_engine_does_not_write() -> None:
    check_format(Path("w.vcd"), "native")
    check_format(Path("w.fst"), "cocotb-icarus")
    with pytest.raises(UserError, match=r"a waveform of cocotb-verilator is \.vcd on this machine, not w\.fst"):
        check_format(Path("w.fst"), "cocotb-verilator")
    with pytest.raises(UserError, match="a waveform of qemu is none on this machine"):
        check_format(Path("w.fst"), "qemu")
