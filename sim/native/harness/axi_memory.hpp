// The AXI4 slave behind a card's DMA master: memory with latency, several bursts outstanding, and the protocol checker.
//
// Reads are fetched when their beat is first shown; writes land when their response is first shown, so a card that does
// not wait for B is caught by what the driver reads. Responses come in order of the requests; with back-pressure, ids
// overtake each other at random, those of one id never (AMBA AXI A5.3). `sample` runs before the clock edge with all
// ports settled and prepares what `drive` shows in the next clock.
#pragma once
#include "asked.hpp"
#include "bus_faults.hpp"
#include "common.hpp"
#include "tape.hpp"

namespace rb {

struct Command {
    u64 addr = 0;
    u64 ready_at = 0;
    u32 id = 0;
    u32 slot = 0;
    u8 len = 0, size = 0, burst = 0;
    bool late = false;  // a fault lets others overtake its answer
    bool shut = false;  // taken when its bytes were memory no more
    bool lost = false;  // to far memory, and nobody could be asked: SLVERR, which is no fault of the card's
    Resp resp = OKAY, injected = OKAY;  // `injected`: a fault's answer from beat `bad_beat` on
    u32 bad_beat = 0;

    bool operator==(const Command& o) const {
        return addr == o.addr && id == o.id && len == o.len && size == o.size && burst == o.burst;
    }
    // Address of beat `i`: FIXED, INCR, WRAP (AMBA AXI A3.4.1).
    u64 beat(u32 i) const {
        if (i == 0 || burst == 0) return addr;
        u64 bytes = u64(1) << size, aligned = addr & ~(bytes - 1);
        if (burst != 2) return aligned + i * bytes;
        u64 span = bytes * (len + 1u), low = addr & ~(span - 1);
        return low + ((addr - low + i * bytes) & (span - 1));
    }
    // Whether a byte of it lies from `first` to `last`.
    bool touches(u64 first, u64 last) const {
        u64 bytes = u64(1) << size, span = bytes * (len + 1u);
        u64 low = burst == 2 ? addr & ~(span - 1) : addr;
        u64 high = burst == 0 ? addr | (bytes - 1) : burst == 2 ? low + span - 1 : (addr & ~(bytes - 1)) + span - 1;
        return first <= last && low <= last && first <= high;
    }
    bool counts(u64 first, u64 last) const { return !shut && !lost && touches(first, last); }
};

// A short queue with removal from the middle: order is kept.
struct CommandQueue {
    static constexpr u32 CAP = 64;
    Command list[CAP];
    u32 count = 0;

    bool full() const { return count == CAP; }
    void push(const Command& c) { list[count++] = c; }
    Command take(u32 i) {
        Command c = list[i];
        for (; i + 1 < count; i++) list[i] = list[i + 1];
        count--;
        return c;
    }
    // Which entry answers next at clock `now`; CAP when none may. In order, or by `pattern` among the first of each id.
    u32 pick(u64 now, Pattern& pattern) {
        if (count == 0) return CAP;
        if (pattern.level == 0) return list[0].ready_at <= now ? 0 : list[0].late ? overtaking(now) : CAP;
        u32 able[CAP], n = 0;
        for (u32 i = 0; i < count; i++) {
            bool first = list[i].ready_at <= now;
            for (u32 j = 0; j < i && first; j++) first = list[j].id != list[i].id;
            if (first) able[n++] = i;
        }
        return n == 0 ? CAP : able[(pattern.draw() >> 16) % n];
    }

  private:
    // The first entry ready behind late ones, and behind those of their ids.
    u32 overtaking(u64 now) const {
        for (u32 i = 1; i < count; i++) {
            bool first = true;
            for (u32 j = 0; j < i && first; j++) first = list[j].id != list[i].id;
            if (first && list[i].ready_at <= now) return i;
            if (first && !list[i].late) return CAP;
        }
        return CAP;
    }
};

template <class Card>
struct AxiMemory {
    static constexpr u32 BYTES = Card::DMA_BYTES;
    struct Slot {
        u32 beats = 0;
        u64 strobe[256];
        u8 data[256 * BYTES];
    };

