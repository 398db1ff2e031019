"""What a marker may say, and the one sentence for one that says something else."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from ringbed.cli.plugin.fixtures import seed_of
from ringbed.cli.plugin.marker import driver_of, must_record, settings_of
from ringbed.sim.processor.model import Processor
from tests.cli.plugin.item import Item
from tests.cli.plugin.runs import MARKED, MERGED, THEIRS, run, sentence, theirs


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ('"mini_nic.toml", driver="mini_driver:MiniNic"', "ringbed('mini_nic.toml'): name it, such as map="),
        ('map="mini_nic.toml"', "it goes with a driver, which is not given"),
        ('errata={"none": {}}', "the lab has no erratum 'none'"),
        ("latency=3", "ringbed(latency=...): there is no such key; there are map,"),
        ('checker="some"', "ringbed(checker='some'): True, False or 'lines'"),
        ('findings="some"', "ringbed(findings='some'): only 'allowed' can be said"),
        (
            'map="mini_nic.toml", driver="mini_driver:Ring"',
            "a driver of the card of a map is made of (device, dma, sink, lladdr=...): ",
        ),
        (
            'driver="mini_driver:MiniNic"',
            "a driver of em, the card without map=, is made of (device, dma, sink): missing a required",
        ),
        ('map="mini_nic.toml", driver="mini_driver:No"', "module mini_driver has no No"),
    ],
)
def test_a_wrong_marker_is_one_sentence(tmp_path: Path, marker: str, said: str) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MARKED.format(marker, "1"))
    assert done.returncode == 1
    assert said in sentence(done)


def test_markers_are_merged_the_closest_first(tmp_path: Path) -> None:
    theirs(tmp_path)
    done = run(tmp_path, MERGED)
    assert done.returncode == 0, done.stdout


def test_a_driver_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, THEIRS.replace("mini_driver:MiniNic", "mini_driver"))
    assert "it is a class, or 'module:Class'" in done.stdout


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        ({"map": "no.toml", "driver": int}, r"map='no.toml'\): there is no such file in /"),
        ({"map": ".", "driver": int}, "there is no such file"),
        ({"map": "/dev/zero", "driver": int}, "there is no such file"),
        ({"map": 3, "driver": int}, r"map=3\): there is no such file"),
        ({"read_latency": 0}, "ringbed: read_latency must be at least 1 clock, not 0"),
        ({"seed": "x"}, "ringbed: seed must be int, not 'x'"),
        ({"link_bps": 1}, "a link runs at 10M to 100G bits per second, not 1"),
        ({"backpressure": float("nan")}, "backpressure is a probability below 1, not nan"),
        ({"plusargs": "x"}, "plusargs must be a list of texts"),
        ({"offloads": 5}, r"offloads=5\): a list of some of rx_checksum, tx_checksum"),
        ({"offloads": ["rx_checksum", []]}, "a list of some of rx_checksum, tx_checksum"),
        ({"offloads": [], "map": __file__, "driver": int}, "those of em, and this card is your own"),
        ({"errata": ["tx-stall-32-bytes"]}, r"errata=.*\): a mapping, such as {'tx-stall-32-bytes': {'length': 40}}"),
        ({"errata": {"tx-stall-32-bytes": 40}}, "a mapping, such as "),
        (
            {"errata": {"tx-stal-32-bytes": {}}},
            "the lab has no erratum 'tx-stal-32-bytes'; near it are tx-stall-32-bytes",
        ),
        ({"errata": {"tx-stall-32-bytes": {"size": 1}}}, "erratum tx-stall-32-bytes has no condition 'size'"),
        ({"errata": {}, "map": __file__, "driver": int}, "of em's lab, which goes with neither map= nor offloads="),
        ({"errata": {}, "offloads": []}, "of em's lab, which goes with neither map= nor offloads="),
        ({"processor": 5}, r"processor=5\): it is a Processor, of ringbed.lab"),
        ({"processor": Processor(weak=1), "checker": False}, "ringbed: processor=.* is part of the checker"),
        (
            {"processor": Processor(store_ns=1), "map": __file__, "driver": int},
            "only weak= is there for a card whose rules",
        ),
    ],
)
def test_a_value_that_cannot_be_is_a_sentence(tmp_path: Path, marker: dict[str, Any], said: str) -> None:
    with pytest.raises(pytest.UsageError, match=said):
        settings_of(Item(tmp_path, marker).real)


@pytest.mark.parametrize("more", [{}, {"map": __file__, "driver": int}])
def test_a_processor_goes_to_the_card(tmp_path: Path, more: dict[str, Any]) -> None:
    marker = {"processor": Processor(weak=1), **more}
    assert settings_of(Item(tmp_path, marker).real) == marker


@pytest.mark.parametrize("driver", ["x", ":", "", ".x:y", "a b:c", 3, None])
def test_what_names_no_driver(driver: Any) -> None:
    with pytest.raises(pytest.UsageError, match="it is a class, or 'module:Class'"):
        driver_of(driver)


@pytest.mark.parametrize(
    ("driver", "said"),
    [("no_such.module:X", "no module no_such that"), ("os.no_such:X", "no module os.no_such that"),
     ("os:name", "module os has no name that is a class"), ("os:no_such", "module os has no no_such$")],
)  # fmt: skip
def test_a_driver_that_is_not_there(driver: str, said: str) -> None:
    with pytest.raises(pytest.UsageError, match=said):
        driver_of(driver)


def test_a_driver_that_imports_what_is_not_there_keeps_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imports_what_is_not.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        driver_of("imports_what_is_not:X")


def test_a_waveform_that_an_engine_does_not_record() -> None:
    must_record("pysim", "vcd")
    must_record("qemu", "")
    for engine, waves in (("pysim", "fst"), ("qemu", "vcd"), ("native", "png"), ("native", 5)):
        with pytest.raises(pytest.UsageError, match=f"waveform of engine {engine} is .* on this machine"):
            must_record(engine, waves)


ADDRESSED = """
import pytest

@pytest.mark.parametrize("none", [pytest.param(0, marks=pytest.mark.ringbed(address=each)) for each in ADDRESSES])
def test_of(ringbed_host, ringbed_peer, none):
    pass
"""


def test_an_address_that_no_host_can_have(tmp_path: Path) -> None:
    wrong = ["x", "10.0.0.2/32", 5]
    done = run(tmp_path, ADDRESSED.replace("ADDRESSES", repr(wrong)))
    assert "Traceback" not in done.stdout
    said = [line for line in done.stdout.splitlines() if line.startswith("@pytest.mark.ringbed(address=")]
    assert len(said) == len(wrong), done.stdout


def test_a_seed_that_no_engine_takes_is_refused_at_once(tmp_path: Path) -> None:
    done = run(tmp_path, "", "--ringbed-seed=-1")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "a number from 0 to 4294967295 is wanted, not '-1'" in done.stderr
    assert [seed_of("0"), seed_of("4294967295")] == [0, (1 << 32) - 1]
    for seed in ("", "x", "4294967296", "9" * 5000, "1.5", "\u0663"):
        with pytest.raises(argparse.ArgumentTypeError, match=r"is wanted, not '.{0,40}'$"):
            seed_of(seed)
