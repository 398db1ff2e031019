"""The test that cocotb runs for an engine in another process: it does what it is told, and ends with its parent."""

from __future__ import annotations

import os
import socket
from asyncio import CancelledError
from typing import Any

import cocotb

from ringbed.sim.cocotb.core import CocotbCore
from ringbed.sim.cocotb.link import SOCKET, Link, SharedMemory
from ringbed.sim.native.verilog_said import Heard


@cocotb.test()
async def serve(dut: Any) -> None:
    """Setup, then calls one by one; the simulator stands still between them."""
    link = Link(socket.socket(fileno=int(os.environ[SOCKET])))
    core: CocotbCore | None = None
    try:
        portmap, settings, with_memory = link.receive()
        memory = SharedMemory(link) if with_memory else None
        core = CocotbCore(dut, portmap, memory, settings, link.wanted, Heard())
        await core.start()
        link.send(("done", None, core.box()))
        while True:
            kind, *rest = link.receive()
            if kind == "regions" and memory is not None:
                memory.follow(*rest)
            elif kind == "call":
                link.send(await _answer(core, rest[0]))
    except EOFError:
        return  # the parent has closed its engine, or has ended
    except CancelledError:  # the card's Verilog has ended the simulation
        if core is not None:
            link.send(("ended", core.ending(), core.box()))
        raise


async def _answer(core: CocotbCore, call: Any) -> tuple[str, Any, Any]:
    try:
        value = await core.call(call)
    except EOFError:
        raise
    except Exception as error:
        return "raised", error, core.box()
    return "done", value, core.box()
