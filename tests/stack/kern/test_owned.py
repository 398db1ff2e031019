"""State knows its one writer: every change by anybody else is found where it is made, in every kind of container."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import pytest

from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.owned import NotTheWriter, Owned, watch
from ringbed.stack.kern.scheduler import Scheduler
from ringbed.stack.kern.service import ServiceQueue
from ringbed.stack.neigh.machine import State
from tests.stack.host import PEER, Host, ip_frame, udp_frame


def queue() -> ServiceQueue:
    return ServiceQueue("q", lambda message: None, Scheduler(), Counter("full"))


class Some(Owned):
    """Shared: `mark` is anybody's."""

    shared = frozenset({"mark"})

    def __init__(self, queue: ServiceQueue) -> None:
        self.number = 0
        self.mark = 0
        self.by_name = {"a": 1}
        self.order = [3, 1, 2]
        self.names = {"a"}
        self.last: deque[int] = deque([1, 2], maxlen=3)
        self.queue = queue


CHANGES: dict[str, Callable[[Some], object]] = {
    "an attribute": lambda s: setattr(s, "number", 1),
    "a new container": lambda s: setattr(s, "order", []),
    "dict item": lambda s: s.by_name.__setitem__("b", 2),
    "dict del": lambda s: s.by_name.__delitem__("a"),
    "dict update": lambda s: s.by_name.update(b=2),
    "dict pop": lambda s: s.by_name.pop("a"),
    "dict setdefault": lambda s: s.by_name.setdefault("b", 2),
    "list append": lambda s: s.order.append(4),
    "list sort": lambda s: s.order.sort(),
    "list item": lambda s: s.order.__setitem__(0, 9),
    "list +=": lambda s: s.order.__iadd__([1]),
    "set add": lambda s: s.names.add("b"),
    "set discard": lambda s: s.names.discard("a"),
    "deque append": lambda s: s.last.append(3),
    "deque popleft": lambda s: s.last.popleft(),
    "deque rotate": lambda s: s.last.rotate(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_only_the_consumer_of_the_queue_changes_it(change: Callable[[Some], object]) -> None:
    some = Some(queue())
    before = repr(vars(some))
    with pytest.raises(NotTheWriter, match=r"Some\.\w+ is changed, and not by the consumer of queue q"):
        change(some)
    assert repr(vars(some)) == before
    with some.queue:
        change(some)
    assert repr(vars(some)) != before


def test_anybody_reads_and_what_is_shared_anybody_sets() -> None:
    some = Some(queue())
    some.mark = 7
    assert (some.number, some.by_name["a"], list(some.order), "a" in some.names, some.last[0]) == (
        0,
        1,
        [3, 1, 2],
        True,
        1,
    )
    assert (type(some.by_name).__base__, some.last.maxlen) == (dict, 3), "and they are what they were"


def test_what_takes_the_place_of_a_container_is_watched_too() -> None:
    some = Some(queue())
    with some.queue:
        some.order = []
    with pytest.raises(NotTheWriter):
        some.order.append(1)


@pytest.fixture
def not_watched() -> Iterator[None]:
    watch(False)
    yield
    watch(True)


def test_not_in_debug_mode_there_is_nothing_of_it(not_watched: None) -> None:
    for change in CHANGES.values():
        change(Some(queue()))
    assert Some.__setattr__ is object.__setattr__
    assert type(Some(queue()).by_name) is dict
    watch(False)  # twice is no harm


# -- the state of the stack itself (O1) ---------------------------------------------------------------------------


def test_the_state_of_protocols_is_watched() -> None:
    host = Host()
    sock = host.stack.udp_socket()
    neighbour = next(iter(host.iff.resolver.neighbours.values()))
    for change in (
        lambda: setattr(neighbour, "state", State.DOWN),
        lambda: neighbour.die(),
        lambda: host.iff.resolver.neighbours.clear(),
        lambda: host.stack._protocols[0].icmp["inet"]._limit.spend(0),
        lambda: sock.buffer.append(None, 1),  # type: ignore[arg-type]
        lambda: sock._errors.take_pending(),
    ):
        with pytest.raises(NotTheWriter):
            change()


def test_who_changes_state_from_input_or_a_process_goes_through_the_queue() -> None:
    """What O1 listed: ICMP's limiter from input, ARP's machine by a send and by a route, each in its worker."""
    host = Host(known=False)
    sock = host.stack.udp_socket()
    host.iff.resolver.resolve(0x0A000001)
    host.give(ip_frame(b"12345678", 132), udp_frame())  # an unknown protocol, a closed port
    host.stack.add_route("192.0.2.0/24", "10.0.0.9")
    sock.sendto(b"x", ("192.0.2.1", 9))
    sock.sendto(b"x", (PEER, 9))
    waiting = host.iff.resolver.queue
    assert (len(waiting), waiting.scheduled, waiting.active) == (2, True, False), "nothing is changed yet"
    host.stack.run()
    assert {n.state for n in host.iff.resolver.neighbours.values()} == {State.INCOMPLETE}
