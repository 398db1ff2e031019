"""What `ethtool` does to a NIC, done to a running card from Python: look, change, count, test.

python examples/ethtool.py [native|pysim|auto]
"""

from __future__ import annotations

import sys
from dataclasses import replace

from ringbed.lab import Collector, RingSizes, TxFrame, open_host

MAC, PEER, KIND = bytes.fromhex("020000000001"), bytes.fromhex("020000007701"), bytes.fromhex("88b5")

host = open_host("em0", Collector(), engine=(sys.argv[1:] or ["auto"])[0], mac=MAC, say=print)
host.up()
host.advance(host.now + 1_000_000)  # a simulated millisecond, for the link to come up
nic = host.driver.ethtool

info = nic.info()
print(f"{info.name}: driver {info.driver}, {info.bus}, {nic.link().speed} Mb/s")

# ethtool -G em0 rx 512 tx 512; -C em0 rx-usecs 50 rx-usecs-max 200; -K em0 tso on, where the card can
print(f"rings {nic.rings()}, at most {nic.ring_limits()}")
nic.set_rings(RingSizes(rx=512, tx=512))
nic.set_coalesce(replace(nic.coalesce(), rx_usecs=50, rx_usecs_max=200))
nic.set_features(replace(nic.features(), tso=nic.available().tso))
print(f"now {nic.rings()}, {nic.coalesce().rx_usecs} us, {', '.join(nic.features().on)}")

# what is refused has changed nothing, and says why
try:
    nic.set_rings(RingSizes(rx=100, tx=512))
except ValueError as error:
    print(f"refused: {error}")

# ethtool -S em0, after three frames
host.advance(host.now + 1_000_000)
host.driver.transmit(0, [TxFrame([PEER + MAC + KIND + bytes(size)]) for size in (46, 500, 1500)])
host.advance(host.now + 1_000_000)
print({name: count for name, count in nic.statistics().items() if count})

# ethtool -d em0: registers by name, with their fields, and without side effects
for register in nic.registers(["CTRL", "RDLEN", "RDTR"]):
    print(f"{register.offset:05x} {register.name:6} {register.value:08x} {dict(register.fields)}")

# ethtool -t em0 offline
for check in nic.self_test():
    print(f"{check.name}: {'passed' if check.passed else 'failed: ' + check.detail}")

host.down()
host.engine.close()
