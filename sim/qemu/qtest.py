"""QEMU as a machine that only does what it is told: one PCI bus, one NIC, and the qtest protocol on its standard input.

The guest is a ROM whose reset vector is `cli; hlt; jmp`: no program of the guest's ever runs, every bus access comes
from here. (With `-S` instead the virtual machine would be stopped, and a NIC of a stopped machine is mute.) Guest
memory is a region of ours, hot-plugged at the address our drivers know it by, so that rings are truly shared.

`leap` makes the machine's clock run ahead to the next timer whenever nothing else is to do: autonegotiation and the
like take no time then, and no order changes; without it the machine's clock is wall time.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import shutil
import socket
import subprocess
import weakref
from collections.abc import Sequence
from contextlib import ExitStack

from ringbed.drivers.world import PciIdentity
from ringbed.sim.memory.regions import Region
from ringbed.sim.needs import Missing, require

__all__ = ["PROGRAM", "Qtest", "NewerQemu", "QemuError", "QemuMissing", "find_qemu", "version"]

PROGRAM = "qemu-system-x86_64"
ROM_SIZE, RESET_VECTOR = 65536, 0xFFF0
ROM_CODE = bytes.fromhex("fa f4 eb fd")  # cli; hlt; jmp to the hlt
PRIVATE_RAM = "4M"  # a PC wants some below 4 GiB; nobody uses it
RAM_BASE = 1 << 32  # where hot-plugged memory may begin
CONFIG_ADDRESS, CONFIG_DATA = 0xCF8, 0xCFC  # PCI configuration mechanism 1
SLOT, ISA_SLOT, PIRQ_ROUTES = 3, 1, 0x60  # the NIC, the bridge with the interrupt router, its registers A to D
LINE = 11  # where all four PCI interrupts go, on the I/O APIC
# Between us and QEMU: a shell that ends it when we end, however we do. It has a pipe in place of its output whose other
# end only we hold; of the socket it keeps nothing, so that QEMU's own end shows.
GUARD = 'exec 3<&0; "$@" <&3 >&3 3<&- & exec <&- 3<&-; read -r _ <&1; kill -9 $!; wait'
BAR0, BARS = 0xE000_0000, 6
# HPET: its main counter is the machine's clock, its first timer an alarm we set behind a timer of the NIC
HPET, TICK_NS = 0xFED0_0000, 10
SWITCH, COUNT, ALARM, COMPARE = HPET + 0x10, HPET + 0xF0, HPET + 0x100, HPET + 0x108
ALARM_LINE = 2
ALARM_ON = 1 << 2 | 1 << 8 | ALARM_LINE << 9  # interrupt, 32 bits, its route
COMMAND, COMMAND_ON = 0x04, 0x06  # memory space and bus master
UNANSWERED = 64  # commands on their way before we look for answers


class QemuError(Exception):
    """QEMU ended, or did not do as it was told; the sentence has its words."""


class QemuMissing(QemuError, Missing):
    """There is no QEMU on this machine."""


class NewerQemu(QemuError, Missing):
    """This machine's QEMU is newer than any that ringbed knows, and does otherwise: an older one is missing."""


def find_qemu() -> str:
    """The program's path; raises QemuMissing with what to install."""
    require("qemu", error=QemuMissing)
    return shutil.which(PROGRAM) or PROGRAM


