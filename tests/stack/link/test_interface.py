import pytest

from ringbed.stack.kern.packet import ICMP6_CSUM_OUT, ICMP_CSUM_OUT, IPV4_CSUM_OUT, TCP_CSUM_OUT, UDP_CSUM_OUT
from ringbed.stack.link.interface import Capabilities, Offload
from ringbed.stack.wire.family import INET, INET6

L4 = TCP_CSUM_OUT | UDP_CSUM_OUT
ICMP = ICMP_CSUM_OUT | ICMP6_CSUM_OUT


@pytest.mark.parametrize(
    ("capabilities", "software"),
    [
        (Capabilities(), IPV4_CSUM_OUT | L4 | ICMP),
        (Capabilities(tx_ipv4=True), L4 | ICMP),
        (Capabilities(tx_l4=Offload.PSEUDO), IPV4_CSUM_OUT | L4 | ICMP),
        (Capabilities(tx_ipv4=True, tx_l4=Offload.FULL), ICMP),
    ],
)
def test_what_is_left_for_software(capabilities: Capabilities, software: int) -> None:
    assert capabilities.software(INET) == software


def test_what_a_card_does_for_one_family_it_need_not_do_for_the_other() -> None:
    card = Capabilities(tx_l4=Offload.FULL, tx_l4_ipv6=Offload.PSEUDO)
    assert (card.software(INET) & L4, card.software(INET6) & L4) == (0, L4)
    assert (card.l4(INET), card.l4(INET6)) == (Offload.FULL, Offload.PSEUDO)
    assert not card.covers(Capabilities(tx_l4_ipv6=Offload.FULL))
    assert not Capabilities(tx_l4=Offload.FULL).covers(Capabilities(tx_l4_ipv6=Offload.FULL))


def test_offering_less_is_covered_offering_another_way_is_not() -> None:
    card = Capabilities(tx_ipv4=True, tx_l4=Offload.PSEUDO)
    assert card.covers(card)
    assert card.covers(Capabilities())
    assert card.covers(Capabilities(tx_l4=Offload.PSEUDO))
    assert not card.covers(Capabilities(tx_l4=Offload.FULL))
    assert not card.covers(Capabilities(rx_checksum=True))
    assert not Capabilities().covers(Capabilities(tx_ipv4=True))