    Memory memory;
    u32 read_latency = 50, write_latency = 50;
    bool strict = false, fault = false;
    u64 faults = 0;
    u64 read_beats = 0, write_beats = 0;  // of data, taken by the other side
    Tape* tape = nullptr;
    BusFaults injected;
    Asked from, to;  // what a read waits for, what a write does

    void seed(u32 seed, u32 level) {
        Pattern* all[] = {&ar_hold, &aw_hold, &w_hold, &r_hold, &b_hold, &r_pick, &b_pick};
        for (u32 i = 0; i < 7; i++) all[i]->seed(seed, i, level);
    }

    void drive(Card& c) {
        if (!dirty) return;
        dirty = false;
        c.arready(arready), c.awready(awready), c.wready(wready);
        c.rvalid(rvalid), c.bvalid(bvalid);
        if (rvalid) c.rid(rcmd.id), c.rdata(rdata), c.rresp(rresp), c.rlast(rbeat == rcmd.len);
        if (bvalid) c.bid(bcmd.id), c.bresp(bcmd.resp);
    }

    bool quiet(Card& c) const {
        return !reading && !answering && reads.count == 0 && awaiting.count == 0 && resps.count == 0 && !bvalid &&
               (filling == NONE || slots[filling].beats == 0) && ndone == 0 && !c.awvalid() && !c.arvalid() &&
               !c.wvalid();
    }

    // Bursts that are taken from now on and have a byte from `first` to `last` are answered as if it were no memory.
    // Who would be asked for far memory cannot be by then, so bursts there that are out are lost.
    void shut(u64 first, u64 last) {
        shut_first = first, shut_last = last;
        give_up([=](const Command& c) { return c.touches(first, last); });
    }
    // Nobody is asked: bursts to far memory are lost, those that are out too.
    void nobody(bool on) {
        deaf = on;
        if (on) give_up([](const Command&) { return true; });
    }
    // Whether a burst waits for an answer that nobody has given yet.
    bool asks() const { return from.ticket || to.ticket; }
    // Bursts taken, not answered whole and not shut out, of which a byte lies from `first` to `last`.
    u32 in_flight(u64 first, u64 last) const {
        u32 found = (reading && rcmd.counts(first, last)) + (answering && bcmd.counts(first, last));
        for (const CommandQueue* queue : {&reads, &awaiting, &resps})
            for (u32 i = 0; i < queue->count; i++) found += queue->list[i].counts(first, last);
        return found;
    }

    // The card is reset: what was on the bus is gone. A write that was not answered yet does not land.
    void cut() {
        reads.count = awaiting.count = resps.count = ndone = nused = 0;
        filling = NONE;
        for (bool& each : used) each = false;
        from.forget(), to.forget();
        tape->cut(rwaits, bwaits);
        rwaits = bwaits = false;
        rvalid = bvalid = reading = answering = ar_stalled = aw_stalled = w_stalled = false;
        dirty = true;
    }

    void sample(Card& c, Findings& f) {
        // The common clock does nothing at all here: keep that path short.
        if (quiet(c) && ar_hold.level == 0) {
            if (f.check && (ar_stalled | aw_stalled | w_stalled)) withdrawn(f);
            return;
        }
        dirty = true;
        sample_ar(c, f);
        sample_aw(c, f);
        sample_w(c, f);
        sample_r(c, f);
        sample_b(c, f);
        arready = !reads.full() && f.now + 1 >= ar_open && !ar_hold.hold();
    }

