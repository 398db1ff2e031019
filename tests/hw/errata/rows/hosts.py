"""What the host sees of the card: addresses, orders, interrupts, doorbells, statistics, EEPROM, PHY, pause."""

from __future__ import annotations

from typing import Any

from ringbed.drivers.world import AttachError, TxFrame
from ringbed.hw.formats import em
from tests.hw.errata.frames import PEER, udp4, wanting
from tests.hw.errata.rows.rx_side import flood
from tests.hw.errata.walk import Action, LabBench, Row

__all__ = ["ROWS"]

PAUSE_DA = bytes.fromhex("0180c2000001")


def sent(*lengths: int, split: int = 0, **how: Any) -> Action:
    """Lengths and contents of frames that left: True where they are what was given."""

    def action(bench: LabBench) -> Any:
        given = [bytes((at * 7 + length) % 256 for at in range(length)) for length in lengths]
        frames = [TxFrame([each[:split], each[split:]] if split else [each]) for each in given]
        return [
            wire[: len(each)] == each for wire, each in zip(bench.send(*frames, **how), given, strict=False)
        ] or "nothing"

    return action


def pieces(*cuts: int, length: int = 200) -> Action:
    """A frame in segments cut there, then a plain one: how many left."""
    frame = udp4(length - 42)

    def action(bench: LabBench) -> int:
        bench.send(wanting(frame, segments=cuts))
        return 1 + len(bench.send(TxFrame([bytes(61)])))

    return action


def received(*sizes: int, **how: Any) -> Action:
    """Whether each frame came up as it was on the wire."""

    def action(bench: LabBench) -> Any:
        wires = [udp4(size) for size in sizes]
        got = bench.receive(*wires, **how)
        return [frame.data == wire for frame, wire in zip(got, wires, strict=False)] or "nothing"

    return action


def interrupts(*frames: bytes, **how: Any) -> Action:
    """Frames handed up, and how many interrupts were taken, spurious ones among them, at most nine told."""

    def action(bench: LabBench) -> tuple[int, int, int]:
        before, idle = bench.counter("interrupts"), bench.counter("interrupts_spurious")
        came = len(bench.receive(*frames, **how))
        counts = bench.counter("interrupts") - before, bench.counter("interrupts_spurious") - idle
        return came, min(counts[0], 9), min(counts[1], 9)

    return action


def statistics(*names: str, wires: tuple[bytes, ...] = (), count: int = 1) -> Action:
    """What these registers say once those frames came in, of several reads each."""

    def action(bench: LabBench) -> list[list[int]]:
        for name in names:
            bench.host.engine.read(em.REGISTERS[name].offset)
        bench.receive(*wires)
        return [[bench.host.engine.read(em.REGISTERS[name].offset) for _ in range(count)] for name in names]

    return action


def pause(time: int) -> bytes:
    return PAUSE_DA + bytes.fromhex(PEER.replace(":", "")) + b"\x88\x08\x00\x01" + time.to_bytes(2, "big") + bytes(42)


def paused(*times: int) -> Action:
    """Pause frames of these times, one by one, with RFCE set by hand; then, does a frame leave at once?"""

    def action(bench: LabBench) -> Any:
        write = bench.host.engine.write
        ctrl, rctl = em.REGISTERS["CTRL"], em.REGISTERS["FCT"]
        write(ctrl.offset, bench.register("CTRL") | ctrl.mask("RFCE"))
        write(rctl.offset, 0x8808)
        write(em.REGISTERS["FCAL"].offset, int.from_bytes(PAUSE_DA[:4], "little"))
        write(em.REGISTERS["FCAH"].offset, int.from_bytes(PAUSE_DA[4:], "little"))
        for time in times:
            bench.receive(pause(time), settle=10_000)
        now = sent(100, settle=20_000)(bench)
        bench.settle(1_000_000)
        return now, len(bench.out())

    return action


def leaves(*lengths: int, then: int = 0) -> Action:
    """How many of these left, and of one more plain frame behind them."""

    def action(bench: LabBench) -> int:
        out = bench.send(*(TxFrame([b"\xee" * length]) for length in (*lengths, 99)))
        return len(out)

    return action


def summed(*sizes: int) -> Action:
    """The same for UDP with so many bytes of payload whose sums are asked for."""
    return lambda bench: len(bench.send(*(wanting(udp4(size)) for size in (*sizes, 50))))


