"""The pages tell the truth: every link leads somewhere, and every command line on them is one that is run or parsed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Run here as they stand, quick and without a trace in the tree.
RUN = {"ringbed --help", "ringbed nic list", "ringbed nic info em", "ringbed nic verilog em -o em.v"}
# Run by something else: what, and where that is written.
RUN_ELSEWHERE = {
    "apt-get install python3-venv make g++ ca-certificates": (".ci/fresh", "s/^apt-get install //p"),
    "make test": (".ci/run", "goal=test\n"),
    "make lint": ("Makefile", "test: lint"),
    ".venv/bin/python -m pytest tests/test_rooms.py": ("Makefile", "-m pytest"),
    ".venv/bin/python examples/send_one_frame.py": ("tests/examples/test_send_one_frame.py", "send_one_frame.py"),
    ".venv/bin/python examples/ethtool.py": ("tests/examples/test_ethtool.py", '"ethtool.py"'),
    "ringbed demo --faults examples/faults.toml": (
        "tests/cli/demo/test_command.py",
        "`ringbed demo --faults examples/faults.toml`",
    ),
    "ringbed demo --wire pcap --faults out/faults.jsonl": (
        "tests/cli/demo/test_command.py",
        "`ringbed demo --wire pcap --faults examples/faults.toml`, and then the same with its own",
    ),
    "ringbed dut check examples/third_party/nic/mini_nic.toml": (
        "tests/cli/dut/test_check.py",
        'EXAMPLE / "mini_nic.toml"',
    ),
    "ringbed dut init examples/third_party/nic/mini_nic.v": ("tests/cli/dut/test_init.py", '"init", "mini_nic.v"'),
    "ringbed dut init examples/third_party/blocks/rx_checksum.v --block rx-checksum/sum": (
        "tests/cli/dut/test_init.py",
        'run("dut", "init", str(source), "--block", "rx-checksum/sum")',
    ),
    "ringbed dut synth examples/third_party/blocks/rx_checksum.toml": (
        "tests/cli/dut/test_synth.py",
        '("rx_checksum.v", "rx_checksum.toml")',
    ),
    "ringbed nic test em": ("tests/cli/nic/test_live.py", 'run("test", "em")'),
    "ringbed nic stats em": ("tests/cli/nic/test_live.py", 'run("stats", "em"'),
    "ringbed nic registers em RCTL RDLEN": ("tests/cli/nic/test_live.py", 'run("registers", "em"'),
    "ringbed bench drivers": ("tests/cli/bench/test_command.py", '_bench("drivers"'),
    "ringbed bench sim": ("tests/cli/bench/test_command.py", '_bench("sim"'),
    ".venv/bin/python examples/send_one_frame.py cocotb-icarus": (
        "tests/examples/test_send_one_frame.py",
        "cocotb-icarus",
    ),
    ".venv/bin/python -m pytest examples/third_party/nic": ("tests/examples/test_bring_your_own.py", '"-m", "pytest"'),
    ".venv/bin/python -m pytest examples/cocotb": ("tests/examples/test_cocotb.py", '"-m pytest examples/cocotb"'),
    'ringbed dut test examples/third_party/blocks/rss_hash.toml --engine cocotb-icarus --kind "microsoft\'s vectors"': (
        "tests/cli/dut/test_test.py",
        """"rss_hash.toml"), "--engine", "cocotb-icarus", "--kind", "microsoft's vectors")""",
    ),
    "ringbed conformance list": ("tests/cli/conformance/test_command.py", "`ringbed conformance list`"),
    "ringbed conformance run": ("tests/cli/conformance/test_command.py", "`ringbed conformance run`"),
    'ringbed conformance run --erratum tx-udp-computed-zero-not-ffff --filter "csum.tx.udp*"': (
        "tests/cli/conformance/test_command.py",
        '`ringbed conformance run --erratum tx-udp-computed-zero-not-ffff --filter "csum.tx.udp*"`',
    ),
    'ringbed conformance run --filter "csum.tx.udp4*" --seed 7 --json conf.json --junit conf.xml': (
        "tests/cli/conformance/test_command.py",
        '`ringbed conformance run --filter "csum.tx.udp4*" --seed 7 --json conf.json --junit conf.xml`',
    ),
    "ringbed drivers new my_nic": ("tests/cli/drivers/test_command.py", "`ringbed drivers new my_nic`"),
    "ringbed drivers check my_nic:MyNic": ("tests/cli/drivers/test_check.py", "`ringbed drivers check my_nic:MyNic`"),
    "ringbed drivers check my_nic:MyNic --nic em --seed 1 --case rings.full": (
        "tests/cli/drivers/test_check.py",
        "`ringbed drivers check my_nic:MyNic --nic em --seed 1 --case rings.full`",
    ),
    "ringbed drivers check my_nic:MyNic --json check.json --junit check.xml --html check.html": (
        "tests/cli/drivers/test_check.py",
        "`ringbed drivers check my_nic:MyNic --json check.json --junit check.xml --html check.html`",
    ),
    "ringbed drivers check mini_driver:MiniNic --map examples/third_party/nic/mini_nic.toml": (
        "tests/cli/drivers/test_check.py",
        "`ringbed drivers check mini_driver:MiniNic --map examples/third_party/nic/mini_nic.toml`",
    ),
    "pytest test_my_nic.py": ("tests/cli/drivers/test_command.py", '"-m", "pytest"'),
    "ringbed serve examples/third_party/nic/mini_nic.toml --vfio-user /tmp/nic.sock": (
        "tests/cli/serve/test_command.py",
        "`ringbed serve mini_nic.toml --vfio-user /tmp/nic.sock`",
    ),
    "ringbed serve em --vfio-user /tmp/em.sock": (
        "tests/cli/serve/test_command.py",
        "`ringbed serve em --vfio-user /tmp/em.sock`, with a record of the wire, a waveform and the account as JSON",
    ),
    "ringbed guest": ("tests/cli/guest/test_boot.py", "`ringbed guest`, on a terminal"),
    "ringbed guest --module my_nic.ko --share .": (
        "tests/cli/guest/test_boot.py",
        "`ringbed guest --module my_nic.ko --share .`",
    ),
    "ringbed guest --iommu --run test.sh": ("tests/cli/guest/test_iommu.py", "`ringbed guest --iommu --run test.sh`"),
    "ringbed guest --wire kernel --run conformance/guest/gate.sh": (
        "tests/cli/guest/test_boot.py",
        "`ringbed guest --wire kernel --run conformance/guest/gate.sh`",
    ),
    "ringbed bench soak": ("tests/cli/bench/test_command.py", '_bench("soak"'),
    "python try_it.py": ("tests/hw/errata/test_page.py", "`python try_it.py`"),
    "make docs": ("tests/hw/formats/test_em.py", "run `make docs`"),
}


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def slugs(page: Path) -> set[str]:
    """The anchors that headings of a page make."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands() -> list[str]:
    """Every line of every fenced block of shell, once."""
    found = {}
    for page in PAGES:
        for language, body in FENCE.findall(page.read_text(encoding="utf-8")):
            if language in ("sh", "bash", "shell", "console"):
                lines = (line.split("  #")[0].strip().removeprefix("$ ") for line in body.splitlines())
                found.update({line: page for line in lines if line and not line.startswith("#")})
    return sorted(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(prose(page)):
        if "://" in target:
            continue  # other people's pages: no network in tests
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or not file.is_relative_to(ROOT):
            broken.append(target)
        elif anchor and anchor not in slugs(file):
            broken.append(target)
    assert broken == []


def test_there_are_pages_and_commands() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "walk.md", "em.md"} <= {page.name for page in PAGES}
    assert {"make demo", "make test", *RUN} <= set(commands())


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("make ")])
def test_make_knows_the_target(line: str) -> None:
    """`make -n` says what would be done and does nothing."""
    subprocess.run(["make", "-n", *shlex.split(line)[1:]], cwd=ROOT, capture_output=True, timeout=60, check=True)


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("ringbed ")])
def test_ringbed_knows_the_command_and_its_options(line: str) -> None:
    words = [word for word in shlex.split(line) if word != "--help"]
    shown = ringbed(*words[1:], "--help")
    assert [word for word in words if word.startswith("-") and word.partition("=")[0] not in shown] == []


