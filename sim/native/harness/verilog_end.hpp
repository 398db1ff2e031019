// The native engine's answer to the card's Verilog: findings, and with $fatal or $finish the end of the card.
#pragma once
#include "common.hpp"
#include "verilated.h"
#include "verilog_files.hpp"
#include "verilog_words.hpp"

namespace rb {

// Of one card. Verilator's functions find it by the thread's context.
struct Context : VerilatedContext {
    Findings* findings = nullptr;
    VerilogWords words;
    std::string folder;  // which names of files are relative to
    u64 ended = NEVER;  // the clock
    std::string ending;

    static Context& here() { return *static_cast<Context*>(Verilated::threadContextp()); }

    void end(const char* file, int line, const std::string& how) {
        gotFinish(true);
        if (ended != NEVER) return;
        ended = findings->now;
        ending = std::string(base_name(file)) + ":" + std::to_string(line) + ": " + how;
    }
    void stop(const char* file, int line) {
        Heard heard = words.take(file, line);
        char rule[24];
        snprintf(rule, sizeof rule, "verilog.%s", heard.kind);
        findings->add(rule, 0, "%s:%d: %s", base_name(file), line, heard.words.c_str());
        if (!strcmp(heard.kind, "fatal")) end(file, line, heard.words == "$fatal" ? "$fatal" : "$fatal: " + heard.words);
    }
};

// Thrown out of an evaluation that would not come to its end; caught around it.
struct Unsettled {};

}  // namespace rb

// Of Verilator's runtime, in the place of its own.
int rb_print(const char* format, ...) {
    va_list args;
    va_start(args, format);
    std::string text = rb::VerilogWords::formatted(format, args);
    va_end(args);
    if (!rb::Context::here().words.hear(text)) fwrite(text.data(), 1, text.size(), stdout);
    return int(text.size());
}
void vl_stop_maybe(const char* file, int line, const char*, bool) { rb::Context::here().stop(file, line); }
void vl_stop(const char* file, int line, const char*) { rb::Context::here().stop(file, line); }
void vl_finish(const char* file, int line, const char*) { rb::Context::here().end(file, line, "$finish"); }
void vl_warn(const char* file, int line, const char*, const char* words) {
    if (rb::missing(words)) rb::Context::here().findings->add("verilog.error", 0, "%s: %s", words, file);
    else printf("%%Warning: %s:%d: %s\n", file, line, words);
}
const char* rb_folder() { return rb::Context::here().folder.c_str(); }
// Logic that does not settle, and what else the runtime gives up on: it does not expect to go on.
void vl_fatal(const char* file, int line, const char*, const char* words) {
    rb::Context& context = rb::Context::here();
    context.findings->add("verilog.fatal", 0, "%s:%d: %s", rb::base_name(file), line, words);
    context.end(file, line, words);
    throw rb::Unsettled();
}
