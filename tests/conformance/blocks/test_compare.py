from __future__ import annotations

import pytest

from ringbed.conformance.blocks.case import Answers, Ask, Case, Finding
from ringbed.conformance.blocks.compare import compare

FRAMES = [bytes([number]) * 20 for number in range(1, 6)]
CASES = [Case("a frame", Ask(frame, {"enable": 1}), ((frame,),), places={"the sum": (4, 6)}) for frame in FRAMES]
VERDICTS = [Case("a frame", Ask(frame), (), ({"l4": word},)) for frame, word in zip(FRAMES, "abcde", strict=True)]


def read(result: dict[str, int]) -> dict[str, str]:
    return {"l4": "abcdefg"[result["l4"]]}


def found(frames: list[bytes]) -> list[Finding]:
    return compare("kind", 3, 10, CASES, Answers(frames), lambda result: {})


def sentences(results: list[int]) -> list[str]:
    answers = Answers(None, [{"l4": result} for result in results])
    return [str(finding) for finding in compare("kind", 3, 10, VERDICTS, answers, lambda result: read(dict(result)))]


def test_what_is_right_is_no_finding() -> None:
    assert found(FRAMES) == []
    assert sentences([0, 1, 2, 3, 4]) == []


def test_a_wrong_place_is_named_and_the_sentence_brings_it_back() -> None:
    wrong = FRAMES[1][:4] + b"\xab\xcd" + FRAMES[1][6:]
    [finding] = found([FRAMES[0], wrong, *FRAMES[2:]])
    assert str(finding) == "kind, seed 3, number 11 (a frame, 20 bytes): the sum is 0xabcd, must be 0x0202"
    assert (finding.sent, finding.came, finding.command) == (FRAMES[1], wrong, {"enable": 1})


def test_what_differs_beside_a_named_place_is_said() -> None:
    wrong = FRAMES[1][:4] + b"\xab\xcd" + FRAMES[1][6:-1] + b"!"
    assert found([FRAMES[0], wrong, *FRAMES[2:]])[0].got == "0xabcd and more differs"


@pytest.mark.parametrize(("wrong", "words"), [
    (FRAMES[2] + b"!", "the length is 21, must be 20"),
    (FRAMES[2][:9] + b"!" + FRAMES[2][10:],
     "what begins with byte 9 is 21 03 03 03 03 03 03 03, must be 03 03 03 03 03 03 03 03"),
])  # fmt: skip
def test_other_differences(wrong: bytes, words: str) -> None:
    assert [finding.words for finding in found([*FRAMES[:2], wrong, *FRAMES[3:]])] == [words]


def test_lost_and_extra_frames_do_not_make_the_others_wrong() -> None:
    assert [finding.words for finding in found(FRAMES[1:])] == ["the frame never came out"]
    assert [finding.words for finding in found([*FRAMES[:2], b"what", *FRAMES[2:]])] == [
        "a frame of 4 bytes came out that nothing asked for"
    ]
    assert [finding.index for finding in found([])] == [10, 11, 12, 13, 14]


def test_any_of_several_right_frames_is_right() -> None:
    either = [Case("a frame", Ask(FRAMES[0]), ((FRAMES[0], FRAMES[1]),))] * 2
    assert compare("kind", 1, 0, either, Answers([FRAMES[1], FRAMES[0]]), lambda result: {}) == []


def test_results() -> None:
    assert sentences([0, 1, 5, 3, 4]) == ["kind, seed 3, number 12 (a frame, 20 bytes): l4 is f, must be c"]
    assert sentences([0, 1, 3, 4]) == ["kind, seed 3, number 12 (a frame, 20 bytes): the result never came out"]
    assert sentences([0, 1, 2, 6, 3, 4])[0].endswith("a result (l4 g) came out that nothing asked for")


def test_a_hint_is_added_to_what_it_is_about() -> None:
    case = Case("a frame", Ask(FRAMES[0]), (), ({"l4": "a"}, {"l4": "b"}), hints={"c": "that is usual"})
    [finding] = compare("kind", 1, 0, [case], Answers(None, [{"l4": 2}]), lambda result: read(dict(result)))
    assert finding.words == "l4 is c, must be a or b (that is usual)"


def test_an_aspect_that_is_left_out_may_be_anything() -> None:
    case = Case("a frame", Ask(FRAMES[0]), (), ({},))
    assert compare("kind", 1, 0, [case], Answers(None, [{"l4": 2}]), lambda result: read(dict(result))) == []


def test_what_is_wrong_with_the_whole_batch_is_a_finding_of_its_first_case() -> None:
    answers = Answers(FRAMES, wrongs=["3 results were lost"])
    [finding] = compare("kind", 3, 10, CASES, answers, lambda result: {})
    assert str(finding) == "kind, seed 3, number 10 (5 cases from here on): 3 results were lost"
