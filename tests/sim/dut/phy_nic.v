// mini_nic with its wire on a clock of its own, as a NIC behind a PHY has it: frames cross between `clk` (registers and
// memory) and `phy_clk` (the wire) in queues inside the card. A frame that meets no room in the queue from the wire,
// which nothing can stop, is counted in `missed`, on phy_clk.
module crossing_queue #(
    parameter WIDTH = 8,
    parameter BITS = 4  // 2**BITS words
) (
    input  wire             w_clk,
    input  wire             w_rst_n,
    input  wire             w_en,
    input  wire [WIDTH-1:0] w_data,
    output wire [BITS:0]    w_level,
    input  wire             r_clk,
    input  wire             r_rst_n,
    input  wire             r_en,
    output wire [WIDTH-1:0] r_data,
    output wire             r_some
);
    reg [WIDTH-1:0] words[0:(1<<BITS)-1];
    reg [BITS:0] w_at, w_gray, r_at, r_gray, w_seen_1, w_seen, r_seen_1, r_seen;
    wire [BITS:0] w_next = w_at + w_en, r_next = r_at + r_en;
    reg [BITS:0] r_at_here;
    integer bit_at;
    always @(*)
        for (bit_at = 0; bit_at <= BITS; bit_at = bit_at + 1) r_at_here[bit_at] = ^(r_seen >> bit_at);
    assign w_level = w_at - r_at_here;
    assign r_some = r_gray != w_seen;
    assign r_data = words[r_at[BITS-1:0]];
    always @(posedge w_clk) begin
        if (w_en) words[w_at[BITS-1:0]] <= w_data;
        {r_seen, r_seen_1} <= {r_seen_1, r_gray};
        w_at <= w_next;
        w_gray <= w_next ^ (w_next >> 1);
        if (!w_rst_n) {w_at, w_gray, r_seen, r_seen_1} <= 0;
    end
    always @(posedge r_clk) begin
        {w_seen, w_seen_1} <= {w_seen_1, w_gray};
        r_at <= r_next;
        r_gray <= r_next ^ (r_next >> 1);
        if (!r_rst_n) {r_at, r_gray, w_seen, w_seen_1} <= 0;
    end
endmodule

module phy_nic (
    input  wire        clk,
    input  wire        rst_n,
    input  wire        phy_clk,
    input  wire        phy_rst_n,
    input  wire [7:0]  paddr,
    input  wire        psel,
    input  wire        penable,
    input  wire        pwrite,
    input  wire [31:0] pwdata,
    output wire [31:0] prdata,
    output wire        mem_req,
    input  wire        mem_gnt,
    output wire        mem_we,
    output wire [63:0] mem_addr,
    output wire [7:0]  mem_be,
    output wire [63:0] mem_wdata,
    input  wire        mem_rvalid,
    input  wire [63:0] mem_rdata,
    input  wire [63:0] in_tdata,
    input  wire [2:0]  in_tempty,
    input  wire        in_tlast,
    input  wire        in_tvalid,
    output wire [63:0] out_tdata,
    output wire [2:0]  out_tempty,
    output wire        out_tlast,
    output wire        out_tvalid,
    input  wire        out_tready,
    output wire        irq,
    output reg  [31:0] missed
);
    localparam LONGEST = 190;  // words of a frame

    wire [67:0] from_wire, to_wire, inner_in, inner_out;
    wire        inner_some, inner_last, inner_valid;
    wire [9:0]  in_level;
    wire [4:0]  out_level;
    reg         midway, lost;  // of a frame from the wire; it is not taken
    wire        drop = midway ? lost : in_level > 512 - LONGEST;
    assign from_wire = {in_tlast, in_tempty, in_tdata};

    always @(posedge phy_clk) begin
        if (in_tvalid) begin
            midway <= ~in_tlast;
            lost <= drop;
            if (in_tlast & drop) missed <= missed + 1;
        end
        if (!phy_rst_n) {midway, lost, missed} <= 0;
    end

    crossing_queue #(.WIDTH(68), .BITS(9)) in_queue (
        .w_clk(phy_clk), .w_rst_n(phy_rst_n), .w_en(in_tvalid & ~drop), .w_data(from_wire), .w_level(in_level),
        .r_clk(clk), .r_rst_n(rst_n), .r_en(inner_some), .r_data(inner_in), .r_some(inner_some));

    mini_nic nic (
        .clk(clk), .rst_n(rst_n), .paddr(paddr), .psel(psel), .penable(penable), .pwrite(pwrite), .pwdata(pwdata),
        .prdata(prdata), .mem_req(mem_req), .mem_gnt(mem_gnt), .mem_we(mem_we), .mem_addr(mem_addr), .mem_be(mem_be),
        .mem_wdata(mem_wdata), .mem_rvalid(mem_rvalid), .mem_rdata(mem_rdata),
        .in_tdata(inner_in[63:0]), .in_tempty(inner_in[66:64]), .in_tlast(inner_in[67]), .in_tvalid(inner_some),
        .out_tdata(inner_out[63:0]), .out_tempty(inner_out[66:64]), .out_tlast(inner_out[67]),
        .out_tvalid(inner_valid), .out_tready(~out_level[4]), .irq(irq));

    crossing_queue #(.WIDTH(68), .BITS(4)) out_queue (
        .w_clk(clk), .w_rst_n(rst_n), .w_en(inner_valid & ~out_level[4]), .w_data(inner_out), .w_level(out_level),
        .r_clk(phy_clk), .r_rst_n(phy_rst_n), .r_en(out_tvalid & out_tready), .r_data(to_wire), .r_some(out_tvalid));
    assign {out_tlast, out_tempty, out_tdata} = to_wire;
endmodule
