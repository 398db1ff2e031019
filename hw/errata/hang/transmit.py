"""The transmit side stands still until a reset, or until the next doorbell."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Signal

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import IPV6, lasting, number
from ringbed.hw.errata.saboteur import Here

__all__ = ["ERRATA"]

TCP, UDP = 6, 17
NEXT_HEADER_AT, BEHIND_IPV6 = 20, 54  # of an untagged IPv6 packet


def _stop(m: Module, here: Here, condition: Any) -> None:
    """That frame, and all behind it, stay in the packet buffer."""
    fires, stuck = here.fires(m, condition), Signal()
    m.d.comb += stuck.eq(lasting(m, fires) | fires)
    m.d.comb += here.hold.eq(stuck)


def _short(m: Module, here: Here) -> None:
    _stop(m, here, here.facts.length <= here.set["length"])


def _long_sum(m: Module, here: Here) -> None:
    _stop(m, here, here.facts.end.l4 & (here.facts.length > here.set["length"]))


def _tagged_ipv6(m: Module, here: Here) -> None:
    head = here.facts.head
    other = (number(head, NEXT_HEADER_AT, 1) != TCP) & (number(head, NEXT_HEADER_AT, 1) != UDP)
    found = (number(head, 12) == IPV6) & other & (number(head, BEHIND_IPV6 + 1, 1) == here.set["byte"])
    _stop(m, here, here.payload.tag & found)


def _address(m: Module, here: Here) -> None:
    fires = here.fires(m, here.payload[32:64] != 0)
    m.d.comb += here.hold.eq(lasting(m, fires) | fires)


def _doorbell_lost(m: Module, here: Here, lost: Any) -> None:
    """A new tail that is lost is seen with the next one."""
    seen, shown = Signal(16), Signal(16)
    changed, fires = Signal(), Signal()
    m.d.comb += changed.eq(here.payload != seen)
    m.d.sync += seen.eq(here.payload)
    m.d.comb += fires.eq(here.fires(m, lost, changed))
    with m.If(changed & ~fires):
        m.d.sync += shown.eq(here.payload)
    kept = Signal()
    with m.If(changed):
        m.d.sync += kept.eq(fires)
    with m.If(fires | (kept & ~changed)):
        m.d.comb += here.out.eq(shown)


def _poll_lost(m: Module, here: Here) -> None:
    _doorbell_lost(m, here, here.sending)


def _start_lost(m: Module, here: Here) -> None:
    _doorbell_lost(m, here, 1)


ERRATA = (
    Erratum(
        id="tx-stall-32-bytes", category="hang", parts={"tx.checksum": _short},
        description="A very short packet stops the transmit side: nothing leaves any more until a reset.",
        trigger="a frame of `length` bytes or fewer, before padding",
        source="Linux 5.16.10 drivers/net/ethernet/emulex/benet/be_main.c, be_lancer_xmit_workarounds",
        own=(Condition("length", "bytes", 32, 15, "of the longest that stops it"),),
    ),
    Erratum(
        id="tx-csum-wedge-above-8170", category="hang", parts={"tx.checksum": _long_sum},
        description="A frame to be summed must fit a FIFO; a longer one never does, and the engine waits for ever.",
        trigger="a frame of more than `length` bytes whose TCP or UDP checksum is asked for",
        source="FreeBSD 10.4 sys/dev/nge/if_nge.c",
        own=(Condition("length", "bytes", 8170, 15, "of the longest that fits"),),
    ),
    Erratum(
        id="vlan-insert-ipv6-asic-lockup", category="hang", parts={"tx.checksum": _tagged_ipv6},
        description="Putting a tag into certain IPv6 packets stops the transmit side until a reset.",
        trigger="an IPv6 packet, neither TCP nor UDP, with a tag to put in, whose second byte behind the IPv6 header "
        "is `byte`",
        source="Linux 5.16.10 drivers/net/ethernet/emulex/benet/be_main.c, be_ipv6_tx_stall_chk",
        own=(Condition("byte", "value", 0xFF, 8, "of the second byte behind the IPv6 header"),),
    ),
    Erratum(
        id="tx-64bit-address-hang", category="hang", parts={"tx.descriptor": _address},
        description="On a 32-bit part a descriptor with a longer address stops the transmit side.",
        trigger="a transmit descriptor whose address has bits above the lowest 32",
        source="Linux 5.16.10 drivers/net/ethernet/intel/e1000/e1000_main.c (32-bit PCI)",
    ),
    Erratum(
        id="tx-poll-request-lost-8168", category="hang", parts={"tx.tail": _poll_lost},
        description="A doorbell rung while a frame is being sent is not heard: what it told of waits for the next one.",
        trigger="a write of TDT while a frame is on its way to the wire",
        source="Linux 5.16.10 drivers/net/ethernet/realtek/r8169_main.c, rtl_tx; FreeBSD 9.3 sys/dev/re/if_re.c",
    ),
    Erratum(
        id="tx-start-command-lost-genesis", category="hang", parts={"tx.tail": _start_lost},
        description="Now and then a doorbell is not heard at all: what it told of waits for the next one.",
        trigger="a write of TDT",
        source="FreeBSD 9.3 sys/dev/sk/if_sk.c", every=16,
    ),
)  # fmt: skip
