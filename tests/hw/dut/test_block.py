"""Blocks in every encoding that a map can say, in RTL: what their ready tests ask arrives, and what they give too."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from ringbed.conformance.blocks.device import EngineBlock
from ringbed.conformance.blocks.run import PAUSED, Report, ask_twice, questions
from ringbed.sim.dut.block import block_spec, read_block
from ringbed.sim.engines import open_engine

HERE = Path(__file__).parent / "verilog"
BLOCKS = Path(__file__).parents[3] / "examples" / "third_party" / "blocks"
KEEPS = {"keep": 0, "empty": 1, "none": 2}

MAP = """
top = "{top}"
sources = [{sources}]
clock = "clk"
reset = {{ port = "rst", active = "high" }}
parameters = {{ {parameters} }}

[block]
{block}
[wire.rx]
kind = "axi4-stream"
prefix = "{rx}"
data_width = {width}
{rx_more}
[wire.tx]
kind = "axi4-stream"
prefix = "{tx}"
data_width = {width}
{tx_more}
[ties]
{ties}
"""


def check(path: Path, *kinds: str, engine: str = "native") -> Report:
    dut, rtl, ports = read_block(path)
    device = open_engine(engine, block_spec(dut, rtl, ports))
    try:
        block = EngineBlock(device, ports, dut)
        return ask_twice(block, ports.setup, questions(ports.setup, kinds=kinds), seed=1)
    finally:
        device.close()


def written(folder: Path, top: str, parameters: Mapping[str, int], **words: Any) -> Path:
    """A map; sources are the test's own module and tx_checksum."""
    files = [HERE / f"{top}.v", BLOCKS / "tx_checksum.v"]
    text = MAP.format(top=top, sources=", ".join(f'"{file}"' for file in files),
                      parameters=", ".join(f"{name} = {value}" for name, value in parameters.items()),
                      width=parameters["WIDTH"], **words)  # fmt: skip
    path = folder / f"{top}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def encoded(folder: Path, width: int, keep: str, big: bool, handshake: bool, ready: bool = True) -> Path:
    """The map of `encoded`: tx_checksum in that encoding. Without `ready` nothing stops it on the way out."""
    parameters = {"WIDTH": width, "DEPTH": 2048 * 8 // width, "BIG": int(big), "EMPTY": KEEPS[keep],
                  "HANDSHAKE": int(handshake)}  # fmt: skip
    command = ["start", "offset", "enable", "udp"] + ["valid", "ready"] * handshake
    own = {"valid": "command_valid", "ready": "command_ready"}
    stream = f'keep = "{keep}"\nbyte_order = "{"big" if big else "little"}"'
    ties = {"in_tkeep": keep != "keep", "in_tempty": keep != "empty", "command_valid": not handshake,
            "out_tready": not ready}  # fmt: skip
    return written(
        folder, "encoded", parameters, rx="in_", tx="out_", rx_more=stream,
        block='kind = "tx-checksum"\n[block.command]\n' + "\n".join(f'{each} = "{own.get(each, each)}"'
                                                                    for each in command),
        tx_more=stream + ("" if ready else "\nready = false"),
        ties="\n".join(f"{name} = {int(name == 'out_tready')}" for name, there in ties.items() if there),
    )  # fmt: skip


EVERY = [
    (width, keep, big, bool((number + big) % 2))
    for number, (width, keep) in enumerate(product((8, 16, 32, 64, 128, 256, 512), ("keep", "empty")))
    for big in (False, True)
]
SOME = [(8, "none", False, True), (32, "empty", True, False), (512, "empty", False, True)]
REST = [pytest.param(*each, marks=pytest.mark.full) for each in EVERY if each not in SOME]
ASKED = ("lengths", "tiny payloads", "anywhere", "seeds")


@pytest.mark.parametrize(("width", "keep", "big", "handshake"), [*SOME, *REST])
def test_a_block_of_any_encoding(tmp_path: Path, width: int, keep: str, big: bool, handshake: bool) -> None:
    report = check(encoded(tmp_path, width, keep, big, handshake), *ASKED)
    assert [str(finding) for finding in report.findings] == []
    assert sum(report.asked.values()) > 300


def test_a_stream_out_that_cannot_be_stopped_is_not(tmp_path: Path) -> None:
    """Its tready is tied: it gives a beat a clock, whoever looks."""
    report = check(encoded(tmp_path, 64, "keep", False, False, ready=False), *ASKED)
    assert [str(finding) for finding in report.findings] == []


def sums(folder: Path, width: int, **parameters: int) -> Path:
    return written(
        folder, "pass_sum", {"WIDTH": width, **parameters}, rx="s_axis_", tx="m_axis_", rx_more="", tx_more="", ties="",
        block='kind = "rx-checksum"\nvariant = "sum"\n[block.result]\nvalid = "sum_valid"\nsum = "sum"',
    )  # fmt: skip


@pytest.mark.parametrize(("width", "later"), [
    (512, 0), (64, 40), pytest.param(64, 0, marks=pytest.mark.full), pytest.param(8, 3, marks=pytest.mark.full),
    pytest.param(512, 1, marks=pytest.mark.full),
])  # fmt: skip
def test_a_result_with_the_last_beat_or_long_after_it(tmp_path: Path, width: int, later: int) -> None:
    """512 bits: most frames are a beat, so that there is a result in every clock, and twice as many as can leave."""
    report = check(sums(tmp_path, width, LATER=later), "lengths", "tiny payloads", "carries", "noise")
    assert [str(finding) for finding in report.findings] == []


def test_a_block_that_gives_too_many_results_is_found(tmp_path: Path) -> None:
    report = check(sums(tmp_path, 64, TWICE=1), "lengths")
    assert report.wrong("lengths")
    assert report.wrong("lengths" + PAUSED)


def test_bytes_that_do_not_count_may_change_while_their_beat_waits(tmp_path: Path) -> None:
    report = check(sums(tmp_path, 64, NOISE=1), "lengths", "tiny payloads")
    assert [str(finding) for finding in report.findings] == []


def test_bytes_that_count_may_not_and_what_a_block_says_of_itself_is_found(tmp_path: Path) -> None:
    told = " ".join(str(finding) for finding in check(sums(tmp_path, 64, NOISE=2), "lengths").findings)
    assert "a beat that waited for its ready was taken back or changed" in told
    assert "verilog.error: pass_sum.v:34: a beat has to wait" in told


def test_a_key_may_be_a_port(tmp_path: Path) -> None:
    text = (BLOCKS / "rss_hash.v").read_text(encoding="utf-8")
    begin, end = text.index(" #("), text.index(") (\n")
    text = text[:begin] + " (\n    input  wire [319:0] KEY," + text[end + 3 :]
    (tmp_path / "rss_hash.v").write_text(text, encoding="utf-8")
    toml = (BLOCKS / "rss_hash.toml").read_text(encoding="utf-8")
    other = bytes(range(3, 123, 3)).hex()
    begin = toml.index('key = "')
    end = toml.index("\n", begin)
    toml = f'{toml[:begin]}key = "{other}"\nkey_port = "KEY"{toml[end:]}'
    (tmp_path / "rss_hash.toml").write_text(toml, encoding="utf-8")
    assert [str(finding) for finding in check(tmp_path / "rss_hash.toml").findings] == []
