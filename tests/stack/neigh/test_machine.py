from __future__ import annotations

from collections import deque

from ringbed.stack.neigh.machine import TRANSITIONS, Action, Event, State


def test_every_living_state_can_be_reached_and_left() -> None:
    seen, todo = {State.IDLE}, deque([State.IDLE])
    while todo:
        here = todo.popleft()
        for (state, _), (then, _) in TRANSITIONS.items():
            if state is here and then not in seen:
                seen.add(then)
                todo.append(then)
    assert seen == set(State) - {State.DEAD}
    assert {state for state, _ in TRANSITIONS} == seen


def test_every_state_takes_an_answer_and_sends_what_was_held() -> None:
    for state in set(State) - {State.DEAD}:
        assert TRANSITIONS[state, Event.ANSWER] == (State.REACHABLE, Action.RELEASE)


def test_asking_always_ends() -> None:
    for state in (State.INCOMPLETE, State.PROBE):
        assert TRANSITIONS[state, Event.TIMER] == (state, Action.ASK)
        assert TRANSITIONS[state, Event.GIVE_UP][0] not in (State.INCOMPLETE, State.PROBE)
