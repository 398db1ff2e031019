// Clocks beside the main one: their edges at exact times, in ticks of which a main period has Card::PERIOD.
//
// Edges at one time, the main clock's too, are one evaluation, so that flip-flops on both sides see each other's old
// values. A card of one clock has none of this: every function here is empty then.
#pragma once
#include "common.hpp"

namespace rb {

struct ClockSpec {
    u64 first, half;  // ticks to the first edge, which rises; ticks from edge to edge
};

template <class Card>
struct Clocks {
    static constexpr u32 COUNT = Card::CLOCKS;
    u64 due[COUNT ? COUNT : 1];
    bool level[COUNT ? COUNT : 1] = {};

    Clocks() {
        for (u32 i = 0; i < COUNT; i++) due[i] = Card::CLOCK_EDGES[i].first;
    }
    // The edges at `time` onto their ports, to be evaluated by the caller.
    void at(Card& c, u64 time) {
        for (u32 i = 0; i < COUNT; i++)
            if (due[i] == time) c.set_clock(i, level[i] = !level[i]), due[i] += Card::CLOCK_EDGES[i].half;
    }
    // The edges before `end`, each evaluated at its time.
    template <class Eval>
    void before(Card& c, u64 end, Eval eval) {
        if constexpr (COUNT != 0)
            for (;;) {
                u64 next = due[0];
                for (u32 i = 1; i < COUNT; i++) next = due[i] < next ? due[i] : next;
                if (next >= end) return;
                at(c, next);
                eval(next);
            }
    }
};

}  // namespace rb
