"""The receive side stands still until a reset: no descriptor is used any more."""

from __future__ import annotations

from typing import Any

from amaranth import Module

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import IPV6, lasting, number
from ringbed.hw.errata.saboteur import Here

__all__ = ["ERRATA"]

HOP_BY_HOP, DESTINATION = 0, 60
NEXT_HEADER_AT, LENGTH_AT, OPTION_LENGTH_AT = 20, 18, 55  # of an untagged IPv6 packet
FCS_BYTES = 4


def _told(m: Module, here: Here, condition: Any) -> None:
    m.d.comb += here.shared("hangs").eq(here.fires(m, condition))


def _hang(m: Module, here: Here) -> None:
    """No descriptor comes any more."""
    m.d.comb += here.hold.eq(lasting(m, here.shared("hangs")))


def _malformed(m: Module, here: Here) -> None:
    head = here.facts.head
    kind = number(head, NEXT_HEADER_AT, 1)
    options = (number(head, 12) == IPV6) & ((kind == HOP_BY_HOP) | (kind == DESTINATION))
    _told(m, here, options & ((number(head, OPTION_LENGTH_AT, 1) + 1) * 8 > number(head, LENGTH_AT)))


def _oversize(m: Module, here: Here) -> None:
    _told(m, here, here.facts.length > here.set["length"] + FCS_BYTES)


def _overflow(m: Module, here: Here) -> None:
    _told(m, here, here.payload.missed)


def _tx_sum(m: Module, here: Here) -> None:
    _told(m, here, here.payload.slots[1].enable)


def _garbage(m: Module, here: Here) -> None:
    _told(m, here, here.payload.last & here.payload.error)


ERRATA = (
    Erratum(
        id="rx-hang-malformed-ipv6-exthdr", category="stall", parts={"rx.verdict": _malformed, "rx.descriptor": _hang},
        description="An IPv6 extension header that runs past the packet's end stops the receive side.",
        trigger="an untagged IPv6 packet whose hop-by-hop or destination options are longer than its payload",
        source="Linux 5.16.10 drivers/net/ethernet/intel/e1000e/ich8lan.c; DPDK commit c35be7b211",
    ),
    Erratum(
        id="rx-hang-oversize-frame", category="stall", parts={"rx.verdict": _oversize, "rx.descriptor": _hang},
        description="A frame that is longer than a receive buffer stops the receive side.",
        trigger="a frame of more than `length` bytes, its FCS not counted",
        source="Linux 5.16.10 drivers/net/ethernet/marvell/sky2.c",
        own=(Condition("length", "bytes", 2048, 15, "of a receive buffer"),),
    ),
    Erratum(
        id="rx-overflow-hang-gem", category="stall", parts={"stat.rx": _overflow, "rx.descriptor": _hang},
        description="When the receive buffer overflows, the receive side does not go on.",
        trigger="a frame that is missed because the packet buffer has no room",
        source="FreeBSD 10.4 sys/dev/gem/if_gem.c",
    ),
    Erratum(
        id="tx-csum-kills-rx", category="stall", parts={"tx.checksum": _tx_sum, "rx.descriptor": _hang},
        description="Sending a frame with a checksum to be computed stops the receive side.",
        trigger="a frame sent whose TCP or UDP checksum is asked for",
        source="FreeBSD 10.4 sys/dev/alc/if_alc.c",
    ),
    Erratum(
        id="rx-lockup-garbage-preamble", category="stall", parts={"rx.data": _garbage, "rx.descriptor": _hang},
        description="Garbage in the bits before a frame stops the receive side; here, a frame that ends with an error "
        "on the wire.",
        trigger="a frame whose end has the wire's error mark",
        source="FreeBSD 10.4 sys/dev/fxp/if_fxp.c",
    ),
)  # fmt: skip
