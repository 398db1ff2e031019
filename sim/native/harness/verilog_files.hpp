// Files that the card's Verilog opens ($readmemh, $fopen), and its functions of C: a name that is not absolute is
// relative to a folder of the card's, wherever the process is. The linker's --wrap=fopen brings every fopen of the model,
// and no other, here.
#pragma once
#include <cstdio>
#include <string>

const char* rb_folder();  // "": as the process has it

extern "C" FILE* __real_fopen(const char* path, const char* mode);
extern "C" FILE* __wrap_fopen(const char* path, const char* mode) {
    if (path[0] == '/') return __real_fopen(path, mode);
    std::string folder = rb_folder();
    return __real_fopen(folder.empty() ? path : (folder + "/" + path).c_str(), mode);
}
