"""`ringbed demo` as a person runs it: what it finds, what it writes, what it says to bad input."""

from __future__ import annotations

import itertools
import json
import os
import re
import struct
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import rdpcap, wrpcap

from ringbed.cli.demo import pcap as demo_pcap
from ringbed.cli.demo import replay as demo_replay
from ringbed.cli.demo.run import DemoOptions, run_demo
from ringbed.conformance.references import oracle
from ringbed.sim.kernel.netns import KernelHost
from ringbed.sim.kernel.tap import TapUnavailable
from ringbed.sim.native.toolchain import wave_format
from ringbed.sim.wire.frame import fcs, to_wire
from ringbed.sim.wire.replay import read_capture
from tests.sim.conftest import needs_native


def ringbed(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ringbed.cli.main", *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "100", **environment},
    )  # fmt: skip


def rows(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text())
    assert set(found) == {"machine", "rows"}
    assert all(set(row) == {"id", "value", "unit", "bar", "ok"} for row in found["rows"])
    return {row["id"]: row["value"] for row in found["rows"]}


def options(out: Path, **changes: Any) -> DemoOptions:
    values = dict(engine="native", wire="pcap", pcap=None, seconds=0, seed=1, trace=False, json=None, out=out)
    return DemoOptions(**{**values, **changes})


@pytest.mark.tap
def test_kernel_and_stack_talk_through_the_card(tmp_path: Path) -> None:
    run = ringbed("demo", "--wire", "tap", "--out", str(tmp_path), "--json", str(tmp_path / "demo.json"))
    assert run.returncode == 0, run.stdout + run.stderr
    found = rows(tmp_path / "demo.json")
    # every size 0..1472: a request and a reply, four times, and the ARP that finds the stack
    assert found["demo.frames"] >= 8 * 1473 + 2
    assert found["demo.disagreements"] == found["demo.lost"] == 0
    assert len(rdpcap(str(tmp_path / "demo.pcapng"))) == found["demo.frames"]
    assert "One packet's path" in run.stdout
    for stage in ("wire in", "em_intr", "ifiq_input", "ip_input", "udp_input", "ip_output", "ifq_start", "wire out"):
        assert stage in run.stdout
    assert "packets for this host" in run.stdout
    assert "em0:0:rxq:0" in run.stdout


@pytest.mark.tap
@pytest.mark.full
def test_kernel_and_stack_on_pysim(tmp_path: Path) -> None:
    run = ringbed("demo", "--wire", "tap", "--engine", "pysim", "--out", str(tmp_path))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "engine pysim: 11 sizes of 1473 are sampled" in run.stdout


@needs_native
def test_a_bug_of_the_lab_is_seen(tmp_path: Path) -> None:
    """`ringbed demo --erratum ID:name=value`: what a person sees of it, in the figures and in the words."""
    out = ("--wire", "pcap", "--out", str(tmp_path), "--no-waveform")
    line = ("--erratum", "rx-short-frame-csum-invalid-aq:length=80", "--json", str(tmp_path / "demo.json"))
    run = ringbed("demo", *out, *line)
    assert run.returncode == 1, run.stdout + run.stderr
    assert rows(tmp_path / "demo.json")["demo.disagreements"] > 0
    assert "Something disagrees." in run.stdout
    for text, said in (
        ("rx-short", "the lab has no erratum 'rx-short'"),
        ("rx-short-frame-csum-invalid-aq:size=1", "has no condition 'size'; it has every, length"),
    ):
        refused = ringbed("demo", *out, "--erratum", text)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert said in refused.stderr


def test_capture_replayed_and_damaged_agrees_with_scapy(tmp_path: Path) -> None:
    run = ringbed("demo", "--wire", "pcap", "--out", str(tmp_path), "--json", str(tmp_path / "demo.json"))
    assert run.returncode == 0, run.stdout + run.stderr
    found = rows(tmp_path / "demo.json")
    assert found["demo.frames"] > 433  # the capture, and damaged copies of each of its kinds
    assert found["demo.disagreements"] == found["demo.lost"] == 0
    assert "TCP/UDP bad" in run.stdout
    assert len(rdpcap(str(tmp_path / "demo.pcapng"))) == 2 * found["demo.frames"]


