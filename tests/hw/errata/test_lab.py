"""The lab: each bug is there when its trigger is and it is on, not for what misses it by one, not when it is off; and
the clean card knows nothing of it."""

from __future__ import annotations

import subprocess
import sys
import zlib

import pytest
from amaranth.back import rtlil

from ringbed.drivers.world import AttachError
from ringbed.hw.errata.asked import erratum_of
from ringbed.hw.errata.lab import EM_ERRATA, lab_em
from ringbed.sim.errata import switch_errata
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector
from tests.hw.errata.frames import udp4
from tests.hw.errata.rows import conditions, hosts, rx_side, segmentation, tx_data, tx_sums, verdicts
from tests.hw.errata.walk import LabBench, Row, both_ways
from tests.hw.errata.walk import verdicts as told

pytestmark = pytest.mark.timeout(900)  # the first test may build the lab's model
ROWS = (
    *verdicts.ROWS, *tx_sums.ROWS, *tx_data.ROWS, *segmentation.ROWS, *rx_side.ROWS, *hosts.ROWS, *conditions.ROWS,
)  # fmt: skip
CLEAN_VERILOG = """
import sys
if {hide}:
    class Hidden:
        def find_spec(self, name, path=None, target=None):
            if name.startswith("ringbed.hw.errata"):
                raise ModuleNotFoundError(name)
    sys.meta_path.insert(0, Hidden())
else:
    import ringbed.hw.errata.lab
from amaranth.back import rtlil
from ringbed.hw.nics.em.card import Em
card = Em()
sys.stdout.write(rtlil.convert(card, ports=list(card.ports().values()), name="em", emit_src=False))
"""


@pytest.mark.needs("native")
@pytest.mark.parametrize("row", ROWS, ids=[row.title for row in ROWS])
def test_a_bug(row: Row) -> None:
    both_ways(row)


def test_every_bug_has_a_row_and_every_row_a_miss() -> None:
    assert {row.id for row in ROWS} == {erratum.id for erratum in EM_ERRATA}
    assert [row.title for row in ROWS if not row.misses] == []
    assert len({row.title for row in ROWS}) == len(ROWS)


def test_every_condition_is_set_to_another_number_by_a_row() -> None:
    """But the count of bursts, of which any is too early."""
    changed = {
        (row.id, name)
        for row in ROWS
        for name, value in row.set.items()
        if value != next(each.default for each in erratum_of(row.id).conditions if each.name == name)
    }
    own = {(erratum.id, each.name) for erratum in EM_ERRATA for each in erratum.own if each.name != "bursts"}
    assert own - changed == set()


def _clean(hide: bool) -> str:
    code = CLEAN_VERILOG.format(hide=hide)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_clean_card_is_the_same_with_and_without_errata() -> None:
    with_errata, without = _clean(False), _clean(True)
    assert len(with_errata) > 100_000
    assert zlib.crc32(with_errata.encode()) == zlib.crc32(without.encode())
    for word in ("errata", "tap_", "taps_", "facts"):
        assert word not in with_errata


def test_several_errata_at_one_tap_stand_in_a_row() -> None:
    """Each with registers of its own, in the order of the list."""
    two = erratum_of("tx-stall-32-bytes"), erratum_of("tx-csum-wedge-above-8170")
    card = lab_em(errata=two)
    names = [each.name for each in card.taps.registers]
    stems = [each.id.replace("-", "_") for each in two]
    assert names == [f"{stem}_{name}" for stem in stems for name in ("on", "every", "length")]
    assert [len(card.ports()[name]) for name in ("errata_index", "errata_value", "errata_write")] == [10, 32, 1]
    rtl = rtlil.convert(card, ports=list(card.ports().values()), name="em_lab", emit_src=False)
    cells = [line.split()[-1] for line in rtl.splitlines() if line.strip().startswith("cell ") and "tap_" in line]
    assert sorted(cells) == ["\\tap_tx_checksum", "\\tap_tx_checksum_1"]


@pytest.mark.needs("native")
def test_bugs_are_switched_on_beside_each_other_and_at_run_time() -> None:
    """Two at one tap; the second while the first is on; with other conditions than the first time."""
    bench = LabBench({"rx-udp4-zero-flagged-bad": {"every": 2}}, False, {})
    zero, plain = udp4(chksum=0), udp4(18)
    assert told(bench.receive(zero, zero, plain)) == ["good, not checked", "good, bad", "good, good"]
    switch_errata(bench.host.engine, {"rx-short-frame-csum-invalid-aq": {"length": 60}})
    assert told(bench.receive(zero, zero, plain)) == ["good, not checked", "good, bad", "bad, good"]
    switch_errata(bench.host.engine, {"rx-short-frame-csum-invalid-aq": {"length": 59}})
    assert told(bench.receive(plain)) == ["good, good"]
    bench.close()


@pytest.mark.needs("native")
def test_a_reset_of_the_card_ends_a_hang_and_no_more() -> None:
    """The bug is still on: CTRL.RST is the driver's, the switch is ours."""
    bench = LabBench({"tx-csum-kills-rx": {}}, False, {})
    for _ in range(2):
        tx_sums.tx(udp4())(bench)
        assert bench.receive(udp4()) == []
        bench.host.down()
        bench.host.up()
        bench.settle()
        assert len(bench.receive(udp4())) == 1
    bench.close()


@pytest.mark.needs("native")
def test_a_bug_that_the_driver_meets_as_it_attaches() -> None:
    with pytest.raises(AttachError, match="the EEPROM's words add up to 0x0dcf, not 0xbaba"):
        open_host("em0", Collector(), errata={"eeprom-checksum-not-calculated": {}})


def test_what_open_host_is_not_given_beside_errata() -> None:
    from ringbed.sim.cards import em

    for more, said in (
        ({"errata": {"no-such": {}}}, "the lab has no erratum 'no-such'"),
        ({"errata": {"rx-udp4-zero-flagged-bad": {}}, "spec": em()}, "spec= and offloads= do not go with them"),
        ({"errata": {"rx-udp4-zero-flagged-bad": {}}, "offloads": ()}, "spec= and offloads= do not go with them"),
        ({"errata": {"rx-udp4-zero-flagged-bad": {}}, "engine": "qemu"}, "engine qemu has none"),
    ):
        with pytest.raises(ValueError, match=said):
            open_host("em0", Collector(), **more)
