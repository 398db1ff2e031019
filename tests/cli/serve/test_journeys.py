"""A trace for Perfetto of a served card: frames of the card, and beside them what the driver did, by the same clock."""

from __future__ import annotations

import json
from pathlib import Path

from ringbed.cli.serve import journeys
from ringbed.cli.serve.journeys import AccessBook
from ringbed.drivers.world import TxFrame
from ringbed.sim.trace.accesses import TRACK
from tests.sim.conftest import needs_native
from tests.sim.serve.bench import Bench, Machine


@needs_native
def test_a_doorbell_is_before_its_frame_and_the_last_are_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    book = AccessBook(bench.served)
    machine = Machine(bench)
    machine.up()
    machine.driver.transmit(0, [TxFrame([bytes(60)])])
    machine.work()
    counts, kept = bench.served.function.counts, len(book)
    assert kept == counts["register reads"] + counts["register writes"]
    path = tmp_path / "trace.json"
    book.write(path)
    machine.down()
    machine.close()
    bench.close()
    events = json.loads(path.read_text())["traceEvents"]
    accesses = [event for event in events if event.get("tid") == TRACK and event["ph"] != "M"]
    assert len(accesses) == kept <= journeys.KEEP
    bells = [event["ts"] for event in accesses if event["name"] == "TDT = 0x1"]
    frames = [event["ts"] for event in events if event["ph"] == "b" and event["name"] == "tx 1"]
    assert len(bells) == len(frames) == 1
    assert bells[0] < frames[0] < bells[0] + 10  # us
