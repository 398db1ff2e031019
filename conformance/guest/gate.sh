# The gate of a stock driver: each check is a function, and prints what it saw. A line "ok NAME", or "not ok NAME", ends
# it, and a line "rate WAY BYTES SECONDS" is a transfer's. CHECKS names those that are run; the far end of the wire is
# that of --wire kernel: SINK, SOURCE and COUNTS are ports of its services (sim/kernel/tcp.py), TFTP and PAUSE too.
# It runs in the guest's busybox; ADDRESS, FAR, DRIVER, KEPT and FAULTS are told by its first program: with a plan of
# faults at work (--faults) frames are lost and queues stand still, and other checks are run.
SINK=9 SOURCE=19 COUNTS=15 PAUSE=20
BYTES=${BYTES:-8388608}
SIZES=${SIZES:-$(seq 0 1472) 8000}
[ -z "$FAULTS" ] || CHECKS=${CHECKS:-"probe link hurt"}
CHECKS=${CHECKS:-"probe link pings udp tcp offload vlan selftest statistics features rings flow registers pause flaps
reload jumbo errors"}

field() { # GROUP NAME: of a table like /proc/net/snmp on the standard input
    awk -v g="$1:" -v f="$2" '$1 == g && !n { for (i = 2; i <= NF; i++) if ($i == f) n = i; next } $1 == g { print $n; exit }'
}
own() { cat /proc/net/snmp /proc/net/netstat | field "$1" "$2"; }
far() { nc "$FAR" $COUNTS </dev/null | field "$1" "$2"; }
counted() { ethtool -S eth0 | awk -v n="$1:" '$1 == n { print $2 }'; }
answers() { ping -q -c "${2:-3}" -i 0.2 -s "${1:-56}" -W 20 "$FAR" >/tmp/ping || { cat /tmp/ping; return 1; }; }
hundredths() { tr -d . </proc/uptime | cut -d' ' -f1; }
carried() { # until the link is up
    tries=0
    until [ "$(cat /sys/class/net/eth0/carrier 2>/dev/null)" = 1 ]; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || { echo "no link"; return 1; }
        usleep 100000
    done
}
complaints() { dmesg -r | grep -E '^<[0-3]>' | grep -E "$DRIVER|eth0|NETDEV"; }

probe() {
    ethtool -i eth0 | head -n 1
    dmesg | grep "$DRIVER" | tail -n 3
    [ "$(ethtool -i eth0 | head -n 1)" = "driver: $DRIVER" ] && [ -z "$(complaints)" ]
}

link() {
    carried && ethtool eth0 | grep -E 'Speed|Duplex|Link detected' && ethtool eth0 | grep -q 'Speed: 1000Mb/s'
}

pings() {
    bad=0 sizes=0
    for size in $SIZES; do
        [ "$size" -le 1472 ] || ip link set eth0 mtu 9000
        answers "$size" 1 || bad=$((bad + 1))
        sizes=$((sizes + 1))
    done
    ip link set eth0 mtu 1500
    echo "$sizes sizes, $bad without an answer"
    [ $bad = 0 ] && carried
}

udp() { # both ways by TFTP, in datagrams of 512 and of 1,432 bytes
    head -c 60000 /dev/urandom >/tmp/u
    for block in 512 1432; do
        tftp -p -b $block -l /tmp/u -r u "$FAR" 2>/tmp/said && tftp -g -b $block -l /tmp/v -r u "$FAR" 2>/tmp/said &&
            cmp /tmp/u /tmp/v || { tail -n 1 /tmp/said; return 1; }
    done
    echo "60,000 bytes there and back, in datagrams of 512 and of 1,432; $(own Udp InErrors) errors here"
    [ "$(own Udp InCsumErrors)" = 0 ] && [ "$(far Udp InCsumErrors)" = 0 ]
}

up() {
    head -c "$BYTES" /dev/urandom >/tmp/up
    want=$(sha256sum </tmp/up | cut -d' ' -f1)
    begin=$(hundredths)
    got=$(nc "$FAR" $SINK </tmp/up)
    echo "rate up $BYTES $(($(hundredths) - begin))"
    rm /tmp/up
    [ "$got" = "$want" ] || { echo "digest $got, must be $want"; return 1; }
}

down() {
    begin=$(hundredths)
    echo "$BYTES" | nc "$FAR" $SOURCE >/tmp/down
    echo "rate down $BYTES $(($(hundredths) - begin))"
    read -r want </tmp/down
    got=$(tail -c +66 /tmp/down | sha256sum | cut -d' ' -f1)
    rm /tmp/down
    [ "$got" = "$want" ] || { echo "digest $got, must be $want"; return 1; }
}

# A segment sent twice has a reason: one that was lost, which somebody has counted, or a timer of a sender's that was too
# quick for a machine that is slower than its clock, which the receiver tells by a duplicate acknowledgement.
explained() {
    sleep 3 # this driver takes the card's counts every two seconds
    here=$(($(own Tcp RetransSegs) - $1)) there=$(($(far Tcp RetransSegs) - $2))
    lost=$(($(counted rx_missed_errors) + $(counted rx_no_buffer_count)))
    quick=$(($(own TcpExt TCPDSACKRecv) + $(own TcpExt TCPLossProbes)))
    quick_there=$(($(far TcpExt TCPDSACKRecv) + $(far TcpExt TCPLossProbes)))
    queue=$(far Wire Dropped)
    echo "sent again: $here here, $there there; lost by the card: $lost, by the far end's queue: $queue;" \
        "timers too quick: $quick here, $quick_there there"
    [ $here -le $quick ] && [ $there -le $((lost + queue + quick_there)) ]
}

sums() {
    wrong="$(own Tcp InCsumErrors) $(far Tcp InCsumErrors) $(counted rx_csum_offload_errors) $(counted rx_crc_errors)"
    echo "wrong sums here, there, by the card, and of frames: $wrong"
    [ "$wrong" = "0 0 0 0" ]
}

tcp() {
    sent=$(own Ip OutRequests) came=$(far Ip InReceives) here=$(own Tcp RetransSegs) there=$(far Tcp RetransSegs)
    up || return 1
    sent=$(($(own Ip OutRequests) - sent)) came=$(($(far Ip InReceives) - came))
    echo "$sent packets of the guest were $came on the wire"
    down && explained "$here" "$there" && sums && [ $came -gt $((sent + 8)) ]
}

offload() { # the card's verdict on what it receives, which this driver does not look at of itself
    ethtool -K eth0 rx on && carried || return 1
    good=$(counted rx_csum_offload_good)
    tcp || return 1
    good=$(($(counted rx_csum_offload_good) - good))
    echo "$good sums found good by the card"
    ethtool -K eth0 rx off && carried && [ $good -gt $((BYTES / 3000)) ]
}

vlan() { # tags are put in and taken out by the card; in a VLAN every address answers
    for module in $KEPT; do insmod "/modules/$module.ko" 2>/dev/null; done
    ip link add link eth0 name eth0.5 type vlan id 5 && ip addr add 10.78.0.2/24 dev eth0.5 && ip link set eth0.5 up || return 1
    carried && ping -q -c 3 -s 1400 10.78.0.1
    done=$?
    ip link del eth0.5
    return $done
}

selftest() {
    ethtool -t eth0 offline >/tmp/t
    done=$?
    cat /tmp/t
    ip link set eth0 up && carried && answers && return $done
}

statistics() {
    ethtool -S eth0 | head -n 5
    [ "$(counted rx_packets)" -gt 0 ] && [ "$(counted tx_packets)" -gt 0 ] && [ "$(counted tx_errors)" = 0 ]
}

features() {
    for name in tso tx sg rx rxvlan; do # this driver has txvlan follow rxvlan
        was=$(ethtool -k eth0 | awk -v n="$(long $name):" '$1 == n { print $2 }')
        for to in off on "$was"; do
            ethtool -K eth0 $name $to >/tmp/k 2>&1 && carried && answers 1472 1 || { cat /tmp/k; echo "$name $to"; return 1; }
        done
    done
    ethtool -K eth0 sg on tx on tso on rx off >/tmp/k 2>&1
    echo "each off, on, and as it was"
}
long() {
    case $1 in
    tso) echo tcp-segmentation-offload ;;
    tx) echo tx-checksumming ;;
    rx) echo rx-checksumming ;;
    sg) echo scatter-gather ;;
    rxvlan) echo rx-vlan-offload ;;
    esac
}

