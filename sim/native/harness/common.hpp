// What every part of the harness shares: findings, seeded patterns, pacing, memory regions.
// No statics, no callbacks, no allocation per clock.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace rb {

using u8 = uint8_t;
using u32 = uint32_t;
using u64 = uint64_t;

constexpr u64 NEVER = ~u64(0);
enum Event : u32 { TIME = 1, IRQ = 2, WIRE = 4, FINDING = 8, IDLE = 16, FAULT = 32, ANSWER = 64, ENDED = 128 };
enum Resp : u8 { OKAY = 0, SLVERR = 2, DECERR = 3 };

// Bytes that do not count are nobody's business, and no change of a beat (Arm IHI 0051 2.4, IHI 0022 A3.4.3).
inline void mask_lanes(u8* data, u64 lanes, u32 bytes) {
    for (u32 i = 0; i < bytes; i++)
        if (!(lanes >> i & 1)) data[i] = 0;
}

// A finding as handed to Python, seen `count` times, the last at clock `last`. For the rules of memory (`dma.*`) the
// bytes from `address` to before `end` are worded there.
struct Finding {
    u64 clock;
    u64 address;
    u64 last, count, end;
    char rule[24];
    char text[232];
};

struct Findings {
    static constexpr u32 CAP = 256;
    Finding list[CAP];
    u32 count = 0;
    u64 lost = 0;
    bool check = true;
    u64 now = 0;

    template <class... Args>
    __attribute__((noinline, cold)) void add(const char* rule, u64 address, const char* format, Args... args) {
        Finding f;
        f.clock = f.last = now;
        f.address = f.end = address;
        f.count = 1;
        snprintf(f.rule, sizeof f.rule, "%s", rule);
        snprintf(f.text, sizeof f.text, format, args...);
        for (u32 i = 0; i < count; i++)
            if (!strcmp(list[i].rule, f.rule) && !strcmp(list[i].text, f.text)) return again(list[i], list[i].end);
        if (count == CAP) {
            lost++;
        } else {
            list[count++] = f;
        }
    }
    // An access of the bytes from `address` to before `end`: a beat that goes on where one before it ended is that one
    // again, so that a whole burst is one finding.
    template <class... Args>
    __attribute__((noinline, cold)) void stray(const char* rule, u64 address, u64 end, const char* format, Args... args) {
        for (u32 i = count; i-- > 0;)
            if (list[i].end == address && !strcmp(list[i].rule, rule)) return again(list[i], end);
        u32 before = count;
        add(rule, address, format, args...);
        if (count > before) list[before].end = end;
    }
    void again(Finding& f, u64 end) { f.last = now, f.count++, f.end = end; }
};

// One xorshift32 per channel: `hold()` is true with probability `level` / 65536. Level 0 draws nothing.
struct Pattern {
    u32 state = 1;
    u32 level = 0;

    void seed(u32 seed, u32 channel, u32 probability) {
        state = (seed * 2654435761u) ^ (channel * 40503u + 0x9e3779b9u);
        if (state == 0) state = 1;
        level = probability;
    }
    u32 draw() {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        return state;
    }
    bool hold() { return level != 0 && (draw() >> 16) < level; }
};

// A point in time on a link, `clock + frac / den` clocks: `add` never rounds.
struct LinkTime {
    u64 clock = 0, frac = 0;

    void add(u64 bytes, u64 num, u64 den) {
        frac += bytes * num;
        clock += frac / den;
        frac %= den;
    }
    void at_least(u64 c) {
        if (clock < c) clock = c, frac = 0;
    }
    u64 ceil() const { return clock + (frac != 0); }
};

// Memory by region; `shadow` holds one byte of permissions per byte, or is null: all allowed.
struct Region {
    u64 iova, length;
    u8* data;
    u8* shadow;
};

struct Memory {
    static constexpr u8 READ = 1, WRITE = 2, FAULTY = 4, POISON = 0xDB;
    std::vector<Region> regions;  // by address; they may be pages by the thousand
    size_t last = 0;

    const Region* find(u64 iova, u32 length) {
        if (regions.empty()) return nullptr;
        if (iova - regions[last].iova >= regions[last].length) {
            auto above = [](u64 a, const Region& r) { return a < r.iova; };
            size_t next = std::upper_bound(regions.begin(), regions.end(), iova, above) - regions.begin();
            if (next == 0) return nullptr;
            last = next - 1;
        }
        const Region& r = regions[last];
        u64 at = iova - r.iova;
        return at < r.length && length <= r.length - at ? &r : nullptr;
    }

    // Whether the byte at `iova` is memory that both sides read and write: a ring.
    bool shared(u64 iova) {
        const Region* r = find(iova, 1);
        return r && r->shadow && (r->shadow[iova - r->iova] & (READ | WRITE)) == (READ | WRITE);
    }

    // One beat; unreadable bytes come back as POISON, and a beat wholly unreadable is DECERR.
    Resp read(u64 iova, u8* out, u32 length) {
        const Region* r = find(iova, length);
        if (!r) {
            memset(out, POISON, length);
            return DECERR;
        }
        u64 at = iova - r->iova;
        memcpy(out, r->data + at, length);
        if (!r->shadow) return OKAY;
        u8 all = READ, any = 0;
        for (u32 i = 0; i < length; i++) all &= r->shadow[at + i], any |= r->shadow[at + i];
        if (any & FAULTY) {
            memset(out, POISON, length);
            return SLVERR;
        }
        if (all) return OKAY;
        for (u32 i = 0; i < length; i++)
            if (!(r->shadow[at + i] & READ)) out[i] = POISON;
        return any & READ ? OKAY : DECERR;
    }

    // One beat under its strobes; nothing is written unless all strobed bytes may be.
    Resp write(u64 iova, const u8* in, u64 strobe, u32 length) {
        if (!strobe) return OKAY;
        const Region* r = find(iova, length);
        if (!r) return DECERR;
        u64 at = iova - r->iova;
        u64 full = length == 64 ? ~u64(0) : (u64(1) << length) - 1;
        if (r->shadow) {
            u8 all = WRITE, any = 0;
            for (u32 i = 0; i < length; i++)
                if (strobe >> i & 1) all &= r->shadow[at + i], any |= r->shadow[at + i];
            if (any & FAULTY) return SLVERR;
            if (!all) return DECERR;
        }
        if (strobe == full) {
            memcpy(r->data + at, in, length);
        } else {
            for (u32 i = 0; i < length; i++)
                if (strobe >> i & 1) r->data[at + i] = in[i];
        }
        return OKAY;
    }
};

}  // namespace rb
