"""A driver with one fault for each case of a conformance run, over the template and over `Em`; the fault of a case is
what only that case, or few, would see. What the checker of drivers sees by itself is in benchmarks/planted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from ringbed.drivers.em.driver import Em
from ringbed.drivers.ethtool import LinkState
from tests.sim.checker.planted import TEMPLATE

__all__ = ["CATCHES", "FILE", "Planted", "template"]

FILE = "/planted/template_nic.py"
RECEIVED = "frames.append(RxFrame(mapping.read(high & 0xFFFF), _verdict(high)))"
STOP = "    def stop(self) -> None:\n"


@dataclass(frozen=True)
class Planted:
    """`make` is the driver; of its findings one is of `rule`."""

    rule: str
    make: Callable[..., Any]


def template(*edits: tuple[str, str]) -> Callable[..., Any]:
    """The template's class with words changed, each of which is there."""
    text = TEMPLATE
    for old, new in edits:
        assert old in text, f"the template has no {old!r} any more"
        text = text.replace(old, new, 1)
    module: Any = ModuleType("planted")
    exec(compile(text, FILE, "exec"), module.__dict__)
    made: Callable[..., Any] = module.TemplateNic
    return made


def _t(rule: str, *edits: tuple[str, str]) -> Planted:
    return Planted(rule, template(*edits))


def _em(rule: str, change: Callable[[Any], None]) -> Planted:
    """`Em`, and `change` done to the object that attached."""

    def make(device: Any, dma: Any, sink: Any) -> Any:
        driver = Em(device, dma, sink)
        change(driver)
        return driver

    return Planted(rule, make)


def _method(name: str, does: Callable[..., Any]) -> Callable[[Any], None]:
    """A method replaced by one that is given the object and the method it had."""

    def change(driver: Any) -> None:
        owner = driver
        *path, last = name.split(".")
        for each in path:
            owner = getattr(owner, each)
        before = getattr(owner, last)
        setattr(owner, last, lambda *args, **options: does(driver, before, *args, **options))

    return change


def _frames(change: Callable[[Any], Any]) -> Callable[[Any], None]:
    """What it is offered is another frame."""
    return _method("transmit", lambda _, before, queue, frames: before(queue, [change(each) for each in frames]))


def _received(change: Callable[[Any], Any]) -> Callable[[Any], None]:
    return _method(
        "_sink.input", lambda driver, before, queue, frames: before(queue, [change(each) for each in frames])
    )


def _shorter(frame: Any) -> Any:
    cut = frame.segmentation
    return frame if cut is None else replace(frame, segmentation=replace(cut, mss=cut.mss - 1))


def _adds_groups(driver: Any, before: Any, groups: Any) -> None:
    driver.had = (*getattr(driver, "had", ()), *groups)
    before(driver.had)


def _stays_down(driver: Any, before: Any, offline: bool = True) -> Any:
    checks = before(offline)
    if offline:
        driver.down()
    return checks


NOTHING: Callable[..., None] = lambda *_, **__: None  # noqa: E731
DEAF = _em("reset.stuck", _method("watchdog", NOTHING))
OFF = LinkState(False, 0, False, False, False)


def _frozen(driver: Any) -> None:
    claims = driver.capabilities
    driver.__class__ = type("Frozen", (Em,), {"capabilities": property(lambda self: claims)})


# ---- words of the template, and what is put there ----

NEXT_TAIL = "self.device.write(0, TX + TAIL, (self.tx.tail + 1) % self.size)"
PUT = "self.tx.put(mapping.iova, command | len(data), mapping)"
IDS = "if (device.pci.vendor, device.pci.device) != (0x8086, 0x100E):"
NO_RESET = 'raise AttachError(f"{name}: the card does not come out of its reset")'
STORED = "EN | BAM | SECRC | 1 << 2"  # RCTL.SBP: frames that are bad are handed on
ALL = "EN | BAM | SECRC | 1 << 3"  # RCTL.UPE: and those of others
STATION_LOW = 'self.device.write(0, RAL, int.from_bytes(self.lladdr[:4], "little"))'
STATION_HIGH = 'self.device.write(0, RAH, int.from_bytes(self.lladdr[4:], "little") | 1 << 31)'


def _before(line: str, *more: str, indent: int = 8) -> tuple[str, str]:
    """`more` in front of a line."""
    return line, ("\n" + " " * indent).join((*more, line))


def _more(*lines: str) -> tuple[str, str]:
    """A method more, in front of `stop`."""
    return STOP, "    def " + "\n        ".join(lines) + "\n\n" + STOP


def _other_tag(frame: Any) -> Any:
    return frame if frame.vlan is None else replace(frame, vlan=frame.vlan ^ 1)


