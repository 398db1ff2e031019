// Faults of the memory behind a DMA master: latency, jitter, ready withheld, answers that are overtaken, error answers.
//
// Each burst has a number among those of its access (reads and writes of memory that both sides share, which is a ring;
// of everything else, which is data), counted from when the faults were set. What befalls it is drawn from that number,
// or stands in a list. The twin is sim/faults/bus.py, draw for draw; what happened is kept for Python to fetch.
#pragma once
#include "common.hpp"

namespace rb {

enum class BusKind : u32 { LATENCY, JITTER, BACKPRESSURE, REORDER, SLVERR, DECERR };
enum class Access : u32 { FETCH, READ, WRITE, WRITEBACK };
constexpr u32 ACCESSES = 4;

// By chance: `threshold` / 2^32 of the bursts of `accesses` (a bit each) between `low` and `high`.
struct BusRule {
    u64 key, threshold, low, high;
    u32 kind, accesses, clocks, spare;
};
// Burst number `ordinal` of `access`, if between `low` and `high`; sorted by access and ordinal.
struct BusFixed {
    u64 ordinal, low, high;
    u32 kind, access, clocks, beat;
};
struct BusEvent {
    u64 clock, ordinal, address;
    u32 kind, access, clocks, beat;
};

// What befalls one burst. `late`: others may overtake its answer; from beat `beat` on it is answered `resp`.
struct BusEffect {
    u32 delay = 0, hold = 0, beat = 0;
    bool late = false;
    Resp resp = OKAY;
};

inline u64 mix(u64 z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

struct BusFaults {
    std::vector<BusEvent> log;
    bool on = false;

    void set(const BusRule* r, u32 nrules, const BusFixed* f, u32 nfixed) {
        rules.assign(r, r + nrules), fixed.assign(f, f + nfixed);
        on = nrules != 0 || nfixed != 0;
        size_t at = 0;
        for (u32 a = 0; a < ACCESSES; a++) {
            ordinals[a] = 0, next[a] = at;
            while (at < fixed.size() && fixed[at].access == a) at++;
            end[a] = at;
        }
    }

    BusEffect look(Access access, u64 address, u32 beats, u64 now) {
        u32 a = u32(access);
        u64 ordinal = ordinals[a]++;
        BusEffect effect;
        for (const BusRule& r : rules) {
            if (!(r.accesses >> a & 1) || address < r.low || address > r.high) continue;
            u64 h = mix(r.key + (ordinal * ACCESSES + a + 1) * 0x9E3779B97F4A7C15ull);
            if (h >> 32 >= r.threshold) continue;
            u32 more = u32(mix(h));
            u32 clocks = BusKind(r.kind) == BusKind::JITTER ? more % r.clocks + 1 : r.clocks;
            apply(effect, {now, ordinal, address, r.kind, a, clocks, more % beats});
        }
        for (; next[a] != end[a] && fixed[next[a]].ordinal <= ordinal; next[a]++) {
            const BusFixed& f = fixed[next[a]];
            if (f.ordinal == ordinal && f.low <= address && address <= f.high)
                apply(effect, {now, ordinal, address, f.kind, a, f.clocks, f.beat % beats});
        }
        return effect;
    }

  private:
    std::vector<BusRule> rules;
    std::vector<BusFixed> fixed;
    u64 ordinals[ACCESSES] = {};
    size_t next[ACCESSES] = {}, end[ACCESSES] = {};

    // Delays add up; of two errors the first counts.
    void apply(BusEffect& effect, BusEvent event) {
        switch (BusKind(event.kind)) {
        case BusKind::LATENCY:
        case BusKind::JITTER: effect.delay += event.clocks, event.beat = 0; break;
        case BusKind::REORDER: effect.delay += event.clocks, effect.late = true, event.beat = 0; break;
        case BusKind::BACKPRESSURE: effect.hold += event.clocks, event.beat = 0; break;
        case BusKind::SLVERR:
        case BusKind::DECERR:
            if (effect.resp != OKAY) return;
            effect.resp = BusKind(event.kind) == BusKind::SLVERR ? SLVERR : DECERR;
            effect.beat = event.beat, event.clocks = 0;
            break;
        }
        log.push_back(event);
    }
};

}  // namespace rb
