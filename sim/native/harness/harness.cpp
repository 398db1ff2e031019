// The engine step and its C ABI. One handle is one card; there are no statics, so many cards live in one process.
//
// A step, in order: pins (already on their ports), wire in, register master, memory's answers on the bus; the card's
// combinational logic settles; events are looked at; then everybody samples, and the clock rises.
#include <chrono>
#include <memory>
#include "axi_lite.hpp"
#include "axi_memory.hpp"
#include "clocks.hpp"
#include "common.hpp"
#include "ports.hpp"
#include "stages.hpp"
#include "tape.hpp"
#include "verilog_end.hpp"
#include "waveform.hpp"
#include "wire.hpp"

using namespace rb;

namespace {

u64 ticks() {
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();  // <x86intrin.h> costs a compiler half a second
#else
    return std::chrono::steady_clock::now().time_since_epoch().count();
#endif
}

// What Python reads after a call without calling again; its twin is in sim/native/abi.py.
struct Mailbox {
    u64 now, clocks, skipped;
    u64 out_frames, out_bytes;
    u64 findings, findings_lost, faults;
    u64 run_ticks, model_ticks, sampled_ticks;  // of all runs; of the sampled clocks: in the model, in all
    u64 answer, fault_events;
    u64 read_beats, write_beats;  // on the DMA's data channels
    u64 due;  // the clock before which nothing happens unless something is put in; NEVER at rest
    u64 ended;  // the clock at which the card's Verilog ended it; NEVER
    u64 in_frames;  // put on the receive wire and not taken whole by the card
    u64 waves_full;  // the waveform ended: no room
    u64 lines, risen;  // interrupt lines that are up, as last looked at; that rose since rb_risen
    u64 asked[2];  // what a read and a write of far memory wait for, by its number; 0: for nothing
};

struct Config {
    u32 read_latency, write_latency, irq_hold, seed, backpressure, check, strict, reset_clocks, period_ps,
        skip_idle, reset_wait, spare;
    u64 link_num, link_den;
};

template <class C>
struct Harness {
    std::unique_ptr<Context> context;
    std::unique_ptr<typename C::Model> model;
    C card;
    Mailbox box{};
    Findings findings;
    AxiMemory<C> dma;
    AxiLite<C> registers;
    WireIn<C> rx;
    WireOut<C> tx;
    Tape tape;
    StageLog<C> stages;
    Waveform<C> waveform;
    Clocks<C> clocks;
    u64 resets = 0;  // main periods before clock 0
    u64 now = 0, irq_since = 0, irq_from = 0;  // irq_from: the host does not look at the line before
    u32 irq_hold = 0, countdown = 1, period_ps, skip_idle;
    bool irq = false, unsettled = false;
    // A rise of a line is what the host is told of (of those it watches), or the level of all of them together.
    u64 lines = 0, risen = 0, watched = 0;
    bool by_rise = false;
    u64 tick_cost = 0;
    u64 steps = 1;  // of the Verilog's time, in a picosecond

    explicit Harness(const Config& config)
        : context(new Context), model((begin(*context, config), new typename C::Model(context.get(), "TOP"))),
          card{*model->rootp} {
        context->findings = &findings;
        for (int precision = context->timeprecision(); precision < -12; precision++) steps *= 10;
        findings.check = config.check;
        irq_hold = config.irq_hold, period_ps = config.period_ps, skip_idle = config.skip_idle;
        if constexpr (C::HAS_DMA) {
            dma.read_latency = config.read_latency, dma.write_latency = config.write_latency;
            dma.strict = config.strict;
            dma.seed(config.seed, config.backpressure);
        }
        if constexpr (C::HAS_REGISTERS) registers.seed(config.seed, config.backpressure);
        rx.num = tx.num = config.link_num, rx.den = tx.den = config.link_den;
        tx.hold.seed(config.seed, 13, config.backpressure);
        rx.garbage.seed(config.seed, 14, 0);
        dma.tape = tx.tape = &tape;
        tick_cost = ~u64(0);
        for (int i = 0; i < 64; i++) {
            u64 a = ticks(), d = ticks() - a;
            if (d < tick_cost) tick_cost = d;
        }
    }
    ~Harness() { waveform.close(); }

