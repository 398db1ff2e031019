"""ringbed inside a cocotb test: its host memory, driver, stack, wire and faults on the card that cocotb simulates.

    @cocotb.test()
    async def pings(dut):
        bench = await Bench.start(dut, cards.em())
        host = await bench.host("10.0.0.2/24")
        bench.peer("10.0.0.1/24")
        await host.ping("10.0.0.1")
        await ClockCycles(dut.clk, 10)            # cocotb's triggers go on as ever, and the host's clock with them

Drivers and stacks are plain Python that calls and returns. `bench.call(function, ...)` runs such a function in a thread
of cocotb's bridge: while it waits for the card, simulated time passes and other coroutines run. A host's methods here
are coroutines that do so.
"""

from __future__ import annotations

import logging
import threading
from asyncio import CancelledError
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import cocotb
from cocotb._bridge import pending_threads
from cocotb._outcomes import Error, Outcome, Value
from cocotb.task import bridge

from ringbed.drivers.em.driver import Em
from ringbed.sim.cocotb.core import CocotbCore
from ringbed.sim.cocotb.face import Box, Call, CocotbFace
from ringbed.sim.memory.host import HostMemory, memory_for
from ringbed.sim.seam.engine import Finding
from ringbed.sim.seam.settings import Settings
from ringbed.sim.seam.spec import NicSpec
from ringbed.sim.testbed.assembly import EM_PCI, StackHost, StackOnDriver
from ringbed.sim.testbed.host import DriverMaker, Host
from ringbed.sim.testbed.peer import Echo, Mover, NoAnswer, Peer, move_until
from ringbed.sim.wire.frame import WireEnd
from ringbed.stack.stack import Stack

__all__ = ["Bench", "BenchEngine", "BenchHost"]

P = ParamSpec("P")
T = TypeVar("T")


class BenchEngine(CocotbFace):
    """The engine of a bench. Its calls wait for simulated time, so they belong into a function given to `call`."""

    def __init__(self, spec: NicSpec, core: CocotbCore) -> None:
        super().__init__(spec, core.portmap, core.settings)
        self._core = core
        self._over = False  # the test has ended while a call was under way

    def _send(self, call: Call) -> tuple[Any, Box]:
        """As cocotb's `resume`, which keeps the cancelling at a test's end to itself: that is an error then."""
        here = threading.current_thread()
        waiter = next((each for each in pending_threads if each.thread is here), None)
        if waiter is None:
            raise RuntimeError(f"{call.name} takes simulated time: await bench.call(function, ...)")
        answers: list[Outcome[tuple[Any, Box]]] = []
        answered = threading.Event()

        async def ask() -> None:
            try:
                answers.append(Value(await self.do(call)))
            except CancelledError:
                self._over = True
                raise
            except Exception as error:
                answers.append(Error(error))
            finally:
                waiter.thread_resume()
                answered.set()

        if not self._over:
            cocotb.start_soon(ask())
            waiter.thread_suspend()
            answered.wait()
        if not answers:
            raise CancelledError
        return answers[0].get()

    async def do(self, call: Call) -> tuple[Any, Box]:
        return await self._core.call(call), self._core.box()

    async def catch_up(self) -> None:
        """Know the core as it is now."""
        await self._core.clock.settled()
        self.take(self._core.box())

    async def flush(self) -> None:
        """Hand over what is posted."""
        posted, self._posted, self._arrivals = tuple(self._posted), [], []
        _, box = await self.do(Call("look", (), posted))
        self.take(box)


