"""The engine `qemu`: registers, rings, wire, interrupt and time of QEMU's e1000 behind `sim/seam/engine.py`'s calls.

The card is programmed by registers and rings alone, with the bench the RTL is tested with. Nothing here looks at how
long something took: only at what came, and in which order.
"""

from __future__ import annotations

import mmap
import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringbed.cli.errors import Exit, explain
from ringbed.drivers.world import PciIdentity, TxFrame
from ringbed.hw.formats import em
from ringbed.sim import cards
from ringbed.sim.memory.host import HostMemory, Region
from ringbed.sim.needs import lacking
from ringbed.sim.qemu import qtest
from ringbed.sim.qemu.engine import QemuEngine
from ringbed.sim.qemu.qtest import PROGRAM, QemuError, QemuMissing, Qtest, find_qemu
from ringbed.sim.seam.engine import NEVER, EngineClosed, Event
from ringbed.sim.testbed.assembly import open_host
from ringbed.sim.testbed.host import Collector
from tests.hw.nics.em.bench import CAUSE, STATION, Card, frame, on_wire

pytestmark = pytest.mark.qemu
R = em.REGISTERS
SECOND = 125_000_000  # clocks


@pytest.fixture
def card() -> Iterator[Card]:
    made = Card("qemu", leap=True)
    yield made
    made.close()


def cold(**options: Any) -> QemuEngine:
    return QemuEngine(cards.em(), HostMemory(), **options)


# ---- time ----


