"""Rings, features, registers, link: got, set, refused with one sentence, and kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringbed.drivers.em.selftest import OfflineTest
from ringbed.drivers.ethtool import Coalesce, Features, RingSizes
from ringbed.drivers.world import AttachError, ChecksumOffload, TxFrame, TxSum
from ringbed.hw.formats import em
from ringbed.hw.formats.em.statistics import STATISTICS_REGISTERS
from ringbed.hw.formats.field import Access, Register
from tests.drivers.bench import Bench, frame
from tests.drivers.em.ring.test_rx import udp
from tests.drivers.em.ring.test_tx import unsummed
from tests.drivers.fake_card import MAC


def test_who_it_is_and_its_link() -> None:
    bench = Bench(name="em3")
    info = bench.driver.ethtool.info()
    assert (info.driver, info.name, info.bus, info.lladdr) == (
        "em", "em3", "pci 8086:100e revision 02", "02:00:00:00:00:01",
    )  # fmt: skip
    link = bench.driver.ethtool.link()
    assert (link.up, link.speed, link.full_duplex) == (True, 1000, True)
    bench.card.set_carrier(False)
    link = bench.driver.ethtool.link()
    assert (link.up, link.speed, link.full_duplex) == (False, 0, False)


# ---- rings ----


def test_ring_sizes_are_got_set_and_limited() -> None:
    bench = Bench(rx_ring=32, tx_ring=64)
    tool = bench.driver.ethtool
    assert tool.rings() == RingSizes(32, 64)
    assert tool.ring_limits() == RingSizes(65528, 65528)
    for sizes in (RingSizes(12, 64), RingSizes(32, 0)):
        with pytest.raises(ValueError, match="a ring has 8 to 65528 descriptors, a multiple of 8; "):
            tool.set_rings(sizes)
    assert tool.rings() == RingSizes(32, 64)
    assert bench.driver.counters()["resets"] == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([8, 16, 64, 256]), st.integers(0, 30), st.integers(0, 30)), max_size=8))
def test_other_rings_under_traffic_lose_no_frame_uncounted(rounds: list[tuple[int, int, int]]) -> None:
    bench = Bench(rx_ring=16, tx_ring=16)
    bench.card.loopback = True
    for size, count, steps in rounds:
        bench.send(*(frame(64 + seed, seed) for seed in range(count)))
        bench.card.step(steps)
        live_with = bench.dma.live
        bench.driver.ethtool.set_rings(RingSizes(size, size))
        assert (bench.card["RDLEN"], bench.card["TDLEN"]) == (16 * size, 16 * size)
        assert bench.dma.live <= live_with + size
    bench.run()
    bench.check_account()
    assert bench.received == bench.card.delivered
    bench.driver.down()
    assert bench.dma.live == 0
    assert bench.dma.faults == []


def test_frames_that_can_leave_do_so_before_their_ring_goes() -> None:
    bench = Bench()
    bench.send(*(frame(64, seed) for seed in range(20)))
    waits: list[int] = []

    def delay(nanoseconds: int) -> None:
        waits.append(nanoseconds)
        bench.card.step(5)

    bench.card.delay = delay  # type: ignore[method-assign]
    bench.driver.ethtool.set_rings(RingSizes(8, 8))
    bench.run()
    assert bench.driver.counters()["tx_reset"] == 0
    assert len(bench.card.wire) == 20


def test_a_queue_that_waited_hears_of_the_larger_ring() -> None:
    bench = Bench(tx_ring=8)
    bench.send(*[frame(60)] * 9)
    assert bench.driver.oactive
    bench.driver.ethtool.set_rings(RingSizes(8, 64))
    assert not bench.driver.oactive
    assert bench.sink.restarts == 1


def test_other_rings_while_down_are_used_at_up() -> None:
    bench = Bench(up=False)
    bench.driver.ethtool.set_rings(RingSizes(8, 24))
    assert bench.dma.live == 0
    bench.driver.up()
    assert (bench.card["RDLEN"], bench.card["TDLEN"]) == (128, 384)


def test_no_memory_for_larger_rings_leaves_the_old_ones_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(rx_ring=8)
    live, real, left = bench.dma.live, bench.dma.map, [20]

    def scarce(data: bytes, direction: object) -> object:
        left[0] -= 1
        if left[0] < 0:
            raise MemoryError("no more")
        return real(data, direction)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.dma, "map", scarce)
    with pytest.raises(MemoryError):
        bench.driver.ethtool.set_rings(RingSizes(64, 8))
    monkeypatch.undo()
    assert bench.dma.live == live
    bench.card.receive(frame(60))
    bench.run()
    assert bench.received == [frame(60)]


def test_a_card_that_dies_over_it_is_brought_back_by_the_watchdog() -> None:
    bench = Bench()
    bench.card.deaf = True
    with pytest.raises(AttachError):
        bench.driver.ethtool.set_rings(RingSizes(16, 16))
    bench.card.deaf = False
    bench.driver.watchdog(0)
    assert bench.card["RDLEN"] == 256
    assert bench.send(frame(60)) == 1
    bench.run()
    bench.driver.down()
    assert bench.dma.live == 0


# ---- features ----


def test_features_at_first_are_all_but_the_vlan_ones() -> None:
    bench = Bench()
    assert bench.driver.ethtool.features().on == ("rx_checksum", "tx_checksum", "tso")
    assert set(bench.driver.ethtool.available().on) == {
        "rx_checksum", "tx_checksum", "tso", "vlan_strip", "vlan_insert", "vlan_filter",
    }  # fmt: skip
    assert Bench(offloads=()).driver.ethtool.features().on == ()


@pytest.mark.parametrize(
    ("offloads", "wanted", "sentence"),
    [
        ((), Features(rx_checksum=True), "em0: the card has no rx_checksum to switch on"),
        (em.OFFLOADS, Features(tso=True), "em0: tso needs tx_checksum: every piece gets new sums"),
        (em.OFFLOADS, Features(vlan_strip=True), "em0: vlan_strip and vlan_insert are one bit of the card; .*"),
    ],
)
def test_features_the_card_cannot_have(offloads: tuple[str, ...], wanted: Features, sentence: str) -> None:
    bench = Bench(offloads=offloads)
    before = bench.driver.ethtool.features()
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        bench.driver.ethtool.set_features(wanted)
    assert bench.driver.ethtool.features() == before


def test_switched_off_is_no_longer_offered_but_what_was_asked_before_is_done() -> None:
    bench = Bench()
    bench.driver.ethtool.set_features(Features())
    of = bench.driver.capabilities
    assert (of.tx_ipv4, of.tx_l4, of.rx_checksum, of.tso) == (False, ChecksumOffload.NONE, False, 0)
    whole = udp(b"x" * 30)
    bench.card.receive(whole)
    bench.send(TxFrame([unsummed(whole)], TxSum.IPV4 | TxSum.UDP))
    bench.run()
    assert bench.sink.frames[0].verdict == 0
    assert bench.card["RXCSUM"] == 0
    assert bench.card.wire == [whole]
    bench.driver.ethtool.set_features(Features(rx_checksum=True))
    bench.card.receive(whole)
    bench.run()
    assert bench.sink.frames[1].verdict.l4 == "good"


# ---- registers ----


def test_registers_by_name_with_their_fields_and_no_side_effect() -> None:
    bench = Bench()
    bench.card.cause("RXT0")
    bench.card.accesses.clear()
    shown = {each.name: each for each in bench.driver.ethtool.registers()}
    assert bench.card.accesses == {"STATUS": 1}
    assert shown["RCTL"].value == bench.card["RCTL"]
    assert (shown["RCTL"].fields["EN"], shown["RCTL"].fields["BAM"], shown["RCTL"].offset) == (1, 1, 0x100)
    assert shown["ICR"].fields["RXT0"] == 1
    assert shown["RAL[0]"].value == int.from_bytes(MAC[:4], "little")
    assert "RAL[1]" not in shown
    assert not {"ICS", "IMC", *(register.name for register in STATISTICS_REGISTERS)} & set(shown)
    wanted = bench.driver.ethtool.registers(["STATUS", "RAH"])
    assert [each.name for each in wanted] == ["STATUS", "RAH[0]"]
    with pytest.raises(KeyError, match="there is no register STATS"):
        bench.driver.ethtool.registers(["STATS"])


def test_eeprom_is_all_words() -> None:
    words = Bench().driver.ethtool.eeprom()
    assert len(words) == 64
    assert b"".join(word.to_bytes(2, "little") for word in words[:3]) == MAC


# ---- self test ----

NAMES = ["link", "registers", "eeprom", "phy", "interrupt", "mac loopback", "phy loopback"]


@pytest.mark.parametrize("running", [True, False])
def test_a_good_card_passes_and_is_given_back_as_it_was(running: bool) -> None:
    bench = Bench()
    bench.card.moves = True
    tool = bench.driver.ethtool
    tool.set_features(Features(vlan_strip=True, vlan_insert=True, vlan_filter=True))
    bench.driver.set_vlans([5, 99])
    bench.driver.set_multicast([bytes.fromhex("0180c2000000"), *(b"\x01\0\0\0\1" + bytes([n]) for n in range(20))])
    tool.set_coalesce(Coalesce(rx_usecs=20))
    bench.driver.set_lladdr(bytes.fromhex("0200000000aa"))
    bench.interrupts()
    bench.send(frame(60), frame(61))
    bench.card.receive(frame(60, 1, b"\xff" * 6))
    bench.run()
    if not running:
        bench.driver.down()
    statistics, phy = tool.statistics(), dict(bench.card.phy.registers)
    before = dict(bench.card.reg)
    checks = tool.self_test()
    assert [(each.name, each.passed) for each in checks] == [(name, running or name != "link") for name in NAMES]
    bench.interrupts()
    assert tool.statistics() == statistics
    assert bench.card.phy.registers == phy
    moved = {"RDH", "RDT", "TDH", "TDT", "RDBAL", "TDBAL", "ICR"}
    tables = set() if running else {"MTA", "VFTA", "RAL", "RAH"}  # of a card that is down they mean nothing
    after = {key: value for key, value in bench.card.reg.items() if key[0] not in moved | tables}
    assert after == {key: value for key, value in before.items() if key[0] not in moved | tables}
    assert (bench.card.reg["RAL", 0], bench.card.reg["RAH", 0] >> 31) == (2, 1)
    if not running:
        assert bench.dma.live == 0
        bench.driver.up()
    before_frames = len(bench.received)
    bench.card.receive(frame(60, 2, b"\x01\0\0\0\1\x13"))
    bench.run()
    assert len(bench.received) == before_frames + 1
    bench.driver.down()
    assert bench.dma.live == 0
    assert bench.dma.faults == []


def failed(bench: Bench) -> dict[str, str]:
    bench.card.moves = True
    return {each.name: each.detail for each in bench.driver.ethtool.self_test() if not each.passed}


def test_online_disturbs_nothing() -> None:
    bench = Bench()
    bench.card.accesses.clear()
    assert [each.name for each in bench.driver.ethtool.self_test(offline=False)] == ["link", "eeprom"]
    assert set(bench.card.accesses) == {"STATUS", "EERD"}


@pytest.mark.parametrize(("name", "stuck", "index"), [("FCTTV", 0x10, 0), ("RAH", 1 << 31, 3), ("VFTA", 1, 127)])
@pytest.mark.parametrize("level", [0, 1])
def test_a_stuck_bit_is_named(name: str, stuck: int, index: int, level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    real = bench.card.peek

    def peek(bar: int, offset: int) -> int:
        value = real(bar, offset)
        return value if offset != em.REGISTERS[name].at(index) else value | stuck if level else value & ~stuck

    monkeypatch.setattr(bench.card, "peek", peek)
    wrong = failed(bench)
    where = f"{name}[{index}]" if em.REGISTERS[name].count > 1 else name
    assert list(wrong) == ["registers"]
    assert wrong["registers"].startswith(f"{where} holds 0x")


SET_OFF = {"CTRL", "EECD", "EERD", "MDIC", "IMS", "PBA", "RDH", "RDT", "TDH", "TDT"}


@pytest.mark.parametrize(
    "register",
    [r for r in em.REGISTERS if r.access is Access.RW and r.name not in SET_OFF],
    ids=lambda register: str(register.name),
)
def test_every_register_that_holds_is_tested(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that takes nothing is named, whichever of the table it is."""
    bench = Bench()
    real = bench.card.peek
    monkeypatch.setattr(
        bench.card, "peek", lambda bar, offset: 0 if offset == register.offset else real(bar, offset)
    )  # fmt: skip
    assert register.name in next(iter(OfflineTest(bench.driver.hardware, bench.dma).run())).detail