    // Its `final` blocks, once.
    void final() {
        enter();
        findings.now = now;
        if (!unsettled) model->final();
    }

    // Before the model is evaluated: the last card of this thread may have been another.
    void enter() { Verilated::threadContextp(context.get()); }

    // `wait`: clocks behind the reset in which the card gets nothing, for one that stretches it inside.
    void reset(u32 clocks, u32 wait) {
        enter();
        card.rst(true);
        drive();
        for (u32 i = 0; i < clocks; i++) low(), high(), resets++;
        card.rst(false);
        for (u32 i = 0; i < wait; i++) low(), high(), resets++;
        low();
    }

    // What the model's first values may ask for: 0 is no seed to Verilator, which takes one of the process then.
    static void begin(Context& context, const Config& config) {
        context.traceEverOn(C::HAS_TRACE);
        context.randSeed(int(config.seed % 0x7FFFFFFF) + 1);
    }

    // As at the start, in a run: what is on bus and wire is cut off, and time goes on.
    void restart(u32 clocks, u32 wait) {
        enter();
        if constexpr (C::HAS_REGISTERS) registers.cut();
        if constexpr (C::HAS_DMA) dma.cut();
        if constexpr (C::HAS_RX) rx.cut(card);
        if constexpr (C::HAS_TX) tx.cut();
        for (u32 i = 0; i < clocks + wait; i++) {
            card.rst(i < clocks);
            if constexpr (C::HAS_IDLE) card.timebase(now);
            if constexpr (C::HAS_REGISTERS) registers.drive(card);
            if constexpr (C::HAS_DMA) dma.drive(card);
            low(), high(), now++, box.clocks++;
        }
        card.rst(false);
        lines = risen = 0, irq = false;
    }

    void eval(u64 phase) {
        if (context->ended != NEVER) return;
        findings.now = now;
        context->time(((resets + now) * period_ps + phase) * steps);
        try {
            model->eval_step();
        } catch (const Unsettled&) {
            unsettled = true;
        }
        waveform.dump(*model, stages, now, now * period_ps + phase);
    }
    void low() {
        u64 begin = other_clocks(0);
        card.clk(false);
        eval(0);
        if constexpr (C::CLOCKS != 0) clocks.before(card, begin + C::PERIOD / 2, between(begin));
    }
    void high() {
        u64 begin = other_clocks(C::PERIOD / 2);
        card.clk(true);
        eval(period_ps / 2);
        if constexpr (C::CLOCKS != 0) clocks.before(card, begin + C::PERIOD, between(begin));
    }
    // Other clocks up to an edge of the main one, `after` ticks into its period. Returns when the period began.
    u64 other_clocks(u64 after) {
        u64 begin = (resets + now) * C::PERIOD;
        if constexpr (C::CLOCKS != 0) {
            clocks.before(card, begin + after, between(begin));
            clocks.at(card, begin + after);
        }
        return begin;
    }
    auto between(u64 begin) {
        return [this, begin](u64 time) { eval(time < begin ? 0 : (time - begin) * period_ps / C::PERIOD); };
    }

    void drive() {
        if constexpr (C::HAS_IDLE) card.timebase(now);
        if constexpr (C::HAS_RX) rx.drive(card, now);
        if constexpr (C::HAS_REGISTERS) registers.drive(card);
        if constexpr (C::HAS_DMA) dma.drive(card);
        if constexpr (C::HAS_TX) tx.drive(card, now);
    }

    void sample() {
        findings.now = now;
        if constexpr (C::HAS_RX) rx.sample(card, now);
        if constexpr (C::HAS_REGISTERS) registers.sample(card, findings);
        if constexpr (C::HAS_DMA) dma.sample(card, findings);
        if constexpr (C::HAS_TX) tx.sample(card, findings);
        if (stages.on) stages.sample(card, now);
    }

