// A small NIC with one receive ring and one transmit ring, no offload. Written for ringbed as an example of a card that
// is not ringbed's: registers on APB, memory by a request interface, frames big-endian with `empty`, no FCS.
//
// Registers (32 bits)
//   00 CTRL     bit 0: receive on, bit 1: transmit on, bit 2: interrupt enable
//   04 STATUS   bit 0: frames received, bit 1: frames sent; write 1 to clear
//   08 RX_BASE  10 RX_BASE high   14 RX_SIZE  descriptors, a power of two
//   18 RX_GIVEN descriptors given to the card since it was on, counted by the driver
//   1C RX_DONE  frames written, counted by the card
//   20 TX_BASE  24 TX_BASE high   28 TX_SIZE   2C TX_GIVEN   30 TX_DONE
//   34 DROPS    frames that met no room or a card that is off, or were held when CTRL became 0
//
// A descriptor is 16 bytes: address (8), length (2, written by the card on receive; low bits first), the rest is free.
// Counters run freely, so that given - done is what the card still has. Writing 0 to CTRL sets them back,
// and what the card holds of the receive wire is thrown away: it is never written to descriptors given later.
module mini_nic #(
    parameter BUFFER_WORDS = 1024  // of each direction, 8 bytes each; a frame must fit
) (
    input  wire        clk,
    input  wire        rst_n,
    // APB
    input  wire [7:0]  paddr,
    input  wire        psel,
    input  wire        penable,
    input  wire        pwrite,
    input  wire [31:0] pwdata,
    output reg  [31:0] prdata,
    // memory requests: one word each, answered in order
    output reg         mem_req,
    input  wire        mem_gnt,
    output reg         mem_we,
    output reg  [63:0] mem_addr,
    output reg  [7:0]  mem_be,
    output reg  [63:0] mem_wdata,
    input  wire        mem_rvalid,
    input  wire [63:0] mem_rdata,
    // frames, first byte in the high bits, no way to stop them on the way in
    input  wire [63:0] in_tdata,
    input  wire [2:0]  in_tempty,
    input  wire        in_tlast,
    input  wire        in_tvalid,
    output wire [63:0] out_tdata,
    output wire [2:0]  out_tempty,
    output wire        out_tlast,
    output wire        out_tvalid,
    input  wire        out_tready,
    output wire        irq
);
    localparam AW = $clog2(BUFFER_WORDS);

    function [63:0] swapped(input [63:0] word);  // memory has the first byte in the low bits
        swapped = {word[7:0], word[15:8], word[23:16], word[31:24], word[39:32], word[47:40], word[55:48], word[63:56]};
    endfunction

    // ---- registers ----
    reg [2:0]  ctrl;
    reg [1:0]  status;
    reg [63:0] rx_base, tx_base;
    reg [15:0] rx_size, tx_size, rx_given, tx_given, rx_done, tx_done;
    reg [31:0] drops;
    wire       write = psel & penable & pwrite;
    wire       rx_finished, tx_finished, dropped;
    wire       off = write && paddr == 8'h00 && pwdata[2:0] == 0;
    wire [4:0] thrown;  // frames, in this clock
    assign irq = ctrl[2] & (status != 0);

    always @(*)
        case (paddr)
            8'h00: prdata = {29'd0, ctrl};
            8'h04: prdata = {30'd0, status};
            8'h08: prdata = rx_base[31:0];
            8'h10: prdata = rx_base[63:32];
            8'h14: prdata = {16'd0, rx_size};
            8'h18: prdata = {16'd0, rx_given};
            8'h1C: prdata = {16'd0, rx_done};
            8'h20: prdata = tx_base[31:0];
            8'h24: prdata = tx_base[63:32];
            8'h28: prdata = {16'd0, tx_size};
            8'h2C: prdata = {16'd0, tx_given};
            8'h30: prdata = {16'd0, tx_done};
            8'h34: prdata = drops;
            default: prdata = 0;
        endcase

    always @(posedge clk) begin
        if (write)
            case (paddr)
                8'h00: ctrl <= pwdata[2:0];
                8'h08: rx_base[31:0] <= pwdata;
                8'h10: rx_base[63:32] <= pwdata;
                8'h14: rx_size <= pwdata[15:0];
                8'h18: rx_given <= pwdata[15:0];
                8'h20: tx_base[31:0] <= pwdata;
                8'h24: tx_base[63:32] <= pwdata;
                8'h28: tx_size <= pwdata[15:0];
                8'h2C: tx_given <= pwdata[15:0];
                default: ;
            endcase
        status <= (status & ~(write && paddr == 8'h04 ? pwdata[1:0] : 2'b0)) | {tx_finished, rx_finished};
        if (rx_finished) rx_done <= rx_done + 1;
        if (tx_finished) tx_done <= tx_done + 1;
        drops <= drops + {31'd0, dropped} + {27'd0, thrown};
        if (!rst_n || off) begin
            ctrl <= 0;
            status <= 0;
            {rx_given, rx_done, tx_given, tx_done} <= 0;
        end
        if (!rst_n) begin
            {rx_base, tx_base, rx_size, tx_size} <= 0;
            drops <= 0;
        end
    end

    // ---- frames in: words into a ring buffer, lengths into a queue of 16 ----
    reg [63:0] rx_words[0:BUFFER_WORDS-1];
    reg [15:0] rx_lengths[0:15];
    reg [AW:0] rx_write, rx_kept, rx_read;  // next word; where the frame began; next to memory
    reg [15:0] rx_length;
    reg        rx_lost;
    reg [4:0]  rx_in, rx_out;               // of rx_lengths
    wire [AW:0] rx_level = rx_write - rx_read;
    wire        rx_full = rx_level[AW];
    wire        rx_bad = rx_lost | rx_full | ~ctrl[0] | (rx_in == {~rx_out[4], rx_out[3:0]});  // 16 frames wait
    wire        rx_some = rx_in != rx_out;
    assign dropped = in_tvalid & in_tlast & rx_bad;

    always @(posedge clk) begin
        if (in_tvalid) begin
            if (!rx_full) rx_words[rx_write[AW-1:0]] <= swapped(in_tdata);
            rx_write <= rx_write + 1;
            rx_length <= rx_length + 8;
            rx_lost <= rx_bad;
            if (in_tlast) begin
                rx_length <= 0;
                rx_lost <= 0;
                if (!rx_bad) begin
                    rx_lengths[rx_in[3:0]] <= rx_length + 8 - {13'd0, in_tempty};
                    rx_in <= rx_in + 1;
                    rx_kept <= rx_write + 1;
                end
            end
            if (rx_bad) rx_write <= rx_kept;  // nothing of it stays
        end
        if (!rst_n) begin
            {rx_write, rx_kept, rx_length, rx_lost, rx_in} <= 0;
        end
    end

    // ---- memory: one machine moves frames both ways, receive first ----
    localparam IDLE = 0, RX_ADDRESS = 1, RX_DATA = 2, RX_LENGTH = 3, TX_ADDRESS = 4, TX_LENGTH = 5, TX_DATA = 6, TX_SEND = 7;
    reg [2:0]  state;
    reg [63:0] address;
    reg [15:0] length, left;    // of the frame; words to ask for
    reg [15:0] waiting;         // requests without an answer
    wire       taken = mem_req & mem_gnt;
    wire       quiet = ~mem_req & (waiting == 0);
    wire [15:0] rx_slot = rx_done & (rx_size - 1);
    wire [15:0] tx_slot = tx_done & (tx_size - 1);
    assign rx_finished = state == RX_LENGTH & quiet;
    reg        throw;                       // off, since the frame under way began
    assign thrown = throw && state == IDLE ? rx_in - rx_out : 5'd0;

    reg [63:0] tx_words[0:BUFFER_WORDS-1];
    reg [15:0] tx_count, tx_at;             // words that came; the next to send
    wire [15:0] tx_total = (length + 7) >> 3;
    assign out_tvalid = state == TX_SEND;
    assign out_tdata = swapped(tx_words[tx_at[AW-1:0]]);
    assign out_tlast = tx_at + 1 == tx_total;
    assign out_tempty = out_tlast ? 3'd0 - length[2:0] : 3'd0;
    wire tx_empty = state == TX_LENGTH & mem_rvalid & mem_rdata[15:0] == 0;  // nothing to send: done
    assign tx_finished = out_tvalid & out_tready & out_tlast | tx_empty;

    task ask(input [63:0] where);  // a read
        begin
            mem_req <= 1;
            mem_we <= 0;
            mem_addr <= where;
        end
    endtask

    always @(posedge clk) begin
        waiting <= waiting + taken - mem_rvalid;
        if (taken) mem_req <= 0;
        case (state)
            IDLE:
                if (throw) begin
                    throw <= 0;
                    rx_out <= rx_in;
                    rx_read <= rx_kept;
                end else if (rx_some && rx_given != rx_done) begin
                    ask(rx_base + {44'd0, rx_slot, 4'b0});
                    length <= rx_lengths[rx_out[3:0]];
                    left <= (rx_lengths[rx_out[3:0]] + 7) >> 3;
                    state <= RX_ADDRESS;
                end else if (ctrl[1] && tx_given != tx_done) begin
                    ask(tx_base + {44'd0, tx_slot, 4'b0});
                    state <= TX_ADDRESS;
                end
            RX_ADDRESS:
                if (mem_rvalid) begin
                    address <= mem_rdata;
                    state <= RX_DATA;
                end
            RX_DATA:
                if (left != 0) begin
                    if (!mem_req || mem_gnt) begin
                        mem_req <= 1;
                        mem_we <= 1;
                        mem_addr <= address;
                        mem_wdata <= rx_words[rx_read[AW-1:0]];
                        mem_be <= left == 1 && length[2:0] != 0 ? (8'd1 << length[2:0]) - 8'd1 : 8'hFF;
                        address <= address + 8;
                        rx_read <= rx_read + 1;
                        left <= left - 1;
                    end
                end else if (quiet) begin
                    mem_req <= 1;
                    mem_we <= 1;
                    mem_be <= 8'h03;
                    mem_addr <= rx_base + {44'd0, rx_slot, 4'b1000};
                    mem_wdata <= {48'd0, length};
                    rx_out <= rx_out + 1;
                    state <= RX_LENGTH;
                end
            RX_LENGTH: if (quiet) state <= IDLE;
            TX_ADDRESS:
                if (mem_rvalid) begin
                    address <= mem_rdata;
                    ask(tx_base + {44'd0, tx_slot, 4'b1000});
                    state <= TX_LENGTH;
                end
            TX_LENGTH:
                if (mem_rvalid) begin
                    length <= mem_rdata[15:0];
                    left <= (mem_rdata[15:0] + 7) >> 3;
                    {tx_count, tx_at} <= 0;
                    state <= tx_empty ? IDLE : TX_DATA;
                end
            TX_DATA: begin
                if (left != 0 && (!mem_req || mem_gnt)) begin
                    ask(address);
                    address <= address + 8;
                    left <= left - 1;
                end
                if (mem_rvalid) begin
                    tx_words[tx_count[AW-1:0]] <= mem_rdata;
                    tx_count <= tx_count + 1;
                    if (tx_count + 1 == tx_total) state <= TX_SEND;
                end
            end
            TX_SEND:
                if (out_tready) begin
                    tx_at <= tx_at + 1;
                    if (out_tlast) state <= IDLE;
                end
        endcase
        if (off) throw <= 1;
        if (!rst_n) begin
            state <= IDLE;
            {mem_req, throw} <= 0;
            {waiting, left, rx_read, rx_out} <= 0;
        end
    end
endmodule
