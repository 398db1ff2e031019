// tx_checksum of the examples behind streams of any encoding and a command of either timing, for tests/hw/dut/test_block.py.
`default_nettype none

module encoded #(
    parameter WIDTH = 64,
    parameter DEPTH = 256,
    parameter BIG = 0,        // 1: the first byte in the high bits
    parameter EMPTY = 0,      // 1: tempty counts; 2: neither it nor tkeep, every byte does
    parameter HANDSHAKE = 0,  // 1: the command comes before its frame
    parameter EMPTY_BITS = WIDTH == 8 ? 1 : $clog2(WIDTH / 8)
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire [WIDTH-1:0]      in_tdata,
    input  wire [WIDTH/8-1:0]    in_tkeep,
    input  wire [EMPTY_BITS-1:0] in_tempty,
    input  wire                  in_tlast,
    input  wire                  in_tvalid,
    output wire                  in_tready,
    input  wire                  enable,
    input  wire [10:0]           start,
    input  wire [10:0]           offset,
    input  wire                  udp,
    input  wire                  command_valid,
    output wire                  command_ready,
    output wire [WIDTH-1:0]      out_tdata,
    output wire [WIDTH/8-1:0]    out_tkeep,
    output wire [EMPTY_BITS-1:0] out_tempty,
    output wire                  out_tlast,
    output wire                  out_tvalid,
    input  wire                  out_tready
);
    localparam LANES = WIDTH / 8;

    // Lanes: lane n of the block is lane `there` of the stream.
    wire [WIDTH-1:0] data, sent;
    wire [LANES-1:0] keep, kept;
    genvar n;
    generate
        for (n = 0; n < LANES; n = n + 1) begin : lanes
            localparam there = BIG ? LANES - 1 - n : n;
            assign data[8*n +: 8] = in_tdata[8*there +: 8];
            assign keep[n] = EMPTY == 0 ? in_tkeep[there] : EMPTY == 2 || !in_tlast || n + in_tempty < LANES;
            assign out_tdata[8*there +: 8] = sent[8*n +: 8];
            assign out_tkeep[there] = EMPTY == 0 && kept[n];
        end
    endgenerate

    integer lane;
    reg [EMPTY_BITS:0] missing;
    always @* begin
        missing = 0;
        for (lane = 0; lane < LANES; lane = lane + 1)
            if (!kept[lane])
                missing = missing + 1;
    end
    // Before the last beat it says nothing: there is nonsense.
    assign out_tempty = out_tlast ? missing[EMPTY_BITS-1:0] : {EMPTY_BITS{1'b1}};

    // A command of its own is kept until its frame is in. A beat before it would be summed by the one before.
    reg         held;
    reg  [23:0] kept_command;
    wire [23:0] command = {enable, udp, start, offset};
    wire [23:0] now = HANDSHAKE ? kept_command : command;
    assign command_ready = !held;
    always @(posedge clk) begin
        if (command_valid && command_ready) begin
            held         <= 1;
            kept_command <= command;
        end
        if (in_tvalid && in_tready && in_tlast)
            held <= 0;
        if (rst)
            held <= 0;
    end

    tx_checksum #(.WIDTH(WIDTH), .DEPTH(DEPTH)) block (
        .clk(clk), .rst(rst),
        .s_axis_tdata(data), .s_axis_tkeep(keep), .s_axis_tlast(in_tlast), .s_axis_tvalid(in_tvalid),
        .s_axis_tready(in_tready),
        .csum_enable(now[23]), .csum_udp(now[22]), .csum_start(now[21:11]), .csum_offset(now[10:0]),
        .m_axis_tdata(sent), .m_axis_tkeep(kept), .m_axis_tlast(out_tlast), .m_axis_tvalid(out_tvalid),
        .m_axis_tready(out_tready)
    );
endmodule

`default_nettype wire
