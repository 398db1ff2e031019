"""Mistakes of blocks that show only in time: in pauses, behind a reset, when something is lost, late or too much."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ringbed.conformance.blocks.run import PAUSED, RESETS
from tests.examples.test_block_edges import RX_512
from tests.examples.test_blocks import check, edited

STALL = "stall <= !m_axis_tvalid || m_axis_tready ? 0 : stall == 255 ? stall : stall + 1"
IDLE = "idle <= s_axis_tvalid ? 0 : idle == 255 ? idle : idle + 1"
TICK = "tick <= rst || tick == 199 ? 0 : tick + 1"


def test_a_beat_that_is_dropped_after_a_long_stall_is_found(tmp_path: Path) -> None:
    declared = f"    reg [7:0] stall; always @(posedge clk) {STALL};\n    assign s_axis_tready = !sending;"
    report = check("tx_checksum", edited(
        tmp_path, "tx_checksum", ("    assign s_axis_tready = !sending;", declared),
        ("if (m_axis_tvalid && m_axis_tready) begin", "if (m_axis_tvalid && (m_axis_tready || stall > 20)) begin"),
    ))  # fmt: skip
    assert {finding.pauses for finding in report.findings} >= {"pauses out"}
    kind = report.findings[0].kind.removesuffix(PAUSED)
    alone = check("tx_checksum", tmp_path, kinds=[kind]).findings
    assert alone == [finding for finding in report.findings if finding.kind.removesuffix(PAUSED) == kind]


def test_a_sum_that_is_forgotten_in_a_long_gap_is_found(tmp_path: Path) -> None:
    declared = f"reg [31:0] share; reg [7:0] idle; always @(posedge clk) {IDLE};"
    report = check("rx_checksum", edited(
        tmp_path, "rx_checksum", ("reg [31:0] share;", declared),
        ("beat == 0 ? 32'd0 : total", "beat == 0 || idle > 16 ? 32'd0 : total"),
    ))  # fmt: skip
    assert report.findings
    assert {finding.pauses for finding in report.findings} == {"pauses in", "pauses in and out"}


ONCE = "reg [31:0] share; reg [9:0] n; reg twice;"
COUNT = "n <= rst ? 0 : n + (s_axis_tvalid && s_axis_tlast && n != 1023);"
LAST = "sum_valid <= s_axis_tvalid && s_axis_tlast"


@pytest.mark.parametrize(("given", "words"), [
    (f"twice <= s_axis_tvalid && s_axis_tlast && n == 19; {COUNT} {LAST} || twice;", "came out that nothing asked for"),
    (f"{COUNT} {LAST} && n != 19;", "the result never came out within"),
])  # fmt: skip
def test_one_result_too_many_or_too_few_in_a_batch_is_one_finding(tmp_path: Path, given: str, words: str) -> None:
    """The reset between batches brings the counter back: it happens once in each batch that has 20 frames."""
    changes = ("reg [31:0] share;", ONCE), (f"{LAST};", given)
    report = check("rx_checksum", edited(tmp_path, "rx_checksum", *changes), kinds=["tiny payloads"])
    assert len(report.findings) >= 2
    assert all(words in finding.words for finding in report.findings)
    assert report.wrong("tiny payloads") == 1


def test_a_result_before_its_frames_end_is_found(tmp_path: Path) -> None:
    early = ("verdict_valid <= rx_valid && rx_last", "verdict_valid <= rx_valid && (rx_last ? at < 14 : at == 13)")
    report = check("rx_verdict", edited(tmp_path, "rx_verdict", early), kinds=["tiny payloads"])
    assert any("was given before its frame's last beat" in finding.words for finding in report.findings)


# The hash is asked for with the eighth beat, and the rest of the frame let go.
SOON = (
    ("assign in_ready = !asking;", "assign in_ready = !asking;\n    reg rest;"),
    ("if (!beats[3]) begin", "if (in_last) rest <= 0; else if (beats == 7) rest <= 1;\n            if (!rest) begin"),
    ("asking <= in_last;", "asking <= !rest && (in_last || beats == 7);"),
    ("            asking <= 0;\n            beats  <= 0;\n        end\n    end", (
        "            asking <= 0;\n            beats  <= 0;\n            rest   <= 0;\n        end\n    end"
    )),
)  # fmt: skip
WORDS = "was given before its frame's {} beat"


def test_a_hash_may_come_before_its_frames_end_where_the_map_says_so(tmp_path: Path) -> None:
    late = check("rss_stream", edited(tmp_path, "rss_stream", *SOON), kinds=["headers after k beats", "jumbo"])
    assert any(WORDS.format("last") in finding.words for finding in late.findings)
    early = ("[block]\n", "[block]\nearly = true\n")
    assert [str(each) for each in check("rss_stream", edited(tmp_path, "rss_stream", *SOON, early)).findings] == []


def test_but_not_before_its_frame_has_begun(tmp_path: Path) -> None:
    """One hash in front of every frame's, from the second on: an extra one, and each a frame too early."""
    hasty = ("if (asking && asked) begin", "if (asking && asked && size != 7'd60) begin")
    early = ("[block]\n", "[block]\nearly = true\n")
    report = check("rss_stream", edited(tmp_path, "rss_stream", *SOON, hasty, early), kinds=["tiny payloads"])
    assert any("came out that nothing asked for" in finding.words for finding in report.findings)