def version() -> tuple[int, int]:
    """Of the QEMU on this machine, such as (10, 0); raises QemuMissing, QemuError when it does not say."""
    said = subprocess.run([find_qemu(), "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"version (\d+)\.(\d+)", said)
    if found is None:
        raise QemuError(f"{PROGRAM} --version gives no version: {said.strip()[:200]!r}")
    return int(found[1]), int(found[2])


class Qtest:
    """The machine, from start to `close`. `wire` is our end of the NIC's wire: a datagram a frame, without FCS."""

    def __init__(self, model: str, mac: bytes, regions: Sequence[Region], *, leap: bool = False) -> None:
        program = find_qemu()
        _check(regions)
        self._socket, theirs = socket.socketpair()
        self.wire, their_wire = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.wire.setblocking(False)
        self._words = os.memfd_create("ringbed-qemu-stderr")
        with ExitStack() as stack, ExitStack() as ours:
            ours.callback(os.close, self._words)
            for end in (self._socket, self.wire):
                ours.callback(end.close)
            for end in (theirs, their_wire):
                stack.callback(end.close)
            wire, rom = _given(stack, their_wire.fileno()), _given(stack, _rom(stack))
            files = [_given(stack, region.file) for region in regions]
            command = [program, *_machine(leap), "-bios", f"/dev/fd/{rom}", *_memory(regions, files)]
            command += ["-netdev", f"dgram,id=wire,local.type=fd,local.str={wire}"]
            command += ["-device", f"{model},netdev=wire,addr={SLOT},romfile=,mac={mac.hex(':')}"]
            process, leash = _guarded(command, theirs, self._words, (wire, rom, *files))
            ours.pop_all()  # from here on `close` does that
        self._end = weakref.finalize(self, _end, process, (leash, self._words), self._socket, self.wire)
        self._text, self._open = b"", 0
        self.irq = False  # the level of LINE, as of the last answer
        self.edges = 0  # how often it changed
        self.alarms = 0
        try:
            self.pci = self._find_card()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the machine; twice does no harm."""
        self._end()

    # Accesses ---------------------------------------------------------------------------------------------------

    def read(self, offset: int) -> int:
        """A 32-bit read of BAR 0, after every write before it."""
        return self._number(f"readl {BAR0 + offset:#x}")

    def write(self, offset: int, value: int) -> None:
        """A 32-bit write to BAR 0; sent at once, its answer is looked for later."""
        self._send(f"writel {BAR0 + offset:#x} {value:#x}")

    def config_read(self, slot: int, offset: int) -> int:
        """32 bits of a device's configuration space."""
        self._send(f"outl {CONFIG_ADDRESS:#x} {1 << 31 | slot << 11 | offset:#x}")
        return self._number(f"inl {CONFIG_DATA:#x}")

    def config_write(self, slot: int, offset: int, value: int) -> None:
        self._send(f"outl {CONFIG_ADDRESS:#x} {1 << 31 | slot << 11 | offset:#x}")
        self._send(f"outl {CONFIG_DATA:#x} {value:#x}")

    def turn(self) -> None:
        """One turn of QEMU's main loop at least: everything told so far is done, and what it caused at once."""
        self._number(f"inl {CONFIG_DATA:#x}")

    def clock(self) -> int:
        """The machine's own time in ns, which its timers go by."""
        return self._number(f"readq {COUNT:#x}") * TICK_NS

    def alarm(self, ns: int) -> None:
        """`alarms` counts one more when every timer that ends up to clock `ns`, in less than 40 s, has done its work.

        There is one alarm: the last one set. Timers of one clock are served in order, by a thread nobody can ask.
        """
        self._send(f"writel {COMPARE:#x} {ns // TICK_NS & 0xFFFF_FFFF:#x}")

    def wait(self, seconds: float) -> None:
        """Until QEMU says or sends something, at most so long."""
        if b"\n" not in self._text:
            select.select([self._socket, self.wire], [], [], seconds)
        while self._readable():
            self._take(self._line())

    # The protocol -----------------------------------------------------------------------------------------------

    def _readable(self) -> bool:
        return b"\n" in self._text or bool(select.select([self._socket], [], [], 0)[0])

    def _line(self) -> list[str]:
        """The next whole line in words; blocks until it is there."""
        while b"\n" not in self._text:
            try:
                more = self._socket.recv(65536)
            except (ConnectionError, OSError):
                more = b""
            if not more:
                raise self._ended()
            self._text += more
        line, _, self._text = self._text.partition(b"\n")
        return line.decode().split()

    def _send(self, command: str) -> None:
        if self._open >= UNANSWERED:
            self._answers()
        try:
            self._socket.sendall(command.encode() + b"\n")
        except ConnectionError:
            raise self._ended() from None
        self._open += 1

    def _number(self, command: str) -> int:
        self._send(command)
        return int(self._answers()[1], 0)

    def _answers(self) -> list[str]:
        """The answer to the last command; those before it are thrown away."""
        words: list[str] = []
        while self._open:
            words = self._take(self._line())
        return words

    def _take(self, words: list[str]) -> list[str]:
        """An interrupt's edge is noted, an answer counted."""
        if words[0] == "IRQ":
            if int(words[2]) == LINE:
                self.irq = words[1] == "raise"
                self.edges += 1
            self.alarms += words[1:] == ["raise", str(ALARM_LINE)]
            return words
        if words[0] != "OK":
            raise QemuError(f"QEMU answers {' '.join(words)!r}")
        self._open -= 1
        return words

    def _ended(self) -> QemuError:
        words = os.pread(self._words, 4096, 0).decode(errors="replace").strip()
        return QemuError(f"QEMU ended: {words or 'it gives no reason'}")

    # The card on its bus ----------------------------------------------------------------------------------------

    def _find_card(self) -> PciIdentity:
        """Who it says it is; BAR 0 mapped, bus master on, its interrupt routed to LINE, the clock started."""
        ids, kind = self.config_read(SLOT, 0), self.config_read(SLOT, 8)
        sizes = [self._bar_size(0x10 + 4 * bar) for bar in range(BARS)]
        while sizes and not sizes[-1]:
            sizes.pop()
        self.config_write(SLOT, 0x10, BAR0)
        self.config_write(SLOT, COMMAND, COMMAND_ON)
        self.config_write(ISA_SLOT, PIRQ_ROUTES, int.from_bytes(bytes([LINE] * 4), "little"))
        self._send("irq_intercept_in ioapic")
        self._send(f"writel {ALARM:#x} {ALARM_ON:#x}")
        self._send(f"writel {SWITCH:#x} 1")
        self.turn()
        return PciIdentity(ids & 0xFFFF, ids >> 16, kind & 0xFF, kind >> 8, tuple(sizes), "intx")

    def _bar_size(self, offset: int) -> int:
        """By the bits that stay 0 when all are written; 0: no such BAR."""
        self.config_write(SLOT, offset, 0xFFFF_FFFF)
        mask = self.config_read(SLOT, offset)
        return (~(mask & (~3 if mask & 1 else ~15)) + 1) & 0xFFFF_FFFF if mask else 0


def _machine(leap: bool) -> list[str]:
    """No default device, nothing that ticks by itself."""
    words = ["-nodefaults", "-no-user-config", "-display", "none", "-accel", "tcg,tb-size=1", "-qtest", "stdio"]
    words += ["-qtest-log", "none", "-machine", "pc,usb=off,pit=off,hpet=on"]
    return words + (["-icount", "shift=0,sleep=off"] if leap else [])


def _check(regions: Sequence[Region]) -> None:
    """Raises ValueError for memory that QEMU cannot share."""
    for region in regions:
        if region.file is None or region.iova < RAM_BASE:
            raise ValueError(f"memory at {region.iova:#x}: QEMU shares only memory of a file, at 4 GiB or above")


def _memory(regions: Sequence[Region], files: Sequence[int]) -> list[str]:
    """Every region as a memory module, shared, at its own address."""
    words, top = [], RAM_BASE
    for index, (region, file) in enumerate(zip(regions, files, strict=True)):
        path = f"mem-path=/dev/fd/{file},size={region.length}"
        words += ["-object", f"memory-backend-file,id=region{index},{path},share=on"]
        words += ["-device", f"pc-dimm,memdev=region{index},addr={region.iova:#x}"]
        top = max(top, region.iova + region.length)
    return ["-m", f"{PRIVATE_RAM},slots={len(regions)},maxmem={(top >> 30) + 1}G", *words]


def _rom(stack: ExitStack) -> int:
    """A file of the ROM."""
    rom = os.memfd_create("ringbed-rom")
    stack.callback(os.close, rom)
    os.write(rom, bytes(RESET_VECTOR) + ROM_CODE.ljust(ROM_SIZE - RESET_VECTOR, b"\x90"))
    return rom


def _given(stack: ExitStack, file: int | None) -> int:
    """A descriptor to hand over, above those the shell uses for itself."""
    assert file is not None
    copy = fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, 10)
    stack.callback(os.close, copy)
    return copy


def _guarded(
    command: list[str], talk: socket.socket, words: int, kept: tuple[int, ...]
) -> tuple[subprocess.Popen[bytes], int]:
    """QEMU under a shell that ends it when the descriptor is closed: by us, or by the kernel when we are killed."""
    held, leash = os.pipe()
    process = subprocess.Popen(
        ["/bin/sh", "-c", GUARD, "ringbed-guard", *command],
        stdin=talk.fileno(), stdout=held, stderr=words, pass_fds=kept, start_new_session=True,
    )  # fmt: skip
    os.close(held)
    return process, leash


def _end(process: subprocess.Popen[bytes], files: tuple[int, ...], *sockets: socket.socket) -> None:
    for each in sockets:
        each.close()
    for file in files:
        os.close(file)
    process.wait()