def test_what_the_model_was_late_with_is_seen_where_time_is_up(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a turn of its loop and a look at the wall's clock this process may have slept, and so may the model."""
    assert isinstance(card.engine, QemuEngine)
    machine, cause = card.engine._live(), R["ICS"].mask("LSC")
    turn, turns = machine.turn, 0
    card.set("IMS", cause)
    card.get("ICR")

    def late() -> None:
        nonlocal turns
        turns += 1
        if turns == 2:
            machine.write(R["ICS"].offset, cause)
        turn()

    monkeypatch.setattr(machine, "turn", late)
    assert Event.IRQ in card.engine.run(card.engine.now, Event.IRQ)
    assert turns >= 2


def test_what_the_thread_of_its_timers_was_late_with_is_seen_too(card: Card, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `leap` a held back interrupt is that thread's, which no turn of the loop waits for: an alarm does."""
    assert isinstance(card.engine, QemuEngine)
    machine, cause = card.engine._live(), R["ICS"].mask("LSC")
    alarm = machine.alarm
    card.set("IMS", cause)
    card.get("ICR")

    def late(ns: int) -> None:
        machine.write(R["ICS"].offset, cause)
        alarm(ns)

    monkeypatch.setattr(machine, "alarm", late)
    assert Event.IRQ in card.engine.run(card.engine.now, Event.IRQ)
    assert machine.irq


def test_a_timer_that_is_known_to_run_keeps_its_alarm(card: Card) -> None:
    assert isinstance(card.engine, QemuEngine)
    machine = card.engine._live()
    card.set("RCTL", 0)
    end = card.engine._timer_until
    card.engine.run(card.engine.now, Event.IRQ)
    assert Event.IDLE in card.engine.run(card.engine.now + 600 * SECOND, Event.IDLE)
    assert machine.clock() >= end > 0


# ---- the machine ----


def test_identity_is_what_configuration_space_says(card: Card) -> None:
    assert isinstance(card.engine, QemuEngine)
    pci = card.engine.pci
    assert pci.revision == 3  # ours says 2
    assert (pci.vendor, pci.device, pci.class_code) == (em.PCI_VENDOR, em.PCI_DEVICE, em.PCI_CLASS)
    assert pci.bars == (em.BAR_SIZE, 64)
    assert pci.interrupt == "intx"


def test_the_pin_mac_is_the_address_in_the_eeprom() -> None:
    engine = cold()
    engine.set_pin("mac", 0x0200_1122_3344)
    words = []
    for index in range(em.EEPROM_WORDS):
        engine.write(R["EERD"].offset, R["EERD"].pack(START=1, ADDR=index))
        answer = engine.read(R["EERD"].offset)
        assert answer & R["EERD"].mask("DONE")
        words.append(R["EERD"]["DATA"].get(answer))
    assert b"".join(word.to_bytes(2, "little") for word in words[:3]) == bytes.fromhex("020011223344")
    assert sum(words) & 0xFFFF == em.EEPROM_SUM
    assert engine.read(R["RAL"].offset) == 0x2211_0002
    with pytest.raises(ValueError, match="before the machine starts"):
        engine.set_pin("mac", 1)
    with pytest.raises(KeyError, match="qemu has no pin 'errata'; it has mac"):
        engine.get_pin("errata")
    engine.close()


def test_what_qemu_cannot_do_is_refused_in_a_sentence(tmp_path: Path) -> None:
    for option, value in (("link_bps", 10**9), ("backpressure", 0.5), ("manner", "strict"), ("read_latency", 7)):
        with pytest.raises(ValueError, match=f"engine qemu has no {option}: "):
            cold(**{option: value})
    with pytest.raises(ValueError, match="QEMU has no model of the card 'em_lab'; it has one of em"):
        QemuEngine(cards.em_lab())
    with pytest.raises(ValueError, match="engine qemu records no waveform"):
        cold(waves="vcd")
    engine = cold()
    with pytest.raises(ValueError, match="engine qemu records no waveform"):
        engine.trace(tmp_path / "wave")
    engine.trace(None)
    for offset in (2, -4, em.BAR_SIZE):
        with pytest.raises(ValueError, match=f"e1000 of QEMU has no 32-bit register at {offset:#x}"):
            engine.read(offset)
    with pytest.raises(ValueError, match="cannot receive a frame of 4 bytes"):
        engine.wire_in(b"1234")
    engine.close()
    with pytest.raises(EngineClosed, match="the engine of qemu is closed"):
        engine.read(0)


def test_memory_that_cannot_be_shared_is_refused() -> None:
    low, foreign = HostMemory(base=0x8000_0000), HostMemory()
    foreign.add_region(Region(0x2_0000_0000, memoryview(bytearray(4096))))
    for memory, at in ((low, "0x80000000"), (foreign, "0x200000000")):
        engine = QemuEngine(cards.em(), memory)
        with pytest.raises(ValueError, match=f"memory at {at}: QEMU shares only memory of a file, at 4 GiB or above"):
            engine.read(0)


def test_regions_are_those_of_the_start() -> None:
    """A machine without an operating system gives no memory module back, so no removal is taken in silence either."""
    memory, file = HostMemory(), os.memfd_create("region")
    os.ftruncate(file, 4096)
    region = Region(0x2_0000_0000, mmap.mmap(file, 4096), file=file)
    engine = QemuEngine(cards.em(), memory)
    assert engine.read(em.REGISTERS["STATUS"].offset)
    memory.add_region(region)
    with pytest.raises(ValueError, match="was added or removed since QEMU started"):
        engine.read(em.REGISTERS["STATUS"].offset)
    memory.remove_region(region)
    with pytest.raises(ValueError, match="was added or removed since QEMU started"):
        engine.run(engine.now + 1)
    engine.close()
    os.close(file)


def test_without_qemu_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    sentence = lacking("qemu")
    assert sentence.startswith(f"no QEMU: {PROGRAM} is not on PATH (")
    assert sentence.endswith("Debian: apt-get install qemu-system-x86)")
    with pytest.raises(QemuMissing) as raised:
        open_host("em0", Collector(), engine="qemu")
    assert str(raised.value) == sentence
    assert explain(raised.value) == (sentence, Exit.ENVIRONMENT)


@pytest.mark.parametrize("gone", [False, True], ids=["as-it-comes", "before-the-first-word"])
def test_a_qemu_that_ends_is_told_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gone: bool
) -> None:
    find_card = Qtest._find_card

    def late(machine: Qtest) -> PciIdentity:
        assert machine._socket.recv(1, socket.MSG_PEEK) == b""  # until it has closed its end
        return find_card(machine)

    if gone:
        monkeypatch.setattr(Qtest, "_find_card", late)
    script = tmp_path / PROGRAM
    script.write_text("#!/bin/sh\necho 'no such machine' >&2\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(QemuError, match="QEMU ended: no such machine"):
        cold().read(0)


def test_closing_ends_the_process_and_gives_back_what_it_held() -> None:
    find_qemu()
    before = set(os.listdir("/proc/self/fd"))
    engine = cold()
    assert engine.read(em.REGISTERS["STATUS"].offset)
    machine = engine._machine
    assert machine is not None
    engine.close()
    engine.close()
    assert engine.wire_out() == [], "what a link asks once more at the end"
    del engine, machine
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1  # the listing's own


@pytest.mark.parametrize("where", ["_guarded", "_find_card"])
def test_a_machine_that_does_not_come_up_leaves_nothing(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """Not even while somebody still holds the error: no process, no descriptor."""

    def fail(*_: object) -> None:
        raise OSError("no more processes")

    find_qemu()
    monkeypatch.setattr(qtest.Qtest if where == "_find_card" else qtest, where, fail)
    engine = cold()
    before, children = set(os.listdir("/proc/self/fd")), descendants(os.getpid())
    with pytest.raises(OSError, match="no more processes") as held:
        engine.read(0)
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1
    assert descendants(os.getpid()) == children
    assert held.value


CHILD = """
import sys
from ringbed.sim import cards
from ringbed.sim.qemu.engine import QemuEngine
engine = QemuEngine(cards.em())
engine.read(8)
print("ready", flush=True)
sys.stdin.read()
"""


def test_qemu_does_not_outlive_us_even_if_we_are_killed() -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    family = descendants(child.pid)
    assert any(PROGRAM in name for _, name in family)
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()
    ends = [select.poll() for _ in family]
    for end, (file, _) in zip(ends, family, strict=True):
        end.register(file)
        assert end.poll(60_000)  # a process's descriptor is readable when it has ended
        os.close(file)


def descendants(pid: int) -> list[tuple[int, str]]:
    """A descriptor and the command line of every process below `pid`."""
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found.append((os.pidfd_open(int(child)), Path(f"/proc/{child}/cmdline").read_text().split("\0")[0]))
        found += descendants(int(child))
    return found


# ---- registers ----


def test_writes_are_in_order_before_the_read_that_follows(card: Card) -> None:
    for count in range(1, 140):  # more than go out without an answer
        for value in range(count):
            card.set("RDTR", value)
        assert card.get("RDTR") == count - 1


def test_a_peek_has_no_side_effect_or_is_refused(card: Card) -> None:
    card.set("ICS", CAUSE["RXO"])
    assert card.peek("ICR") & CAUSE["RXO"]
    assert card.peek("ICR") & CAUSE["RXO"]
    assert card.get("ICR") & CAUSE["RXO"]
    assert not card.peek("ICR")
    with pytest.raises(ValueError, match="GPRC on QEMU cannot be looked at without clearing it: read it instead"):
        card.peek("GPRC")


# ---- wire and rings ----


@pytest.mark.parametrize("size", [64, 65, 128, 1023, 1518])
def test_a_frame_out_has_a_good_fcs(card: Card, size: int) -> None:
    data = frame(size, seed=1)[:-4]
    card.push(card.pieces(data, cuts=[20, 33] if size > 64 else ()))
    card.settle()
    assert card.sent() == [on_wire(data)]
    assert all(em.TX_LEGACY.decode(part)["DD"] for part in card.reclaim()[-1:])


def test_a_short_frame_is_padded_at_the_seam(card: Card) -> None:
    card.push(card.pieces(STATION + bytes(30)))
    card.settle()
    assert card.sent() == [on_wire(STATION + bytes(30))]


@pytest.mark.parametrize("size", [64, 65, 128, 1023, 1518])
def test_a_frame_in_is_in_our_memory(card: Card, size: int) -> None:
    card.post()
    card.arrive(frame(size, seed=2))
    card.settle()
    [received] = card.harvest()
    assert received.data == frame(size, seed=2)[:-4]
    assert received.last["DD"]
    assert received.last["EOP"]


def test_bursts_longer_than_any_queue_between_us_lose_nothing(card: Card) -> None:
    sent = [frame(1518, seed)[:-4] for seed in range(60)]
    card.push([part for data in sent for part in card.pieces(data)])
    card.settle()
    assert card.sent() == [on_wire(data) for data in sent]
    card.post()
    came = [frame(1518, seed) for seed in range(100, 160)]
    card.arrive(*came)
    card.settle()
    assert [each.data for each in card.harvest()] == [data[:-4] for data in came]


def test_frames_wait_for_buffers(card: Card) -> None:
    """QEMU's wire can be stopped; ours cannot, which is why no drop of the card's can be seen there."""
    came = [frame(1000, seed) for seed in range(40)]
    card.settle()  # what waits for buffers at the end of the deaf second is lost
    card.arrive(*came)
    card.settle()
    seen = []
    for _ in range(6):
        card.post(8)
        card.settle()
        seen += [each.data for each in card.harvest()]
    assert seen == [data[:-4] for data in came]


def test_damage_of_the_wire_ends_before_qemu(card: Card) -> None:
    card.post()
    good = frame(100, seed=3)
    card.arrive(good[:-1] + bytes([good[-1] ^ 1]))
    card.arrive(good, error=True)
    card.arrive(good)
    card.settle()
    assert [each.data for each in card.harvest()] == [good[:-4]]
    assert isinstance(card.engine, QemuEngine)
    assert card.engine.counters == {"bad_fcs": 1, "error": 1}


def test_a_frame_does_not_come_before_its_time(card: Card) -> None:
    card.post()
    due = card.engine.now + SECOND
    card.arrive(frame(64), at=due)
    assert not card.engine.run(due - SECOND * 99 // 100, Event.IDLE) & Event.IDLE  # it is still to come
    assert card.harvest() == []
    card.settle()
    assert card.engine.now >= due
    assert len(card.harvest()) == 1


# ---- interrupts and time ----


def test_the_line_is_an_event_and_falls_when_the_cause_is_read(card: Card) -> None:
    card.post()
    card.set("IMS", CAUSE["RXT0"])
    card.get("ICR")
    assert not card.engine.run(card.engine.now + 1000, Event.IRQ) & Event.IRQ
    card.arrive(frame(64))
    assert card.engine.run(card.engine.now + SECOND, Event.IRQ) & Event.IRQ
    assert card.get("ICR") & CAUSE["RXT0"]
    assert not card.engine.run(card.engine.now + 1000, Event.IRQ) & Event.IRQ


def test_without_a_stop_it_does_not_go_on_while_the_line_is_up(card: Card) -> None:
    card.set("IMS", CAUSE["LSC"])
    card.set("ICS", CAUSE["LSC"])
    assert card.engine.run(card.engine.now + SECOND) & (Event.TIME | Event.IRQ) == Event.IRQ
    assert card.engine.run(card.engine.now + SECOND) & (Event.TIME | Event.IRQ) == Event.IRQ
    until = card.engine.now + SECOND // 1000
    assert card.engine.run(until, Event.NONE) & (Event.TIME | Event.IRQ) == Event.TIME | Event.IRQ


def test_a_masked_cause_does_not_raise_the_line(card: Card) -> None:
    card.set("IMC", 0xFFFF_FFFF)
    card.set("ICS", CAUSE["LSC"])
    assert not card.engine.run(card.engine.now + 1000, Event.IRQ) & Event.IRQ
    card.set("IMS", CAUSE["LSC"])
    assert card.engine.run(card.engine.now + 1000, Event.IRQ) & Event.IRQ


def test_run_ends_at_its_time_or_at_what_it_was_asked_for(card: Card) -> None:
    until = card.engine.now + SECOND // 1000
    assert card.engine.run(until, Event.NONE) & Event.TIME
    assert card.engine.now >= until
    card.push(card.pieces(bytes(60)))
    assert card.engine.run(card.engine.now + SECOND, Event.WIRE) & Event.WIRE
    assert len(card.sent()) == 1


def test_irq_hold_is_the_hosts_latency() -> None:
    hold = SECOND // 100
    engine = cold(leap=True, irq_hold=hold)
    engine.write(R["IMS"].offset, CAUSE["RXO"])
    engine.read(R["ICR"].offset)
    engine.run(engine.now + 1000)
    begin = engine.now
    engine.write(R["ICS"].offset, CAUSE["RXO"])
    assert engine.run(begin + SECOND) & Event.IRQ
    assert engine.now >= begin + hold
    engine.close()


def test_idle_waits_for_timers_that_are_known_to_run() -> None:
    """After a write to RCTL the model is deaf for a second: a frame that waits for it is not rest."""
    card = Card("qemu")
    card.post()
    card.arrive(frame(64))
    assert not card.engine.run(card.engine.now + SECOND // 50, Event.IDLE) & Event.IDLE
    assert card.harvest() == []
    card.settle()
    assert len(card.harvest()) == 1
    card.close()


def test_rest_is_quick_when_nothing_is_to_come(card: Card) -> None:
    card.settle()
    event = card.engine.run(card.engine.now + SECOND, Event.IDLE)
    assert event & Event.IDLE
    assert not event & Event.TIME
    assert card.engine.due() == NEVER
    card.set("ICS", CAUSE["RXO"])
    assert card.engine.due() != NEVER  # something may still come of it


def test_where_the_time_went_adds_up(card: Card) -> None:
    card.engine.run(card.engine.now + SECOND // 100, Event.NONE)
    stats = card.engine.stats()
    assert stats.skipped > 0
    assert stats.clocks > 0
    assert stats.clocks + stats.skipped <= card.engine.now


# ---- under a driver ----


def test_a_host_on_qemu_is_opened_by_name() -> None:
    host = open_host("em0", Collector(), engine="qemu", leap=True, mac=bytes.fromhex("0200000000ab"))
    assert host.driver.lladdr == bytes.fromhex("0200000000ab")
    assert host.device.pci.revision == 3
    host.up()
    while not host.upper.link_up:
        host.advance(host.now + 1_000_000)
    assert host.driver.transmit(0, [TxFrame([STATION + bytes(60)])]) == 1
    host.advance(host.now + 1_000_000)
    [(_, out)] = host.engine.wire_out()
    host.engine.wire_in(on_wire(bytes.fromhex("0200000000ab") + bytes(70)))
    while not host.upper.frames:
        host.advance(host.now + 1_000_000)
    assert out == on_wire(STATION + bytes(60))
    host.down()
    host.engine.close()