def test_a_slow_block_is_waited_for_as_long_as_its_map_says(tmp_path: Path) -> None:
    declared = f"    reg [7:0] tick; always @(posedge clk) {TICK};\n    assign s_axis_tready = !sending && tick == 0;"
    slow = ("    assign s_axis_tready = !sending;", declared)
    folder = edited(tmp_path, "tx_checksum", slow, ("[block]\n", "[block]\nquiet = 60000\n"))
    assert [str(finding) for finding in check("tx_checksum", folder, kinds=["sums of 0"]).findings] == []


VALID = ("assign m_axis_tvalid = sending;", "assign m_axis_tvalid = sending && m_axis_tready;")


def test_a_valid_that_waits_for_its_ready_is_found(tmp_path: Path) -> None:
    """Arm IHI 0051 2.2.1: with a sink whose ready waits for valid nothing would ever move."""
    report = check("tx_checksum", edited(tmp_path, "tx_checksum", VALID), kinds=["sums of 0"])
    assert {finding.pauses for finding in report.findings} == {"pauses out"}
    assert {finding.got for finding in report.findings} == {"lost"}


RESET = """        if (rst) begin
            sending <= 0;
            written <= 0;
            sent    <= 0;
        end
"""


@pytest.mark.parametrize("left", ["", "        if (rst) sending <= 0;\n"])
def test_a_reset_that_forgets_something_is_found(tmp_path: Path, left: str) -> None:
    report = check("tx_checksum", edited(tmp_path, "tx_checksum", (RESET, left)))
    assert report.findings
    assert all(finding.cut for finding in report.findings)
    assert re.search(r"behind a reset after \d+ of \d+ beats (in|out)", str(report.findings[0]))


@pytest.mark.full
def test_a_sum_that_is_kept_over_a_reset_is_found_on_a_wide_bus(tmp_path: Path) -> None:
    """Of 512 bits, where most frames have three beats; the cuts are told apart by the beats."""
    kept = ("            beat      <= 0;\n", "")
    report = check("rx_checksum", edited(tmp_path, "rx_checksum", *RX_512, kept), kinds=[RESETS])
    words = [re.fullmatch(r"behind a reset after (\d+) of (\d+) beats in", finding.cut) for finding in report.findings]
    assert len(words) > 20
    assert all(word and int(word[1]) < int(word[2]) for word in words)  # the last beat brings it to 0 again


def test_what_the_last_frame_left_behind_is_told_from_a_frame_that_goes_wrong_by_itself(tmp_path: Path) -> None:
    stale = edited(
        tmp_path, "tx_checksum", ("(first ? 32'd0 : total) + share", "total + share"),
        (RESET, RESET.replace("sending <= 0;", "sending <= 0; total <= 0;")),
    )  # fmt: skip
    sums = [finding for finding in check("tx_checksum", stale, kinds=["seeds"]).findings if not finding.pauses]
    assert sums[0].alone
    assert str(sums[0]).endswith("; asked alone it is right")
    broken = check("tx_checksum_bcm57xx", kinds=["sums of 0"]).findings
    assert not any(finding.alone for finding in broken)
