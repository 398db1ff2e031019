"""Assembly: engine, memory, driver, and on top either nothing or a stack.

    bare = open_host("em0", Collector())                 loopback bench, replay
    real = open_host("em0", StackOnDriver(Stack("a")))   everything
    mine = open_host("em0", Collector(), driver=Mine)    on a driver of one's own

Between driver and stack there is one adapter, which is the driver's FrameSink and the stack's Interface at once: it
turns verdicts into packet flags, and the stack's flags into the sums a driver is asked for. It parses nothing. A tag
that the card took out goes with the packet: whose VLAN a frame is of is the stack's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from ringbed.drivers.em.driver import Em
from ringbed.drivers.world import Nic, PciIdentity, RxFrame, TxFrame, TxSum, Verdict
from ringbed.sim import cards
from ringbed.sim.cards import EM_PCI
from ringbed.sim.checker.wanted import CHECKED, check_for
from ringbed.sim.engines import AnyEngine, open_engine
from ringbed.sim.memory.host import HostMemory, memory_for
from ringbed.sim.processor.model import Processor
from ringbed.sim.qemu.engine import QemuEngine
from ringbed.sim.seam.progress import Progress
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.testbed.accounting import Leg, driver_legs
from ringbed.sim.testbed.host import DriverMaker, Host, U
from ringbed.stack.iface.tree import IfDevice
from ringbed.stack.kern.ifq import Ifq
from ringbed.stack.kern.journey import Journey
from ringbed.stack.kern.packet import (
    IPV4_CSUM_IN_BAD,
    IPV4_CSUM_IN_OK,
    IPV4_CSUM_OUT,
    L4_CSUM_IN_BAD,
    L4_CSUM_IN_OK,
    OUT_MASK,
    TCP_CSUM_OUT,
    UDP_CSUM_OUT,
    Packet,
)  # fmt: skip
from ringbed.stack.kern.scheduler import Context
from ringbed.stack.link.interface import Attachment, Capabilities, Offload, Ring
from ringbed.stack.stack import Stack
from ringbed.stack.wire.ethernet import ETHERTYPE_VLAN

if TYPE_CHECKING:
    from ringbed.hw.errata.asked import Asked

__all__ = ["EM_PCI", "StackHost", "StackOnDriver", "account", "open_host"]

BATCH = 256  # packets offered to the driver at once


def _flags(verdict: Verdict) -> int:
    """What the card checked, as a packet carries it; of what it did not check, nothing."""
    pairs = (
        (Verdict.L3_GOOD, IPV4_CSUM_IN_OK), (Verdict.L3_BAD, IPV4_CSUM_IN_BAD),
        (Verdict.L4_GOOD, L4_CSUM_IN_OK), (Verdict.L4_BAD, L4_CSUM_IN_BAD),
    )  # fmt: skip
    return sum(flag for bit, flag in pairs if bit in verdict)


def _sums(flags: int) -> TxSum:
    """What is still wanted of the card when a packet gets to the driver."""
    pairs = ((IPV4_CSUM_OUT, TxSum.IPV4), (TCP_CSUM_OUT, TxSum.TCP), (UDP_CSUM_OUT, TxSum.UDP))
    wanted = TxSum.NONE
    for flag, bit in pairs:
        if flags & flag:
            wanted |= bit
    return wanted


def _tag(frame: RxFrame) -> int:
    """The tag that the card took out, with its type, as a packet carries it."""
    return 0 if frame.vlan is None else ETHERTYPE_VLAN << 16 | frame.vlan


FLAGS = tuple(_flags(Verdict(bits)) for bits in range(16))
SUMS = tuple(_sums(flags) for flags in range(OUT_MASK + 1))


class StackOnDriver:
    """The stack's Interface and the driver's FrameSink. `ifd` is there once the driver has attached.

    `follow`, when set, is asked for every received frame whether its packet shall carry a Journey.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.follow: Callable[[bytes], Journey | None] | None = None
        self.ifd: IfDevice  # both from `attach` on
        self._driver: Nic

    # -- for the host ---------------------------------------------------------------------------------------------

    def attach(self, driver: Nic, pci: PciIdentity) -> None:
        self._driver = driver
        line = "apic 2 int 11" if pci.interrupt == "intx" else pci.interrupt
        self.attachment = Attachment("pci0 dev 3 function 0", "Intel 82540EM", pci.revision, line)
        kind = driver.name.rstrip("0123456789")
        drivers = self.stack.drivers
        ifdriver = drivers[kind] if kind in drivers else self.stack.add_driver(kind, "Intel 8254x Ethernet")
        self.ifd = ifdriver.add_ifd(self, int(driver.name[len(kind) :] or 0))
        self.ifd.link_up = False

    def work(self, now: int) -> None:
        if now >= self.stack.now:  # equal: told by `skip`, and a timer may be due right then
            self.stack.tick(now)
        else:
            self.stack.run()

    def skip(self, now: int) -> None:
        self.stack.skip(now)

    def deadline(self) -> int | None:
        return self.stack.deadline()

    # -- for the driver -------------------------------------------------------------------------------------------

    def input(self, queue: int, frames: list[RxFrame]) -> None:
        """The stack runs right after every interrupt, so its pressure needs no answer of its own here."""
        packets = [Packet([frame.data], FLAGS[frame.verdict], frame.tick, tag=_tag(frame)) for frame in frames]
        if self.follow is not None:
            for packet, frame in zip(packets, frames, strict=True):
                packet.journey = self.follow(frame.data)
        scheduler = self.stack.scheduler
        before, scheduler.context = scheduler.context, Context.INTERRUPT
        self.ifd.ifiqs[queue].input(packets)
        scheduler.context = before

    def restart(self, queue: int) -> None:
        self.ifd.ifqs[queue].restart()

    def link(self, up: bool) -> None:
        self.ifd.link_up = up
        self.ifd.media = "1000baseT full-duplex" if up else ""

    # -- for the stack --------------------------------------------------------------------------------------------

    @property
    def lladdr(self) -> bytes:
        return self._driver.lladdr

    @property
    def capabilities(self) -> Capabilities:
        """As the driver has them; the MTU is the one it is set to, since it refuses what is longer."""
        of = self._driver.capabilities
        same = {each.name: getattr(of, each.name) for each in fields(of)}
        return Capabilities(**same | {"tx_l4": Offload(of.tx_l4.value), "mtu": self._driver.mtu})

    def start(self, ifq: Ifq) -> None:
        batch = ifq.begin(BATCH)
        frames = [
            TxFrame(packet.wire(), SUMS[packet.flags & OUT_MASK], packet.l3 - packet.start, packet.l4 - packet.start)
            for packet in batch
        ]
        taken = self._driver.transmit(ifq.index, frames)
        ifq.commit(taken)
        for packet in batch[:taken]:
            if packet.journey is not None:
                packet.journey.step("driver_transmit", ifq.title)
        if taken < len(batch):
            ifq.set_oactive()

    def set_groups(self, groups: Sequence[bytes]) -> None:
        self._driver.set_multicast(groups)

    def rings(self) -> list[Ring]:
        return [Ring(queue.name, 0, queue.size, queue.used) for queue in self._driver.queues()]


