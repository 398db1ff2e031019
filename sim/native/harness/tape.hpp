// What enters and leaves a card, as a recording has it: a stream of bytes, each record with its clock, in the order in
// which it happened. docs/recordings.md has the format, sim/record/records.py reads it.
//
// Replayed, the same is written again, for Python to compare, and the memory's answers are those of the recording.
#pragma once
#include "common.hpp"

namespace rb {

// Answers of memory as Python hands them over: `bytes` of one burst from `address` on, all answered `resp` from clock
// `from` on. No bytes: what the next one answers had to wait for it.
struct Fetched {
    u64 address, from;
    u32 bytes, resp;
};
// The same to a burst of writes.
struct Stored {
    u64 from;
    u32 waits, resp;
};

struct Tape {
    enum Kind : u32 {
        TIME, READ, WRITE, LINE, SENT, STORE, ASK, ANSWER, FRAME, PIN, HOLD, PEEK, FAULTS, SHUT, NOTE, RESET, WAIT
    };
    static constexpr u32 SHORT = 16;  // bytes of a write that are kept themselves; of more, a digest
    bool on = false, replays = false;
    std::vector<u8> bytes;

    // FNV-1a, 64 bits.
    struct Digest {
        u64 value = 0xcbf29ce484222325ull;
        void add(const void* data, u64 count) {
            const u8* at = static_cast<const u8*>(data);
            for (u64 i = 0; i < count; i++) value = (value ^ at[i]) * 0x100000001b3ull;
        }
    };

    void begin(Kind kind, u64 now) {
        end_read();
        put((now - clock) << 5 | kind);
        clock = now;
    }
    void put(u64 value) {
        for (; value > 127; value >>= 7) bytes.push_back(u8(value | 128));
        bytes.push_back(u8(value));
    }
    void put_signed(u64 value) { put(value << 1 ^ (value >> 63 ? ~u64(0) : 0)); }
    void put_bytes(const void* data, u64 count) {
        const u8* at = static_cast<const u8*>(data);
        bytes.insert(bytes.end(), at, at + count);
    }
    void put_digest(const Digest& digest) { put_bytes(&digest.value, 8); }

    // A beat as the memory answers it. Those of a burst that follow one another, nothing between, are one record.
    void beat(u64 now, bool first, u64 address, const u8* data, u32 count, Resp resp) {
        if (first || !reading.bytes || address != reading.address + reading.bytes || resp != reading.resp) {
            end_read();
            read_clock = now, reading = {address, 0, 0, resp};
        }
        reading.bytes += count;
        if (resp == OKAY) beats.insert(beats.end(), data, data + count);
    }

    // A burst of writes is answered: beats of `width` bytes at `address(i)`, a multiple of it, under their strobes.
    template <class Address>
    void written(u64 now, u32 count, u32 width, const u8* data, const u64* strobe, Resp resp, Address address) {
        Digest digest;
        u8 kept[SHORT];
        u64 first = 0, next = 0, total = 0;
        bool whole = true;  // one byte behind the other
        for (u32 i = 0; i < count; i++) {
            digest.add(&strobe[i], 8);
            for (u32 lane = 0; lane < width; lane++) {
                if (!(strobe[i] >> lane & 1)) continue;
                u64 at = address(i) + lane;
                u8 byte = data[i * width + lane];
                if (!total) first = next = at;
                whole &= at == next, next = at + 1;
                digest.add(&byte, 1);
                if (total < SHORT) kept[total] = byte;
                total++;
            }
        }
        bool known = whole && total <= SHORT;
        begin(WRITE, now);
        put_signed(first - write_end), put(total << 3 | u64(!known) << 2 | resp);
        known ? put_bytes(kept, total) : put_digest(digest);
        write_end = first + total;
    }

    void sent(u64 now, const u8* frame, u64 length) {
        Digest digest;
        digest.add(frame, length);
        begin(SENT, now), put(length), put_digest(digest);
    }

    // Replayed: what the memory answered then. A card that asks for something else gets nothing from there on.
    Resp fetch(u64 address, u8* out, u32 count) {
        memset(out, Memory::POISON, count);
        if (at == fetched.size()) return DECERR;
        Fetched& now = fetched[at];
        bool there = now.resp != OKAY || count <= data.size() - data_at;
        if (now.address != address || now.bytes < count || !there) return DECERR;
        if (now.resp == OKAY) memcpy(out, data.data() + data_at, count), data_at += count;
        now.address += count, now.bytes -= count;
        if (!now.bytes) at++;
        return Resp(now.resp);
    }
    Resp stored() { return resps_at == resps.size() ? DECERR : Resp(resps[resps_at++].resp); }

    // A burst begins to wait for who was asked for its bytes.
    void waits(u64 now, bool write) { begin(WAIT, now), put(write); }
    // Replayed: whether it waited then, and does still. The answer ends it, or a reset.
    bool read_waits(u64 now) {
        if (at == fetched.size() || fetched[at].bytes) return false;
        if (at + 1 == fetched.size() || now < fetched[at + 1].from) return true;
        return at++, false;
    }
    bool write_waits(u64 now) {
        if (resps_at == resps.size() || !resps[resps_at].waits) return false;
        if (resps_at + 1 == resps.size() || now < resps[resps_at + 1].from) return true;
        return resps_at++, false;
    }
    void cut(bool read, bool write) { at += replays && read, resps_at += replays && write; }

    // More of these; what was used is forgotten. `more` holds the bytes of those that were answered OKAY.
    void give(const Fetched* list, u32 n, const u8* more, u64 size, const Stored* responses, u32 nresponses) {
        fetched.erase(fetched.begin(), fetched.begin() + at), at = 0;
        data.erase(data.begin(), data.begin() + data_at), data_at = 0;
        resps.erase(resps.begin(), resps.begin() + resps_at), resps_at = 0;
        fetched.insert(fetched.end(), list, list + n);
        data.insert(data.end(), more, more + size);
        resps.insert(resps.end(), responses, responses + nresponses);
    }

    // How far the clock is, unless a burst is being read; with `cut` that is cut off first.
    void stamp(u64 now, bool cut) {
        if (cut) end_read();
        if (!reading.bytes && now != clock) begin(TIME, now);
    }

  private:
    u64 clock = 0, read_clock = 0;  // of the last record; of the burst that is being read
    u64 read_end = 0, write_end = 0;
    Fetched reading{};
    std::vector<u8> beats;  // of `reading`
    std::vector<Fetched> fetched;
    std::vector<u8> data;
    std::vector<Stored> resps;
    size_t at = 0, data_at = 0, resps_at = 0;

    void end_read() {
        if (!reading.bytes) return;
        Fetched r = reading;
        reading.bytes = 0;
        begin(READ, read_clock);
        put_signed(r.address - read_end), put(u64(r.bytes) << 2 | r.resp);
        put_bytes(beats.data(), beats.size());
        beats.clear();
        read_end = r.address + r.bytes;
    }
};

}  // namespace rb