    // Nothing in flight anywhere: the next clocks would only advance time.
    bool quiet() {
        if constexpr (C::HAS_IDLE) {
            if (!card.idle()) return false;
            if constexpr (C::HAS_REGISTERS)
                if (!registers.quiet()) return false;
            if constexpr (C::HAS_DMA)
                if (!dma.quiet(card)) return false;
            if constexpr (C::HAS_TX)
                if (tx.busy(card)) return false;
            if constexpr (C::HAS_RX)
                if (rx.busy()) return false;
            return true;
        }
        return false;
    }
    // When something would happen by itself in a quiet card; NEVER if nothing would.
    u64 next_event() {
        u64 next = NEVER;
        if constexpr (C::HAS_RX) next = rx.due();
        if constexpr (C::HAS_IDLE) {
            u64 wake = card.wake_in();
            if (wake < NEVER - now && now + wake < next) next = now + wake;
        }
        return next;
    }

    u32 events(u64 until) {
        u32 e = now >= until ? TIME : 0;
        if constexpr (C::HAS_IRQ) {
            if (u64 level = card.irq(); level != lines) change(level);
            // A posted write still on its way may lower the line: a host does not take the interrupt before it.
            if (irq && now >= irq_seen() && registers.quiet()) e |= IRQ;
        }
        if constexpr (C::HAS_TX) e |= tx.frames.empty() ? 0 : WIRE;
        if constexpr (C::HAS_DMA) e |= (dma.fault ? FAULT : 0) | (dma.asks() ? ASKED : 0);
        e |= findings.count ? FINDING : 0;
        e |= registers.answered ? ANSWER : 0;
        e |= context->ended != NEVER ? ENDED : 0;
        return e;
    }

    void change(u64 level) {
        risen |= level & ~lines;
        lines = level;
        if (tape.on) tape.begin(Tape::LINE, now), tape.put(level);
        look_at_lines();
    }

    u32 run(u64 until, u32 stop) {
        enter();
        u64 begin = ticks();
        u32 e;
        for (;;) {
            bool timed = --countdown == 0;
            if (timed) {
                // A prime distance, so that the samples do not beat with bursts; a clock in 61 is timed.
                countdown = 61;
                if ((e = step_timed(until, stop))) break;
                continue;
            }
            drive();
            low();
            if ((e = settle(until, stop))) break;
            sample();
            high();
            now++, box.clocks++;
        }
        box.run_ticks += ticks() - begin;
        return e;
    }

    u32 read(u32 offset, u64 limit) {
        if (tape.on) tape.begin(Tape::ASK, now), tape.put(offset);
        registers.read(offset);
        u32 e = run(now + limit, ANSWER | FAULT);
        bool done = registers.answered;
        if (tape.on) tape.begin(Tape::ANSWER, now), tape.put(done ? u64(registers.answer) + 1 : 0);
        box.answer = done ? registers.answer : registers.under_way();
        registers.answered = false;
        return (e & ~u32(ANSWER)) | (done ? u32(ANSWER) : 0);
    }

    u32 peek(u32 offset) {
        if constexpr (!C::HAS_PEEK) return 0;
        else {
            enter();
            card.peek_address(offset);
            low();
            return card.peek_data();
        }
    }

    // `now` while anything is in flight. An interrupt on its way to the host is something to come.
    u64 due() {
        if (!quiet()) return now;
        u64 next = next_event();
        if (!irq) return next;
        u64 seen = irq_seen();
        return seen <= now ? now : seen < next ? seen : next;
    }

    // Whether there is something that the host wants to know of.
    void look_at_lines() {
        bool up = by_rise ? (risen & watched) != 0 : lines != 0;
        if (up && !irq) irq_since = now;
        irq = up;
    }

    // With the line up: the clock from which on the host knows.
    u64 irq_seen() const {
        u64 seen = irq_since + irq_hold;
        return seen > irq_from ? seen : irq_from;
    }

    void publish() {
        box.now = now;
        box.due = due();
        box.out_frames = tx.frames.size();
        box.out_bytes = 0;
        for (auto& fr : tx.frames) box.out_bytes += fr.length;
        box.findings = findings.count, box.findings_lost = findings.lost;
        box.read_beats = dma.read_beats, box.write_beats = dma.write_beats;
        box.ended = context->ended;
        box.waves_full = waveform.full;
        box.lines = lines, box.risen = risen;
        box.asked[0] = dma.from.ticket, box.asked[1] = dma.to.ticket;
        if constexpr (C::HAS_RX) box.in_frames = rx.waiting();
        box.faults = dma.faults, box.fault_events = dma.injected.log.size();
    }