StackHost = Host[StackOnDriver]


def open_host(
    name: str,
    upper: U,
    *,
    engine: str = "native",
    mac: bytes = bytes.fromhex("020000000001"),
    offloads: Collection[str] = cards.OFFLOADS,
    spec: NicSpec | None = None,
    memory: HostMemory | None = None,
    driver: Callable[..., Nic] | Mapping[str, Any] | None = None,
    driver_options: Mapping[str, Any] | None = None,
    say: Callable[[str], None] | None = None,
    progress: Progress | None = None,
    checker: bool | Literal["lines"] | None = None,
    processor: Processor | None = None,
    errata: Asked | None = None,
    **settings: Any,
) -> Host[U]:
    """An `em` card with address `mac` on an engine, its driver attached but not up; `name` such as `em0`.

    `spec` replaces the clean card; `errata` opens the lab's with these bugs on, before the driver attaches:
    `{"rx-udp4-zero-flagged-bad": {}, "tx-stall-32-bytes": {"length": 40}}`, as `ringbed errata list` has them. `driver`
    is a driver of one's own, a class or whatever makes one of (device, dma, sink); without it the driver is
    `drivers.em.Em`. `driver_options` are its keywords (a mapping as `driver` is Em's, as it was before). `settings` are
    those of `sim.seam.settings.Settings` and of the engine.
    With `checker` the driver is held against the card's manual (docs/driver-checker.md); `host.findings()` has what it
    did; `"lines"` finds the line of each store, and is slow. Not on `qemu`.
    `processor` says what the host's own work takes, so that the card goes on behind each access; it needs the checker.
    Raises ValueError for a bad one (UnknownErratum for an erratum), BuildError, QemuMissing, and what the driver
    raises: AttachError.
    """
    make = _maker(name, offloads, driver, driver_options)
    check_for("", checker, processor)  # said before a card is built
    spec = _card(spec, offloads, errata, engine)
    memory = memory or memory_for(spec.portmap)
    opened = open_engine(engine, spec, memory, say=say, progress=progress, **settings)
    try:
        check = check_for(opened.kind, checker, processor)
        opened.set_pin("mac", int.from_bytes(mac, "big"))
        if errata:
            _switch(opened, errata)
        pci = opened.pci if isinstance(opened, QemuEngine) else EM_PCI
        host = Host(name, opened, memory, pci, make, upper, opened.frequency, check)
    except BaseException:
        opened.close()
        raise
    if checker is None and host.checker is not None and (told := CHECKED.get()) is not None:
        told(host.checker)
    return host


