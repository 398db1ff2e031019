"""Every protocol's counters, with the wording of `netstat -s` (seed 000; usr.bin/netstat/inet.c of OpenBSD).

Names are the kernel's (`ips_badsum`), so that a search for one finds the line here and the line that counts. `drop`
marks a packet's end; a packet that ends otherwise was delivered, answered or sent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from threading import Lock

from ringbed.stack.kern.counters import Counter, Group
from ringbed.stack.kern.neighbour_stats import ArpStats, NdStats
from ringbed.stack.wire import icmpv4, icmpv6


class EtherStats(Group):
    def __init__(self) -> None:
        super().__init__("ether")
        self.total = self.counter("total frame{s} received")
        self.short = self.drop("frame{s} shorter than its header")
        self.notours = self.drop("frame{s} for another station")
        self.noproto = self.drop("frame{s} for unknown/unsupported protocol")
        self.delivered = self.counter("frame{s} passed to a protocol")
        self.output = self.counter("frame{s} queued for output")
        self.toobig = self.drop("output packet{s} larger than the interface MTU")


class IpStats(Group, ABC):
    """What both families count, under the same names: what counts into them is the same code."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.ips_total = self.counter("total packet{s} received")
        self._headers()
        self.ips_badvers = self.drop("with incorrect version number")
        self.ips_badaddr = self.drop("datagram{s} with bad address in header")
        self.ips_ownaddr = self.drop("datagram{s} from outside with an address of this host as source")
        self.ips_fragments = self.counter("fragment{s} received")
        self.ips_badfrags = self.drop("malformed fragment{s} dropped")
        self.ips_fragdup = self.drop("duplicate fragment{s} dropped")
        self.ips_fragoverlap = self.drop("fragment{s} dropped that overlap")
        self.ips_fragdropped = self.drop("fragment{s} dropped due to no space")
        self.ips_fragtimeout = self.drop("fragment{s} dropped after timeout")
        self.ips_fragjoined = self.counter("fragment{s} that became a packet with others")
        self.ips_reassembled = self.counter("packet{s} reassembled ok")
        self.ips_delivered = self.counter("packet{s} for this host")
        self.ips_noproto = self.drop("packet{s} for unknown/unsupported protocol")
        self.ips_forward = self.counter("packet{s} forwarded")
        self.ips_redirectsent = self.counter("redirect{s} sent")
        self.ips_cantforward = self.drop("packet{s} not forwardable")
        self.ips_unroutable = self.drop("packet{s} not forwarded due to no route")
        self.ips_timexceeded = self.drop("packet{s} not forwarded due to expired time to live")
        self.ips_cantfrag = self.drop("datagram{s} that can't be fragmented")
        self.ips_notmember = self.drop("multicast packet{s} which we don't join")
        self.ips_discarded = self.drop("packet{s} discarded by route")
        self.ips_linkbcast = self.drop("link-level broadcast{s} for a single host")
        self.ips_localout = self.counter("packet{s} sent from this host")
        self.ips_fragmented = self.counter("output datagram{s} fragmented")
        self.ips_ofragments = self.counter("fragment{s} created")
        self.ips_noroute = self.drop("output packet{s} discarded due to no route")
        self.ips_odiscarded = self.drop("output packet{s} discarded by route")
        self._out()
        self.ips_toolong = self.drop("packet{s} with ip length > max ip packet size")

    def _headers(self) -> None:
        """What a header can have wrong."""
        self.ips_tooshort = self.drop("with size smaller than minimum")
        self.ips_toosmall = self.drop("with data size < data length")
        self.ips_badoptions = self.drop("with bad options")

    @abstractmethod
    def _out(self) -> None:
        """Refusals that only one family has."""


class Ip4Stats(IpStats):
    """IPv4 alone has a sum of its header, a length of it, broadcasts, and addresses that nobody may send to."""

    def __init__(self) -> None:
        super().__init__("ip")
        self.ips_inhwcsum = self.counter("input datagram{s} checksum-processed by hardware")
        self.ips_inswcsum = self.counter("input datagram{s} software-checksummed")
        self.ips_outhwcsum = self.counter("output datagram{s} checksum-processed by hardware")
        self.ips_outswcsum = self.counter("output datagram{s} software-checksummed")

    def _headers(self) -> None:
        self.ips_badsum = self.drop("bad header checksum{s}")
        super()._headers()
        self.ips_badhlen = self.drop("with header length < data size")
        self.ips_badlen = self.drop("with data length < header length")

    def _out(self) -> None:
        self.ips_recvonly = self.drop("output packet{s} to an address that only receives")
        self.ips_nobroadcast = self.drop("output broadcast{s} without permission or interface")


class Ip6Stats(IpStats):
    """IPv6 alone has headers that are no protocol, addresses of one link only, and wants a source for every packet."""

    def __init__(self) -> None:
        super().__init__("ip6")

    def _headers(self) -> None:
        super()._headers()
        self.ip6s_nonext = self.drop("packet{s} with nothing behind the headers")
        self.ip6s_badscope = self.drop("packet{s} that violated scope rules")

    def _out(self) -> None:
        self.ip6s_nogroupif = self.drop("output multicast{s} without an interface")
        self.ip6s_nosource = self.drop("output packet{s} without a source address")


