"""The kernel on the other end, against a host of twenty lines that answers ARP, ICMP echo and UDP echo by hand."""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringbed.sim.kernel import child as netns_child
from ringbed.sim.kernel.netns import Job, JobFailed, KernelHost
from ringbed.sim.kernel.tap import TapUnavailable
from ringbed.sim.wire.payload import payload

pytestmark = pytest.mark.tap
LLADDR = bytes.fromhex("020000000001")
SIZES = [0, 1, 2, 17, 18, 19, 56, 1471, 1472]


@pytest.fixture(scope="module")
def host() -> Iterator[KernelHost]:
    with KernelHost.create("10.77.0.1/24") as made:
        yield made


def rfc1071(data: bytes) -> int:
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    return ~(total % 0xFFFF or 0xFFFF) & 0xFFFF


def answer(frame: bytes) -> bytes | None:
    """What a host at 10.77.0.2 says to `frame`: ARP reply, echo reply, UDP echo. Nothing for anything else."""
    kind, protocol = frame[12:14], frame[23] if len(frame) > 23 else 0
    if kind == b"\x08\x06":
        return frame[6:12] + LLADDR + frame[12:20] + b"\0\2" + LLADDR + frame[38:42] + frame[22:32]
    if kind != b"\x08\x00":
        return None
    back = bytearray(frame[6:12] + LLADDR + frame[12:26] + frame[30:34] + frame[26:30] + frame[34:])
    if protocol == 1 and frame[34] == 8:
        back[34], back[36:38] = 0, bytes(2)
        end = 14 + int.from_bytes(frame[16:18], "big")
        back[36:38] = rfc1071(bytes(back[34:end])).to_bytes(2, "big")
    elif protocol == 17:
        back[34:38] = frame[36:38] + frame[34:36]
    else:
        return None
    return bytes(back)


def pump(host: KernelHost, job: Job, change: Callable[[bytes], bytes] = lambda frame: frame) -> None:
    """Be the other host until `job` is done; `change` may spoil its answers."""
    for _ in range(2000):
        if job.done():
            return
        select.select([host.tap], [], [], 0.01)
        answers = [change(back) for frame in host.tap.read() if (back := answer(frame)) is not None]
        host.tap.write(answers)
    pytest.fail(f"{job.name} did not end")


def clean(sent: int) -> dict[str, object]:
    return {"sent": sent, "good": sent, "wrong": [], "lost": [], "strays": 0, "refused": 0}


def test_the_namespace_is_quiet_and_its_own(host: KernelHost) -> None:
    assert host.notes == []
    assert (host.lladdr.hex(), host.mtu, str(host.address)) == ("020000007701", 1500, "10.77.0.1/24")
    assert "ringbed0" not in os.listdir("/sys/class/net")
    assert Path(f"/proc/{host._process.pid}/net/if_inet6").read_text() == ""  # or it would talk by itself


def test_the_kernel_pings(host: KernelHost) -> None:
    job = host.start("ping", target="10.77.0.2", sizes=SIZES, window=4)
    pump(host, job)
    assert job.result() == clean(len(SIZES))


def test_the_kernel_computes_every_sum_itself(host: KernelHost) -> None:
    """No offload is left to a card that is not there: UDP leaves the TAP device with its sum done."""
    seen: list[bytes] = []
    job = host.start("udp_exchange", target="10.77.0.2", port=7, sizes=[300], seed=3)
    pump(host, job, lambda frame: seen.append(frame) or frame)  # type: ignore[func-returns-value]
    assert job.result() == clean(1)
    (echo,) = (frame for frame in seen if frame[23:24] == b"\x11")  # addresses and ports swapped: the same sum
    assert rfc1071(echo[26:34] + b"\0\x11" + echo[38:40] + echo[34:]) == 0
    assert echo[42:] == payload(3, 300)


