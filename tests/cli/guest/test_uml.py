"""`ringbed guest --uml`: a Linux in lock step with its card, the same every time; and what is refused before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from ringbed.cli.guest.same import lockstep_script
from ringbed.sim.wire.replay import read_capture
from tests.cli.guest.ground import fetched_uml
from tests.cli.guest.test_boot import Guest, refused
from tests.cli.processes import ended_after
from tests.sim.conftest import needs_native

STATUS = 7


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Callable[..., Guest]]:
    with ended_after(partial(Guest, tmp_path)) as begin:
        yield begin


def digest(said: str) -> str:
    found = re.search(r"every access and its clock: ([0-9a-f]{16})", said)
    assert found is not None, said
    return found[1]


@needs_native
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_stock_driver_in_lock_step_is_the_same_again(guest: Callable[..., Guest], tmp_path: Path) -> None:
    """`ringbed guest --uml --run SCRIPT`, the gate's short form: all that is printed and kept is the same, time too."""
    fetched_uml()
    (tmp_path / "short.sh").write_text(f"trap 'cat /proc/uptime; exit {STATUS}' EXIT\n{lockstep_script()}")
    runs = []
    for name in ("a", "b"):
        words = ("--capture", f"{name}.pcapng", "--json", f"{name}.json", "--log", f"{name}.log")
        code, out, err = guest("--uml", "--run", "short.sh", *words).end()
        assert code == STATUS, out + err
        rows = {row["id"]: row["value"] for row in json.loads((tmp_path / f"{name}.json").read_text())["rows"]}
        frames = [(frame.at_ns, frame.data) for frame in read_capture(tmp_path / f"{name}.pcapng").frames]
        runs.append((out, digest(err), {k: v for k, v in rows.items() if not k.endswith("_time")}, frames))
    out, _, rows, frames = runs[0]
    checks = re.findall(r"^(ok|not ok) (\w+)$", out, re.MULTILINE)
    names = re.findall(r'CHECKS="([^"]+)"', lockstep_script())[0].split()
    assert checks == [("ok", name) for name in names], out
    assert (rows["serve.findings"], rows["serve.refused"]) == (0, 0)
    assert rows["serve.register_reads"] > 1000
    assert max(len(data) for _, data in frames) == 1518  # a ping of 1,472 bytes
    assert runs[0] == runs[1]
    logs = [(tmp_path / f"{name}.log").read_text() for name in ("a", "b")]
    assert "Linux version" in logs[0]
    assert logs[0] == logs[1]


@needs_native
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_shared_folder_and_a_script_that_fails(guest: Callable[..., Guest], tmp_path: Path) -> None:
    fetched_uml()
    (tmp_path / "sh a,re").mkdir()
    (tmp_path / "script").write_text("ping -c 20 -i 0.01 10.77.0.1 >/share/ping; cat /share/ping; exit 3\n")
    code, out, err = guest("--uml", "--share", "sh a,re", "--run", "script").end()
    assert code == 3, out + err
    assert "20 packets received" in (tmp_path / "sh a,re" / "ping").read_text()
    assert (tmp_path / "sh a,re" / "ping").read_text() == out


@needs_native
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_script_that_powers_off_with_the_link_up(guest: Callable[..., Guest], tmp_path: Path) -> None:
    fetched_uml()
    (tmp_path / "script").write_text(
        "ip link show eth0 | grep -c LOWER_UP; poweroff; sleep 100; echo too late; exit 3\n"
    )
    code, out, err = guest("--uml", "--run", "script").end()
    assert (code, out) == (0, "1\n"), err


@needs_native
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_the_checker_and_a_trace_change_nothing(guest: Callable[..., Guest], tmp_path: Path) -> None:
    """Every access at the same clock; in the trace are the driver's own, by their names."""
    fetched_uml()
    (tmp_path / "script").write_text("ping -c 3 -i 0.01 10.77.0.1 >/dev/null\n")
    plain = guest("--uml", "--run", "script").end()
    seen = guest("--uml", "--checker", "--perfetto", "trace.json", "--run", "script").end()
    assert digest(plain[2]) == digest(seen[2])
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    names = {event["name"].partition(" ")[0] for event in events}
    assert {"TDT", "RDT", "ICR", "IMS", "STATUS", "tx", "rx"} <= names


@needs_native
@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_guest_that_dies_is_told_with_its_last_lines(guest: Callable[..., Guest], tmp_path: Path) -> None:
    fetched_uml()
    (tmp_path / "script").write_text("echo here; ip link set eth0 down; rmmod e1000; poweroff -f\n")
    code, out, err = guest("--uml", "--run", "script").end()
    assert (code, out) == (1, "here\n")
    assert "the guest ended without a word of its script" in err


def test_what_has_this_machine_s_time_is_refused_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fetches(*_: object) -> NoReturn:
        raise AssertionError("this is asked too late: something may be fetched by now")

    monkeypatch.setattr("ringbed.cli.guest.uml.find_uml", fetches)
    script = tmp_path / "s"
    script.write_text("")
    run = ("--uml", "--run", str(script))
    assert (
        refused(capsys, "--uml") == "--uml runs a script, --run: keys that somebody types come at no time of the card's"
    )
    assert refused(capsys, *run, "--gdb") == "--gdb is QEMU's: it does not go with --uml"
    assert refused(capsys, *run, "--iommu") == "--iommu is QEMU's: it does not go with --uml, which has --checker"
    for wire in ("kernel", "tap"):
        assert refused(capsys, *run, "--wire", wire).startswith(
            f"--wire {wire} is this machine's kernel, which has its"
        )
    assert refused(capsys, *run, "--width", "32") == "em is made 64, 128, 256, 512 bits wide, not 32"
    assert refused(capsys, *run, "--erratum", "none-such").startswith("the lab has no erratum 'none-such'")
    assert refused(capsys, *run, "--module", str(script)).endswith(
        "its name ends in none of .ko, .ko.xz, .ko.gz, .ko.zst"
    )
    assert refused(capsys, *run, "--faults", str(tmp_path / "none")).endswith("No such file or directory")
    assert refused(capsys, *run, "--address", "10.0.0.0/24").endswith("is all zeroes or all ones")
