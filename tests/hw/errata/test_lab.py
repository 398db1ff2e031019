"""The lab: the bug is there when switched on, not there when off, and never in the clean card."""

from __future__ import annotations

import subprocess
import sys
import zlib
from dataclasses import replace

import pytest
from amaranth.back import rtlil
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Raw

from ringbed.drivers.world import Direction
from ringbed.hw.errata import lab
from ringbed.hw.errata.lab import EM_ERRATA, errata_mask
from ringbed.hw.errata.saboteur import Erratum
from ringbed.hw.errata.tx_ospf import TX_OSPF
from ringbed.hw.formats import em
from ringbed.hw.stream.taps import TAPS, Taps
from ringbed.sim.cards import em_lab
from ringbed.sim.memory.host import HostMemory
from ringbed.sim.native.engine import NativeEngine
from ringbed.sim.seam.engine import Event

CLEAN_VERILOG = """
import sys
if {hide}:
    class Hidden:
        def find_spec(self, name, path=None, target=None):
            if name.startswith("ringbed.hw.errata"):
                raise ModuleNotFoundError(name)
    sys.meta_path.insert(0, Hidden())
else:
    import ringbed.hw.errata.lab
from amaranth.back import rtlil
from ringbed.hw.nics.em.card import Em
card = Em()
sys.stdout.write(rtlil.convert(card, ports=list(card.ports().values()), name="em", emit_src=False))
"""


def _clean(hide: bool) -> str:
    code = CLEAN_VERILOG.format(hide=hide)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_clean_card_is_the_same_with_and_without_errata() -> None:
    with_errata, without = _clean(False), _clean(True)
    assert len(with_errata) > 100_000
    assert zlib.crc32(with_errata.encode()) == zlib.crc32(without.encode())
    assert "errata" not in with_errata
    assert "tap_" not in with_errata


def _udp(payload: bytes) -> bytes:
    """A UDP datagram whose checksum field holds the pseudo-header's sum, as `em` wants it."""
    frame = bytearray(bytes(Ether(dst="02:00:00:00:00:01") / IP(src="10.0.0.1", dst="10.0.0.2") / UDP() / Raw(payload)))
    total = 17 + 8 + len(payload) + sum(int.from_bytes(frame[at : at + 2], "big") for at in range(26, 34, 2))
    frame[40:42] = (total % 0xFFFF).to_bytes(2, "big")
    return bytes(frame)


def _ospf() -> bytes:
    return bytes(
        Ether(dst="02:00:00:00:00:01") / IP(src="10.0.0.1", dst="224.0.0.5", proto=89) / Raw(bytes(range(1, 65)))
    )


def _send(errata: int) -> list[bytes]:
    """OSPF, context and UDP, OSPF: the frames as they left the card, without FCS."""
    memory = HostMemory()
    engine = NativeEngine(em_lab(), memory)
    engine.set_pin("errata", errata)
    ring = memory.coherent(16 * 16)
    at = {register.name: register.offset for register in em.REGISTERS}
    engine.write(at["CTRL"], em.REGISTERS["CTRL"].mask("SLU"))
    engine.write(at["TDBAL"], ring.iova & 0xFFFFFFFF)
    engine.write(at["TDBAH"], ring.iova >> 32)
    engine.write(at["TDLEN"], 16 * 16)
    engine.write(at["TCTL"], em.REGISTERS["TCTL"].mask("EN", "PSP"))
    context = em.TX_CONTEXT.encode(TUCSS=34, TUCSO=40, IPCSS=14, IPCSO=24, IPCSE=33, IP=1, DEXT=1)
    descriptors = [context]
    for frame, sums in ((_ospf(), 0), (_udp(b"abcd" * 10), 1), (_ospf(), 0)):
        mapping = memory.map(frame, Direction.TO_DEVICE)
        common = {"EOP": 1, "IFCS": 1, "RS": 1, "DEXT": 1, "DTYP": 1, "TXSM": sums}
        descriptors.append(em.TX_DATA.encode(address=mapping.iova, DTALEN=len(frame), **common))
    order = [descriptors[1], descriptors[0], descriptors[2], descriptors[3]]
    ring.view[: 16 * 4] = b"".join(order)
    engine.write(at["TDT"], 4)
    engine.run(engine.now + 3000, Event.FINDING)
    assert engine.findings() == []
    frames = [frame for _, frame in engine.wire_out()]
    assert all(zlib.crc32(frame[:-4]).to_bytes(4, "little") == frame[-4:] for frame in frames)
    engine.close()
    return [frame[:-4] for frame in frames]


def test_ospf_is_corrupted_only_with_the_bug_on_and_a_context_loaded() -> None:
    good = _send(0)
    bad = _send(errata_mask("tx-ospf-corrupted-by-csum-engine"))
    assert good[0] == good[2] == _ospf()
    assert bad[0] == _ospf()  # no context yet
    assert bad[1] == good[1]  # what the engine is for still works
    assert UDP(bad[1][34:]).chksum not in (0, None)
    differing = [at for at in range(len(_ospf())) if bad[2][at] != _ospf()[at]]
    assert differing
    assert set(differing) <= {40, 41}


def test_errata_are_at_taps_that_exist_and_say_what_they_are() -> None:
    for erratum in EM_ERRATA:
        assert erratum.tap in TAPS
        assert len(erratum.description.split()) > 20
        assert erratum.source
        assert erratum.trigger


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError, match="the lab has no erratum 'nonsense'"):
        errata_mask("nonsense")
    with pytest.raises(ValueError, match="there is no tap 'rx.nothing'"):
        Taps({"rx.nothing": None})
    with pytest.raises(ValueError, match="wants tap 'tx.nowhere'"):
        Erratum("x", "tx.nowhere", "", "", "", lambda width: None)


def test_two_errata_at_one_tap_are_both_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is no replacement of the first: each has its bit of the pin, in the order of the list."""
    second = replace(TX_OSPF, id="tx-other")
    monkeypatch.setattr(lab, "EM_ERRATA", (TX_OSPF, second))
    card = lab.lab_em()
    assert len(card.ports()["errata"]) == 2
    assert lab.errata_mask("tx-other") == 2
    rtl = rtlil.convert(card, ports=list(card.ports().values()), name="em_lab", emit_src=False)
    cells = [
        line.split()[-1] for line in rtl.splitlines() if line.strip().startswith("cell ") and "tap_tx_data" in line
    ]
    assert sorted(cells) == ["\\tap_tx_data", "\\tap_tx_data_1"]