def test_a_disagreement_ends_with_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were scapy of another opinion about one kind of header, the demo must say so."""
    right = oracle.l3_right
    monkeypatch.setattr(oracle, "l3_right", lambda frame, parts: right(frame, parts) ^ (parts.kind == "ipv4 tcp"))
    report = tmp_path / "demo.json"
    assert not run_demo(options(tmp_path, json=report))
    assert rows(report)["demo.disagreements"] >= 47


@pytest.mark.parametrize("engine", ["native", pytest.param("pysim", marks=pytest.mark.full)])
def test_a_disagreement_leaves_a_waveform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    right = oracle.l3_right
    monkeypatch.setattr(oracle, "l3_right", lambda frame, parts: right(frame, parts) ^ (parts.kind == "ipv4 udp"))
    assert not run_demo(options(tmp_path, engine=engine, waveform=True))
    said = capsys.readouterr().out
    assert "run again with a waveform" in said
    assert "suspects: rx" in said
    assert "(ended at delivered, clock" in said
    folder = tmp_path / "waveform"
    wave = wave_format() if engine == "native" else "vcd"
    assert {path.suffix for path in folder.iterdir()} == {f".{wave}", ".gtkw", ".json", ".txt", ".pcapng"}
    assert "delivered" in (folder / "failure.txt").read_text()


def test_no_tun_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(*_: object, **__: object) -> KernelHost:
        raise TapUnavailable("/dev/net/tun does not exist: load the tun module")

    monkeypatch.setattr(KernelHost, "create", refuse)
    assert run_demo(options(tmp_path, wire="auto"))
    assert "wire pcap, not tap: /dev/net/tun does not exist" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(TapUnavailable):
        run_demo(options(tmp_path, wire="tap"))


def test_no_compiler(tmp_path: Path) -> None:
    """The demo runs on pysim, samples, says so and traces."""
    nothing = {"CXX": "/nonexistent/g++", "RINGBED_CACHE": str(tmp_path / "cache")}
    run = ringbed("demo", "--wire", "pcap", "--trace", "--out", str(tmp_path), **nothing)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "engine pysim, not native:" in run.stdout
    assert "one frame of each kind is sampled" in run.stdout
    assert (tmp_path / "em0.vcd").read_text().startswith("$comment")
    run = ringbed("demo", "--engine", "native", "--wire", "pcap", "--out", str(tmp_path), **nothing)
    assert run.returncode == 3
    assert run.stderr.startswith("ringbed: ")
    assert run.stderr.count("\n") == 1


EVERYTHING = Path(__file__).parent.parent.parent.parent / "examples" / "faults.toml"


@pytest.mark.parametrize("engine", ["native", pytest.param("pysim", marks=pytest.mark.full)])
def test_faults_on_a_replayed_capture_are_recorded_and_played_back(tmp_path: Path, engine: str) -> None:
    """`ringbed demo --wire pcap --faults examples/faults.toml`, and then the same with its own record."""
    first, again = tmp_path / "first", tmp_path / "again"
    for out, faults in ((first, EVERYTHING), (again, first / "faults.jsonl")):
        run = ringbed("demo", "--wire", "pcap", "--engine", engine, "--faults", str(faults), "--out", str(out),
                      "--json", str(tmp_path / "demo.json"))  # fmt: skip
        assert run.returncode == 0, run.stdout + run.stderr
        assert rows(tmp_path / "demo.json")["demo.lost"] == 0
        assert "link flip" in run.stdout
        assert "bus jitter" in run.stdout
    assert (first / "faults.jsonl").read_text() == (again / "faults.jsonl").read_text()
    assert (first / "faults.jsonl").read_text().count("\n") > 20
    assert (first / "demo.pcapng").read_bytes() == (again / "demo.pcapng").read_bytes()


@needs_native
def test_faults_of_a_run_that_was_interrupted_are_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo_replay, "account", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_demo(options(tmp_path / "cut", faults=EVERYTHING))
    monkeypatch.undo()
    assert run_demo(options(tmp_path / "whole", faults=EVERYTHING))
    cut, whole = (tmp_path / name / "faults.jsonl" for name in ("cut", "whole"))
    assert cut.read_text() == whole.read_text()
    assert whole.read_text().count("\n") > 20


@pytest.mark.tap
def test_faults_between_kernel_and_stack(tmp_path: Path) -> None:
    """`ringbed demo --faults examples/faults.toml`: answers stay away, none is wrong, every frame is accounted for."""
    run = ringbed("demo", "--wire", "tap", "--faults", str(EVERYTHING), "--out", str(tmp_path), "--json", "-")
    assert run.returncode == 0, run.stdout + run.stderr
    found = {row["id"]: row["value"] for row in json.loads(run.stdout)["rows"]}
    assert found["demo.frames"] > 500
    assert found["demo.lost"] == 0
    assert "em0 link to wire" in run.stderr
    assert (tmp_path / "faults.jsonl").read_text().count('"part": "link"') > 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[link]]\nkind = 'lose'\nrate = 1", "link fault 1: kind must be one of drop,"),
        ("[[link]]\nkind = 'drop'\nrate = 1\nwhere = 'em1'", "faults are asked for at 'em1', but the hosts are em0"),
    ],
)
def test_faults_that_cannot_be(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    run = ringbed("demo", "--wire", "pcap", "--faults", str(tmp_path / "bad.toml"), "--out", str(tmp_path))
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert sentence in run.stderr
    run = ringbed("demo", "--wire", "pcap", "--faults", str(tmp_path / "missing.toml"), "--out", str(tmp_path))
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)


def test_captures_that_are_none(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a capture\n" * 10)
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    for bad in (text, empty, tmp_path / "missing.pcap", tmp_path):
        run = ringbed("demo", "--pcap", str(bad), "--out", str(tmp_path))
        assert run.returncode == 2, run.stdout + run.stderr
        assert run.stderr.startswith("ringbed: ")
        assert run.stderr.count("\n") == 1
    run = ringbed("demo", "--wire", "tap", "--pcap", str(text))
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)


def test_a_truncated_capture_is_used_as_far_as_it_goes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (files("ringbed.conformance") / "data" / "linux-host.pcap").read_bytes()
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(whole[:20_000])
    assert run_demo(options(tmp_path, pcap=cut))
    said = "".join(capsys.readouterr().out.split())  # a narrow console breaks lines, also within words
    assert "cut.pcapbreaksoff" in said
    assert "framesbeforeareused" in said


def test_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = ringbed("demo", "--wire", "pcap", "--out", str(tmp_path / "file" / "out"))
    assert run.returncode == 2
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [("demo", "--wire", "pcap"), ("bench", "hw")])
def test_figures_that_cannot_be_written_are_refused_before_the_work(tmp_path: Path, command: tuple[str, ...]) -> None:
    out = ("--out", str(tmp_path)) if command[0] == "demo" else ()
    run = ringbed(*command, *out, "--json", str(tmp_path / "no" / "figures.json"))
    assert (run.returncode, run.stdout) == (2, "")
    assert "there is no folder" in run.stderr
    assert run.stderr.count("\n") == 1


def test_frames_of_every_length_a_capture_may_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bare header, what a card with TSO or jumbo frames would be seen to send, and what nothing here takes."""
    ether = Ether(src="02:00:00:00:00:09", dst="02:00:00:00:00:08")
    tcp = ether / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1, dport=2)
    sizes = (0, 1460, 2920, 9000, *range(16_230, 16_236), 16_326, 16_327)
    frames = [bytes(ether / Raw(b""))[:14], *(bytes(tcp / Raw(bytes(size))) for size in sizes)]
    wrpcap(str(tmp_path / "odd.pcap"), [Ether(frame) for frame in frames])
    assert run_demo(options(tmp_path, pcap=tmp_path / "odd.pcap"))
    assert "left out: 1 frames not of 14 to 16380 bytes" in " ".join(capsys.readouterr().out.split())


