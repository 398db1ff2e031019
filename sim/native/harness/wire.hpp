// The two directions of the wire: frames in from a queue, back to back or at a link's pace; frames out, collected.
#pragma once
#include "common.hpp"
#include "tape.hpp"

namespace rb {

constexpr u64 PREAMBLE = 8, GAP = 12;  // bytes
constexpr u32 FCS = 4, SHORTEST = 60;   // of a frame: its FCS; what it is padded to before that

// Into the card. A frame begins at its clock or later, keeps the queue's order, and is stopped only by a card's ready.
// What does not count is garbage, never zeros: the lanes beyond a frame's end, and all but TVALID when no beat is there.
template <class Card>
struct WireIn {
    static constexpr u32 BYTES = Card::RX_BYTES;
    u64 num = 0, den = 0;  // clocks per byte, num / den; den 0: unpaced
    Pattern garbage;       // a word a frame

    void push(const u8* bytes, u32 length, u64 at, bool error) {
        if (head == frames.size()) {
            frames.clear(), data.clear();
            head = 0;
        } else if (head > 4096 && head > frames.size() / 2) {
            compact();
        }
        frames.push_back({at, data.size(), length, error});
        data.insert(data.end(), bytes, bytes + length);
    }
    u64 waiting() const { return frames.size() - head; }
    // When the next beat is due; NEVER without frames.
    u64 due() const {
        if (active) return beat_due;
        if (head == frames.size()) return NEVER;
        u64 at = frames[head].at;
        return den && at < free.ceil() ? free.ceil() : at;
    }

    void drive(Card& c, u64 now) {
        if (!active && head != frames.size()) begin(now);
        bool show = active && beat_due <= now;
        if (show) {
            const Frame& fr = frames[head];
            u32 n = fr.length - offset < BYTES ? fr.length - offset : BYTES;
            bool last = offset + n == fr.length;
            u8 beat[BYTES];
            memcpy(beat, data.data() + fr.start + offset, n);
            if (n != BYTES) fill(beat, n);
            c.rx_tdata(beat), c.rx_tkeep(lanes(n)), c.rx_tlast(last), c.rx_tuser(last && fr.error);
        } else if (valid) {
            u8 beat[BYTES];
            fill(beat, 0);
            c.rx_tdata(beat), c.rx_tkeep(lanes(BYTES)), c.rx_tlast(true), c.rx_tuser(false);
        }
        if (show != valid) c.rx_tvalid(valid = show);
    }

    void sample(const Card& c, u64 now) {
        if (!valid || !c.rx_taken()) return;
        const Frame& fr = frames[head];
        offset += BYTES;
        if (offset >= fr.length) {
            active = false, head++;
            if (den) free = pos, free.add(GAP, num, den);
        } else {
            next_beat(now);
        }
    }
    bool busy() const { return valid; }
    // The card is reset: a frame of which it saw some is lost to it, those that wait still do.
    void cut(Card& c) {
        if (active && (valid || offset != 0)) {
            head++;
            if (den) free = pos, free.add(GAP, num, den);
        }
        active = false;
        if (valid) c.rx_tvalid(valid = false);
    }

  private:
    struct Frame {
        u64 at;
        size_t start;
        u32 length;
        bool error;
    };
    std::vector<Frame> frames;
    std::vector<u8> data;
    size_t head = 0;
    bool active = false, valid = false;
    u32 offset = 0, word = 0;  // of garbage
    u64 beat_due = 0;
    LinkTime pos, free;  // of the beat on the wire; of the wire after the last frame

    static u64 lanes(u32 n) { return n == 64 ? ~u64(0) : (u64(1) << n) - 1; }
    void fill(u8* beat, u32 from) {
        for (u32 i = from; i < BYTES; i++) beat[i] = u8(word >> 8 * (i & 3));
    }
    void begin(u64 now) {
        const Frame& fr = frames[head];
        if (!den) {
            active = fr.at <= now, offset = 0, beat_due = now;
            if (active) word = garbage.draw();
            return;
        }
        active = true, offset = 0, word = garbage.draw();
        pos = free;
        pos.at_least(fr.at > now ? fr.at : now);
        pos.add(PREAMBLE, num, den);
        next_beat(now);
    }
    // A beat is there when its last byte has arrived; the last one, when the FCS has.
    void next_beat(u64 now) {
        beat_due = now;
        if (!den) return;
        u32 left = frames[head].length - offset;
        pos.add(left > BYTES ? BYTES : left + (Card::RX_FCS ? 0 : FCS), num, den);
        beat_due = pos.ceil();
    }
    void compact() {
        size_t start = frames[head].start;
        data.erase(data.begin(), data.begin() + start);
        frames.erase(frames.begin(), frames.begin() + head);
        for (Frame& fr : frames) fr.start -= start;
        head = 0;
    }
};

// Out of the card. Ready always, or at a link's pace, or by a seeded pattern; always for a card that cannot wait.
template <class Card>
struct WireOut {
    static constexpr u32 BYTES = Card::TX_BYTES, LONGEST = 1 << 16;
    struct Frame {
        u64 clock;
        u64 length;
    };
    std::vector<Frame> frames;
    std::vector<u8> data;
    u64 num = 0, den = 0;
    Pattern hold;
    Tape* tape = nullptr;

