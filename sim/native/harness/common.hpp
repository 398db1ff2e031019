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
enum Event : u32 { TIME = 1, IRQ = 2, WIRE = 4, FINDING = 8, IDLE = 16, FAULT = 32, ANSWER = 64, ENDED = 128, ASKED = 256 };
enum Resp : u8 { OKAY = 0, SLVERR = 2, DECERR = 3 };

// Bytes that do not count are nobody's business, and no change of a beat (Arm IHI 0051 2.4, IHI 0022 A3.4.3).
inline void mask_lanes(u8* data, u64 lanes, u32 bytes) {
    for (u32 i = 0; i < bytes; i++)
        if (!(lanes >> i & 1)) data[i] = 0;
}

// A finding as handed to Python, seen `count` times, the last at clock `last`. For the rules of memory (`dma.*`) the
// bytes from `address` to before `end` are worded there; `end` is 0 for every other rule.
struct Finding {
    u64 clock;
    u64 address;
    u64 last, count, end;
    char rule[24];
    char text[232];
};

struct Findings {
    static constexpr u32 CAP = 256;  // between two looks
    static constexpr u32 OPEN = 64;
    Finding list[CAP];
    u32 count = 0;
    u64 lost = 0;
    bool check = true;
    u64 now = 0;

    template <class... Args>
    __attribute__((noinline, cold)) void add(const char* rule, u64 address, const char* format, Args... args) {
        keep(rule, address, 0, format, args...);
    }
    // A beat outside memory, of the bytes from `address` to before `end`, as part of the access that it goes on. The
    // rule is that of sim/memory/strays.py, where the words for the place are found too.
    __attribute__((noinline, cold)) void stray(
        const char* rule, const char* verb, u64 address, u64 end, const char* answer
    ) {
        u64 start = began({rule, answer, address}, end);
        keep(rule, start, end, "the device %s %#llx and is answered %s", verb, (unsigned long long)start, answer);
    }

  private:
    // An access that may go on; rule and answer are literals.
    struct Going {
        const char *rule, *answer;
        u64 end, start = 0;
        bool same(const Going& g) const { return end == g.end && !strcmp(rule, g.rule) && !strcmp(answer, g.answer); }
    };
    std::vector<Going> going;  // the one that went on last at the back

    u64 began(Going beat, u64 end) {
        u64 start = beat.end;
        auto forget = [this](const Going& g) {
            for (size_t i = 0; i < going.size(); i++)
                if (going[i].same(g)) return going.erase(going.begin() + i), true;
            return false;
        };
        for (const Going& g : going)
            if (g.same(beat)) start = g.start;
        forget(beat);
        beat.end = end, beat.start = start;
        forget(beat);
        going.push_back(beat);
        if (going.size() > OPEN) going.erase(going.begin());
        return start;
    }

    template <class... Args>
    void keep(const char* rule, u64 address, u64 end, const char* format, Args... args) {
        Finding f;
        f.clock = f.last = now;
        f.address = address, f.end = end;
        f.count = 1;
        snprintf(f.rule, sizeof f.rule, "%s", rule);
        snprintf(f.text, sizeof f.text, format, args...);
        for (u32 i = 0; i < count; i++)
            if (!strcmp(list[i].rule, f.rule) && !strcmp(list[i].text, f.text)) {
                list[i].last = now, list[i].count++;
                if (list[i].end < end) list[i].end = end;
                return;
            }
        if (count == CAP) lost++;
        else list[count++] = f;
    }
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

// Memory by region; `shadow` holds one byte of permissions per byte, or is null: all allowed. Without `data` it is far:
// its bytes are asked for (asked.hpp).
struct Region {
    u64 iova, length;
    u8* data;
    u8* shadow;
};

struct Memory {
    static constexpr u8 READ = 1, WRITE = 2, FAULTY = 4, POISON = 0xDB;
    std::vector<Region> regions;  // by address; they may be pages by the thousand
    size_t last = 0;
    bool has_far = false;

    void set(const Region* list, u32 n) {
        regions.assign(list, list + n), last = 0, has_far = false;
        for (const Region& r : regions) has_far |= !r.data;
    }
    // The far region that holds this byte. Where there is none, which is nearly always, a beat pays for one look.
    const Region* far(u64 iova) { return has_far ? find_far(iova) : nullptr; }
    __attribute__((noinline, cold)) const Region* find_far(u64 iova) {
        const Region* r = find(iova, 1);
        return r && !r->data ? r : nullptr;
    }

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

    // What is read where there is no memory.
    Resp nothing(u8* out, u32 length) {
        memset(out, POISON, length);
        return DECERR;
    }

    // One beat; unreadable bytes come back as POISON, and a beat wholly unreadable is DECERR.
    Resp read(u64 iova, u8* out, u32 length) {
        const Region* r = find(iova, length);
        if (!r || !r->data) return nothing(out, length);
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
        if (!r || !r->data) return DECERR;
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