  private:
    // Events to return with, or 0 to clock on. Skips as far as it may.
    u32 settle(u64 until, u32 stop) {
        for (;;) {
            u32 e = events(until);
            bool still = quiet();
            u64 next = still ? next_event() : now;
            bool coming = irq && now < irq_seen();  // an interrupt on its way to the host is work to come
            if (still && next == NEVER && !coming) e |= IDLE;
            if (e & (stop | TIME | FAULT | ENDED)) return e;
            if (!still || !skip_idle) return 0;
            u64 target = next < until ? next : until;
            if (irq && irq_seen() > now && irq_seen() < target) target = irq_seen();
            if (target <= now) return 0;
            box.skipped += target - now;
            now = target;
            drive();
            low();
        }
    }

    u32 step_timed(u64 until, u32 stop) {
        u64 skipped = box.skipped;
        u64 t0 = ticks();
        drive();
        u64 t1 = ticks();
        low();
        u64 t2 = ticks();
        if (u32 e = settle(until, stop)) return e;
        sample();
        u64 t3 = ticks();
        high();
        u64 t4 = ticks();
        now++, box.clocks++;
        // A clock that skipped, or during which the machine did something else, is no sample.
        if (box.skipped != skipped || t4 - t0 > 300000) return 0;
        u64 model_ticks = (t2 - t1) + (t4 - t3), all = t4 - t0;
        if (model_ticks > 2 * tick_cost && all > 4 * tick_cost)
            box.model_ticks += model_ticks - 2 * tick_cost, box.sampled_ticks += all - 4 * tick_cost;
        return 0;
    }
};

using H = Harness<Card>;
H* of(void* handle) { return static_cast<H*>(handle); }
// A record begins, if there are any.
Tape* taped(void* handle, Tape::Kind kind) {
    Tape& tape = of(handle)->tape;
    if (!tape.on) return nullptr;
    tape.begin(kind, of(handle)->now);
    return &tape;
}

}  // namespace

#define RB_API extern "C" __attribute__((visibility("default")))