def capture_with_fcs(path: Path, wires: list[bytes]) -> Path:
    """A classic pcap of whole frames: its link type says that an FCS of four bytes ends each."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1 | 1 << 26 | 2 << 28)
    path.write_bytes(data + b"".join(struct.pack("<4I", 0, 0, len(wire), len(wire)) + wire for wire in wires))
    return path


def unsound(tmp_path: Path) -> tuple[Path, list[bytes]]:
    """Good frames with a bad FCS, a frame of 59 bytes and one that is all zeros but a byte of its FCS between them."""
    ether = Ether(src="02:00:00:00:00:09", dst="02:00:00:00:00:08") / IP(src="10.0.0.1", dst="10.0.0.2")
    good = [to_wire(bytes(ether / TCP(sport=port))) for port in range(3)]
    spoilt = bytes([good[0][0]]) + good[0][1:-1] + bytes([good[0][-1] ^ 1])
    runt = good[1][:59] + fcs(good[1][:59])
    wires = [spoilt, good[0], runt, spoilt, good[1], good[2], bytes(63) + b"\1"]
    return capture_with_fcs(tmp_path / "fcs.pcap", wires), wires


def test_what_a_capture_has_with_a_bad_fcs_goes_over_the_wire_so_and_is_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, wires = unsound(tmp_path)
    assert run_demo(options(tmp_path, pcap=path, json=tmp_path / "demo.json"))
    said = " ".join(capsys.readouterr().out.split())
    assert "4 frames are bad on the wire" in said
    assert "RB_RXCRC 3" in said
    assert "RB_RXRUNT 1" in said
    sent = [frame.data for frame in read_capture(tmp_path / "demo.pcapng").frames if frame.interface == 0]
    assert sent[: len(wires)] == wires
    assert rows(tmp_path / "demo.json")["demo.frames"] == len(sent)


def test_of_a_capture_without_a_good_frame_no_bar_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to compare; a bar of nothing stood at 0% for ever."""
    _, wires = unsound(tmp_path)
    assert run_demo(options(tmp_path, pcap=capture_with_fcs(tmp_path / "bad.pcap", [wires[0]])))
    said = capsys.readouterr().out
    assert "1 frames are bad on the wire" in said
    assert "RB_RXCRC 1" in said
    assert "0%" not in said


