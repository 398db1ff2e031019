"""The threaded scheduler: several workers, each a thread (seed 004, 'Kernel Thread Scheduling').

It is `Scheduler` with the same four FIFOs and the same order of contexts. A worker takes the first queue of the highest
context that has any, lets it run to empty, and takes the next; when there is none it sleeps. Interrupt, input and
worker context are the workers'. Process context is the process's, a thread like the others: whoever calls `run` does
what upcalls there are and waits for the workers, until nobody has anything to do any more. So `run` means what it means
with one worker, and work that comes between two runs does not wait for the second.

Waking costs, so producers do it as rarely as they can. Who schedules a queue wakes a worker only when none is awake. A
worker that takes a queue wakes one more when so many wait that there are more than `factor` for each that is awake. A
backlog so wakes workers one after the other, and a trickle is done by one.

A worker that goes to sleep says so first and looks then whether something came; a producer appends first and looks
then whether somebody is awake. In this order one of the two always sees the other, as in service.py.

What a piece of work raises, `run` raises. Until it has, the workers rest: the rest of the work waits, as it does with
one worker. Threads are daemons, so that a program that forgets to `close` can end.
"""

from __future__ import annotations

from threading import Condition, Lock, Thread, local
from types import TracebackType
from typing import Self

from ringbed.stack.kern import scheduler
from ringbed.stack.kern.scheduler import Context, Runnable, Scheduler

FACTOR = 2
_OF_WORKERS = Context.INTERRUPT, Context.INPUT, Context.WORKER


class _Here(local):
    """What is so in one thread: the context of its work, and whether it is within `run`."""

    context = Context.PROCESS
    inside = False


class Threaded(Scheduler):
    """`workers` threads, to be ended by `close` or `with`. Raises ValueError when they are none, or `factor` is 0.

    `awake` is how many are not asleep, `wakes` how often one was woken.
    """

    def __init__(self, workers: int, factor: int = FACTOR, now: int = 0) -> None:
        if workers < 1 or factor < 1:
            raise ValueError(f"{workers} workers, one more for every {factor} queues that wait: nobody would work")
        self._here = _Here()
        super().__init__(now)
        self.awake = 0
        self.wakes = 0
        self._factor = factor
        self._mutex = Lock()
        self._work = Condition(self._mutex)  # workers sleep here
        self._done = Condition(self._mutex)  # and here a process that waits for them
        self._called = 0  # so many are to get up
        self._error: BaseException | None = None
        self._closed = False
        self._process = Lock()  # of who is in `run`
        self._threads = [Thread(target=self._live, name=f"worker {n}", daemon=True) for n in range(workers)]
        for thread in self._threads:
            thread.start()

    # -- what runs here -----------------------------------------------------------------------------------------

    @property
    def context(self) -> Context:
        """Of the calling thread."""
        return self._here.context

    @context.setter
    def context(self, context: Context) -> None:
        self._here.context = context

    @property
    def waiting(self) -> bool:
        return self.awake > 0 or any(self._ready)

    # -- producers ----------------------------------------------------------------------------------------------

    def schedule(self, context: Context, runnable: Runnable) -> None:
        self._ready[context].append(runnable)
        if context is Context.PROCESS:
            with self._mutex:
                self._done.notify_all()
        elif not self.awake:
            with self._mutex:
                if not self.awake:
                    self._wake()

    def _wake(self) -> None:
        """One more, if there is one; with the mutex. It counts as awake from now on, or two would be woken for one."""
        if self.awake < len(self._threads) and not self._stopped:
            self.awake += 1
            self.wakes += 1
            self._called += 1
            self._work.notify()

    # -- workers ------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        while self._sleep():
            try:
                while not self._stopped and (taken := self._take()) is not None:
                    taken.run()
            except BaseException as error:
                self._fail(error)
            self._here.context = Context.PROCESS
            self._lie_down()

    def _sleep(self) -> bool:
        """Until somebody calls. False: to end."""
        with self._mutex:
            while not self._called and not self._closed:
                self._work.wait()
            if self._called:
                self._called -= 1
                return True
            return False

    def _lie_down(self) -> None:
        with self._mutex:
            self.awake -= 1  # first this, then the look
            if self._left_over():
                self._wake()
            if not self.awake:
                self._done.notify_all()

    @property
    def _stopped(self) -> bool:
        """Workers take nothing any more: until an error is told, or for ever."""
        return self._error is not None or self._closed

    def _left_over(self) -> int:
        """How many queues wait for a worker."""
        return sum(len(self._ready[context]) for context in _OF_WORKERS)

    def _take(self) -> Runnable | None:
        """The next queue. Its context is the thread's."""
        if not (left := self._left_over()):
            return None
        if left - 1 > self._factor * self.awake:
            with self._mutex:
                self._wake()
        self.spend()
        for context in _OF_WORKERS:
            self._here.context = context
            if (taken := self._pop(context)) is not None:
                return taken
        return None

    def _pop(self, context: Context) -> Runnable | None:
        try:
            return self._ready[context].popleft()
        except IndexError:  # empty, or another was quicker
            return None

    def _fail(self, error: BaseException) -> None:
        with self._mutex:
            if self._error is None:
                self._error = error

    def preempt(self) -> None:
        """What waits in interrupt context runs now, in this thread, before the caller goes on."""
        before = self._here.context
        if before is Context.INTERRUPT:
            return
        self._here.context = Context.INTERRUPT
        try:
            while (taken := self._pop(Context.INTERRUPT)) is not None:
                self.spend()
                taken.run()
        finally:
            self._here.context = before

    # -- the process --------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Until everything is empty: upcalls by the caller, the rest by the workers. See `Scheduler.run`.

        Raises RuntimeError as well, when the workers have been ended.
        """
        if self._here.inside or self._here.context is not Context.PROCESS:
            return
        with self._process:
            self._here.inside = self._running = True
            self._left = scheduler.RUN_LIMIT
            try:
                self._resume()
                self._upcalls()
                self._check_open()
            except BaseException as error:
                self._fail(error)
                self._settle()
            finally:
                self._here.inside = self._running = False
            self._raise()

    def _upcalls(self) -> None:
        while self._wait():
            self.spend()
            if (upcall := self._pop(Context.PROCESS)) is not None:
                upcall.run()

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("the workers of this scheduler have been ended: nobody would do the work")

    def _settle(self) -> None:
        """Until the workers rest."""
        with self._mutex:
            while self.awake:
                self._done.wait()

    def _resume(self) -> None:
        """What an error left behind goes on."""
        with self._mutex:
            if not self.awake and self._left_over():
                self._wake()

    def _wait(self) -> bool:
        """Until there is an upcall. False: there is none, nor anybody who could make one, or something was raised."""
        with self._mutex:
            while self.awake or self._left_over():
                if not self._stopped and self._ready[Context.PROCESS]:
                    return True
                if self._stopped and not self.awake:
                    return False
                self._done.wait()
            return not self._stopped and bool(self._ready[Context.PROCESS])

    def _raise(self) -> None:
        with self._mutex:
            error, self._error = self._error, None
        if error is not None:
            raise error

    # -- the end ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """The workers end, each after what it is at; what waits then waits for nobody. Not from a worker."""
        with self._mutex:
            self._closed = True
            self._work.notify_all()
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