NEW_COUNTS = _before("self.device.write(0, CTRL, FD | SLU)", "self.count = dict.fromkeys(self.count, 0)")
WAITS = _more("watchdog(self, now: int) -> None:", "while True:", "    self.device.delay(10_000_000)")
ANY_GROUP = _more("set_multicast(self, groups: object) -> None:", "pass")
ACK = "causes = self.device.read(0, ICR)"
SERVES_FIRST = (ACK, "self._receive()\n        self._clean()\n        " + ACK)
AT_MOST_FOUR = ("while high := self.rx.done():", "while len(frames) < 4 and (high := self.rx.done()):")

CATCHES: dict[str, Planted] = {
    "attach": _t("attach.address", ("name=name, lladdr=address)", 'name=name, lladdr=address[:5] + b"9")')),
    "attach.foreign": _t("attach.foreign", (IDS, "if False:")),
    "attach.dead": _t("attach.dead", (NO_RESET, "return")),
    "detach": _t("account.lost", NEW_COUNTS),
    "rings.transmit": _t("ring.full", ("if self.tx.room < 2:", "if False:")),
    "rings.receive": _t("frame.lost", ("        if frames:\n            self._fill()\n", "        if frames:\n")),
    "rings.full": _t("tx.restart", ("self.sink.restart(0)", "pass")),
    "rings.overrun": _t("reset.stuck", _before("if causes & LSC:", "if causes & RXO:", "    return")),
    "rings.processor": _t("ring.unwritten", _before(PUT, NEXT_TAIL)),
    "frames.out": _t("frame.lost", ("len(data) > self.mtu + 14", "len(data) > self.mtu")),
    "frames.in": _t("frame.changed", ("mapping.read(high & 0xFFFF)", "mapping.read(min(high & 0xFFFF, 1500))")),
    "frames.pieces": _t("frame.changed", ('b"".join(frame.segments)', 'b"".join(frame.segments[:2])')),
    "frames.overlong": _t("frame.overlong", ("len(data) > self.mtu + 14", "len(data) > self.mtu + 20")),
    "frames.damaged": _t("frame.damaged", ("EN | BAM | SECRC", STORED)),
    "sums.out": _t("sum.wrong", ("command |= TXSM_OUT if", "command |= 0 if")),
    "sums.pieces": _t("sum.wrong", ("if frame.sums:", "if frame.sums and len(frame.segments) == 1:")),
    "sums.tagged": _t("sum.wrong", ("frame.l3_offset, frame.l4_offset, TxSum.TCP", "14, 34, TxSum.TCP")),
    "sums.in": _t("verdict.missing", ("    return verdict\n", "    return Verdict.NONE\n")),
    "sums.switched": _em("set.ignored", _frozen),
    "cuts": _em("cut.wrong", _frames(_shorter)),
    "vlan.out": _em("vlan.wrong", _frames(_other_tag)),
    "vlan.in": _em("vlan.wrong", _received(lambda frame: replace(frame, vlan=None))),
    "vlan.kept": _t("vlan.wrong", (RECEIVED, RECEIVED.replace("_verdict(high))", "_verdict(high), vlan=1)"))),
    "vlan.filter": _em("filter.missed", _method("set_vlans", NOTHING)),
    "filters.station": _t("filter.passed", ("EN | BAM | SECRC", ALL)),
    "filters.promiscuous": _em("filter.passed", _method("set_promiscuous", lambda driver, before, on: before(True))),
    "filters.groups": _em("filter.passed", _method("set_multicast", _adds_groups)),
    "filters.all_groups": _em("filter.missed", _method("set_all_multicast", NOTHING)),
    "filters.address": _t("filter.missed", (STATION_LOW, "pass"), (STATION_HIGH, "pass")),
    "filters.refused": _t("set.unchecked", ANY_GROUP),
    "settings.told": _em("link.untold", _method("ethtool.link", lambda driver, before: OFF)),
    "moderation": _em("moderation.ignored", _method("setup.moderation.program", NOTHING)),
    "moderation.delay": _em("moderation.ignored", _method("setup.moderation.program", NOTHING)),
    "link.flaps": _t("link.untold", ("if causes & LSC:", "if False:")),
    "pause.received": _em("pause.ignored", _method("setup.flow.ctrl", lambda driver, before: 0)),
    "pause.set": _em("set.ignored", _method("ethtool.set_pause", NOTHING)),
    "rings.resized": _em("frame.lost", _method("_drain", NOTHING)),
    "self_test": _em("reset.stuck", _method("ethtool.self_test", _stays_down)),
    "resets.traffic": _t("account.lost", ("len(waiting) if ring is self.tx else 0", "0")),
    "resets.idle": _t("call.hung", WAITS),
    "faults.link": _t("frame.damaged", ("EN | BAM | SECRC", STORED)),
    "faults.bus.slow": _t("dma.early_unmap", ("while self.tx.done():", "while self.tx.used:")),
    "faults.bus.fetch": DEAF,
    "faults.bus.read": DEAF,
    "faults.bus.write": DEAF,
    "faults.bus.writeback": DEAF,
    "faults.host": _t("irq.late", SERVES_FIRST),
    "faults.lost": _t("frame.lost", AT_MOST_FOUR),
}  # fmt: skip