  private:
    static constexpr u32 NONE = ~u32(0), SLOTS = CommandQueue::CAP;
    CommandQueue reads, awaiting, resps;  // ARs; AWs without their data yet; writes to be answered
    Slot slots[SLOTS];
    u32 filling = NONE;  // the slot taking W beats
    u32 done[SLOTS], ndone = 0;  // full slots whose AW has not come, oldest first
    bool used[SLOTS] = {};
    u32 nused = 0;
    bool dirty = true, arready = true, awready = true, wready = true;
    bool rvalid = false, bvalid = false, reading = false, answering = false;
    bool deaf = false;
    u64 tickets = 0;
    Command rcmd, bcmd, ar_held, aw_held;
    u32 rbeat = 0;
    bool rwaits = false, bwaits = false;  // this beat, this write, for who was asked
    u8 rdata[BYTES] = {};
    Resp rresp = OKAY;
    Pattern ar_hold, aw_hold, w_hold, r_hold, b_hold, r_pick, b_pick;
    u64 shut_first = 1, shut_last = 0;
    u64 ar_open = 0, w_open = 0;  // clocks until which a fault withholds the readies
    bool ar_stalled = false, aw_stalled = false, w_stalled = false, w_last = false;
    u8 w_data[BYTES] = {};
    u64 w_strobe = 0;

    void withdrawn(Findings& f) {
        if (ar_stalled) f.add("axi.hold", 0, "ARVALID fell before ARREADY");
        if (aw_stalled) f.add("axi.hold", 0, "AWVALID fell before AWREADY");
        if (w_stalled) f.add("axi.hold", 0, "WVALID fell before WREADY");
        ar_stalled = aw_stalled = w_stalled = false;
    }

    static Command ar(Card& c) {
        Command n;
        n.addr = c.araddr(), n.id = c.arid(), n.len = c.arlen(), n.size = c.arsize(), n.burst = c.arburst();
        return n;
    }
    static Command aw(Card& c) {
        Command n;
        n.addr = c.awaddr(), n.id = c.awid(), n.len = c.awlen(), n.size = c.awsize(), n.burst = c.awburst();
        return n;
    }

    // Rules of a request (AMBA AXI A3.4.1).
    void check_request(const char* name, const Command& n, Findings& f) {
        u64 bytes = u64(1) << n.size;
        unsigned long long addr = n.addr;
        if (n.burst == 3) f.add("axi.burst", addr, "%s at %#llx has the reserved burst type 3", name, addr);
        if (bytes > BYTES) f.add("axi.size", addr, "%s at %#llx: beats of %u bytes on a bus of %u", name, addr, u32(bytes), BYTES);
        if (n.burst == 0 && n.len > 15) f.add("axi.len", addr, "%s at %#llx: a FIXED burst of %u beats", name, addr, n.len + 1u);
        if (n.burst == 2 && ((n.len != 1 && n.len != 3 && n.len != 7 && n.len != 15) || n.addr & (bytes - 1)))
            f.add("axi.wrap", addr, "%s at %#llx: a WRAP burst of %u beats", name, addr, n.len + 1u);
        u64 last = (n.addr & ~(bytes - 1)) + (n.len + 1u) * bytes - 1;
        if (n.burst == 1 && (last ^ n.addr) >> 12)
            f.add("axi.4k", addr, "%s of %u beats of %u bytes at %#llx crosses a 4 KiB boundary", name, n.len + 1u, u32(bytes), addr);
    }

    void held(const char* name, bool valid, bool& stalled, bool same, bool ready, Findings& f) {
        if (stalled && !valid) f.add("axi.hold", 0, "%sVALID fell before %sREADY", name, name);
        if (stalled && valid && !same) f.add("axi.stable", 0, "%s changed while %sVALID waited for %sREADY", name, name, name);
        stalled = valid && !ready;
    }

    void sample_ar(Card& c, Findings& f) {
        bool valid = c.arvalid();
        if (valid | ar_stalled) {
            Command n = valid ? ar(c) : Command();
            if (f.check) held("AR", valid, ar_stalled, n == ar_held, arready, f);
            ar_held = n;
            if (valid && arready) {
                if (f.check) check_request("AR", n, f);
                n.shut = n.touches(shut_first, shut_last), n.lost = deaf && is_far(n);
                n.ready_at = f.now + read_latency;
                if (injected.on) afflict(n, memory.shared(n.addr) ? Access::FETCH : Access::READ, ar_open, f.now);
                reads.push(n);
            }
        }
    }