def test_a_card_that_lets_a_bad_fcs_through_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wire that mends each FCS, as the demo itself did: what was bad comes out."""
    path, _ = unsound(tmp_path)
    send = demo_pcap.ReplayCard._send

    def mended(card: demo_pcap.ReplayCard, wires: list[demo_pcap.Wire]) -> None:
        send(card, [(to_wire(wire[:-4]), error) for wire, error in wires])

    monkeypatch.setattr(demo_pcap.ReplayCard, "_send", mended)
    assert not run_demo(options(tmp_path, pcap=path))
    said = " ".join(capsys.readouterr().out.split())
    assert "before frame 2: 60 bytes came out of the card that were bad on the wire" in said
    assert said.count("that were bad on the wire") == 3
    assert said.count("60 bytes came out that nobody sent") == 1, "what was shorter than a frame"


def test_a_disagreement_names_the_frame_as_wireshark_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ether = Ether(src="02:00:00:00:00:09", dst="02:00:00:00:00:08") / IP(src="10.0.0.1", dst="10.0.0.2")
    wrpcap(str(tmp_path / "two.pcap"), [ether / ICMP(), ether / TCP()])
    right = oracle.l4_right
    monkeypatch.setattr(oracle, "l4_right", lambda frame, parts: not right(frame, parts))
    assert not run_demo(options(tmp_path, pcap=tmp_path / "two.pcap"))
    said = " ".join(capsys.readouterr().out.split())
    assert "frame 2 (ipv4 tcp): l4 is good, must be bad" in said
    assert "frame 2 with byte " in said
    assert "frame 1 " not in said


def test_json_on_standard_output_is_alone_there(tmp_path: Path) -> None:
    run = ringbed("demo", "--wire", "pcap", "--json", "-", "--out", str(tmp_path))
    assert run.returncode == 0
    assert {row["id"] for row in json.loads(run.stdout)["rows"]} >= {"demo.frames", "demo.lost"}
    assert "Every frame accounted for" in run.stderr


def test_a_home_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    run = ringbed("demo", "--wire", "pcap", "--out", str(tmp_path), RINGBED_CACHE="/proc/nowhere")
    assert (run.returncode, run.stderr.count("\n")) == (3, 1)
    assert "/proc/nowhere" in run.stderr
    assert "RINGBED_CACHE" in run.stderr


def test_more_rounds_while_there_is_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two seconds, by a clock that goes on by one at each look: at begin and end, and once after each damaged round."""
    seconds = itertools.count()
    monkeypatch.setattr(demo_replay, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    report = tmp_path / "demo.json"
    assert run_demo(options(tmp_path, seconds=2, json=report))
    seeds = set(re.findall(r"damaged frames, seed (\d+)", capsys.readouterr().out))
    assert len(seeds) == 2
    assert "1" in seeds
    assert rows(report)["demo.frames"] > 700
