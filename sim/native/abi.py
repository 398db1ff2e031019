"""The C ABI of a compiled model: its structures and functions, as `harness/harness.cpp` has them."""

from __future__ import annotations

import ctypes
import functools
from pathlib import Path
from typing import Any

from ringbed.sim.native.stages import STAGE_CALLS
from ringbed.sim.native.tape import TAPE_CALLS

__all__ = ["ANSWER", "ENDED", "FAULT", "BusFixed", "BusRule", "Config", "Mailbox", "RawFinding", "load"]

FAULT, ANSWER, ENDED = 32, 64, 128  # of the C ABI's events, beyond Event's
ABI = 12


class Config(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint32) for name in (
            "read_latency", "write_latency", "irq_hold", "seed", "backpressure", "check", "strict", "reset_clocks",
            "period_ps", "skip_idle", "reset_wait", "spare",
        )),
        ("link_num", ctypes.c_uint64), ("link_den", ctypes.c_uint64),
    ]  # fmt: skip


class Mailbox(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            "now", "clocks", "skipped", "out_frames", "out_bytes", "findings", "findings_lost", "faults",
            "run_ticks", "model_ticks", "sampled_ticks", "answer", "fault_events", "read_beats", "write_beats", "due",
            "ended", "in_frames", "waves_full", "lines", "risen", "read_asked", "write_asked",
        )
    ]  # fmt: skip


class RawFinding(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint64) for name in ("clock", "address", "last", "count", "end")),
        ("rule", ctypes.c_char * 24), ("text", ctypes.c_char * 232),
    ]  # fmt: skip


class BusRule(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint64) for name in ("key", "threshold", "low", "high")),
        *((name, ctypes.c_uint32) for name in ("kind", "accesses", "clocks", "spare")),
    ]  # fmt: skip


class BusFixed(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint64) for name in ("ordinal", "low", "high")),
        *((name, ctypes.c_uint32) for name in ("kind", "access", "clocks", "beat")),
    ]  # fmt: skip


@functools.cache
def load(path: Path) -> ctypes.CDLL:
    """The library with its functions' types; one per model, however many engines use it."""
    lib = ctypes.CDLL(str(path))
    u32, u64, handle = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_void_p
    table: dict[str, tuple[Any, list[Any]]] = {
        "rb_open": (
            handle,
            [ctypes.POINTER(Config), ctypes.POINTER(u64), u32, ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p), u32],
        ),
        "rb_final": (None, [handle]),
        "rb_close": (None, [handle]),
        "rb_ending": (ctypes.c_char_p, [handle]),
        "rb_mailbox": (ctypes.POINTER(Mailbox), [handle]),
        "rb_regions": (None, [handle, ctypes.c_char_p, u32]),  # `Region.row` of each, one behind the other
        "rb_run": (u32, [handle, u64, u32]),
        "rb_read": (u32, [handle, u32, u64]),
        "rb_write": (None, [handle, u32, u32]),
        "rb_peek": (u32, [handle, u32]),
        "rb_wire_in": (None, [handle, ctypes.c_char_p, handle, handle, ctypes.c_char_p, u32]),
        "rb_wire_out": (None, [handle, handle, handle]),
        "rb_set_pin": (None, [handle, u32, u64]),
        "rb_get_pin": (u64, [handle, u32]),
        "rb_hold_irq": (None, [handle, u64]),
        "rb_in_flight": (u32, [handle, u64, u64]),
        "rb_shut": (None, [handle, u64, u64]),
        "rb_asked": (u64, [handle, u32, handle]),
        "rb_answer": (u32, [handle, u32, u64, u32, ctypes.c_char_p, u64]),
        "rb_nobody": (None, [handle, u32]),
        "rb_watch": (None, [handle, u64, u32]),
        "rb_risen": (u64, [handle]),
        "rb_reset": (None, [handle, u32, u32]),
        "rb_bus_faults": (None, [handle, ctypes.POINTER(BusRule), u32, ctypes.POINTER(BusFixed), u32]),
        "rb_bus_fault_log": (None, [handle, handle]),
        "rb_findings": (None, [handle, ctypes.POINTER(RawFinding), u32]),
        "rb_tick_hz": (ctypes.c_double, [handle]),
        "rb_abi": (u32, []),
    }
    for name, (result, arguments) in (table | STAGE_CALLS | TAPE_CALLS).items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    if (found := lib.rb_abi()) != ABI:
        raise RuntimeError(f"{path} has ABI {found}, this ringbed needs {ABI}: clear the cache")
    return lib
