// Verilator's runtime prints by rb_print instead of printf: what the card's Verilog says can be heard.
#pragma once
int rb_print(const char* format, ...);
void vl_stop_maybe(const char* file, int line, const char* scope, bool maybe);  // which no header of Verilator's has
