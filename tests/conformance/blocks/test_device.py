"""What goes to the engine and what is made of what comes back, with an engine that a model answers from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from ringbed.conformance.blocks.case import Answers, Ask, Cut
from ringbed.conformance.blocks.device import EngineBlock
from ringbed.hw.formats.block_setup import BlockPorts, Setup
from ringbed.hw.formats.blocks import CUT_DONE, CUT_LATE, CUTS, EARLY, MARKS, RESTART, WRONGS, contract
from ringbed.hw.formats.dut import Bus, BusKind, Dut, DutReset
from ringbed.sim.seam.engine import Engine, Event, Finding

RX, TX = (Bus(BusKind.STREAM, 32, into=into) for into in (True, False))
MARKED_FRAME, MARKED_RESULT = (bytes([MARKS[word]]) + bytes(3) for word in ("frame", "result"))


class Echo:
    """An engine that answers each frame that went in with `answer`'s frames, one at a time, 100 clocks apart.

    `cut`: what the pins for a reset in mid-frame said last; it is done when as many beats of 4 bytes went in since the
    restart.
    """

    def __init__(self, answer: Callable[[bytes], list[bytes]]) -> None:
        self.answer, self.now, self.went, self.left = answer, 0, list[bytes](), list[bytes]()
        self.pins, self.seen = dict.fromkeys((*WRONGS, CUT_DONE), 0), list[Finding]()
        self.cut, self.taken = (0, 0, 0), 0

    def set_pin(self, name: str, value: int) -> None:
        self.pins[name] = value
        if name == RESTART and value:
            self.left, self.seen, self.pins[CUT_DONE], self.taken = [], [], 0, 0
            self.pins |= dict.fromkeys(WRONGS, 0)

    def get_pin(self, name: str) -> int:
        return self.pins[name]

    def findings(self) -> list[Finding]:
        return [self.seen.pop() for _ in range(len(self.seen))]

    def wire_in(self, frame: bytes) -> None:
        self.went.append(frame)
        if beats := self.pins.get(CUTS["in"], 0):
            self.cut = (beats - self.taken, self.pins.get(CUTS["out"], 0), self.pins[CUT_LATE])
            self.pins[CUT_DONE] = int(beats <= self.taken + len(frame) // 4)
        self.taken += len(frame) // 4
        self.left += self.answer(frame)

    def run(self, until: int, stop: Event) -> Event:
        self.now = min(until, self.now + 100) if self.left else until
        return stop if self.left else Event.TIME

    def wire_out(self) -> list[tuple[int, bytes]]:
        return [(self.now, self.left.pop(0))] if self.left else []


def block(
    echo: Echo, kind: str, tx: Bus | None, widths: dict[str, int] | None = None,
    resets: tuple[DutReset, ...] = (DutReset("rst"),), **ports: Any,
) -> EngineBlock:  # fmt: skip
    setup = Setup(contract(kind), widths)
    dut = Dut("top", "clk", resets, rx=RX, tx=tx)
    return EngineBlock(cast(Engine, echo), BlockPorts(setup, **ports), dut)


def test_a_command_goes_in_front_in_whole_beats_and_frames_come_back() -> None:
    echo = Echo(lambda frame: [frame[8:]])
    frames = [bytes([number]) * 30 for number in range(3)]
    asks = [Ask(frame, {"start": 14, "offset": 20, "enable": 1, "udp": 1}) for frame in frames]
    narrow = {"start": 11, "offset": 11, "enable": 1}
    assert block(echo, "tx-checksum", TX, narrow)(asks).frames == frames
    assert echo.went == [
        b"\x0e\x00\x14\x00\x01\x00\x00\x00" + frame for frame in frames
    ]  # without udp, which it has not


def test_results_alone() -> None:
    echo = Echo(lambda frame: [frame[:2]])
    answers = block(echo, "rx-checksum", None, result_valid="valid")([Ask(b"\x34\x12" + bytes(28)), Ask(bytes(30))])
    assert (answers.frames, answers.results) == (None, [{"sum": 0x1234}, {"sum": 0}])


def test_results_between_frames() -> None:
    echo = Echo(lambda frame: [MARKED_FRAME + frame, MARKED_RESULT + frame[:2]])
    asks = [Ask(b"\x34\x12" + bytes(28)), Ask(bytes(30))]
    answers = block(echo, "rx-checksum", TX, result_valid="valid")(asks)
    assert (answers.frames, answers.results) == ([ask.frame for ask in asks], [{"sum": 0x1234}, {"sum": 0}])


def test_a_block_that_hangs_gives_less() -> None:
    echo = Echo(lambda frame: [])
    assert block(echo, "rx-checksum", None, result_valid="valid")([Ask(bytes(1514))]).results == []
    assert 2000 + 8 * 1514 <= echo.now < 20_000


def test_how_long_is_waited_for_a_slow_block_is_said() -> None:
    echo = Echo(lambda frame: [])
    dut = block(echo, "rx-checksum", None, result_valid="valid", quiet=50_000)
    assert dut([Ask(bytes(100))]).quiet == echo.now == 50_800
    dut.begin(True, True, 7)
    assert (echo.pins["pauses_in"], echo.pins["pauses_out"], echo.pins["noise"]) == (1, 1, 7)
    assert dut([Ask(bytes(100))]).quiet == 50_800 + 8 * 2032 + 64 * 25


def test_when_all_has_come_what_is_too_much_is_waited_for_less_long() -> None:
    echo = Echo(lambda frame: [frame[:2]])
    assert len(block(echo, "rx-checksum", None, result_valid="valid")([Ask(bytes(1514))]).results) == 1
    assert echo.now < 3000


def test_a_result_that_comes_when_its_batch_is_over_is_nobody_elses() -> None:
    echo = Echo(lambda frame: [])
    dut = block(echo, "rx-checksum", None, result_valid="valid")
    dut([Ask(bytes(60))])
    echo.left, echo.pins[EARLY] = [bytes(2)], 3
    dut.restart()
    assert dut([Ask(bytes(60))]) == Answers(None, [], [], 2480)


def test_results_behind_one_too_many_are_not_called_early() -> None:
    echo = Echo(lambda frame: [frame[:2]] * 2)
    echo.pins[EARLY] = 3
    answers = block(echo, "rx-checksum", None, result_valid="valid")([Ask(bytes(60))])
    assert (len(answers.results), answers.wrongs) == (2, [])


def test_what_was_counted_in_a_batch_and_what_the_checker_saw_are_sentences_of_that_batch() -> None:
    echo = Echo(lambda frame: [frame])
    dut = block(echo, "tx-checksum", TX)
    echo.pins["results_lost"], echo.seen = 3, [Finding(7, "stream.keep", "TKEEP is 0 in a beat")] * 2
    lost, seen = dut([]).wrongs
    assert lost == "a result was lost, for 1024 waited already: more come than frames go in (3 times)"
    assert seen == "stream.keep: TKEEP is 0 in a beat (2 times)"
    assert dut([]).wrongs == []
    echo.pins |= {"results_lost": 4, "beats_changed": 65535}
    one, most = dut([]).wrongs
    assert one.endswith("more come than frames go in")
    assert most.endswith("(65535 or more times)")


def test_a_block_that_does_not_end_is_left_alone() -> None:
    """It takes what is not there for frames, so that there is always one more result."""
    echo = Echo(lambda frame: [])
    echo.left = [bytes(2)] * 100_000
    answers = block(echo, "rx-checksum", None, result_valid="valid")([Ask(bytes(60))] * 10)
    assert 10 < len(answers.results) < 100


def test_what_has_all_come_is_not_waited_for_by_a_restart() -> None:
    echo = Echo(lambda frame: [frame[:2]] if any(frame) else [])
    dut = block(echo, "rx-checksum", None, result_valid="valid")
    for data, swallowed in ((b"\1", False), (b"\0", True)):
        dut([Ask(1000 * data)])
        before = echo.now
        dut.restart()
        assert (echo.now - before > 250) == swallowed


def test_an_early_result_says_nothing_of_its_frames_end() -> None:
    """Which is swallowed, for it would be a frame to the next batch."""
    for early in (False, True):
        echo = Echo(lambda frame: [bytes(5)])
        setup = Setup(contract("rss-hash", "stream"), options={"early": early}, key=bytes(40))
        ports = BlockPorts(setup, result_valid="valid")
        dut = EngineBlock(cast(Engine, echo), ports, Dut("top", "clk", (DutReset("rst"),), rx=RX))
        dut([Ask(bytes(1000))])
        before = echo.now
        dut.restart()
        assert (echo.now - before > 250) == early


def test_an_interrupt_leaves_nothing_behind_and_needs_a_reset() -> None:
    echo = Echo(lambda frame: [frame[:2]])
    dut = block(echo, "rx-checksum", None, result_valid="valid")
    assert dut.interrupt([Ask(bytes(1000))], Cut(3))
    assert echo.cut == (3, 0, 0)
    assert (echo.left, echo.pins[RESTART]) == ([], 0)
    assert echo.now > 30 + 250  # the frame is swallowed while the restart is on
    before = echo.now
    dut.begin(False, False, 1)
    assert echo.now - before < 100  # nothing is left to swallow
    bare = block(Echo(lambda frame: [frame[:2]]), "rx-checksum", None, resets=(), result_valid="valid")
    assert not bare.interrupt([Ask(bytes(1000))], Cut(3))


def test_a_cut_that_the_block_does_not_come_to_is_not_said_to_have_happened() -> None:
    echo = Echo(lambda frame: [frame[:2]])
    dut = block(echo, "rx-checksum", None, result_valid="valid")
    assert not dut.interrupt([Ask(bytes(1000))], Cut(251))
    assert echo.cut == (251, 0, 0)
    dut([Ask(bytes(60))])  # whose beats are none of the next frame's
    assert dut.interrupt([Ask(bytes(1000))], Cut(250, late=9))
    assert echo.cut == (250, 0, 9)
    assert [echo.pins[name] for name in CUTS.values()] == [0, 0]


class Says(Echo):
    """Its Verilog says an $error in every reset, and a bus checker sees a frame cut off."""

    def run(self, until: int, stop: Event) -> Event:
        if self.pins.get(RESTART):
            self.seen = [Finding(1, "verilog.error", "a.v:1: oh"), Finding(1, "stream.hold", "TVALID fell")]
        return super().run(until, stop)


def test_what_a_block_says_of_itself_outlasts_a_restart() -> None:
    dut = block(Says(lambda frame: [frame]), "tx-checksum", TX)
    dut.restart()
    assert dut([]).wrongs == ["verilog.error: a.v:1: oh"]
    assert dut([]).wrongs == []
