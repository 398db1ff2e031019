"""Linux's own driver behind an IOMMU, held to the card's rules: the one that it breaks, and what a proxy breaks."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ringbed.cli.errors import Exit
from ringbed.cli.guest.errand import GuestOptions
from ringbed.cli.guest.run import run_guest
from ringbed.cli.serve.run import ServeOptions
from ringbed.conformance.guest import GATE
from ringbed.sim.seam.engine import Finding
from ringbed.sim.serve.served import Served
from tests.cli.guest.ground import fetched
from tests.cli.guest.test_boot import Guest
from tests.cli.processes import ended_after
from tests.sim.checker.guest.faults import FAULTS
from tests.sim.checker.guest.proxy import Proxy
from tests.sim.conftest import needs_native

pytestmark = [needs_native, pytest.mark.full, pytest.mark.timeout(3600)]
CHECKS = 'CHECKS="probe link pings statistics errors" SIZES="0 1 56 1472"\n'
LOOK = 0.05  # seconds


@pytest.fixture
def guest(tmp_path: Path) -> Iterator[Callable[..., Guest]]:
    with ended_after(partial(Guest, tmp_path)) as begin:
        yield begin


def test_a_stock_driver_breaks_one_rule(guest: Callable[..., Guest], tmp_path: Path) -> None:
    """`ringbed guest --iommu --run test.sh`, with what of the gate the peer can answer. e1000 maps 1,522 bytes of each
    buffer and says 2,048 (docs/guest.md); its rings are freed before bus mastering goes, as a module's are.
    """
    fetched()
    (tmp_path / "test.sh").write_text(f"trap 'ip link set eth0 down; rmmod e1000' EXIT\n{CHECKS}{GATE.read_text()}")
    code, out, err = guest("--iommu", "--run", "test.sh", "--json", "account.json", "--log", "console").end()
    named = re.findall(r'CHECKS="([^"]+)"', CHECKS)[0].split()
    assert re.findall(r"^(ok|not ok) (\w+)$", out, re.MULTILINE) == [("ok", name) for name in named], out + err
    assert re.findall(r"^clock \d+: ([\w.]+):", err, re.MULTILINE) == ["rx.small"], err
    assert code == Exit.FINDING
    rows = {row["id"]: row["value"] for row in json.loads((tmp_path / "account.json").read_text())["rows"]}
    assert rows["serve.maps"] > 256  # a ring of buffers, and what was sent
    assert rows["serve.refused"] == 0


class Between:
    """A proxy in a thread of its own, at the place of the card's socket."""

    def __init__(self, name: str) -> None:
        self.rule, self._fault = FAULTS[name]
        self.served: Served | None = None
        self.found: list[Finding] = []
        self.proxy: Proxy | None = None
        self._over = False
        self._thread = threading.Thread(target=self._run)

    def __call__(self, served: Served) -> None:
        path = served.server.path
        path.rename(path.with_name("behind"))
        self.proxy, self.served = Proxy(path, path.with_name("behind"), self._fault), served
        self._thread.start()

    def close(self) -> None:
        self._over = True
        self._thread.join()
        if self.proxy is not None:
            self.proxy.close()

    def _run(self) -> None:
        assert self.proxy is not None
        while not self._over:
            self.proxy.turn(LOOK)


@pytest.mark.parametrize("name", ["early_unmap", "reserved", "no_barrier", "wrong_address"])
def test_what_a_proxy_breaks_is_named(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched()
    monkeypatch.setattr("ringbed.cli.guest.run.show_account", lambda options, served, console: len(keep(served)))
    between, found = Between(name), list[Finding]()

    def keep(served: Served) -> list[Finding]:
        found.extend(served.findings())
        return found

    script = tmp_path / "script"
    script.write_text("ping -c 3 -W 2 10.77.0.1; true\n")
    serve = ServeOptions(Path(), "peer", "10.77.0.1/24", "", None, None, None, 64, (), None, checker=True, iommu=True)
    options = GuestOptions(None, None, script, None, "", None, False, tmp_path / "console", None, serve)
    try:
        assert run_guest(options, lambda piece: None, between) == 1
    finally:
        between.close()
    assert between.proxy is not None
    assert between.proxy.done
    rules = [finding.rule for finding in found if hasattr(finding, "section")]
    assert between.rule in rules, found
