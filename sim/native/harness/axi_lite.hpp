// The AXI4-Lite master before a card's registers: a queue of posted writes and reads, one on the bus at a time, in order.
#pragma once
#include "common.hpp"

namespace rb {

template <class Card>
struct AxiLite {
    bool answered = false;  // the last read is done: `answer` holds its data
    u32 answer = 0;

    void seed(u32 seed, u32 level) {
        aw_hold.seed(seed, 8, level), w_hold.seed(seed, 9, level), ar_hold.seed(seed, 10, level);
        b_hold.seed(seed, 11, level), r_hold.seed(seed, 12, level);
    }
    void write(u32 offset, u32 value) { queue.push_back({offset, value, true}); }
    void read(u32 offset) {
        answered = false;
        queue.push_back({offset, 0, false});
    }
    // The access on the bus: its offset, whether it was taken, whether it is a write; `seen` of sim/seam/words.py.
    u64 under_way() const {
        bool taken = !(aw | w | ar | aw_wait | w_wait | ar_wait);
        return u64(op.offset) << 2 | u64(taken) << 1 | u64(op.write);
    }
    bool quiet() const { return state == REST && head == queue.size(); }
    // The card is reset: what was on the bus or waited for it is gone.
    void cut() {
        state = REST, queue.clear(), head = 0;
        aw = w = ar = aw_wait = w_wait = ar_wait = b_stalled = r_stalled = answered = false;
        dirty = true;
    }

    void drive(Card& c) {
        if (state == REST && head != queue.size()) start();
        if (!dirty) return;
        dirty = false;
        c.s_awvalid(aw), c.s_wvalid(w), c.s_arvalid(ar), c.s_bready(bready), c.s_rready(rready);
        if (aw | w) c.s_awaddr(op.offset), c.s_wdata(op.value), c.s_wstrb(15);
        if (ar) c.s_araddr(op.offset);
    }

    void sample(Card& c, Findings& f) {
        bool bvalid = c.s_bvalid(), rvalid = c.s_rvalid();
        if (state == REST && !(bvalid | rvalid | b_stalled | r_stalled) && b_hold.level == 0) return;
        dirty = true;
        if (f.check) check(c, f, bvalid, rvalid);
        if (aw && c.s_awready()) aw = false;
        else if (aw_wait && !aw_hold.hold()) aw_wait = false, aw = true;
        if (w && c.s_wready()) w = false;
        else if (w_wait && !w_hold.hold()) w_wait = false, w = true;
        if (ar && c.s_arready()) ar = false;
        else if (ar_wait && !ar_hold.hold()) ar_wait = false, ar = true;
        if (state == WRITING && bvalid && bready) finish(c.s_bresp(), "write", f);
        if (state == READING && rvalid && rready) {
            answer = c.s_rdata(), answered = true;
            finish(c.s_rresp(), "read", f);
        }
        bready = !b_hold.hold(), rready = !r_hold.hold();
    }

  private:
    struct Op {
        u32 offset, value;
        bool write;
    };
    enum State { REST, WRITING, READING } state = REST;
    std::vector<Op> queue;
    size_t head = 0;
    Op op{};
    bool aw = false, w = false, ar = false, aw_wait = false, w_wait = false, ar_wait = false;
    bool bready = true, rready = true, dirty = true;
    bool b_stalled = false, r_stalled = false;
    u32 b_resp = 0, r_resp = 0, r_data = 0;
    Pattern aw_hold, w_hold, ar_hold, b_hold, r_hold;

    void start() {
        op = queue[head++];
        if (head == queue.size()) queue.clear(), head = 0;
        dirty = true;
        state = op.write ? WRITING : READING;
        aw = op.write && !(aw_wait = aw_hold.hold());
        w = op.write && !(w_wait = w_hold.hold());
        ar = !op.write && !(ar_wait = ar_hold.hold());
        aw_wait &= op.write, w_wait &= op.write, ar_wait &= !op.write;
    }

    void finish(u32 resp, const char* what, Findings& f) {
        state = REST;
        if (resp != OKAY) f.add("register.error", op.offset, "a register %s at %#x is answered %u", what, op.offset, resp);
    }

    // Responses: none unasked for, held and stable until taken (AMBA AXI A3.2, A3.3.1).
    void check(Card& c, Findings& f, bool bvalid, bool rvalid) {
        if (bvalid && (state != WRITING || aw || w || aw_wait || w_wait))
            f.add("axil.unasked", 0, "BVALID before its write was taken");
        if (rvalid && (state != READING || ar || ar_wait)) f.add("axil.unasked", 0, "RVALID before its read was taken");
        if (b_stalled && !bvalid) f.add("axil.hold", 0, "BVALID fell before BREADY");
        if (r_stalled && !rvalid) f.add("axil.hold", 0, "RVALID fell before RREADY");
        if (b_stalled && bvalid && c.s_bresp() != b_resp)
            f.add("axil.stable", 0, "BRESP changed while BVALID waited for BREADY");
        if (r_stalled && rvalid && (c.s_rdata() != r_data || c.s_rresp() != r_resp))
            f.add("axil.stable", 0, "RDATA or RRESP changed while RVALID waited for RREADY");
        b_stalled = bvalid && !bready, r_stalled = rvalid && !rready;
        b_resp = c.s_bresp(), r_resp = c.s_rresp(), r_data = c.s_rdata();
    }
};

}  // namespace rb