// `folder`: which the Verilog's names of files are relative to. `args`: what a simulator's command line would have.
RB_API void* rb_open(
    const Config* config, const u64* pins, u32 npins, const char* folder, const char** args, u32 nargs
) {
    H* h = new H(*config);
    h->context->folder = folder;
    h->context->commandArgs(nargs, args);
    for (u32 i = 0; i < npins; i++) h->card.set_pin(i, pins[i]);
    h->reset(config->reset_clocks, config->reset_wait);
    h->publish();
    return h;
}
// Its Verilog's last words, among the findings; before rb_close.
RB_API void rb_final(void* handle) {
    of(handle)->final();
    of(handle)->publish();
}
RB_API void rb_close(void* handle) { delete of(handle); }
// How the card's Verilog ended it.
RB_API const char* rb_ending(void* handle) { return of(handle)->context->ending.c_str(); }
RB_API Mailbox* rb_mailbox(void* handle) { return &of(handle)->box; }
RB_API void rb_regions(void* handle, const Region* regions, u32 n) {
    of(handle)->dma.memory.set(regions, n);
}
RB_API u32 rb_run(void* handle, u64 until, u32 stop) {
    H* h = of(handle);
    u32 e = h->run(until, stop);
    h->publish();
    h->dma.fault = false;
    return e;
}
RB_API u32 rb_read(void* handle, u32 offset, u64 limit) {
    H* h = of(handle);
    u32 e = h->read(offset, limit);
    h->publish();
    h->dma.fault = false;
    return e;
}
RB_API void rb_write(void* handle, u32 offset, u32 value) {
    if (Tape* tape = taped(handle, Tape::STORE)) tape->put(offset), tape->put(value);
    of(handle)->registers.write(offset, value);
}
RB_API u32 rb_peek(void* handle, u32 offset) {
    u32 value = of(handle)->peek(offset);
    if (Tape* tape = taped(handle, Tape::PEEK)) tape->put(offset), tape->put(value);
    return value;
}
RB_API void rb_wire_in(void* handle, const u8* data, const u32* lengths, const u64* ats, const u8* errors, u32 n) {
    for (u32 i = 0; i < n; data += lengths[i], i++) {
        if (Tape* tape = taped(handle, Tape::FRAME)) {
            tape->put_signed(ats[i] - of(handle)->now), tape->put(u64(lengths[i]) << 1 | (errors[i] != 0));
            tape->put_bytes(data, lengths[i]);
        }
        of(handle)->rx.push(data, lengths[i], ats[i], errors[i]);
    }
}
// Buffers of the sizes the mailbox told; the frames are the caller's afterwards.
RB_API void rb_wire_out(void* handle, u8* data, u64* clocks_and_lengths) {
    H* h = of(handle);
    memcpy(data, h->tx.data.data(), h->box.out_bytes);
    memcpy(clocks_and_lengths, h->tx.frames.data(), h->tx.frames.size() * sizeof(h->tx.frames[0]));
    h->tx.clear();
    h->publish();
}
RB_API void rb_set_pin(void* handle, u32 index, u64 value) {
    if (Tape* tape = taped(handle, Tape::PIN)) tape->put(index), tape->put(value);
    of(handle)->card.set_pin(index, value);
}
RB_API u64 rb_get_pin(void* handle, u32 index) {
    H* h = of(handle);
    h->enter();
    h->low();
    h->publish();
    return h->card.get_pin(index);
}
// `take`: they are forgotten here.
RB_API void rb_findings(void* handle, Finding* out, u32 take) {
    H* h = of(handle);
    memcpy(out, h->findings.list, h->findings.count * sizeof(Finding));
    if (!take) return;
    h->findings.count = 0, h->findings.lost = 0;
    h->publish();
}
RB_API void rb_hold_irq(void* handle, u64 until) {
    if (Tape* tape = taped(handle, Tape::HOLD)) tape->put(until + 1);  // NEVER is 0
    of(handle)->irq_from = until;
    of(handle)->publish();
}
// From now on the host is told of a rise of one of `lines`, or, not `by_rise`, of any line that is up.
RB_API void rb_watch(void* handle, u64 lines, u32 by_rise) {
    H* h = of(handle);
    h->watched = lines, h->by_rise = by_rise;
    h->look_at_lines();
    h->publish();
}
// The lines that rose since the last call.
RB_API u64 rb_risen(void* handle) {
    H* h = of(handle);
    u64 risen = h->risen;
    h->risen = 0;
    h->look_at_lines();
    h->publish();
    return risen;
}
// The card's reset, for so many clocks, and so many behind it.
RB_API void rb_reset(void* handle, u32 clocks, u32 wait) {
    taped(handle, Tape::RESET);
    of(handle)->restart(clocks, wait);
    of(handle)->publish();
}
// Of bytes `first` to `last`: bursts that are out; and that none taken from now on reaches them (first > last: all do).
RB_API u32 rb_in_flight(void* handle, u64 first, u64 last) {
    if constexpr (Card::HAS_DMA) return of(handle)->dma.in_flight(first, last);
    return 0;
}
RB_API void rb_shut(void* handle, u64 first, u64 last) {
    if (Tape* tape = taped(handle, Tape::SHUT)) tape->put(first), tape->put(last);
    if constexpr (Card::HAS_DMA) of(handle)->dma.shut(first, last);
    of(handle)->publish();
}
// Far memory: what is wanted, by `write`. Each span is its address and bytes, 8 bytes each, and of a write its data behind
// it. How many bytes that is, or with `out` the bytes themselves.
RB_API u64 rb_asked(void* handle, u32 write, u8* out) {
    Asked& asked = write ? of(handle)->dma.to : of(handle)->dma.from;
    u64 size = 0, data = 0;
    for (const Asked::Span& span : asked.spans) {
        u64 more = write ? span.bytes : 0;
        if (out) memcpy(out + size, &span, sizeof span), memcpy(out + size + sizeof span, asked.data.data() + data, more);
        size += sizeof span + more, data += more;
    }
    return size;
}
// The answer to what has this number; `data` of a read. 0: nobody waits for it.
RB_API u32 rb_answer(void* handle, u32 write, u64 number, u32 resp, const u8* data, u64 size) {
    Asked& asked = write ? of(handle)->dma.to : of(handle)->dma.from;
    bool taken = asked.answer(number, Resp(resp), data, size);
    of(handle)->publish();
    return taken;
}
// Whether nobody can be asked, from now on.
RB_API void rb_nobody(void* handle, u32 on) {
    if constexpr (Card::HAS_DMA) of(handle)->dma.nobody(on != 0);
    of(handle)->publish();
}
// From now on, counting from 0; the log stays.
RB_API void rb_bus_faults(void* handle, const BusRule* rules, u32 nrules, const BusFixed* fixed, u32 nfixed) {
    if (Tape* tape = taped(handle, Tape::FAULTS)) {
        tape->put(nrules), tape->put(nfixed);
        tape->put_bytes(rules, nrules * sizeof *rules), tape->put_bytes(fixed, nfixed * sizeof *fixed);
    }
    of(handle)->dma.injected.set(rules, nrules, fixed, nfixed);
}
RB_API void rb_bus_fault_log(void* handle, BusEvent* out) {
    H* h = of(handle);
    memcpy(out, h->dma.injected.log.data(), h->dma.injected.log.size() * sizeof(BusEvent));
    h->dma.injected.log.clear();
    h->publish();
}
// Ticks per second of `run_ticks`, measured against the wall over about a millisecond.
RB_API double rb_tick_hz(void*) {
    using clock = std::chrono::steady_clock;
    auto w0 = clock::now();
    u64 t0 = ticks();
    while (clock::now() - w0 < std::chrono::milliseconds(2)) {
    }
    auto w1 = clock::now();
    return double(ticks() - t0) / std::chrono::duration<double>(w1 - w0).count();
}
// Clocks `begin` to `end` into a file, opened when the first of them comes; no path: the file is finished now.
RB_API void rb_trace(void* handle, const char* path, u64 begin, u64 end) {
    H* h = of(handle);
    if (path) h->waveform.arm(path, begin, end), h->stages.on = true;
    else h->waveform.close();
}
// Clocks `begin` to `end` are logged, the last `keep` records at least, 0 for all. Numbers count from the call on,
// which belongs before any frame.
RB_API void rb_stages(void* handle, u64 begin, u64 end, u64 keep) {
    StageLog<Card>& log = of(handle)->stages;
    log.on = true, log.begin = begin, log.end = end, log.keep = keep;
}
RB_API void rb_follow(void* handle, u32 group, u64 frame) { of(handle)->stages.follow(group, frame); }
RB_API void rb_mark(void* handle, const char* text) { of(handle)->waveform.mark(text); }
// Records since the last call: how many there are, or with `out` the records themselves.
RB_API u64 rb_stage_log(void* handle, StageRecord* out) {
    std::vector<StageRecord>& log = of(handle)->stages.log;
    u64 count = log.size();
    if (out) memcpy(out, log.data(), count * sizeof(StageRecord)), log.clear();
    return count;
}
// From now on what enters and leaves the card is kept for `rb_tape`; `replays`: memory is what `rb_give` brings.
RB_API void rb_record(void* handle, u32 replays) {
    of(handle)->tape.on = true, of(handle)->tape.replays = replays;
}
// Bytes since the last call: how many there are, or with `out` the bytes themselves.
RB_API u64 rb_tape(void* handle, u8* out) {
    std::vector<u8>& bytes = of(handle)->tape.bytes;
    u64 count = bytes.size();
    if (out) memcpy(out, bytes.data(), count), bytes.clear();
    return count;
}
RB_API void rb_stamp(void* handle, u32 cut) { of(handle)->tape.stamp(of(handle)->now, cut); }
RB_API void rb_note(void* handle, const char* text, u32 length) {
    if (Tape* tape = taped(handle, Tape::NOTE)) tape->put(length), tape->put_bytes(text, length);
}
RB_API void rb_give(void* handle, const Fetched* list, u32 n, const u8* data, u64 size, const Stored* resps, u32 nresps) {
    of(handle)->tape.give(list, n, data, size, resps, nresps);
}
RB_API u32 rb_abi(void) { return 12; }