    void sample_aw(Card& c, Findings& f) {
        bool valid = c.awvalid();
        if (valid | aw_stalled) {
            Command n = valid ? aw(c) : Command();
            if (f.check) held("AW", valid, aw_stalled, n == aw_held, awready, f);
            aw_held = n;
            if (valid && awready) {
                if (f.check) check_request("AW", n, f);
                n.shut = n.touches(shut_first, shut_last), n.lost = deaf && is_far(n);
                awaiting.push(n);
            }
        }
    }

    void sample_w(Card& c, Findings& f) {
        bool valid = c.wvalid();
        if (f.check && (valid | w_stalled)) {
            bool same = true;
            if (w_stalled) {
                u8 data[BYTES];
                counted(c, data);
                same = !memcmp(data, w_data, BYTES) && c.wstrb() == w_strobe && c.wlast() == w_last;
            }
            held("W", valid, w_stalled, same, wready, f);
            if (w_stalled) counted(c, w_data), w_strobe = c.wstrb(), w_last = c.wlast();
        }
        if (valid && wready) {
            write_beats++;
            if (filling == NONE) filling = allocate();
            Slot& s = slots[filling];
            c.wdata(s.data + s.beats * BYTES);
            s.strobe[s.beats++] = c.wstrb();
            // With its AW known, a burst ends where AWLEN says even if WLAST does not come.
            bool overdue = ndone == 0 && awaiting.count != 0 && s.beats == awaiting.list[0].len + 1u;
            if (c.wlast() || overdue || s.beats == 256) {
                if (f.check && !c.wlast()) f.add("axi.wlast", 0, "no WLAST with beat %u, the last of its burst", s.beats);
                done[ndone++] = filling, filling = NONE;
            }
        }
        while (ndone != 0 && awaiting.count != 0) match(f);
        bool open = f.now + 1 >= w_open;
        awready = awaiting.count + resps.count + 1 < SLOTS && open && !aw_hold.hold();
        wready = (filling != NONE || nused < SLOTS) && open && !w_hold.hold();
    }

    static void counted(Card& c, u8* data) {
        c.wdata(data);
        mask_lanes(data, c.wstrb(), BYTES);
    }

    u32 allocate() {
        u32 i = 0;
        while (used[i]) i++;
        used[i] = true, nused++;
        slots[i].beats = 0;
        return i;
    }

    // A whole burst of data meets its request.
    void match(Findings& f) {
        Command n = awaiting.take(0);
        n.slot = done[0];
        for (u32 i = 1; i < ndone; i++) done[i - 1] = done[i];
        ndone--;
        Slot& s = slots[n.slot];
        if (f.check && s.beats < n.len + 1u)
            f.add("axi.wlast", n.addr, "WLAST with beat %u of a burst of %u beats", s.beats, n.len + 1u);
        if (f.check && s.beats > n.len + 1u)
            f.add("axi.wlast", n.addr, "%u beats of data for a burst of %u", s.beats, n.len + 1u);
        if (f.check) check_strobes(n, s, f);
        n.ready_at = f.now + write_latency;
        if (injected.on) afflict(n, memory.shared(n.addr) ? Access::WRITEBACK : Access::WRITE, w_open, f.now);
        resps.push(n);
    }

    // A burst taken at clock `now` meets the faults; `open` is when its channel's ready may rise again.
    void afflict(Command& n, Access access, u64& open, u64 now) {
        // A write is answered once: an error is that of all its beats.
        BusEffect e = injected.look(access, n.addr, access < Access::WRITE ? n.len + 1u : 1u, now);
        n.ready_at += e.delay, n.late = e.late, n.injected = e.resp, n.bad_beat = e.beat;
        if (e.hold && open < now + 1 + e.hold) open = now + 1 + e.hold;
    }

