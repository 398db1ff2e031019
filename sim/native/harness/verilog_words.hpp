// What the card's Verilog itself says: $error, $fatal, $stop, $finish, assertions that fail.
//
// Verilator's own functions for these end the process. Who defines others instead (VL_USER_*) gets them here in words:
// Verilator prints those of an $error or $fatal, then calls vl_stop_maybe with its place.
#pragma once
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include "print.hpp"

namespace rb {

inline const char* base_name(const char* path) {
    const char* slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// Whether the runtime warns of a file of $readmem that is not there, which leaves a memory of zeros.
inline bool missing(const char* words) { return strstr(words, "file not found") != nullptr; }

struct Heard {
    const char* kind;  // "error", "fatal", "stop"
    std::string words;  // on one line; of an $error without any, "$error"
};

class VerilogWords {
  public:
    // One print, whole. False: it is none of ours, and is for the output.
    bool hear(const std::string& text) {
        size_t time = text[0] == '[' ? text.find("] ") : std::string::npos;
        if (time == std::string::npos || time > 40) return false;
        fatal = text.compare(time + 2, 8, "%Fatal: ") == 0;
        if (!fatal && text.compare(time + 2, 8, "%Error: ") != 0) return false;
        said = text.substr(time + 10);
        return true;
    }

    // At vl_stop_maybe, with its place: what it is, by what was printed before it.
    Heard take(const char* file, int line) {
        std::string words, place = std::string(base_name(file)) + ":" + std::to_string(line) + ": ";
        words.swap(said);
        size_t at = words.find(place);
        if (at == std::string::npos) return {"stop", "$stop"};
        words.erase(0, at + place.size());
        if (words.compare(0, 20, "Assertion failed in ") == 0) {  // and the scope
            size_t end = words.find(": ");
            words.erase(0, end == std::string::npos ? end : end + 2);
        }
        while (!words.empty() && words.back() == '\n') words.pop_back();
        for (char& c : words)
            if (c == '\n') c = ' ';
        if (words.empty()) words = fatal ? "$fatal" : "$error";
        return {fatal ? "fatal" : "error", words};
    }

    static std::string formatted(const char* format, va_list args) {
        va_list again;
        va_copy(again, args);
        std::string text(vsnprintf(nullptr, 0, format, again), '\0');
        va_end(again);
        vsnprintf(&text[0], text.size() + 1, format, args);
        return text;
    }

  private:
    std::string said;  // "file:line: ..." as Verilator has it
    bool fatal = false;
};

}  // namespace rb
