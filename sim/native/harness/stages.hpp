// Which frame passed which stage, and when; the twin of sim/seam/stages.py, which says what stages are.
// Off, it costs one test a clock. It must be on from the first frame, since frames are told apart by counting.
#pragma once
#include <algorithm>
#include <deque>
#include "common.hpp"

namespace rb {

// `before`: index of the stage it comes after, -1 for the first of a group.
struct StageSpec {
    const char* group;
    const char* name;
    int before;
    u32 width;
    bool ends, clears;
};

struct StageRecord {
    u64 clock, frame, stage;
};

template <class Card>
struct StageLog {
    static constexpr u32 COUNT = sizeof(Card::STAGES) / sizeof(StageSpec);
    bool on = false;
    u64 begin = 0, end = 0, keep = 0;  // clocks that are logged; the last `keep` records at least, 0: all
    std::vector<StageRecord> log;
    u64 passed[COUNT] = {};  // the last frame at each stage
    u64 followed[Card::GROUPS] = {};  // one frame of each group, 0 for none
    int where[Card::GROUPS];          // the stage it passed last, -1 before the first

    void follow(u32 group, u64 frame) { followed[group] = frame, where[group] = -1; }

    StageLog() {
        for (int& stage : where) stage = -1;
        for (u32 at = 0; at < COUNT; at++)
            if (before(at) >= 0) waits[before(at)] = true;
    }

    void sample(Card& c, u64 now) {
        wire(c, now);
        u64 value = c.stages();
        for (u32 at = Card::WIRE_STAGES; value; at++) {
            u32 width = Card::STAGES[at].width, count = value & ((u64(1) << width) - 1);
            value >>= width;
            if (count) pulse(at, count, now);
        }
    }

  private:
    std::deque<u64> queues[COUNT];
    bool waits[COUNT] = {};  // somebody takes frames from here
    u64 begun[COUNT] = {};
    bool in_frame = false, out_frame = false;

    static int before(u32 at) { return Card::STAGES[at].before; }

    void wire(Card& c, u64 now) {
        if (c.rx_moves()) {
            if (!in_frame) pulse(0, 1, now);
            if (!(in_frame = !c.rx_ends())) pulse(1, 1, now);
        }
        if (c.tx_moves()) {
            if (!out_frame) pulse(2, 1, now);
            if (!(out_frame = !c.tx_ends())) pulse(3, 1, now);
        }
    }

    void pulse(u32 at, u32 count, u64 now) {
        if (Card::STAGES[at].clears) return clear(at, before(at), now);
        while (count--) {
            u64 frame = 0;
            if (before(at) < 0) {
                frame = ++begun[at];
            } else if (auto& from = queues[before(at)]; !from.empty()) {
                frame = from.front();
                from.pop_front();
            }
            tell(at, frame, now);
            if (waits[at] && !Card::STAGES[at].ends) queues[at].push_back(frame);
        }
    }

    void clear(u32 at, u32 start, u64 now) {
        std::vector<u64> gone;
        collect(start, gone);
        std::sort(gone.begin(), gone.end());
        for (u64 frame : gone) tell(at, frame, now);
    }
    void collect(u32 start, std::vector<u64>& gone) {
        gone.insert(gone.end(), queues[start].begin(), queues[start].end());
        queues[start].clear();
        for (u32 at = start + 1; at < COUNT; at++)
            if (before(at) == int(start) && !Card::STAGES[at].clears) collect(at, gone);
    }

    void tell(u32 at, u64 frame, u64 now) {
        passed[at] = frame;
        u32 group = Card::STAGE_GROUP[at];
        if (frame && frame == followed[group]) where[group] = at;
        if (now < begin || now >= end) return;
        if (keep && log.size() >= 2 * keep) log.erase(log.begin(), log.end() - keep);
        log.push_back({now, frame, at});
    }
};

}  // namespace rb
