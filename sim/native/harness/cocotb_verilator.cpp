// Under cocotb: what the card's Verilog says goes to the output in Icarus' words, for sim/native/verilog_said.py to read.
#include <cstdlib>
#include <unistd.h>
#include "verilated.h"
#include "verilog_files.hpp"
#include "verilog_words.hpp"

double sc_time_stamp();  // of cocotb's main

namespace {

rb::VerilogWords words;  // a process is one card here

void tell(const char* what, const char* file, int line, const char* said) {
    printf("%s: %s:%d: %s\n       Time: %.0f Scope: -\n", what, file, line, said, sc_time_stamp());
    fflush(stdout);
}

}  // namespace

int rb_print(const char* format, ...) {
    va_list args;
    va_start(args, format);
    std::string text = rb::VerilogWords::formatted(format, args);
    va_end(args);
    if (!words.hear(text)) fwrite(text.data(), 1, text.size(), stdout);
    return int(text.size());
}
void vl_finish(const char* file, int line, const char*) {
    if (file[0]) tell("FINISH", file, line, "$finish");  // else cocotb's own
    Verilated::threadContextp()->gotFinish(true);
}
void vl_stop(const char* file, int line, const char*) {
    rb::Heard heard = words.take(file, line);
    bool fatal = !strcmp(heard.kind, "fatal");
    tell(fatal ? "FATAL" : !strcmp(heard.kind, "stop") ? "STOP" : "ERROR", file, line, heard.words.c_str());
    if (fatal) Verilated::threadContextp()->gotFinish(true);
}
void vl_stop_maybe(const char* file, int line, const char* scope, bool) { vl_stop(file, line, scope); }
void vl_warn(const char* file, int line, const char*, const char* said) {
    if (!rb::missing(said)) printf("%%Warning: %s:%d: %s\n", file, line, said);
    else printf("ERROR: %s: %s\n", said, file);  // as Icarus says it, but for the place, which nobody knows
    fflush(stdout);
}
const char* rb_folder() {
    const char* folder = getenv("RINGBED_FOLDER");  // sim/cocotb/build.py
    return folder ? folder : "";
}
// Logic that does not settle, and what else the runtime gives up on: it does not expect to go on.
void vl_fatal(const char* file, int line, const char*, const char* said) {
    tell("FATAL", file, line, said);
    Verilated::runFlushCallbacks();
    Verilated::runExitCallbacks();  // cocotb's end among them
    fflush(stdout);
    _exit(1);
}
