from ringbed.stack.kern.counters import Counter, Group


def test_the_line_is_singular_for_one() -> None:
    counter = Counter("total packet{s} received")
    lines = []
    for value in (0, 1, 2):
        counter.value = value
        lines.append(str(counter))
    assert lines == ["0 total packets received", "1 total packet received", "2 total packets received"]


def test_drops_are_those_that_happened() -> None:
    group = Group("g")
    fine, bad, worse = group.counter("fine"), group.drop("bad{s}"), group.drop("worse")
    fine.value, worse.value = 1, 2
    assert group.drops() == {"worse": 2}
    bad.value = 1
    assert group.drops() == {"bads": 1, "worse": 2}
    assert group.counters == [fine, bad, worse]