def test_the_kernel_exchanges_udp_of_every_size(host: KernelHost) -> None:
    sizes = list(range(1473))
    job = host.start("udp_exchange", target="10.77.0.2", port=7, sizes=sizes, seed=1)
    pump(host, job)
    assert job.result() == clean(len(sizes))


def test_a_swapped_word_in_an_echo_is_found_though_its_sum_is_right(host: KernelHost) -> None:
    def swap(frame: bytes) -> bytes:
        return frame[:50] + frame[52:54] + frame[50:52] + frame[54:] if len(frame) == 14 + 28 + 56 else frame

    for name, arguments in (("ping", {}), ("udp_exchange", {"port": 7})):
        job = host.start(name, target="10.77.0.2", sizes=[55, 56, 57], **arguments)
        pump(host, job, swap)
        assert job.result() == {**clean(3), "good": 2, "wrong": [56]}


def test_a_bad_checksum_is_the_kernels_to_refuse(host: KernelHost) -> None:
    before = host.call("counters")["Udp"]["InCsumErrors"]
    job = host.start("udp_exchange", target="10.77.0.2", port=7, sizes=[100, 101], seconds=1.0)
    pump(host, job, lambda frame: frame[:60] + bytes([frame[60] ^ 1]) + frame[61:] if len(frame) == 142 else frame)
    assert job.result() == {**clean(2), "good": 1, "lost": [100]}
    assert host.call("counters")["Udp"]["InCsumErrors"] == before + 1


def test_the_kernel_serves_echoes_until_stopped(host: KernelHost) -> None:
    server = host.start("udp_echo", port=4000)
    data = payload(5, 200)
    segment = struct.pack("!4H", 1234, 4000, 208, 0) + data
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 228, 1, 0, 64, 17, 0, bytes([10, 77, 0, 2]), bytes([10, 77, 0, 1]))
    header = header[:10] + rfc1071(header).to_bytes(2, "big") + header[12:]
    frame = host.lladdr + LLADDR + b"\x08\0" + header + segment
    echo = b""
    for _ in range(500):
        host.tap.write([frame])
        select.select([host.tap], [], [], 0.01)
        arrived = host.tap.read()
        host.tap.write([back for arp in arrived if arp[12:14] == b"\x08\x06" and (back := answer(arp))])
        echo = next((back for back in arrived if back[34:38] == struct.pack("!2H", 4000, 1234)), b"")
        if echo:
            break
    assert echo[42:] == data
    server.stop()
    assert server.wait(5)
    assert server.result()["datagrams"] >= 1


def test_what_a_job_refuses_is_a_sentence(host: KernelHost) -> None:
    for name, arguments, sentence in (
        ("dance", {}, "no job of this name; jobs are ping, udp_exchange"),
        ("ping", {}, "missing 2 required"),
        ("udp_exchange", {"target": "10.77.0.2", "port": 7, "sizes": [], "window": 0}, "a window and a time above 0"),
    ):
        with pytest.raises(JobFailed, match=sentence):
            host.call(name, **arguments)  # type: ignore[arg-type]


def test_a_running_job_has_no_result_and_can_be_stopped(host: KernelHost) -> None:
    host.tap.read()
    job = host.start("ping", target="10.77.0.9", sizes=[1], seconds=60)
    assert select.select([host.tap], [], [], 10)[0]  # the kernel asks who has that address: the job is under way
    assert not job.done()
    with pytest.raises(RuntimeError, match="job ping still runs"):
        job.result()
    job.stop()
    assert job.wait(5)
    assert job.result()["lost"] == [1]