class Bench:
    """One card under test. `settings` are those of `sim/seam/settings.py`; `Bench.start` makes it."""

    def __init__(self, dut: Any, spec: NicSpec, core: CocotbCore, memory: HostMemory) -> None:
        self.dut, self.spec, self.core, self.memory = dut, spec, core, memory
        self.engine = BenchEngine(spec, core)
        self.movers: list[Mover] = []
        self.wire: WireEnd = self.engine

    @classmethod
    async def start(cls, dut: Any, spec: NicSpec, memory: HostMemory | None = None, **settings: Any) -> Bench:
        """Starts the clock, resets the card, and sits on every bus of `spec.portmap`.

        What the bus models say of each access is left out; `logging.getLogger(f"cocotb.{top}").setLevel("INFO")` tells.
        """
        logging.getLogger(f"cocotb.{spec.portmap.top}").setLevel(logging.WARNING)
        memory, own = memory or memory_for(spec.portmap), Settings.of(settings)
        if own.plusargs:
            raise ValueError(f"plusargs {own.plusargs[0]!r}: the simulator runs already; `run` takes them")
        core = CocotbCore(dut, spec.portmap, memory, own)
        await core.start()
        return cls(dut, spec, core, memory)

    @property
    def card(self) -> Any:
        """The module under test, to watch: of somebody's Verilog the top that its map names, else `dut` itself."""
        return self.dut.card.card if self.spec.rtl else self.dut

    @property
    def now(self) -> int:
        """Simulated time of the card: clocks since its reset, by the simulator's time."""
        return self.core.clock.now

    @property
    def now_ns(self) -> int:
        return self.engine.frequency.ns(self.now)

    async def call(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run plain code that uses the engine; what it left posted is with the card when this returns.

        A task that is cancelled in here may wait for nothing any more: `function` goes on without it, to its own end.
        """
        await self.engine.catch_up()
        try:
            result = await bridge(function)(*arguments, **named)
        except CancelledError:
            raise  # what is posted goes with the next call
        except BaseException:
            await self.engine.flush()
            raise
        await self.engine.flush()
        return result

    async def host(
        self, address: str = "", *, name: str = "em0", mac: bytes = bytes.fromhex("020000000001"),
        driver: DriverMaker | None = None, **options: Any,
    ) -> BenchHost:  # fmt: skip
        """A host with a stack on the card, up, with `address` such as 10.0.0.2/24 when one is given.

        `driver` makes the driver of a card that is not an `em`; `options` are those of `drivers.em.Em`.
        """
        upper = StackOnDriver(Stack(name))

        def em_driver(device: Any, dma: Any, sink: Any) -> Any:
            return Em(device, dma, sink, name=name, **options)

        def attach() -> StackHost:
            if any(pin.name == "mac" for pin in self.spec.portmap.pins):
                self.engine.set_pin("mac", int.from_bytes(mac, "big"))
            host = Host(name, self.engine, self.memory, EM_PCI, driver or em_driver, upper, self.engine.frequency)
            host.up()
            if address:
                upper.ifd.add_ifl().add_iff().add_ifa(address)
            return host

        return BenchHost(self, await self.call(attach))

    def peer(self, address: str, **options: Any) -> Peer:
        """A stack at the other end of the wire; `options` are those of `Peer`."""
        peer = Peer(self.wire, address, self.engine.frequency, **options)
        self.movers.append(peer)
        return peer

    async def findings(self) -> list[Finding]:
        """What the bus checker and the memory saw the card do wrong since the last call."""
        await self.engine.catch_up()
        return self.engine.findings()


class BenchHost:
    """A host of a bench; `sync` is the Host that drivers and stack know, for `bench.call`."""

    def __init__(self, bench: Bench, sync: StackHost) -> None:
        self.bench, self.sync = bench, sync
        self._pings = 0

    @property
    def stack(self) -> Stack:
        return self.sync.upper.stack

    @property
    def driver(self) -> Any:
        return self.sync.driver

    async def advance(self, nanoseconds: int) -> None:
        """Let so much time pass, the host and what hangs on the wire at work."""
        await self._advance(self.sync.frequency.ns(self.bench.now) + nanoseconds, lambda: False)

    async def until(self, done: Callable[[], bool], within_ns: int = 10_000_000) -> None:
        """Let time pass until `done()`; raises NoAnswer, a TimeoutError that says why, after `within_ns`."""
        begin = self.bench.now_ns
        if not await self._advance(begin + within_ns, done):
            raise await self.bench.call(
                NoAnswer, f"not after {within_ns} ns of simulated time", self.sync, self.bench.movers
            )  # a driver may ask its card for its counters

    async def ping(self, to: str, payload: bytes = b"ringbed", within_ns: int = 10_000_000) -> int:
        """One echo request and its answer: the time between them in ns. Raises NoAnswer, OSError."""
        self._pings += 1
        begin = self.bench.now_ns
        with Echo(self.stack, to, self._pings, payload) as echo:
            await self.bench.call(echo.ask)
            await self.until(echo.answered, within_ns)
            echo.check()
        return self.bench.now_ns - begin

    async def down(self) -> None:
        """Raises RuntimeError when the driver keeps memory that the card was given."""
        await self.bench.call(self.sync.down)

    async def _advance(self, until: int, done: Callable[[], bool]) -> bool:
        """`done()` at the end; a cancelled task's time ends where it is looked at next."""
        cancelled = False
        try:
            return await self.bench.call(move_until, self.sync, self.bench.movers, until, lambda: cancelled or done())
        except CancelledError:
            cancelled = True
            raise
