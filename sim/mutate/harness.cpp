// A block's model with its mutants, driven from Python: two numbers in and out, a clock edge at a time.
// MODEL and MODEL_HEADER are what Verilator called it.
#include MODEL_HEADER
#include <memory>
#include "print.hpp"
#include "verilog_words.hpp"

namespace {

struct Block {
    VerilatedContext context;
    MODEL model{&context};
    rb::VerilogWords words;
    std::string said;  // the first assertion that failed, or what else the runtime gave up on

    void say(const std::string& text) {
        if (said.empty()) said = text;
    }
};

thread_local Block* here = nullptr;  // whose turn it is: Verilator's functions do not say

template <class Port> void fill(Port& port, const void* bytes) { memcpy(static_cast<void*>(&port), bytes, sizeof port); }

}  // namespace

int rb_print(const char* format, ...) {
    va_list args;
    va_start(args, format);
    std::string text = rb::VerilogWords::formatted(format, args);
    va_end(args);
    here->words.hear(text);
    return int(text.size());
}
void vl_stop_maybe(const char* file, int line, const char*, bool) { here->say(here->words.take(file, line).words); }
void vl_stop(const char* file, int line, const char*) { here->say(here->words.take(file, line).words); }
void vl_finish(const char*, int, const char*) {}
void vl_warn(const char*, int, const char*, const char* words) { here->say(words); }
// Logic that does not settle, for one: a mutant may be a ring of gates. The runtime does not expect to go on.
struct Unsettled {};
void vl_fatal(const char*, int, const char*, const char* words) {
    here->say(words);
    throw Unsettled();
}

extern "C" __attribute__((visibility("default"))) void* rb_new(unsigned mutant) {
    here = new Block;
    here->model.mutant = mutant;
    return here;
}

// Bytes that each call must have room for.
extern "C" __attribute__((visibility("default"))) void rb_sizes(void* block, unsigned* in, unsigned* out) {
    *in = sizeof static_cast<Block*>(block)->model.i;
    *out = sizeof static_cast<Block*>(block)->model.o;
}

// Outputs for the inputs `now`. With `edge` a rising clock comes first, with the inputs `before` it and `reset`.
// False when something was said.
extern "C" __attribute__((visibility("default"))) bool rb_step(
    void* block, bool edge, bool reset, const void* before, const void* now, void* out) {
    here = static_cast<Block*>(block);
    MODEL& model = here->model;
    try {
        if (edge) {
            fill(model.i, before);
            model.rst = reset;
            model.eval();
            model.clk = 1;
            model.eval();
            model.clk = 0;
        }
        fill(model.i, now);
        model.eval();
    } catch (const Unsettled&) {
    }
    memcpy(out, static_cast<const void*>(&model.o), sizeof model.o);
    return here->said.empty();
}

extern "C" __attribute__((visibility("default"))) const char* rb_said(void* block) {
    return static_cast<Block*>(block)->said.c_str();
}

extern "C" __attribute__((visibility("default"))) void rb_delete(void* block) {
    here = static_cast<Block*>(block);
    delete here;
}