rings() {
    for size in 80 4096 256; do
        ethtool -G eth0 rx $size tx $size && carried && answers 1472 5 || { echo "of $size"; return 1; }
    done
    ethtool -g eth0 | tail -n 5
}

flow() {
    ethtool -A eth0 autoneg off rx on tx off && carried && answers || return 1
    ethtool -A eth0 autoneg on && carried && answers && ethtool -a eth0
}

registers() {
    ethtool -d eth0 >/tmp/d && head -n 4 /tmp/d && grep -q 'Link up: *link config\|Link up' /tmp/d
}

pause() { # the far end says XOFF for a while: frames wait, and go
    ethtool -A eth0 autoneg off rx on tx on && carried || return 1
    off=$(counted rx_flow_control_xoff)
    nc "$FAR" $PAUSE </dev/null
    answers 1472 3 && sleep 3 || return 1
    off=$(($(counted rx_flow_control_xoff) - off))
    ethtool -A eth0 autoneg on
    echo "$off XOFF received"
    carried && [ $off -gt 0 ]
}

traffic() { while :; do nc -w 5 "$FAR" $SINK </dev/zero >/dev/null 2>&1; done; }

flaps() {
    traffic &
    flood=$!
    for _ in 1 2 3 4 5; do
        ip link set eth0 down && usleep 200000 && ip link set eth0 up && carried || { kill $flood; return 1; }
        usleep 300000
    done
    kill $flood
    killall nc 2>/dev/null
    answers
}

