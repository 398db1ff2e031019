// The waveform: all of a run or a window of it, with a scope `journey` of the harness's own beside the card's signals.
//
// journey.<group>.<stage>   the number of the last frame that passed the stage
// journey.<group>.frame     the frame that is followed, 0 for none; .at: the stage it passed last, as text
// journey.host              what the host did last, as text
// They change with the clock's rising edge at the end of the clock of which they speak, as registers do.
#pragma once
#include <memory>
#include <string>
#include <sys/statvfs.h>
#include "stages.hpp"

namespace rb {

// A writer of waveforms that meets a full disk ends the process, so one is closed while there is still room. It is looked
// at once in so many changes, which are some hundred bytes each, a few thousand of a large card.
constexpr u64 LEAST_ROOM = u64(32) << 20, LOOK = 1024;

constexpr u32 TEXT_WORDS = 4;  // 16 characters, the first in the highest byte, so that a viewer reads them from the left

struct Text {
    u32 words[TEXT_WORDS] = {};

    void set(const char* text) {
        memset(words, 0, sizeof words);
        for (u32 i = 0; i < 4 * TEXT_WORDS && text[i]; i++)
            words[TEXT_WORDS - 1 - i / 4] |= u32(u8(text[i])) << (24 - 8 * (i % 4));
    }
};

template <class Card, bool TRACE = Card::HAS_TRACE>
struct Waveform;

template <class Card>
struct Waveform<Card, false> {
    template <class... Args> void arm(Args&&...) {}
    template <class... Args> void mark(Args&&...) {}
    template <class... Args> void dump(Args&&...) {}
    template <class... Args> void close(Args&&...) {}
    static constexpr bool full = false;
};

#if VM_TRACE  // Verilator's headers of it are there only then
template <class Card>
struct Waveform<Card, true> {
    using Log = StageLog<Card>;
    using File = std::remove_pointer_t<decltype(std::declval<typename Card::Trace>().spTrace())>;
    using Buffer = typename File::Buffer;
    static constexpr u32 GROUPS = Card::GROUPS;

    bool full = false;  // it ended before its time: there was no room

    void arm(const char* file, u64 from, u64 to) {
        close();
        path = name = file, begin = from, end = to, full = false, dumps = 0;
    }
    // Several in one clock are shown a picosecond apart.
    void mark(const char* text) {
        host.set(text);
        if (waves) waves->dump(++shown);
    }
    // The state of the model at a time in picoseconds; time never stands still here.
    void dump(typename Card::Model& model, Log& log, u64 now, u64 time) {
        if (!waves && !path.empty() && now >= begin && now < end) open(model, log);
        if (!waves) return;
        if (now >= end) return close();
        if (dumps++ % LOOK == 0 && no_room()) {
            full = true;
            return close();
        }
        waves->dump(shown = time > shown ? time : shown + 1);
    }
    void close() {
        path.clear();
        if (!waves) return;
        waves->close();
        waves.reset();
    }

  private:
    std::unique_ptr<typename Card::Trace> waves;
    std::string path, name;
    u64 begin = 0, end = 0, shown = 0, dumps = 0;
    Log* log = nullptr;
    Text host;

    bool no_room() const {
        struct statvfs disk;
        return !statvfs(name.c_str(), &disk) && u64(disk.f_bavail) * disk.f_frsize < LEAST_ROOM;
    }
    void open(typename Card::Model& model, Log& stages) {
        log = &stages;
        waves.reset(new typename Card::Trace);
        model.trace(waves.get(), 99);
        File* file = waves->spTrace();
        file->addInitCb(&declare, this, "journey", false, Log::COUNT + GROUPS * (1 + TEXT_WORDS) + TEXT_WORDS);
        file->addFullCb([](void* self, Buffer* to) { static_cast<Waveform*>(self)->template write<true>(to); }, 0, this);
        file->addChgCb([](void* self, Buffer* to) { static_cast<Waveform*>(self)->template write<false>(to); }, 0, this);
        waves->open(path.c_str());
        path.clear();
    }

    u32 base = 0;  // the trace's number for our first signal

    static void declare(void* self, File* file, u32 code) {
        static_cast<Waveform*>(self)->base = code;
        scope(file, "journey");
        for (u32 group = 0; group < GROUPS; group++) {
            scope(file, Card::GROUP_NAMES[group]);
            for (u32 stage = 0; stage < Log::COUNT; stage++)
                if (Card::STAGE_GROUP[stage] == group) number(file, code + stage, Card::STAGES[stage].name);
            u32 own = code + Log::COUNT + group * (1 + TEXT_WORDS);
            number(file, own, "frame");
            text(file, own + 1, "at");
            VL_TRACE_POP_PREFIX(file);
        }
        text(file, code + Log::COUNT + GROUPS * (1 + TEXT_WORDS), "host");
        VL_TRACE_POP_PREFIX(file);
    }
    static void scope(File* file, const char* name) {
        VL_TRACE_PUSH_PREFIX(file, name, VerilatedTracePrefixType::SCOPE_MODULE, 0, 0);
    }
    static void number(File* file, u32 code, const char* name) {
        VL_TRACE_DECL_BUS(file, code, 0, name, -1, VerilatedTraceSigDirection::NONE, VerilatedTraceSigKind::VAR,
                          VerilatedTraceSigType::LOGIC, 31, 0);
    }
    static void text(File* file, u32 code, const char* name) {
        VL_TRACE_DECL_WIDE(file, code, 0, name, -1, VerilatedTraceSigDirection::NONE, VerilatedTraceSigKind::VAR,
                           VerilatedTraceSigType::LOGIC, 32 * TEXT_WORDS - 1, 0);
    }

    template <bool FULL>
    void write(Buffer* to) {
        u32 code = base;
        auto number = [&](u32 value) {
            if (FULL) to->fullIData(to->oldp(code), value, 32);
            else to->chgIData(to->oldp(code), value, 32);
            code++;
        };
        auto text = [&](const Text& value) {
            if (FULL) to->fullWData(to->oldp(code), value.words, 32 * TEXT_WORDS);
            else to->chgWData(to->oldp(code), value.words, 32 * TEXT_WORDS);
            code += TEXT_WORDS;
        };
        for (u64 frame : log->passed) number(frame);
        for (u32 group = 0; group < GROUPS; group++) {
            Text at;
            if (log->where[group] >= 0) at.set(Card::STAGES[log->where[group]].name);
            number(log->followed[group]), text(at);
        }
        text(host);
    }
};
#endif

}  // namespace rb