    void check_strobes(const Command& n, const Slot& s, Findings& f) {
        u64 size = u64(1) << n.size;
        for (u32 i = 0; i < s.beats; i++) {
            u64 a = n.beat(i), low = a & (BYTES - 1), high = (a & ~(size - 1) & (BYTES - 1)) + size;  // lanes low..high-1
            u64 lanes = (high >= 64 ? ~u64(0) : (u64(1) << high) - 1) & ~((u64(1) << low) - 1);
            if (s.strobe[i] & ~lanes) {
                f.add("axi.strobe", a, "WSTRB %#llx at %#llx has lanes outside %#llx", (unsigned long long)s.strobe[i],
                      (unsigned long long)a, (unsigned long long)lanes);
                return;
            }
        }
    }

    void sample_r(Card& c, Findings& f) {
        if (rvalid && c.rready()) {
            rvalid = false, read_beats++;
            if (rbeat++ == rcmd.len) reading = false;
        }
        if (rvalid) return;
        if (!reading) {
            u32 i = reads.pick(f.now + 1, r_pick);
            if (i == CommandQueue::CAP) return;
            rcmd = reads.take(i), rbeat = 0, reading = true;
            from.forget();
        }
        if (r_hold.hold()) return;
        u64 a = rcmd.beat(rbeat), low = a & (BYTES - 1);
        // what few runs have stands apart: a beat pays for one look at each
        bool odd = tape->replays | memory.has_far | rcmd.shut | rcmd.lost;
        if (odd && read_waits(a, f)) return;
        rvalid = true, from.ticket = 0;
        memset(rdata, Memory::POISON, low);
        rresp = odd ? oddly(a, low) : memory.read(a, rdata + low, BYTES - low);
        if (tape->on) tape->beat(f.now, rbeat == 0 || rwaits, a, rdata + low, BYTES - low, rresp);
        rwaits = false;
        if (rresp != OKAY && !rcmd.lost) {
            stray("dma.read", "reads", a, a - low + BYTES, rresp, f);
        } else if (rcmd.injected != OKAY && rbeat >= rcmd.bad_beat) {
            memset(rdata, Memory::POISON, BYTES);
            rresp = rcmd.injected;
        }
    }

    void sample_b(Card& c, Findings& f) {
        if (bvalid && c.bready()) {
            bvalid = false;
            used[bcmd.slot] = false, nused--;
        }
        if (bvalid) return;
        if (!answering) {
            u32 i = resps.pick(f.now + 1, b_pick);
            if (i == CommandQueue::CAP || b_hold.hold()) return;
            bcmd = resps.take(i);
            answering = true;
            to.forget();
        }
        if ((tape->replays | memory.has_far) && write_waits(f)) return;
        answering = bwaits = false, bvalid = true, to.ticket = 0;
        commit(f);
    }