@pytest.mark.parametrize(
    ("setup", "sentence"),
    [
        ({"mtu": 10}, "refuses .* MTU 10: Invalid argument"),
        ({"lladdr": "ff:00:00:00:00:01"}, "refuses .* ff0000000001"),
        ({"name": "x" * 16}, "an interface name has 1..15 bytes"),
        ({"address": "10.77.0.1/33"}, "'33' is not a valid netmask"),
    ],
)
def test_a_wrong_set_up_is_ours(host: KernelHost, setup: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        KernelHost.create(**setup)  # type: ignore[arg-type]


def test_a_namespace_that_may_not_be_set_up_is_not_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container without CAP_NET_ADMIN: whoever asks, the helper's parent is told so too."""

    def refused(*words: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(netns_child, "_ifreq", refused)
    monkeypatch.setattr(netns_child, "_sysctl", lambda path, value: "")
    address, sentence = (
        ipaddress.IPv4Interface("10.0.0.1/24"),
        "the kernel lets this user set no address: Operation not",
    )
    with pytest.raises(TapUnavailable, match=sentence):
        netns_child.configure("tap0", address, b"\x02" + bytes(5), 1500)
    monkeypatch.setattr(netns_child, "set_up", lambda wish: netns_child.configure("tap0", address, bytes(6), 1500))
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.send(json.dumps({"address": "10.0.0.1/24", "lladdr": "02", "mtu": 1500}).encode())
        assert not netns_child.greet(theirs)
        with pytest.raises(TapUnavailable, match=sentence):
            KernelHost._greeting(ours)


TRY = "try: {}\nexcept Exception as error: print(error)"
BENCH = "from ringbed.benchmarks.stack_udp_echo import run\n"
ASKERS = {
    "the need": "from ringbed.sim.kernel.child import obstacle; print(obstacle())",
    "a host": "from ringbed.sim.kernel.netns import KernelHost as Host\n" + TRY.format("Host.create()"),
    "a bench": BENCH + TRY.format("run(18)"),
    "the same for IPv6": BENCH + TRY.format("run(18, family='inet6')"),
}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give up what an ordinary user never had")
@pytest.mark.parametrize("asker", ASKERS)
def test_without_any_power_whoever_asks_is_told_the_same(asker: str) -> None:
    """The kernel makes a user namespace and then refuses to say whose it is."""
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    run = subprocess.run([*drop, sys.executable, "-c", ASKERS[asker]], capture_output=True, text=True, check=False)
    assert run.stdout.startswith("the kernel lets this user make no network namespace (Operation not permitted)"), run


def test_a_helper_that_died_is_said_so() -> None:
    with KernelHost.create() as host:
        job = host.start("ping", target="10.77.0.2", sizes=[1], seconds=60)
        host._process.kill()
        assert job.wait(5)
        with pytest.raises(JobFailed, match="the helper process is gone"):
            job.result()


@pytest.mark.parametrize("device", ["/nowhere/tun", "/dev/null"])
def test_no_tun_device_is_one_sentence(device: str) -> None:
    with pytest.raises(TapUnavailable, match=device):
        KernelHost.create(device=device)


def test_a_killed_parent_leaves_nothing(host: KernelHost) -> None:
    """The helper of a parent that got SIGKILL ends by itself, and its namespace and device with it."""
    program = (
        "from ringbed.sim.kernel.netns import KernelHost; import time\n"
        "host = KernelHost.create(); print(host._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        helper = int(parent.stdout.readline())
        assert Path(f"/proc/{helper}").exists()
        watch = os.pidfd_open(helper)
        parent.send_signal(signal.SIGKILL)
    ended, _, _ = select.select([watch], [], [], 5)
    os.close(watch)
    assert ended


UNPRIVILEGED = """
import json, sys
from ringbed.sim.kernel.netns import KernelHost
with KernelHost.create("10.78.0.1/24") as host:
    json.dump([host.user_namespace, host.notes, host.call("counters")["Ip"]["OutRequests"]], sys.stdout)
"""


def test_without_the_powers_of_root_a_user_namespace_does_it() -> None:
    """As root the powers that an ordinary user lacks are given up first."""
    drop = ["setpriv", "--bounding-set=-sys_admin,-net_admin", "--inh-caps=-all"] if os.getuid() == 0 else []
    run = subprocess.run([*drop, sys.executable, "-c", UNPRIVILEGED], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [True, [], 0]
