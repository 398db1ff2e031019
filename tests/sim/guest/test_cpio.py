"""The archive, read back by a reader of its own, and by Python's own words of the format's description."""

from __future__ import annotations

import stat

import pytest

from ringbed.sim.guest.cpio import Entry, archive, device, file, folder


def members(data: bytes) -> dict[str, tuple[list[int], bytes]]:
    """Naive: header fields in their order, and the data, of every member to the trailer."""
    found: dict[str, tuple[list[int], bytes]] = {}
    at = 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * index : at + 14 + 8 * index], 16) for index in range(13)]
        name = data[at + 110 : at + 110 + fields[11] - 1].decode()
        assert data[at + 110 + fields[11] - 1] == 0
        at += (110 + fields[11] + 3) // 4 * 4
        content = data[at : at + fields[6]]
        at += (fields[6] + 3) // 4 * 4
        if name == "TRAILER!!!":
            assert at == len(data)
            return found
        found[name] = fields, content


def test_files_folders_and_devices_come_back_with_the_folders_above_them_first() -> None:
    entries = [file("lib/modules/a.ko", b"12345", 0o600), folder("tmp"), device("dev/console", 5, 1), file("x", b"")]
    found = members(archive(entries))
    assert list(found) == ["lib", "lib/modules", "lib/modules/a.ko", "tmp", "dev", "dev/console", "x"]
    assert found["lib/modules/a.ko"][1] == b"12345"
    modes = {name: fields[1] for name, (fields, _) in found.items()}
    assert modes["lib"] == modes["tmp"] == stat.S_IFDIR | 0o755
    assert modes["lib/modules/a.ko"] == stat.S_IFREG | 0o600
    assert modes["dev/console"] == stat.S_IFCHR | 0o600
    assert found["dev/console"][0][9:11] == [5, 1]
    assert len({fields[0] for fields, _ in found.values()}) == len(found)  # hard links otherwise
    assert [found[name][0][4] for name in ("lib", "x")] == [2, 1]
    assert all(fields[2:4] == [0, 0] and fields[5] == 0 for fields, _ in found.values())


def test_a_folder_named_twice_is_one() -> None:
    assert list(members(archive([file("a/b", b"1"), folder("a"), file("a/c", b"2")]))) == ["a", "a/b", "a/c"]


@pytest.mark.parametrize("name", ["", "/etc", "a//b", "../a", "a/./b", "a/"])
def test_what_is_no_name_below_the_root_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name below the root"):
        archive([file(name, b"")])


def test_a_second_file_of_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="has two entries a"):
        archive([file("a", b"1"), Entry("a", stat.S_IFREG, b"2")])