def one_by_one(count: int, wait: int = 0) -> Action:
    """A doorbell for each of so many frames, `wait` clocks apart: how many left."""

    def action(bench: LabBench) -> int:
        for _ in range(count):
            assert bench.host.driver.transmit(0, [TxFrame([b"\xee" * 1400])]) == 1
            if wait:
                bench.run(wait)
        bench.settle()
        return len(bench.out())

    return action


def link_flap(bench: LabBench) -> tuple[int, bool]:
    """How many interrupts it makes that a cable is pulled and put in again, at most nine told."""
    before = bench.counter("interrupts")
    for up in (0, 1):
        bench.host.engine.set_pin("link_up", up)
        bench.settle()
    return min(bench.counter("interrupts") - before, 9), bench.host.upper.link_up


def polled(bench: LabBench) -> tuple[str, int]:
    """ICR read when there is nothing: no interrupt comes of it."""
    before = bench.counter("interrupts")
    causes = bench.host.engine.read(em.REGISTERS["ICR"].offset)
    bench.settle()
    return f"causes {causes:#x}", bench.counter("interrupts") - before


def table(word: int, value: int, near: int) -> Action:
    """A word of MTA written by hand: it, and its neighbour."""

    def action(bench: LabBench) -> list[str]:
        mta = em.REGISTERS["MTA"]
        bench.host.engine.write(mta.at(word), value)
        bench.run(100)
        return [hex(bench.host.engine.peek(mta.at(at))) for at in (word, near)]

    return action


def software_pause(bench: LabBench) -> list[int]:
    """Good packets and XOFF sent, of the statistics, once software had a pause frame sent."""
    tctl, names = em.REGISTERS["TCTL"], ("GPTC", "XOFFTXC")
    for name in names:
        bench.host.engine.read(em.REGISTERS[name].offset)
    bench.host.engine.write(tctl.offset, bench.register("TCTL") | tctl.mask("SWXOFF"))
    bench.settle()
    bench.out()
    return [bench.host.engine.read(em.REGISTERS[name].offset) for name in names]


def missed(frames: int) -> Action:
    """So many of the longest frames while the host is away: were some missed, and are good ones as many as came up?"""

    def action(bench: LabBench) -> list[bool]:
        for name in ("GPRC", "MPC"):
            bench.host.engine.read(em.REGISTERS[name].offset)
        bench.host.upper.take()
        flood(bench, frames)
        good, lost = (bench.host.engine.read(em.REGISTERS[name].offset) for name in ("GPRC", "MPC"))
        return [lost > 0, good == len(bench.host.upper.take()), good + lost == frames]

    return action


def eeprom(bench: LabBench) -> str:
    """What the driver reads as its address, or why it refuses the card."""
    try:
        words = bench.hardware.read_eeprom()
    except AttachError as error:
        return str(error)
    return b"".join(word.to_bytes(2, "little") for word in words[:3]).hex()


def phy(bench: LabBench) -> list[str]:
    """The PHY asked for twice who it is, by the driver."""
    said = []
    for _ in range(2):
        try:
            bench.hardware.check_phy()
            said.append("there")
        except AttachError as error:
            said.append(str(error))
    return said


def phy_register(number: int) -> Action:
    return lambda bench: f"{bench.hardware.read_phy(number):04x}"