@pytest.mark.parametrize("line", sorted(RUN))
def test_quick_commands_run(line: str, tmp_path: Path) -> None:
    assert ringbed(*shlex.split(line)[1:], cwd=tmp_path)


@pytest.mark.parametrize("line", sorted(RUN_ELSEWHERE))
def test_other_commands_are_run_where_it_says(line: str) -> None:
    file, text = RUN_ELSEWHERE[line]
    assert text in (ROOT / file).read_text(encoding="utf-8")


def ringbed(*arguments: str, cwd: Path = ROOT) -> str:
    """What the command prints; fails when it does."""
    command = [sys.executable, "-m", "ringbed.cli.main", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_no_command_is_forgotten() -> None:
    """A line that nothing runs and no program parses would rot unseen."""
    held = RUN | RUN_ELSEWHERE.keys()
    assert [line for line in commands() if line not in held and not line.startswith(("make ", "ringbed "))] == []


FILE = re.compile(r"(?<![\w<>{}*$])[\w./-]*\b\w+\.(?:py|hpp|cpp)\b(?!`?\]\()")
NOT_OURS = {  # a user's, a tool's, what is generated, and what a decision says was
    "CONTRIBUTING.md": {"tests/room/test_file.py", "room/file.py"},
    "cli/drivers/command.py": {"NAME.py", "test_NAME.py"},
    "docs/decisions/0007-floors-and-one-public-place.md": {"_.py"},
    "docs/decisions/0008-floors-of-the-stack.md": {"route.py", "neighbour.py", "sockbuf.py"},
    "docs/pytest.md": {"test_mine.py"},
    "docs/check-your-driver.md": {"my_nic.py"},
    "docs/driver-checker.md": {"my_nic.py"},
    "docs/write-a-driver.md": {"my_nic.py", "test_my_nic.py"},
    "docs/write-a-saboteur.md": {"my_bug.py", "try_it.py"},
    "sim/native/build.py": {
        "verilated.cpp", "verilated_threads.cpp", "verilated_fst_c.cpp", "verilated_vcd_c.cpp", "verilated_dpi.cpp",
    },
    "sim/native/compile.py": {"__all.cpp"},
    "sim/native/harness/harness.cpp": {"ports.hpp"},
}  # fmt: skip


IGNORED = [line.strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()]


def repository() -> list[str]:
    """Its files, as git has them; of one that was unpacked, or where no git is, all that .gitignore does not name."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    if shutil.which("git") is not None and (ROOT / ".git").exists():
        said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return sorted({name for name in said.split("\n") if name and (ROOT / name).exists()})
    return sorted(unpacked(ROOT))


def unpacked(folder: Path) -> Iterator[str]:
    for path in folder.iterdir():
        if path.name == ".git" or any(path.match(pattern) for pattern in IGNORED):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from () if (path / ".gitignore").exists() else unpacked(path)  # a cache that ignores itself
        else:
            yield str(path.relative_to(ROOT))


@pytest.mark.skipif(shutil.which("git") is None, reason="nothing to compare with")
def test_the_files_of_what_was_unpacked_are_those_of_git() -> None:
    assert not (ROOT / ".git").exists() or sorted(unpacked(ROOT)) == repository()


def test_every_file_that_sources_and_pages_name_is_there() -> None:
    """By its name, or the end of its path; a file that moved is told of where it was no longer."""
    files = repository()
    ends = {"/".join(name.split("/")[at:]) for name in files for at in range(name.count("/") + 1)}
    stale = {}
    for name in files:
        if name.endswith((".py", ".md", ".hpp", ".cpp", ".j2")) and not name.startswith(("tests/", "conformance/data")):
            told = {each[0] for each in FILE.finditer((ROOT / name).read_text(encoding="utf-8"))}
            wrong = {each for each in told if each.removeprefix("./").lstrip("./") not in ends}
            if wrong - NOT_OURS.get(name, set()):
                stale[name] = wrong - NOT_OURS.get(name, set())
    assert stale == {}


def test_the_rooms_of_the_page_are_those_that_are_held() -> None:
    """CONTRIBUTING's table against the contract, but for rows that import all above them."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    lines = [line.replace("ringbed.", "").replace(".", "/").split(" ->") for line in contract[0]["rooms"]]
    held = {room: set(allowed.split()) for room, allowed in lines}
    rows = re.findall(r"^\| `([\w/]+)/` \|.*\| (.*) \|$", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.M)
    shown = {room: set(re.findall(r"[\w/]+", imports)) - {"nothing"} for room, imports in rows}
    assert shown.keys() == held.keys() - {"sim/testbed"}
    assert {room: allowed for room, allowed in shown.items() if "above" not in allowed} == {
        room: held[room] for room in shown if "above" not in shown[room]
    }