    // Whether the beat at `a` has to wait for who was asked.
    __attribute__((noinline, cold)) bool read_waits(u64 a, Findings& f) {
        bool far = !tape->replays && !rcmd.shut && !rcmd.lost && memory.far(a);
        if (!(tape->replays ? tape->read_waits(f.now) : far && !from.has(a, counting(a)))) return false;
        if (far && !from.ticket) ask_from(a);
        if (tape->on && !rwaits) tape->waits(f.now, false);
        return rwaits = true;
    }
    // The bytes of a beat, which nobody has to wait for, that are not simply this memory's.
    __attribute__((noinline, cold)) Resp oddly(u64 a, u64 low) {
        return tape->replays   ? tape->fetch(a, rdata + low, BYTES - low)
               : rcmd.shut     ? memory.nothing(rdata + low, BYTES - low)
               : rcmd.lost     ? (memory.nothing(rdata + low, BYTES - low), SLVERR)
               : memory.far(a) ? from.read(a, rdata + low, counting(a), BYTES - low)
                               : memory.read(a, rdata + low, BYTES - low);
    }
    // How many bytes of the beat at `a` the card may use: of a narrow beat not all to the bus's end.
    u32 counting(u64 a) const {
        u64 size = u64(1) << rcmd.size;
        u64 all = BYTES - (a & (BYTES - 1)), narrow = size - (a & (size - 1));
        return narrow < all ? narrow : all;
    }
    // From this beat to the burst's end, as far as that is the same memory.
    void ask_from(u64 a) {
        const Region* r = memory.far(a);
        u64 bytes = u64(1) << rcmd.size, end = rcmd.beat(rcmd.len);
        end = end < a ? a : end;  // of one that wraps the rest is asked for then
        u64 count = (end & ~(bytes - 1)) + bytes - a, there = r->iova + r->length - a;
        from.forget(), from.want(a, count < there ? count : there), from.ask(++tickets);
    }
    // Whether the burst that is to be answered has bytes for far memory that nobody has taken yet.
    __attribute__((noinline, cold)) bool write_waits(Findings& f) {
        if (!(tape->replays ? tape->write_waits(f.now) : waits_for_write())) return false;
        if (tape->on && !bwaits) tape->waits(f.now, true);
        return bwaits = true;
    }
    bool waits_for_write() {
        if (bcmd.shut || bcmd.lost || bcmd.injected != OKAY || to.known) return false;
        if (!to.ticket) ask_to();
        return to.ticket;
    }
    void ask_to() {
        Slot& s = slots[bcmd.slot];
        for (u32 i = 0; i < s.beats; i++) {
            u64 a = bcmd.beat(i) & ~u64(BYTES - 1);
            for (u32 lane = 0; lane < BYTES && memory.far(a); lane++) {
                if (!(s.strobe[i] >> lane & 1)) continue;
                to.want(a + lane, 1), to.data.push_back(s.data[i * BYTES + lane]);
            }
        }
        if (!to.spans.empty()) to.ask(++tickets);
    }
    bool is_far(const Command& c) { return memory.far(c.addr) || memory.far(c.beat(c.len)); }
    template <class Which>
    void give_up(Which which) {
        if (!memory.has_far) return;
        auto cut = [&](Command& c) { return which(c) && is_far(c) && (c.lost = true); };
        for (CommandQueue* queue : {&reads, &awaiting, &resps})
            for (u32 i = 0; i < queue->count; i++) cut(queue->list[i]);
        if (reading && cut(rcmd)) from.forget();
        if (answering && cut(bcmd)) to.forget();
    }

    void commit(Findings& f) {
        Slot& s = slots[bcmd.slot];
        bcmd.resp = bcmd.lost ? SLVERR : bcmd.injected;
        u32 beats = bcmd.resp == OKAY && !tape->replays ? s.beats : 0;
        for (u32 i = 0; i < beats; i++) {
            u64 a = bcmd.beat(i) & ~u64(BYTES - 1);
            Resp r = bcmd.shut ? DECERR
                     : memory.far(a) ? to.resp
                                     : memory.write(a, s.data + i * BYTES, s.strobe[i], BYTES);
            if (r == OKAY || !s.strobe[i]) continue;
            u64 strobe = s.strobe[i];
            stray("dma.write", "writes", a + __builtin_ctzll(strobe), a + 64 - __builtin_clzll(strobe), r, f);
            bcmd.resp = r;
        }
        if (tape->replays) bcmd.resp = tape->stored();
        if (tape->on)
            tape->written(f.now, s.beats, BYTES, s.data, s.strobe, bcmd.resp,
                          [this](u32 i) { return bcmd.beat(i) & ~u64(BYTES - 1); });
    }

    void stray(const char* rule, const char* verb, u64 addr, u64 end, Resp r, Findings& f) {
        if (tape->replays) return;  // it was found when it was recorded, with what was memory then
        faults++;
        fault |= strict;
        f.stray(rule, verb, addr, end, r == DECERR ? "DECERR" : "SLVERR");
    }
};

}  // namespace rb
