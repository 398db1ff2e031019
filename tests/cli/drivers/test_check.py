"""`ringbed drivers check`: what it prints, writes and ends with, and what it is asked wrongly in one sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ringbed.cli.drivers.page import MOST, html_page
from ringbed.cli.drivers.results import Report, json_text, junit_xml
from ringbed.cli.errors import Exit
from ringbed.conformance.drivers.found import Case, Found, Outcome
from tests.cli.test_main import run

MAP = Path(__file__).parents[3] / "examples" / "third_party" / "nic" / "mini_nic.toml"
QUICK = ("--case", "attach", "--case", "rings.full")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of a user's, with the template in it as my_nic."""
    assert run("drivers", "new", "my_nic", "--out", str(tmp_path)) == Exit.OK
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name in ("my_nic", "mini_driver") or name.startswith("bad_"):
            del sys.modules[name]


def broken(folder: Path, old: str, new: str) -> None:
    text = (folder / "my_nic.py").read_text()
    assert text.count(old) == 1
    (folder / "my_nic.py").write_text(text.replace(old, new))


# ---- a run ----


@pytest.mark.needs("native")
def test_a_clean_driver(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ringbed drivers check my_nic:MyNic`, of two cases and of one that does not apply."""
    assert run("drivers", "check", "my_nic:MyNic", *QUICK, "--case", "cuts") == Exit.OK
    said = capsys.readouterr().out
    assert "3 cases: 2 hold, findings in 0, 1 not applicable" in said
    assert "capabilities.tso is 0" in " ".join(said.split())


@pytest.mark.needs("native")
def test_a_finding_has_its_rule_and_the_command_that_brings_it_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`ringbed drivers check my_nic:MyNic --nic em --seed 1 --case rings.full`, as on the page."""
    broken(folder, "self.sink.restart(0)", "pass")
    words = ("drivers", "check", "my_nic:MyNic", "--nic", "em", "--seed", "1", "--case", "rings.full")
    assert run(*words) == Exit.FINDING
    said = capsys.readouterr().out
    assert "tx.restart: of 168 frames 62 were taken, and within 50 ms no restart came" in said
    assert "(drivers/world.py: FrameSink)" in said
    assert f"again: ringbed {' '.join(words)}" in said


@pytest.mark.needs("native")
def test_what_is_written_is_read_by_others(folder: Path) -> None:
    """`ringbed drivers check my_nic:MyNic --json check.json --junit check.xml --html check.html`, twice the same."""
    broken(folder, "self.sink.restart(0)", "pass")
    files = ("--json", "check.json", "--junit", "check.xml", "--html", "check.html")
    texts = []
    for _ in range(2):
        assert run("drivers", "check", "my_nic:MyNic", *QUICK, "--case", "cuts", *files) == Exit.FINDING
        texts.append([(folder / name).read_text(encoding="utf-8") for name in files[1::2]])
    assert texts[0] == texts[1]
    shown = json.loads(texts[0][0])
    assert [each["end"] for each in shown["cases"]] == ["holds", "findings", "not applicable"]
    assert shown["counts"] == {"holds": 1, "findings": 1, "not applicable": 1}
    assert shown["cases"][1]["findings"][0]["rule"] == "tx.restart"
    suite = ElementTree.fromstring(texts[0][1])
    assert (suite.tag, suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("testsuite", "3", "1", "1")
    (failure,) = suite.iter("failure")
    assert "tx.restart" in (failure.text or "")
    assert Page.of(texts[0][2]).words.count("rings.full") >= 1


@pytest.mark.needs("native")
def test_stdout_is_json_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("drivers", "check", "my_nic:MyNic", "--case", "attach", "--json", "-") == Exit.OK
    out, err = capsys.readouterr()
    assert json.loads(out)["seed"] == 1
    assert "1 case: 1 hold, findings in 0" in err


@pytest.mark.needs("native")
def test_what_attach_raises_is_one_finding_with_its_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest says that the driver does not come up, and asks nothing."""
    broken(folder, "        self.device = device\n", '        self.device = device\n        raise KeyError("no")\n')
    line = (folder / "my_nic.py").read_text().splitlines().index('        raise KeyError("no")') + 1
    assert run("drivers", "check", "my_nic:MyNic", *QUICK) == Exit.FINDING
    said = capsys.readouterr().out
    assert f"call.raised: KeyError: 'no', at {folder / 'my_nic.py'}:{line}" in said
    assert "2 cases: 0 hold, findings in 1, 1 not applicable" in said


@pytest.mark.needs("native")
@pytest.mark.parametrize("loop", ["device.read(0, STATUS)", "pass"], ids=["asks its card", "asks nothing"])
def test_a_driver_that_does_not_come_back_ends_its_case(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, loop: str
) -> None:
    """Though it catches what is raised in its loop."""
    from ringbed.cli.drivers import check
    from ringbed.conformance.drivers import guard

    monkeypatch.setattr(check, "LIMIT_S", {"native": 2.0})
    monkeypatch.setattr(guard.Budget.__init__, "__defaults__", (20_000, guard.TIME_NS))
    lines = (
        "self.device = device",
        "while True:",
        "    try:",
        f"        {loop}",
        "    except Exception:",
        "        pass",
    )
    broken(folder, "        self.device = device\n", "".join(f"        {line}\n" for line in lines))
    assert run("drivers", "check", "my_nic:MyNic", "--case", "attach") == Exit.FINDING
    said = capsys.readouterr().out
    assert "call.hung: it " in said
    assert f"at {folder / 'my_nic.py'}:" in said


@pytest.mark.needs("native")
def test_the_example_nic_by_its_map(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`ringbed drivers check mini_driver:MiniNic --map examples/third_party/nic/mini_nic.toml`, of some cases. The
    driver lies beside the map.
    """
    cases = ("attach", "rings.full", "frames.pieces", "filters.station", "detach")
    words = [word for case in cases for word in ("--case", case)]
    assert run("drivers", "check", "mini_driver:MiniNic", "--map", str(MAP), *words) == Exit.OK
    assert "5 cases: 4 hold, findings in 0, 1 not applicable" in capsys.readouterr().out


# ---- what is asked wrongly ----

BAD = {
    "bad_import.py": "x = 1\nraise OSError('not today')\n",
    "bad_words.py": "def (\n",
    "bad_exit.py": "import sys\nsys.exit(3)\n",
    "bad_inside.py": "import no_such_package\n",
    "bad_class.py": "class Three:\n    def __init__(self, device, dma, sink): pass\nclass One:\n    pass\nx = 5\n"
    "def make(device, dma, sink):\n    return 7\n",
}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nothing",), "'nothing' names no driver: it is MODULE:CLASS, such as my_nic:MyNic"),
        (("a b:C",), "'a b:C' names no driver"),
        (("no_such_module:C",), "there is no module no_such_module, neither here nor where Python looks"),
        (("my_nic.deeper:C",), "there is no module my_nic.deeper"),
        (("my_nic:YourNic",), "module my_nic has no YourNic"),
        (("bad_class:x",), "module bad_class has no x that makes a driver"),
        (("bad_class:One",), "bad_class:One is no driver of this card: one is made of (device, dma, sink), and"),
        (("bad_class:Three",), "bad_class:Three is no driver: it has no up, down, transmit, interrupt"),
        (("bad_import:C",), "module bad_import cannot be imported: OSError: not today ("),
        (("bad_words:C",), "module bad_words cannot be imported: "),
        (("bad_exit:C",), "module bad_exit cannot be imported: SystemExit: 3"),
        (("bad_inside:C",), "module bad_inside cannot be imported: ModuleNotFoundError: No module named"),
        (("my_nic:MyNic", "--nic", "ix"), "there is no NIC 'ix'; there is em"),
        (("my_nic:MyNic", "--nic", "ix", "--map", "a.toml"), "name two cards"),
        (("my_nic:MyNic", "--map", "a.toml", "--engine", "pysim"), "the card of a map is Verilog"),
        (("my_nic:MyNic", "--engine", "qemu"), "qemu"),
        (("my_nic:MyNic", "--seed", "-1"), "--seed"),
        (("my_nic:MyNic", "--seed", "one"), "--seed"),
        (("my_nic:MyNic", "--case", "rings"), "there is no case 'rings'; there are attach, "),
        (("my_nic:MyNic", "--json", "nowhere/x.json"), "cannot write nowhere/x.json: there is no folder nowhere"),
        (("my_nic:MyNic", "--junit", "."), "cannot write .: it is a folder"),
        (("my_nic:MyNic", "--html", "nowhere/x.html"), "cannot write nowhere/x.html"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    for name, text in BAD.items():
        (folder / name).write_text(text)
    assert run("drivers", "check", *words) == Exit.USAGE
    out, err = capsys.readouterr()
    assert told in " ".join((out + err).replace("│", " ").split())
    assert "Traceback" not in err


@pytest.mark.needs("native")
def test_a_function_that_makes_no_driver(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad_class.py").write_text(BAD["bad_class.py"])
    assert run("drivers", "check", "bad_class:make", "--case", "attach") == Exit.USAGE
    assert "int is no driver: it has no up, down, transmit" in " ".join(capsys.readouterr().err.split())


def test_help_and_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("drivers", "check", "--list") == Exit.OK
    assert "rings.full" in capsys.readouterr().out
    assert run("drivers", "check", "--help") == Exit.OK
    said = " ".join(capsys.readouterr().out.split())
    assert "Exit codes" in said
    assert "docs/check-your-driver.md" in said


# ---- outputs, of whatever was found ----


class Page(HTMLParser):
    """What a reader of HTML sees: every element closed, no script, nothing fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words = ""
        self.tags: set[str] = set()
        self.links: list[str] = []

    @classmethod
    def of(cls, text: str) -> Page:
        page = cls()
        page.feed(text)
        page.close()
        assert page.open == []
        assert not page.tags & {"script", "link", "img", "iframe"}
        assert page.links == []
        assert "url(" not in text
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [str(value) for name, value in attrs if name in ("src", "href") or name.startswith("on")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def report(found: list[Found], cases: int = 1) -> Report:
    named = [Case(f"case.{at}", "it <asks> & more", lambda bench: None) for at in range(cases)]
    outcomes = [Outcome(case, tuple(found)) for case in named]
    return Report("my_nic:MyNic", "em", "native", 1, "ringbed drivers check my_nic:MyNic --seed 1", outcomes)


def test_a_drivers_own_words_break_no_output() -> None:
    nasty = "</td><script>alert(1)</script> \x00\x1b[31m ]]> \ud800 &amp; \ufffe é"
    told = report([Found("call.raised", nasty, "M 1", "a <b>", ("/a b/<x>.py:1",), 5, 2)])
    ElementTree.fromstring(junit_xml(told).encode("utf-8"))
    assert json.loads(json_text(told))["cases"][0]["findings"][0]["text"] == nasty
    page = Page.of(html_page(told))
    assert "alert(1)" in page.words
    html_page(told).encode("utf-8")


def test_a_page_says_how_this_run_comes_again() -> None:
    """Which cases were asked for is part of it."""
    told = replace(report([], 2), chosen=("case.0", "case.1"))
    assert f"again: {told.again} --case case.0 --case case.1" in " ".join(Page.of(html_page(told)).words.split())
    assert "2 cases: 2 hold, findings in 0, 0 not applicable" in Page.of(html_page(told)).words


def test_a_page_has_a_size_whatever_was_found() -> None:
    many = [Found("frame.changed", "<" * 3000, "M 1", "<" * 100, (f"/driver.py:{at}",), at) for at in range(256)]
    page = html_page(report(many, 50))
    assert len(page.encode()) < MOST
    assert "more</li>" in page
    Page.of(page)
