"""State that knows its one writer: the consumer of the service queue in front of it (seed 004; `service.py`).

A class of state derives from `Owned` and has a `queue`, set last in its constructor. In debug mode (`watch`), from then
on every change of an attribute, or of a list, dict, set or deque that is one, must be made by that queue's consumer, or
it raises `NotTheWriter` where it is made. Reading is free, as it is in the real thing: a reader sees before or after.

Not in debug mode there is nothing of it: no call, no test, no wrapper. Tests run in debug mode.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar, Protocol


class NotTheWriter(AssertionError):
    """Somebody changes state without being the consumer of the queue in front of it: a defect of the caller."""


class Queue(Protocol):
    """The service queue, as seen from the state behind it."""

    @property
    def name(self) -> str: ...

    @property
    def held(self) -> bool: ...


class Owned:
    """`shared` names attributes that others may set too, each with a reason in the class's own text."""

    __slots__ = ()
    shared: ClassVar[frozenset[str]] = frozenset()


def watch(on: bool) -> None:
    """Debug mode, for all hosts of this process. Containers are watched in objects that are made from then on."""
    if on:
        type.__setattr__(Owned, "__setattr__", _checked)
    elif "__setattr__" in vars(Owned):
        type.__delattr__(Owned, "__setattr__")


def _check(state: Owned, what: str) -> None:
    queue: Queue | None = getattr(state, "queue", None)
    if queue is not None and not queue.held:
        raise NotTheWriter(f"{type(state).__name__}.{what} is changed, and not by the consumer of queue {queue.name}")


def _checked(state: Owned, name: str, value: Any) -> None:
    if name not in state.shared:
        _check(state, name)
        if (guarded := _GUARDED.get(type(value))) is not None:
            value = guarded(value, state, name)
    object.__setattr__(state, name, value)


def _guard(container: type[Any], methods: str) -> Callable[[Any, Owned, str], Any]:
    """A maker of containers that are `container` in all but that the named methods ask first."""

    def asking(method: str) -> Callable[..., Any]:
        plain = getattr(container, method)

        def asks(self: Any, *arguments: Any, **named: Any) -> Any:
            _check(self.state, self.attribute)
            return plain(self, *arguments, **named)

        return asks

    kind = type(f"Guarded{container.__name__}", (container,), {name: asking(name) for name in methods.split()})

    def make(value: Any, state: Owned, attribute: str) -> Any:
        made = kind(value, value.maxlen) if container is deque else kind(value)
        made.state, made.attribute = state, attribute
        return made

    return make


_LIST = "__setitem__ __delitem__ __iadd__ append clear extend insert pop remove reverse sort"
_GUARDED: dict[type[Any], Callable[[Any, Owned, str], Any]] = {
    dict: _guard(dict, "__setitem__ __delitem__ __ior__ clear pop popitem setdefault update"),
    list: _guard(list, _LIST),
    set: _guard(set, "__iand__ __ior__ __isub__ __ixor__ add clear discard pop remove update"),
    deque: _guard(deque, _LIST.replace("sort", "") + " appendleft extendleft popleft rotate"),
}
