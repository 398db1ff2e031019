from ringbed.stack.kern import packet as flags
from ringbed.stack.kern.counters import Counter
from ringbed.stack.kern.packet import OUT_MASK, Packet


def test_a_drop_is_counted_under_its_one_cause() -> None:
    cause = Counter("reason{s}", is_drop=True)
    Packet([b"x"]).drop(cause)
    assert cause.value == 1


def test_the_flags_are_distinct_and_those_for_output_are_the_mask() -> None:
    values = {name: value for name, value in vars(flags).items() if name.isupper() and type(value) is int}
    out = {name: value for name, value in values.items() if name.endswith("_OUT")}
    singles = {name: value for name, value in values.items() if not name.endswith("_MASK")}
    assert sum(singles.values()) == sum(1 << n for n in range(len(singles)))
    assert sum(out.values()) == OUT_MASK


def test_segments_are_one_frame() -> None:
    packet = Packet([b"", bytearray(b"ab"), memoryview(b"c")])
    assert packet.bytes() == b"abc"
    assert (packet.ifl_index, packet.l2, packet.l3, packet.l4, packet.length) == (0, 0, 0, 0, 0)
