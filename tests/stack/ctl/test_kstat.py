from contextlib import suppress

from ringbed.stack.ctl.kstat import kstat
from tests.stack.host import PEER, Host, udp_frame


def test_the_queues_as_kstat_prints_them() -> None:
    host = Host()
    host.below.room = 1
    sock = host.stack.udp_socket()
    for _ in range(2):
        sock.sendto(b"x", (PEER, 9))
        host.stack.run()
    host.ifd.ifqs[0].maxlen = 1
    with suppress(OSError):
        sock.sendto(b"x", (PEER, 9))
    host.give(udp_frame())
    assert kstat(host.stack).splitlines() == [
        "em0:0:rxq:0",
        "     packets: 2 packets",
        "       bytes: 120 bytes",
        "      qdrops: 0 packets",
        "        qlen: 0 packets",
        "    enqueues: 2",
        "    dequeues: 2",
        "em0:0:txq:0",
        "     packets: 3 packets",
        "       bytes: 128 bytes",
        "      qdrops: 2 packets",
        "        qlen: 1 packets",
        "     maxqlen: 1 packets",
        "     oactive: true",
        "    oactives: 1",
    ]
