from __future__ import annotations

import pytest

from ringbed.sim.seam.sentence import MOST, sentence
from ringbed.sim.seam.toml import MOST_BITS, MOST_LENGTH, NotToml, parse_toml


def test_text_and_bytes_with_and_without_a_byte_order_mark() -> None:
    assert parse_toml("a = 1") == parse_toml(b"a = 1\n") == parse_toml(b"\xef\xbb\xbfa = 1\r\n") == {"a": 1}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"a = ", "not TOML: Invalid value"),
        ("# Müller\na = 1\n# Müller".encode("latin-1"), "not UTF-8, as TOML is: byte 0xfc in line 1"),
        (b"a = 1\n\xff", "byte 0xff in line 2"),
        (b"a = " + b"[" * 3000, "nested too deep"),
        (b"a = " + b"9" * 5000, "not TOML: .*digits"),
        (b"a = 0x" + b"f" * 5000, "a number has 20,000 bits"),
        (b"#" * MOST_LENGTH + b"\n", "it is 4,194,305 long, and 4,194,304 is the most"),
        (b"[[a]]\nb = [{ c = [-0, 0b" + b"1" * 9000 + b"] }]", "a number has 9,000 bits"),
    ],
)
def test_what_is_no_toml_is_said_in_one_sentence(data: bytes, why: str) -> None:
    with pytest.raises(NotToml, match=why):
        parse_toml(data)


def test_the_longest_number_can_be_written_into_a_sentence() -> None:
    assert f"{parse_toml(b'a = 0x' + b'f' * (MOST_BITS // 4))}"


def test_a_sentence_is_one_line_and_has_a_length() -> None:
    assert sentence("short and\nto the\r\npoint") == "short and to the point"
    long = sentence("begin " + "x" * 100_000 + " end")
    assert long.startswith("begin xx")
    assert long.endswith("xx end")
    assert len(long) < MOST
