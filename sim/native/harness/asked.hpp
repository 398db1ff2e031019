// Memory that somebody in another process has to be asked for: one burst each way at a time, as they come on the bus.
//
// The harness cannot ask. It says what it wants and goes on without, as behind a memory that is slow: who runs it may let
// the clock stand still until there is an answer, or not, where there cannot be one yet.
#pragma once
#include "common.hpp"

namespace rb {

struct Asked {
    struct Span {
        u64 address, bytes;
    };
    u64 ticket = 0;  // of what is wanted; 0: nothing
    bool known = false;  // it was answered, by `resp` and, of a read, `data`
    Resp resp = OKAY;
    std::vector<Span> spans;
    std::vector<u8> data;  // of all spans, one behind the other

    void forget() { ticket = 0, known = false, spans.clear(), data.clear(); }
    void ask(u64 number) { ticket = number, known = false; }
    void want(u64 address, u64 bytes) {
        if (!spans.empty() && spans.back().address + spans.back().bytes == address) spans.back().bytes += bytes;
        else spans.push_back({address, bytes});
    }
    // Nothing happens to an answer that nobody waits for any more.
    bool answer(u64 number, Resp how, const u8* bytes, u64 size) {
        if (!ticket || number != ticket || (bytes && size != spans[0].bytes)) return false;
        ticket = 0, known = true, resp = how;
        if (bytes) data.assign(bytes, bytes + size);  // of a read that is answered OKAY
        return true;
    }
    // Of a read, which is one span.
    bool has(u64 address, u64 bytes) const {
        return known && address >= spans[0].address && address + bytes <= spans[0].address + spans[0].bytes;
    }
    // A beat of `length` bytes, of which the first `count` were asked for.
    Resp read(u64 address, u8* out, u32 count, u32 length) const {
        memset(out, Memory::POISON, length);
        if (resp == OKAY) memcpy(out, data.data() + (address - spans[0].address), count);
        return resp;
    }
};

}  // namespace rb
