"""Three hosts on a switch: they ping each other, and the switch shows what it learnt and counted.

python examples/three_hosts.py [native|pysim|auto]
"""

from __future__ import annotations

import sys

from rich.console import Console

from ringbed.lab import lost, open_network, port_table, station_table

console = Console(highlight=False)

with open_network(3, engine=(sys.argv[1:] or ["auto"])[0]) as net:  # h1 to h3, 10.0.0.1 to 10.0.0.3, ports 0 to 2
    sockets = [stack.icmp_socket() for stack in net.stacks]
    for here, socket in enumerate(sockets, start=1):
        for there in {1, 2, 3} - {here}:
            socket.echo_request(f"10.0.0.{there}", ident=here, sequence=there, payload=b"hello, neighbour")
    net.settle()  # runs simulated time until nothing is in flight

    for here, socket in enumerate(sockets, start=1):
        answers = sorted(socket.recv().source for _ in range(len(socket.buffer)))
        console.print(f"h{here}: answers from {', '.join(answers)}")
    console.print(station_table(net.switch))
    console.print(port_table(net.switch))
    console.print(f"frames nobody accounts for: {lost(net.account())}")