def test_a_bad_eeprom_a_wrong_phy_and_a_dead_line_are_named() -> None:
    bench = Bench()
    bench.card.eeprom.words[5] ^= 1
    bench.card.phy.registers[2] = 0x22
    bench.card.interrupted = lambda nanoseconds: False  # type: ignore[method-assign]
    wrong = failed(bench)
    assert list(wrong) == ["eeprom", "phy", "interrupt"]
    assert wrong["interrupt"] == "TXDW does not raise the line"


def test_a_line_that_ignores_the_mask_or_stays_up_is_named() -> None:
    bench = Bench()
    bench.card.interrupted = lambda nanoseconds: bench.card["ICR"] != 0  # type: ignore[method-assign]
    assert failed(bench) == {"interrupt": "TXDW is masked and raises the line"}
    bench.card.interrupted = lambda nanoseconds: bench.card["ICR"] != 0 and bench.card["IMS"] != 0  # type: ignore[method-assign]
    assert failed(bench) == {}


def test_a_loopback_that_damages_or_swallows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    real = bench.card.receive

    def damage(item: bytes, bad: str = "") -> None:
        if len(item) != 511:
            real(item[:-1] + bytes([item[-1] ^ (len(item) == 128)]), bad)

    monkeypatch.setattr(bench.card, "receive", damage)
    text = "a frame of 128 bytes came back changed"
    assert failed(bench) == {"mac loopback": text, "phy loopback": text}
    monkeypatch.setattr(bench.card, "receive", lambda item, bad="": None)
    assert set(failed(bench).values()) == {"a frame of 60 bytes did not come back"}
    assert bench.dma.live == replace(bench.driver.ethtool.rings()).rx + 2