ETHER = "020000000001"
UDP = udp4(50)
SMALL_RING = {"rx_ring": 8}
ROWS = (
    Row("dma-above-1g-b44", sent(100), [True], "nothing", (received(50),), findings="dma.read"),
    Row("dma-above-40-bit", received(50), [True], "nothing", (sent(100),), set={"bits": 32}, findings="dma.write"),
    Row("dma-cross-4g", sent(600), [True], "nothing", (sent(64), received(600)), {"bits": 9}, findings="dma.read"),
    Row("dma-cross-64k-82545", received(600), [True], "nothing", (received(18), sent(600)), {"bits": 9},
        findings="dma.write"),
    Row(
        "dma-address-0xfc0-overflow", received(50), [True], [False], (received(50), sent(100)), set={"low": 0x880},
        name="second-buffer",
    ),
    Row("dma-short-bd-8-bytes", pieces(4, 12), 2, 1, (pieces(4, 20), pieces(4, 13), pieces(100))),
    Row("dma-end-in-even-dword-82544", pieces(length=81), 2, 1, (pieces(length=85), pieces(length=88))),
    Row("tso-premature-writeback-sentinel", sent(1500), [True], "nothing", (received(50),), findings="dma.read"),
    Row("dma-dd-read-order", received(1472), [True], [False], (sent(1500),)),
    Row("doorbell-write-reordered", one_by_one(2), 2, 1, (one_by_one(1), one_by_one(2, 2000))),
    Row("irq-rx-event-missing", interrupts(UDP), (1, 1, 0), (0, 0, 0), (sent(100), link_flap)),
    Row(
        "irq-rx-event-missing", interrupts(UDP, UDP, UDP, gap=2000), (3, 3, 0), (2, 2, 0), (sent(100),), {"every": 3},
        name="every-third",
    ),
    Row(
        "irq-missed-msi-bnx2-tg3", interrupts(UDP, UDP, gap=200), (2, 2, 0), (1, 1, 0),
        (interrupts(UDP), interrupts(UDP, UDP, gap=2000)),
    ),
    Row(
        "irq-cause-never-cleared-82599", link_flap, (2, True), (9, False), (interrupts(UDP), sent(100)),
        findings="irq.storm",
    ),
    Row("irq-spurious-msix-82574", interrupts(UDP), (1, 1, 0), (1, 2, 1), (polled,)),
    Row("irq-msi-lost-e1000e", interrupts(UDP), (1, 1, 0), (0, 0, 0), (polled,)),
    Row("irq-before-writeback", interrupts(UDP), (1, 1, 0), (0, 1, 0), (sent(100), polled)),
    Row("tx-stall-32-bytes", leaves(60, 32), 3, 1, (leaves(33), leaves(60))),
    Row("tx-stall-32-bytes", leaves(60, 40), 3, 1, (leaves(41), leaves(60)), set={"length": 40}, name="length-40"),
    Row(
        "tx-csum-wedge-above-8170", summed(659), 2, 0, (summed(658), leaves(800)), {"length": 700}, name="length-700"
    ),
    Row("tx-64bit-address-hang", sent(100), [True], "nothing", (received(50),)),
    Row("tx-poll-request-lost-8168", one_by_one(2, 350), 2, 1, (one_by_one(1), one_by_one(2, 2000))),
    Row("tx-start-command-lost-genesis", one_by_one(3, 2000), 3, 2, (received(50),), {"every": 3}, name="every-third"),
    Row("stat-pause-frames-in-tx-counters", software_pause, [0, 1], [1, 0], (statistics("GPTC"), sent(100))),
    Row("stat-good-includes-missed", missed(60), [True] * 3, [False, False, True], (missed(12),), options=SMALL_RING),
    Row(
        "stat-octets-include-fcs", statistics("GORCL", "GORCH", wires=(UDP,)), [[96], [0]], [[100], [0]],
        (statistics("GPRC", wires=(UDP,)), statistics("GOTCL")),
    ),
    Row(
        "stat-spurious-zero", statistics("GPRC", wires=(UDP,)), [[1]], [[0]],
        (statistics("PRC127", wires=(UDP,)), statistics("BPRC")),
    ),
    Row(
        "filter-mta-odd-write-clobbers-even", table(5, 0xA5, 4), ["0xa5", "0x0"], ["0xa5", "0xa5"],
        (table(8, 0x5A, 9), table(10, 0x5A, 11)),
    ),
    Row(
        "mac-address-bytes-reversed-nforce", eeprom, ETHER, "em0: the EEPROM's words add up to 0xbbb9, not 0xbaba",
        (phy,),
    ),
    Row(
        "eeprom-checksum-not-calculated", eeprom, ETHER, "em0: the EEPROM's words add up to 0x0dcf, not 0xbaba", (phy,),
    ),
    Row(
        "phy-silent-at-first", phy, ["there"] * 2, ["em0: PHY id 0xffff0c20 is not the 88E1011's 0x01410c20", "there"],
        (eeprom, phy_register(17)),
    ),
    Row("link-speed-mode-bit-lost", phy_register(17), "ac00", "2c00", (phy_register(2), eeprom, phy)),
    Row("xon-broken-sapphire", paused(500, 0), ([True], 0), ("nothing", 1), (paused(), paused(500))),
    Row(
        "pause-threshold-yukon", paused(500), ("nothing", 1), ([True], 0), (paused(), paused(400), paused(500, 0)),
        set={"time": 450}, name="from-450",
    ),
)  # fmt: skip