class IcmpStats(Group):
    """`names` are those of the types in the histograms."""

    def __init__(self, title: str, names: Mapping[int, str]) -> None:
        super().__init__(title)
        self.icps_error = self.counter("call{s} to icmp_error")
        self.icps_oldicmp = self.counter("error{s} not generated because old message was icmp")
        self.icps_notsingle = self.counter(
            "error{s} not generated because old packet was not to and from a single host"
        )
        self.icps_toofreq = self.counter("error{s} not generated because rate limited")
        self.icps_toomany = self.counter("error{s} not generated because the service queue was full")
        self.icps_input = self.counter("message{s} received")
        self.icps_tooshort = self.drop("message{s} < minimum length")
        self.icps_badsum = self.drop("bad checksum{s}")
        self.icps_badlen = self.drop("message{s} with bad length")
        self.icps_redirect = self.drop("redirect{s} not accepted")
        self.icps_nosocket = self.drop("message{s} dropped due to no socket")
        self.icps_fullqueue = self.drop("message{s} dropped due to full service queues")
        self.icps_fullsock = self.drop("message{s} dropped due to full socket buffers")
        self.icps_reflect = self.counter("message response{s} generated")
        self.icps_delivered = self.counter("message{s} delivered")
        self.icps_upcallerr = self.counter("upcall{s} that ended in an error")
        self.icps_errordelivered = self.counter("error{s} delivered to a socket")
        self.icps_inswcsum = self.counter("input message{s} software-checksummed")
        self.icps_outswcsum = self.counter("output message{s} software-checksummed")
        self._names = names
        self._mutex = Lock()  # of whose message is the first of its type there is one
        self._in: dict[int, Counter] = {}
        self._out: dict[int, Counter] = {}

    def count_in(self, kind: int) -> None:
        """The input histogram: one counter for each type seen."""
        self._histogram(self._in, kind, "input").value += 1

    def count_out(self, kind: int) -> None:
        """The output histogram."""
        self._histogram(self._out, kind, "output").value += 1

    def _histogram(self, seen: dict[int, Counter], kind: int, direction: str) -> Counter:
        found = seen.get(kind)
        if found is None:
            with self._mutex:
                if kind not in seen:
                    seen[kind] = self.counter(f"{direction} {self._names.get(kind, f'type {kind}')}")
            found = seen[kind]
        return found


class Icmp4Stats(IcmpStats):
    def __init__(self) -> None:
        super().__init__("icmp", icmpv4.NAMES)
        self.icps_bmcastecho = self.drop("echo request{s} to broadcast ignored")


class Icmp6Stats(IcmpStats):
    def __init__(self) -> None:
        super().__init__("icmp6", icmpv6.NAMES)
        self.icp6s_nolink = self.drop("neighbour message{s} from no interface of this family")


class TcpStats(Group):
    """Only the sums: there is no TCP yet, but a card and the software know how to sum it."""

    def __init__(self) -> None:
        super().__init__("tcp")
        self.tcps_outhwcsum = self.counter("output packet{s} hardware-checksummed")
        self.tcps_outswcsum = self.counter("output packet{s} software-checksummed")


class UdpStats(Group):
    def __init__(self) -> None:
        super().__init__("udp")
        self.udps_ipackets = self.counter("datagram{s} received")
        self.udps_hdrops = self.drop("with incomplete header")
        self.udps_badlen = self.drop("with bad data length field")
        self.udps_badsum = self.drop("with bad checksum")
        self.udps_nosum = self.counter("with no checksum")
        self.udps_nosum6 = self.drop("with no checksum over IPv6")
        self.udps_inhwcsum = self.counter("input packet{s} hardware-checksummed")
        self.udps_inswcsum = self.counter("input packet{s} software-checksummed")
        self.udps_outhwcsum = self.counter("output packet{s} hardware-checksummed")
        self.udps_outswcsum = self.counter("output packet{s} software-checksummed")
        self.udps_noport = self.drop("dropped due to no socket")
        self.udps_noportbcast = self.drop("broadcast/multicast datagram{s} dropped due to no socket")
        self.udps_fullqueue = self.drop("dropped due to full service queues")
        self.udps_fullsock = self.drop("dropped due to full socket buffers")
        self.udps_delivered = self.counter("delivered")
        self.udps_upcallerr = self.counter("upcall{s} that ended in an error")
        self.udps_opackets = self.counter("datagram{s} output")


class Stats:
    """All groups of one host, in the order `netstat -s` prints them."""

    def __init__(self) -> None:
        self.ip = Ip4Stats()
        self.icmp = Icmp4Stats()
        self.tcp = TcpStats()
        self.udp = UdpStats()
        self.arp = ArpStats()
        self.ip6 = Ip6Stats()
        self.icmp6 = Icmp6Stats()
        self.nd = NdStats()
        self.ether = EtherStats()

    def groups(self) -> list[Group]:
        return [self.ip, self.icmp, self.tcp, self.udp, self.arp, self.ip6, self.icmp6, self.nd, self.ether]
