"""Sums that go wrong by what is in a frame: a computed zero, options, offsets, ports, tags."""

from __future__ import annotations

from amaranth import Module, Signal

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import header_words, is_ipv4, number
from ringbed.hw.errata.saboteur import Here

__all__ = ["ERRATA"]

NO_SUM = 0xFFFF
PLAIN_HEADER, L3_AT, SUM_AT = 5, 14, 24
UDP = 17
TUNNEL_PORTS = (4789, 4790, 6081)
TAGS = (0x8100, 0x88A8)


def _udp_zero(m: Module, here: Here) -> None:
    slot = here.payload.slots[1]
    zero = slot.enable & here.facts.begin.udp & (slot.value == NO_SUM)
    with m.If(here.fires(m, zero)):
        m.d.comb += here.out.slots[1].value.eq(0)


def _tcp_zero(m: Module, here: Here) -> None:
    slot = here.payload.slots[1]
    zero = slot.enable & here.facts.begin.context & ~here.facts.begin.udp & (slot.value == 0)
    with m.If(here.fires(m, zero)):
        m.d.comb += here.out.slots[1].value.eq(NO_SUM)


def _ip_options(m: Module, here: Here) -> None:
    """The sum of the first twenty bytes alone."""
    head, total, once, twice = here.facts.head, Signal(20), Signal(17), Signal(16)
    options = is_ipv4(head) & (header_words(head) > PLAIN_HEADER)
    words = [number(head, at) for at in range(L3_AT, L3_AT + 4 * PLAIN_HEADER, 2)]  # the field itself, as it was given
    m.d.comb += [
        total.eq(sum(words[1:], words[0])), once.eq(total[:16] + total[16:]), twice.eq(once[:16] + once[16:]),
    ]  # fmt: skip
    with m.If(here.fires(m, options & here.payload.slots[0].enable)):
        m.d.comb += here.out.slots[0].value.eq(~twice)


def _offset(m: Module, here: Here) -> None:
    slot, most = here.payload.slots[1], here.set["offset"]
    with m.If(here.fires(m, slot.enable & (here.facts.begin.l4_start > most))):
        m.d.comb += here.out.slots[1].offset.eq(slot.offset - most - 1)


def _tunnel_port(m: Module, here: Here) -> None:
    head, port = here.facts.head, Signal(16)
    m.d.comb += port.eq(number(head, 36))
    udp4 = is_ipv4(head) & (header_words(head) == PLAIN_HEADER) & (number(head, 23, 1) == UDP)
    one_of = (port == TUNNEL_PORTS[0]) | (port == TUNNEL_PORTS[1]) | (port == TUNNEL_PORTS[2])
    with m.If(here.fires(m, udp4 & one_of & here.payload.slots[1].enable)):
        m.d.comb += here.out.slots[1].enable.eq(0)


def _tag_in_data(m: Module, here: Here) -> None:
    kind, slots = number(here.facts.head, 12), here.payload.slots
    tagged = (kind == TAGS[0]) | (kind == TAGS[1])
    with m.If(here.fires(m, tagged & (slots[0].enable | slots[1].enable))):
        m.d.comb += [here.out.slots[place].enable.eq(0) for place in range(2)]


ERRATA = (
    Erratum(
        id="tx-udp-computed-zero-not-ffff", category="tx_sums", parts={"tx.checksum": _udp_zero},
        description="A UDP checksum that comes out as 0 is sent as 0, which says 'no checksum' and is forbidden over "
        "IPv6; it must be sent as FFFF (RFC 768).",
        trigger="a datagram whose UDP checksum is asked for and computed as 0",
        source="FreeBSD 10.4 sys/dev/bge/if_bge.c, bge_forced_udpcsum",
    ),
    Erratum(
        id="tx-tcp-zero-replaced-by-ffff", category="tx_sums", parts={"tx.checksum": _tcp_zero},
        description="UDP's replacement of a computed 0 is made for TCP too: receivers that add do not see it, an exact "
        "comparison does.",
        trigger="a segment whose TCP checksum is asked for and computed as 0",
        source="DPDK commit d5df2ae042 (rte_ip)", nature="driver",
    ),
    Erratum(
        id="tx-ipcsum-wrong-with-ip-options", category="tx_sums", parts={"tx.checksum": _ip_options},
        description="The card does not honour the IPv4 header's length: only its first twenty bytes are summed.",
        trigger="an untagged IPv4 packet with options whose header checksum is asked for",
        source="OpenBSD sys/dev/ic/re.c (RTL8168C, 8111C)",
    ),
    Erratum(
        id="tx-transport-offset-field-too-small", category="tx_sums", parts={"tx.checksum": _offset},
        description="The offset of the TCP or UDP header is kept in too few bits: behind a long chain of headers it "
        "wraps, and the sum is written far ahead of its field.",
        trigger="a TCP or UDP checksum asked for with the header behind `offset`",
        source="Linux 5.16.10 drivers/net/ethernet/realtek/r8169_main.c (0x7f with segmentation)",
        own=(Condition("offset", "bytes", 127, 8, "the farthest that the field holds"),),
    ),
    Erratum(
        id="tx-special-udp-port-treated-as-tunnel", category="tx_sums", parts={"tx.checksum": _tunnel_port},
        description="A plain UDP datagram to a port of a tunnel protocol is taken for a tunnel, and its checksum is "
        "left as software gave it.",
        trigger="UDP over untagged IPv4 to port 4789, 4790 or 6081 with its checksum asked for",
        source="Linux 5.16.10 drivers/net/ethernet/hisilicon/hns3/hns3_enet.c; DPDK commit 8f01e2f847",
    ),
    Erratum(
        id="tx-csum-vlan-in-payload", category="tx_sums", parts={"tx.checksum": _tag_in_data},
        description="Behind a tag that software put into the frame the card does not find the headers: no sum is "
        "written.",
        trigger="a frame with an 802.1Q or 802.1ad tag in its data and a checksum asked for",
        source="Linux 5.16.10 drivers/net/ethernet/broadcom/tg3.c",
    ),
)  # fmt: skip