def _card(spec: NicSpec | None, offloads: Collection[str], errata: Asked | None, engine: str) -> NicSpec:
    """The one that was given, or the lab's where errata are asked for, or the clean one. Raises ValueError."""
    if not errata:
        return spec or cards.em(offloads)
    from ringbed.hw.errata.asked import errata_writes  # the lab and Amaranth: slow to import

    errata_writes(errata)
    if spec is not None or set(offloads) != set(cards.OFFLOADS):
        raise ValueError(
            "errata are of the lab's card, which has all offloads: spec= and offloads= do not go with them"
        )
    if engine == "qemu":
        raise ValueError("errata are in the lab's RTL, and engine qemu has none")
    return cards.em_lab()


def _switch(engine: AnyEngine, errata: Asked) -> None:
    from ringbed.sim.errata import switch_errata

    switch_errata(engine, errata)


def _maker(
    name: str, offloads: Collection[str], driver: Callable[..., Nic] | Mapping[str, Any] | None,
    options: Mapping[str, Any] | None,
) -> DriverMaker:  # fmt: skip
    """Em is told the card's name and what the card was built with; somebody's own driver what its options say."""
    if isinstance(driver, Mapping):
        if options is not None:
            raise ValueError("driver= is a mapping of Em's options, and driver_options= has some too: name one of them")
        driver, options = None, driver
    if driver is not None and not callable(driver):
        raise ValueError(f"driver={driver!r} makes no driver: a class does, or a function of (device, dma, sink)")
    if driver is None:
        return partial(Em, **{"name": name, "offloads": offloads, **(options or {})})
    return partial(driver, **(options or {}))


def account(host: Host[Any]) -> list[Leg]:
    """All legs of one host, at rest: between wire and driver, and with a stack between driver and its queues too.

    On a card of somebody's own too: what is known of it then is in `sim/testbed/accounting.py`.
    """
    legs = driver_legs(host)
    if isinstance(host.upper, StackOnDriver):
        legs += _stack_legs(host)
    return legs


def _stack_legs(host: StackHost) -> list[Leg]:
    """Up: from what the driver handed on to what a protocol was given. Down: from the output queue to the driver."""
    ifd, ether = host.upper.ifd, host.upper.stack.stats.ether
    counters = host.driver.counters()
    taken = sum(counters[name] for name in ("tx_frames", *host.driver.TX_DROPS) if name != "tx_reset")
    drops = sum(queue.qdrops.value for queue in ifd.ifiqs)
    causes = {"ifiq qdrops": drops, "waiting in ifiq": sum(len(queue) for queue in ifd.ifiqs)} | ether.drops()
    causes.pop(ether.toobig.text.format(s="s"), None)  # an output packet, which never was in a queue
    queued = sum(queue.packets for queue in ifd.ifqs)
    waiting = {"waiting in ifq": sum(len(queue) for queue in ifd.ifqs)}
    return [
        Leg(f"{host.name} driver to protocol", counters["rx_frames"], ether.delivered.value, causes),
        Leg(f"{host.name} ifq to driver", queued, taken, waiting),
    ]
