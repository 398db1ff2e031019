"""The pytest plugin that comes with ringbed: a NIC, a host, its wire and a capture as fixtures of a test.

    @pytest.mark.ringbed(map="my_nic.toml", driver="my_driver:MyNic", read_latency=200)
    def test_echo(ringbed_nic, ringbed_wire):
        ringbed_wire.send(frame)
        ringbed_wire.run(us=100)
        assert [each.data for each in ringbed_nic.upper.take()] == [frame]

Without a marker the card is `em`. docs/pytest.md has every fixture and option. A test fails, at its teardown, on what
the checkers found; one that fails leaves its capture, is run once more with a waveform, and says with which command it
comes again (`report.py`). What a test has opened is in `bench.py`, its wire in `wire.py`. Nothing
of ringbed is imported before a test asks for it: the plugin is loaded by every pytest in the environment.
"""

from __future__ import annotations

import argparse
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ringbed.cli.plugin.bench import Bench
    from ringbed.cli.plugin.wire import Wire
    from ringbed.sim.testbed.assembly import StackHost
    from ringbed.sim.testbed.host import Collector, Host
    from ringbed.sim.testbed.peer import Peer
    from ringbed.sim.wire.capture import CaptureWriter

KINDS = ("auto", "native", "pysim", "cocotb-verilator", "cocotb-icarus", "qemu")  # of sim/engines.py: it is heavy
BENCH = pytest.StashKey["Bench"]()  # once the test has one


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ringbed", "ringbed: simulated NICs")
    group.addoption("--ringbed-engine", default="auto", metavar="KIND", choices=KINDS,
                    help=f"{', '.join(KINDS[1:])}; auto: native, else pysim")  # fmt: skip
    group.addoption("--ringbed-seed", type=seed_of, default=1, metavar="N", help="seed of whatever a test draws")
    group.addoption("--ringbed-trace", action="store_true", help="record a waveform of every test's card")
    group.addoption("--ringbed-out", default="ringbed-out", metavar="DIR", help="where captures and waveforms go")
    group.addoption("--ringbed-no-rerun", action="store_true", help="do not run the first failure again for a waveform")


def seed_of(text: str) -> int:
    """As engines take it (`sim/seam/settings.py`)."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 10 or (seed := int(text)) >= 1 << 32:
        raise argparse.ArgumentTypeError(f"a number from 0 to {(1 << 32) - 1} is wanted, not {text[:40]!r}")
    return seed


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "ringbed(map=None, driver=None, address='10.0.0.2/24', findings=None, checker=True, **settings): the card of "
        "this test's fixtures; findings='allowed': the test does not fail on them; checker=False: em's rules are not "
        "held against its driver",
    )


# ---- fixtures ----


@pytest.fixture
def ringbed_engine(request: pytest.FixtureRequest) -> str:
    """The engine's kind, from --ringbed-engine."""
    return str(request.config.getoption("ringbed_engine"))


@pytest.fixture
def ringbed_seed(request: pytest.FixtureRequest) -> int:
    """For whatever a test draws, from --ringbed-seed."""
    return int(request.config.getoption("ringbed_seed"))


@pytest.fixture
def ringbed_bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """What the other fixtures share: `open(upper)` opens one more card for a test that wants several."""
    from ringbed.cli.plugin.bench import Bench

    bench = request.node.stash[BENCH] = Bench(request.node)
    yield bench
    bench.close()


@pytest.fixture
def ringbed_capture(ringbed_bench: Bench) -> CaptureWriter:
    """The test's pcapng, which the wire writes; a test may add interfaces of its own."""
    return ringbed_bench.capture


@pytest.fixture
def ringbed_nic(ringbed_bench: Bench) -> Host[Collector]:
    """A card with its driver, up, and nothing above: `.driver`, `.engine`, `.memory`, `.upper.take()`."""
    from ringbed.sim.testbed.host import Collector

    return ringbed_bench.open(Collector())


@pytest.fixture
def ringbed_host(ringbed_bench: Bench) -> StackHost:
    """A card with its driver and a whole stack, up, with the marker's `address`: `.upper.stack`."""
    from ringbed.sim.testbed.assembly import StackOnDriver
    from ringbed.stack.iface.iff import InterfaceError
    from ringbed.stack.stack import Stack

    upper = StackOnDriver(Stack("host"))
    host = ringbed_bench.open(upper)
    try:
        upper.ifd.add_ifl().add_iff().add_ifa(ringbed_bench.address)
    except InterfaceError as error:
        raise pytest.UsageError(f"@pytest.mark.ringbed(address={ringbed_bench.address!r}): {error}") from None
    return host


@pytest.fixture
def ringbed_wire(request: pytest.FixtureRequest, ringbed_bench: Bench) -> Wire:
    """The far end of the wire of the test's `ringbed_host`, or else of its `ringbed_nic`."""
    from ringbed.cli.plugin.wire import Wire

    named = "ringbed_host" if "ringbed_host" in request.fixturenames else "ringbed_nic"
    host = request.getfixturevalue(named)
    return Wire(host, ringbed_bench.end(host))


@pytest.fixture
def ringbed_peer(ringbed_host: StackHost, ringbed_wire: Wire, ringbed_bench: Bench) -> Peer:
    """A stack at the far end of `ringbed_host`'s wire, in its network: `ping(ringbed_host, ringbed_peer)`."""
    from ringbed.cli.plugin.wire import neighbour

    return ringbed_wire.peer(neighbour(ringbed_bench.address))


# ---- when a test fails ----


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo is not None and isinstance(call.excinfo.value, pytest.UsageError):
        report.longrepr = str(call.excinfo.value)  # one sentence says it: where it was raised is ours
    elif BENCH in item.stash and report.failed:
        from ringbed.cli.plugin.report import told

        report.sections.append(("ringbed", "\n".join(told(item, item.stash[BENCH]))))
    return report