reload() {
    traffic &
    flood=$!
    for _ in 1 2 3; do
        usleep 300000
        rmmod "$DRIVER" && insmod "/modules/$DRIVER.ko" && ip addr add "$ADDRESS" dev eth0 && ip link set eth0 up && carried ||
            { kill $flood; return 1; }
    done
    kill $flood
    killall nc 2>/dev/null
    answers
}

jumbo() {
    ip link set eth0 mtu 9000 && carried && answers 8000 5 && up && down
    done=$?
    ip link set eth0 mtu 1500
    carried && return $done
}

# A bus error stops a queue, and only a reset starts it again. Of reception this driver has no watchdog. Of transmission
# it tells a hang every two seconds, and waits for the kernel's watchdog to reset it; where netif_stop_queue() moves
# trans_start, as in Linux 6.12, each telling puts that watchdog off. A link that is silent that long is taken down and up.
nurse() {
    while sleep 5; do
        ping -q -c 20 -i 0.5 -W 5 "$FAR" >/tmp/pulse && continue
        echo "silence: $(told Hang) hangs told by the driver, $(told WATCHDOG) ended by the kernel; down and up"
        ip link set eth0 down && ip link set eth0 up && carried
        echo >>/tmp/silences
    done
}
told() { dmesg | grep -E "eth0.*(Detected Tx Unit|transmit queue)" | grep -c "$1"; }

hurt() { # no wrong byte, whatever happens
    : >/tmp/silences
    nurse &
    nurse=$!
    up && down
    done=$?
    kill $nurse
    echo "$(wc -l </tmp/silences) silences; $(told Hang) hangs told, $(told WATCHDOG) ended by the kernel"
    return $done
}

errors() {
    complaints
    echo "$(complaints | wc -l) lines of error level"
    [ -z "$(complaints)" ]
}

failed=0
for check in $CHECKS; do
    echo "# $check"
    if $check; then
        echo "ok $check"
    else
        echo "not ok $check"
        failed=1
    fi
done
[ $failed = 1 ] && dmesg | tail -n 20
exit $failed
