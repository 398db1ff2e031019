"""Every condition with another number than its default: the trigger moves with it, and so does what misses it."""

from __future__ import annotations

from ringbed.drivers.world import TxFrame, TxSum
from ringbed.hw.formats import em
from tests.hw.errata.frames import ip4, ip6, tcp4, udp4, udp6
from tests.hw.errata.rows.hosts import (
    UDP,
    eeprom,
    interrupts,
    link_flap,
    one_by_one,
    phy,
    pieces,
    received,
    sent,
    statistics,
)
from tests.hw.errata.rows.rx_side import STRIPPING, alive, seen, tagged
from tests.hw.errata.rows.segmentation import PLAIN, PUSHES, cut, hangs, tcp
from tests.hw.errata.rows.tx_data import count, raw, sizes
from tests.hw.errata.rows.tx_sums import FINE, FRAGMENT, TAGGING, long_chain, tx
from tests.hw.errata.walk import Action, LabBench, Row

__all__ = ["ROWS"]

CAUSE = {field.name: field.mask for field in em.CAUSES}
NO_PHY = "em0: PHY id 0xffff0c20 is not the 88E1011's 0x01410c20"


def fragment(size: int) -> Action:
    return tx(ip4(200, bytes(size), **FRAGMENT), sums=TxSum.IPV4)


def tunnel(size: int) -> Action:
    return raw(udp4(size, dport=4789), vlans=(5,))


def placed(bench: LabBench) -> list[int]:
    """How far behind its buffer's start a frame is found in the host's memory; its ring has not gone round."""
    frame, number = udp4(50, sport=4711), bench.register("RDH")
    ring = (bench.register("RDBAH") << 32 | bench.register("RDBAL")) + em.RX_LEGACY.size * number
    buffer = int.from_bytes(bench.memory(ring, 8), "little")
    bench.receive(frame)
    return [off for off in (0, 64, 128) if bench.memory(buffer + off, len(frame)) == frame]


def tx_interrupts(wait: int) -> Action:
    """Frames sent one by one: how many interrupts they make."""

    def action(bench: LabBench) -> int:
        before = bench.counter("interrupts")
        for _ in range(2):
            bench.host.driver.transmit(0, [TxFrame([bytes(100)])])
            bench.host.advance(bench.host.now + wait)
        bench.settle()
        bench.out()
        return bench.counter("interrupts") - before

    return action


