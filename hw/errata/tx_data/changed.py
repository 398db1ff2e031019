"""Bytes changed on the way out, before or behind the sums."""

from __future__ import annotations

from amaranth import Module, Signal

from ringbed.hw.errata.erratum import Condition, Erratum
from ringbed.hw.errata.fields import Bytes, is_ipv4, number, overwrite, store_position
from ringbed.hw.errata.saboteur import Here
from ringbed.hw.stream.beat import be16

__all__ = ["ERRATA"]

IPV4, OSPF = 0x0800, 89
TCP_SUM_AT, UDP_SUM_AT = 16, 6  # from the start of TCP or UDP
FRAGMENT = 0x3FFF
TOTAL_LENGTH_AT, PAYLOAD_AT, TAG_BYTES = 16, 34, 4


def _ospf(m: Module, here: Here) -> None:
    """The sum of the words so far goes where the loaded context has its own."""
    beat, total, target, lanes = here.payload, Signal(16), Signal(16), len(here.payload.data) // 8
    words = [be16(beat.data, lane) for lane in range(0, lanes, 2)]
    frame = Bytes(m, here)
    kind, protocol = frame.number(12), frame.number(23, 1)
    armed = frame.at_first(here.order.context)
    with m.If(here.valid):
        with m.If(beat.first):
            m.d.sync += [total.eq(sum(words[1:], words[0])), target.eq(here.order.l4_start)]
            m.d.sync += target.eq(here.order.l4_start + UDP_SUM_AT)
            with m.If(~here.order.udp):
                m.d.sync += target.eq(here.order.l4_start + TCP_SUM_AT)
        with m.Else():
            m.d.sync += total.eq(total + sum(words[1:], words[0]))
    # kind and protocol were seen in beats before the one that holds the target: it lies behind the IP header
    ospf = armed & (frame.position > 23) & (kind == IPV4) & (protocol == OSPF)
    at_target = (frame.position <= target) & (target < frame.position + lanes)
    hit = here.fires(m, ospf & at_target)
    frame.overwrite(hit, target, [total[8:], total[:8]])


def _valid_sum(m: Module, here: Here) -> None:
    frame, at = Bytes(m, here), here.set["at"]
    lanes = len(here.payload.data) // 8
    armed = frame.at_first(here.order.context)
    inside = (frame.position <= at) & (at < frame.position + here.payload.count)
    lane = Signal(range(lanes))
    m.d.comb += lane.eq((at - frame.position)[: len(lane)])
    was = here.payload.data.word_select(lane, 8)
    frame.overwrite(here.fires(m, armed & inside), at, [was ^ here.set["change"]])


def _occasionally(m: Module, here: Here) -> None:
    position, at, lanes = store_position(m, here), here.set["at"], len(here.payload) // 8
    inside = (position <= at) & (at < position + lanes) & (at < here.frame.length)
    lane = Signal(range(lanes))
    m.d.comb += lane.eq((at - position)[: len(lane)])
    hit = here.fires(m, here.frame.slots[1].enable & inside)
    overwrite(m, hit, position, at, [here.payload.word_select(lane, 8) ^ 0x10], here.payload, here.out)


def _length_rewritten(m: Module, here: Here) -> None:
    head, position, lanes = here.facts.head, store_position(m, here), len(here.payload) // 8
    short = here.frame.tag & is_ipv4(head) & (here.frame.length <= here.set["length"])
    there = position == TOTAL_LENGTH_AT - TOTAL_LENGTH_AT % lanes
    wrong = Signal(16)
    m.d.comb += wrong.eq(number(head, TOTAL_LENGTH_AT) + TAG_BYTES)
    hit = here.fires(m, short & there)
    overwrite(m, hit, position, TOTAL_LENGTH_AT, [wrong[8:], wrong[:8]], here.payload, here.out)


def _autopad(m: Module, here: Here) -> None:
    head, position, lanes = here.facts.head, store_position(m, here), len(here.payload) // 8
    fragment = is_ipv4(head) & ((number(head, 20) & FRAGMENT) != 0)
    short = here.frame.slots[0].enable & (here.frame.length < here.set["length"]) & (here.frame.length > PAYLOAD_AT)
    there = position == PAYLOAD_AT - PAYLOAD_AT % lanes
    hit = here.fires(m, fragment & short & there)
    overwrite(m, hit, position, PAYLOAD_AT, [~number(head, PAYLOAD_AT, 1)], here.payload, here.out)


ERRATA = (
    Erratum(
        id="tx-ospf-corrupted-by-csum-engine", category="tx_data", parts={"tx.data": _ospf},
        description="OSPF packets, neither TCP nor UDP, leave with two bytes overwritten where the TCP or UDP checksum "
        "would be, as soon as the driver has loaded a checksum context. OSPF's own checksum no longer holds, so "
        "routers lose their neighbours while everything else works.",
        trigger="an IPv4 frame of protocol 89 sent with data descriptors after any checksum context was loaded",
        source="H. Brauer, The surprising complexity of checksums in TCP/IP, section 9; OpenBSD ix(4), IX_CSUM_OFFLOAD",
    ),
    Erratum(
        id="tx-csum-corrupts-payload-valid-sum", category="tx_data", parts={"tx.data": _valid_sum},
        description="A byte of the payload is changed before the sum is taken, so that the checksum fits the wrong "
        "data and nobody on the way can tell.",
        trigger="a frame that has a byte `at`, sent after any checksum context was loaded",
        source="FreeBSD 9.3 sys/dev/sk/if_sk.c",
        own=(Condition("at", "byte", 60, 15, "of the frame, the first is 0"),
             Condition("change", "bits", 1, 8, "that are turned over in it")),
    ),
    Erratum(
        id="tx-csum-corrupts-occasionally-3c905b", category="tx_data", parts={"tx.store": _occasionally},
        description="With checksumming on, now and then a packet leaves corrupted behind its sum.",
        trigger="a frame that has a byte `at` and whose TCP or UDP checksum is asked for",
        source="FreeBSD 9.3 sys/dev/xl/if_xl.c", every=8,
        own=(Condition("at", "byte", 50, 15, "of the frame, the first is 0"),),
    ),
    Erratum(
        id="tx-iplen-rewritten-with-vlan", category="tx_data", parts={"tx.store": _length_rewritten},
        description="The IPv4 total length of a short frame is rewritten, wrongly, as its tag is put in.",
        trigger="an IPv4 packet in a frame of `length` bytes or fewer, with a tag to put in",
        source="Linux 5.16.10 drivers/net/ethernet/emulex/benet/be_main.c, be_lancer_xmit_workarounds",
        own=(Condition("length", "bytes", 60, 15, "of the longest frame that is changed"),),
    ),
    Erratum(
        id="tx-autopad-garbles-payload", category="tx_data", parts={"tx.store": _autopad},
        description="Padding a short IPv4 fragment changes its first byte of payload, not merely a checksum.",
        trigger="an untagged IPv4 fragment in a frame of fewer than `length` bytes with a header checksum asked for",
        source="FreeBSD 9.3 sys/dev/re/if_re.c, re_encap",
        own=(Condition("length", "bytes", 60, 15, "of the shortest frame that is right"),),
    ),
)  # fmt: skip
