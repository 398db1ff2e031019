"""Settings of a card that runs: moderation, the link, flow control; and a self test in between."""

from __future__ import annotations

from contextlib import suppress

from ringbed.conformance.drivers.bench import US, Bench
from ringbed.conformance.drivers.cases.rings import size_of
from ringbed.conformance.drivers.found import Case, NotApplicable
from ringbed.conformance.drivers.packets import numbered
from ringbed.sim.testbed.offer import plain
from ringbed.sim.wire.frame import to_wire

__all__ = ["CASES"]

SLOW_RATE = 2_000  # interrupts a second
DELAY_US = 200
PAUSE = bytes.fromhex("0180c2000001 0200000000fe 8808 0001".replace(" ", ""))
QUANTUM_NS = 512  # 512 bit times at 1 Gb/s (IEEE 802.3 31B.2)
QUANTA = 1_000
GIGABIT = 1_000_000_000


def moderation(bench: Bench) -> None:
    """Bounded, there are fewer interrupts than frames; not bounded, every frame comes soon."""
    bench.open()
    bench.set("coalesce", rx_usecs=0, rx_usecs_max=0, adaptive=False, interrupts_per_second=SLOW_RATE)
    if (told := bench.ethtool.coalesce().interrupts_per_second) and abs(told - SLOW_RATE) > SLOW_RATE // 10:
        bench.find("set.ignored", f"{SLOW_RATE} interrupts a second were set, {told} are told")
    bench.goes_round()
    before, begin = bench.host.interrupts, bench.host.now
    for number in range(100):
        bench.to_come.append(frame := numbered(number, 64, inward=True))
        bench.host.engine.wire_in(to_wire(frame), bench.host.engine.now)
        bench.run(50 * US)
    count, most = bench.host.interrupts - before, SLOW_RATE * (bench.host.now - begin) // 10**9 + 3
    if count > most:
        bench.find("moderation.ignored", f"at {SLOW_RATE} a second there were {count} interrupts, not {most}")
    bench.judge()
    bench.set("coalesce", rx_usecs=0, rx_usecs_max=0, interrupts_per_second=0)
    bench.deliver([numbered(1, 64, inward=True)], to_come=())
    bench.upper.take()
    bench.host.engine.wire_in(to_wire(numbered(2, 64, inward=True)), bench.host.engine.now)
    if not bench.until(lambda: bool(bench.upper.frames), DELAY_US * US // 2):
        bench.find("moderation.ignored", f"nothing bounds interrupts, and a frame took more than {DELAY_US // 2} us")
    bench.upper.take()


def delays(bench: Bench) -> None:
    """A frame that may wait for company waits, and comes."""
    bench.open()
    bench.set("coalesce", rx_usecs=DELAY_US, interrupts_per_second=0, adaptive=False)
    bench.goes_round()
    before = bench.host.interrupts
    for number in range(20):
        bench.to_come.append(frame := numbered(number, 64, inward=True))
        bench.host.engine.wire_in(to_wire(frame), bench.host.engine.now)
        bench.run(DELAY_US * US // 4)
    if (count := bench.host.interrupts - before) > 10:
        bench.find("moderation.ignored", f"20 frames, each within {DELAY_US // 4} us, had {count} interrupts")
    bench.judge()


def flaps(bench: Bench) -> None:
    """At rest, and under traffic; what was taken while there was none goes out later or is a drop that is counted."""
    bench.open()
    engine = bench.host.engine
    for at in range(4):
        for up in (0, 1):
            if at >= 2:
                bench.offer([plain(numbered(number, 200, inward=False)) for number in range(6)])
            engine.set_pin("link_up", up)
            if not bench.link_told(up=bool(up)):
                bench.find("link.untold", f"the link is {'up' if up else 'down'}, and 10 ms later the sink is not told")
        bench.settle()
        bench.goes_round()


def pauses(bench: Bench) -> None:
    """A partner asks for silence: where flow control is in force it gets it, and traffic goes on afterwards."""
    bench.open(link_bps=GIGABIT)
    with suppress(NotApplicable):  # one that cannot be set must keep to what it says
        bench.set("pause", autoneg=False, rx=True, tx=False)
    bench.link_told(up=True)
    bench.goes_round()
    link = bench.ethtool.link()
    frame = PAUSE + QUANTA.to_bytes(2, "big")
    bench.host.engine.wire_in(to_wire(frame.ljust(60, b"\0")), bench.host.engine.now)
    bench.run(10 * US)
    if bench.upper.take():
        bench.find("filter.passed", "a pause frame was handed on")
    begin, out = bench.host.now, [numbered(number, 100, inward=False) for number in range(4)]
    bench.send([plain(each) for each in out], out)
    bench.settle()
    left = bench.host.engine.wire_out()
    bench.sent = []
    if len(left) != len(out):
        bench.end("reset.stuck", f"of {len(out)} frames sent in a pause {len(left)} left")
    waited = bench.host.frequency.ns(left[0][0]) - begin
    if link.pause_rx and waited < QUANTA * QUANTUM_NS // 2:
        bench.find(
            "pause.ignored", f"link() says pause_rx, and {waited} ns into a pause of {QUANTA * QUANTUM_NS} a frame left"
        )
    if not link.pause_rx and waited > QUANTA * QUANTUM_NS // 2:
        bench.find("pause.ignored", f"link() says no pause_rx, and a pause frame held frames back for {waited} ns")
    bench.goes_round()


def pause_set(bench: Bench) -> None:
    """Without autonegotiation the partner has no say."""
    bench.open()
    for rx, tx in ((True, False), (False, True), (True, True), (False, False)):
        bench.set("pause", autoneg=False, rx=rx, tx=tx)
        bench.link_told(up=True)
        link = bench.ethtool.link()
        if (link.pause_rx, link.pause_tx) != (rx, tx):
            bench.find("set.ignored", f"pause rx={rx}, tx={tx} was set without autoneg, and in force is {link}")
        bench.goes_round()


def resized(bench: Bench) -> None:
    """Other rings under traffic: what was taken goes out, what had come is handed on."""
    bench.open(link_bps=GIGABIT)
    for size in (16, 64, 8):
        out = [numbered(number, 300, inward=False) for number in range(6)]
        if bench.offer([plain(each) for each in out]) == len(out):
            bench.sent += out
        bench.set("rings", rx=size, tx=size)
        if size_of(bench, "rx") != size or size_of(bench, "tx") != size:
            bench.find("set.ignored", f"rings of {size} were set, queues() says {bench.driver.queues()}")
        bench.judge()
        bench.goes_round()


def self_test(bench: Bench) -> None:
    """On the card of a clean run every check passes, and the card is given back as it was."""
    bench.open()
    bench.goes_round()
    bench.accounted = False  # the card counts the frames of its self test, and the driver does not
    for offline in (False, True):
        for check in bench.ethtool.self_test(offline):
            if not check.passed:
                bench.find("call.answer", f"self_test: {check.name} failed: {check.detail}")
        bench.link_told(up=True)
        bench.goes_round()


def told(bench: Bench) -> None:
    """What tools show, of a driver at work."""
    bench.open()
    bench.goes_round()
    tool = bench.ethtool
    rings, queues = tool.rings(), bench.driver.queues()
    if rings.rx not in {each.size for each in queues} or rings.tx not in {each.size for each in queues}:
        bench.find("call.answer", f"rings() is {rings}, queues() {queues}")
    if not tool.link().up:
        bench.find("link.untold", "link() says down, and frames go round")
    for what in (tool.info, tool.statistics, tool.registers, tool.eeprom, tool.coalesce, tool.features, tool.pause):
        what()
    available, on = tool.available(), tool.features()
    for name in on.on:
        if not getattr(available, name):
            bench.find("call.answer", f"feature {name} is on, and available() does not have it")
    bench.goes_round()


CASES = (
    Case("settings.told", "what ethtool tells agrees with itself, and telling it disturbs nothing", told),
    Case("moderation", "interrupts a second are bounded as set, and not when set so", moderation),
    Case("moderation.delay", "frames wait for company as set, and come", delays),
    Case("link.flaps", "the sink is told of the link, at rest and under traffic, and frames go on", flaps, ("link",)),
    Case("pause.received", "a pause frame is obeyed where flow control is in force, and else not", pauses, ("flow",)),
    Case("pause.set", "flow control is as set", pause_set, ("flow",)),
    Case("rings.resized", "rings of other sizes under traffic: nothing is lost", resized),
    Case("self_test", "the self test passes and gives the card back as it was", self_test),
)