    void drive(Card& c, u64 now) {
        bool r = !Card::TX_STOPS || (!held && (den == 0 || pos.ceil() <= now));
        if (r != ready || first) c.tx_tready(ready = r), first = false;
    }

    void sample(Card& c, Findings& f) {
        bool valid = c.tx_tvalid();
        if (valid | stalled) take(c, f, valid);
        held = hold.hold();
    }
    bool busy(Card& c) const { return c.tx_tvalid(); }
    void clear() {
        frames.clear();
        data.erase(data.begin(), data.begin() + whole);
        whole = 0;
    }
    // The card is reset: a frame of which some beats came is none.
    void cut() {
        data.resize(whole);
        length = 0, stalled = giant = false;
    }

  private:
    LinkTime pos;
    bool ready = false, first = true, held = false, stalled = false, kept_last = false, giant = false;
    u64 kept_keep = 0;
    u8 kept[BYTES] = {};
    size_t whole = 0;   // bytes of `data` that belong to whole frames
    u32 length = 0;     // of the frame being sent

    void take(Card& c, Findings& f, bool valid) {
        u8 beat[BYTES];
        u64 keep = c.tx_tkeep();
        bool last = c.tx_tlast();
        c.tx_tdata(beat);
        if (f.check && (stalled | !ready)) mask_lanes(beat, keep, BYTES);
        if (f.check && stalled) {
            if (!valid) f.add("stream.hold", 0, "TVALID fell before TREADY");
            else if (memcmp(beat, kept, BYTES) || keep != kept_keep || last != kept_last)
                f.add("stream.stable", 0, "TDATA, TKEEP or TLAST changed while TVALID waited for TREADY");
        }
        stalled = valid && !ready;
        if (stalled) memcpy(kept, beat, BYTES), kept_keep = keep, kept_last = last;
        if (!valid || !ready) return;
        u32 n = keep == ~u64(0) ? 64 : __builtin_ctzll(~keep);
        if (f.check) check_keep(keep, n, last, f);
        store(beat, n, last, f);
    }

    void check_keep(u64 keep, u32 n, bool last, Findings& f) {
        unsigned long long shown = keep;
        if (n != 64 && keep >> n) f.add("stream.keep", 0, "TKEEP %#llx is not contiguous from lane 0", shown);
        else if (n == 0) f.add("stream.keep", 0, "TKEEP is 0 in a beat");
        else if (!last && n != BYTES) f.add("stream.keep", 0, "TKEEP %#llx is not full before the last beat", shown);
    }

    // Bytes of the link after a frame of `total` that the card gave: pad and FCS, where it has none, and the gap.
    static u64 behind(u32 total) {
        if (Card::TX_FCS) return GAP;
        return GAP + FCS + (total < SHORTEST ? SHORTEST - total : 0);
    }

    void store(const u8* beat, u32 n, bool last, Findings& f) {
        if (den) {
            if (length == 0) pos.at_least(f.now), pos.add(PREAMBLE, num, den);
            pos.add(n + (last ? behind(length + n) : 0), num, den);
        }
        if (length + n <= LONGEST) {
            data.insert(data.end(), beat, beat + n);
            length += n;
        } else if (!giant) {
            giant = true;
            f.add("stream.giant", 0, "a frame of more than %u bytes: the rest is not kept", LONGEST);
        }
        if (!last) return;
        frames.push_back({f.now, length});
        whole = data.size();
        if (tape->on) tape->sent(f.now, data.data() + whole - length, length);
        length = 0, giant = false;
    }
};

}  // namespace rb