ROWS = (
    Row(
        "tx-csum-unsupported-below-64", tx(udp4(57)), [FINE], ["bytes [24, 25, 40, 41]"], (tx(udp4(58)),),
        {"length": 100}, name="length-100",
    ),
    Row(
        "tx-short-tcp-csum-wrong-yukon2", tx(tcp4(45)), [FINE], ["bytes [50]"], (tx(tcp4(46)),), {"length": 100},
        name="length-100",
    ),
    Row(
        "tx-csum-field-in-last-4-bytes", tx(udp4(8)), [FINE], ["bytes [40, 41]"], (tx(udp4(9)),), {"tail": 10},
        name="last-10",
    ),
    Row(
        "tx-ipcsum-botched-tiny-fragment", fragment(15), [FINE], ["bytes [24]"], (fragment(16),), {"length": 50},
        name="length-50",
    ),
    Row(
        "tx-transport-offset-field-too-small", tx(long_chain(1)), [FINE], ["bytes [6, 7, 68, 69]"], (tx(udp6()),),
        {"offset": 61}, name="offset-61",
    ),
    Row(
        "tx-csum-corrupts-occasionally-3c905b", tx(udp4(29)), [FINE], ["bytes [70]"], (tx(udp4(28)),),
        {"at": 70, "every": 1}, name="byte-70",
    ),
    Row(
        "tx-iplen-rewritten-with-vlan", raw(ip4(200, bytes(36)), vlans=(5,)), ["tag 0005; " + FINE],
        ["tag 0005; bytes [17]"], (raw(ip4(200, bytes(37)), vlans=(5,)),), {"length": 70}, TAGGING, name="length-70",
    ),
    Row(
        "tx-autopad-garbles-payload", fragment(35), [FINE], ["bytes [34]"], (fragment(36),), {"length": 70},
        name="length-70",
    ),
    Row(
        "tso-header-over-80-bytes", cut(tcp(200, 100, options=8)),
        [(100, True, 5, 1000, PLAIN, True), (100, True, 6, 1100, PUSHES, True)],
        [(100, False, 5, 1000, PLAIN, True), (100, False, 5, 1100, PUSHES, True)],
        (cut(tcp(200, 100, options=4)),), {"header": 60}, name="header-60",
    ),
    Row("tso-mss-too-small", hangs(tcp(200, 99)), [104], [], (hangs(tcp(200, 100)),), {"least": 100}, name="least-100"),
    Row(
        "vlan-tag-lost-short-tunnel-frame", tunnel(37), ["tag 0005; " + FINE], [FINE], (tunnel(38),), {"length": 80},
        TAGGING, name="length-80",
    ),
    Row(
        "dma-above-1g-b44", sent(100), [True], "nothing", (received(50),), {"bits": 32}, findings="dma.read", name="4g"
    ),
    Row("dma-address-0xfc0-overflow", placed, [0], [128], (sent(100),), {"low": 0x40, "past": 128}, name="128-past"),
    Row("dma-short-bd-8-bytes", pieces(20, 40), 2, 1, (pieces(20, 41),), {"length": 20}, name="length-20"),
    Row(
        "doorbell-write-reordered", one_by_one(2, 900), 2, 1, (one_by_one(2, 1100),), {"window": 1000},
        name="window-1000",
    ),
    Row(
        "irq-missed-msi-bnx2-tg3", interrupts(UDP, UDP, gap=2000), (2, 2, 0), (1, 1, 0),
        (interrupts(UDP, UDP, gap=5000, settle=120_000),), {"window": 3000}, name="window-3000",
    ),
    Row(
        "irq-missed-msi-bnx2-tg3", tx_interrupts(2000), 2, 1, (interrupts(UDP, UDP, gap=200),),
        {"cause": CAUSE["TXDW"] | CAUSE["TXQE"]}, name="of-transmit",
    ),
    Row(
        "irq-cause-never-cleared-82599", interrupts(UDP), (1, 1, 0), (1, 9, 0), (link_flap,), {"cause": CAUSE["RXT0"]},
        findings="irq.storm", name="of-receive",
    ),
    Row(
        "vlan-insert-ipv6-asic-lockup", count(ip6(59, b"\x00\x77" + bytes(40))), 2, 0,
        (count(ip6(59, b"\x00\xff" + bytes(40))),), {"byte": 0x77}, TAGGING, name="byte-77",
    ),
    Row(
        "rx-hang-oversize-frame", alive(seen(udp4(959))), [92], [0], (alive(seen(udp4(958))),), {"length": 1000},
        name="length-1000",
    ),
    Row(
        "stat-spurious-zero", statistics("PRC127", wires=(UDP,)), [[1]], [[0]], (statistics("GPRC", wires=(UDP,)),),
        {"register": em.REGISTERS["PRC127"].offset}, name="of-another-register",
    ),
    Row(
        "vlan-stripped-frame-dropped-as-runt", seen(tagged(udp4(33), 5)), [(75, 5)], "nothing",
        (seen(tagged(udp4(34), 5)),), {"length": 80}, STRIPPING, name="length-80",
    ),
    Row(
        "jumbo-frame-at-limit-marked-truncated", seen(udp4(154), udp4(153)), [(196, None), (195, None)], "nothing",
        (seen(udp4(152), udp4(155)),), {"length": 200}, name="length-200",
    ),
    Row("pad-minimum-33-bytes", sizes(49), [(64, True)], [(60, True)], (sizes(50),), {"length": 50}, name="length-50"),
    Row(
        "pad-leaks-memory-etherleak", sizes(300, 44), [(304, True), (64, True)], [(304, True), (64, False)],
        (sizes(300, 45),), {"length": 45}, name="length-45",
    ),
    Row("phy-silent-at-first", phy, ["there"] * 2, [NO_PHY] * 2, (eeprom,), {"times": 2}, name="twice"),
)  # fmt: skip
