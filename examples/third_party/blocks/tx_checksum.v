// Transmit checksum inserter: sums a frame from byte `csum_start` to its end and puts the complement at `csum_offset`.
//
// Written for this example. Store and forward: a frame is summed while it goes into the buffer, and patched as it leaves.
// The field's own bytes are summed too, so software leaves the pseudo-header's sum there (the seed).
// The command is taken with a frame's first beat. One frame at a time; a frame has at most WIDTH / 8 * DEPTH bytes.
`default_nettype none

module tx_checksum #(
    parameter WIDTH = 64,   // bits of a beat, 8 and more
    parameter DEPTH = 256,  // beats of the buffer, a power of two
    // 1: a computed sum of 0 leaves as 0x0000, which for UDP means that there is none. Broadcom's BCM57xx did that
    // (OpenBSD's and FreeBSD's if_bge.c turn UDP sums off for it). Here to be found by the ready tests.
    parameter ZERO_IS_ZERO = 0
) (
    input  wire               clk,
    input  wire               rst,
    input  wire [WIDTH-1:0]   s_axis_tdata,  // lane 0, the low byte, is first on the wire
    input  wire [WIDTH/8-1:0] s_axis_tkeep,
    input  wire               s_axis_tlast,
    input  wire               s_axis_tvalid,
    output wire               s_axis_tready,
    input  wire               csum_enable,   // with the first beat
    input  wire [10:0]        csum_start,
    input  wire [10:0]        csum_offset,
    input  wire               csum_udp,
    output wire [WIDTH-1:0]   m_axis_tdata,
    output wire [WIDTH/8-1:0] m_axis_tkeep,
    output wire               m_axis_tlast,
    output wire               m_axis_tvalid,
    input  wire               m_axis_tready
);
    localparam BITS = $clog2(DEPTH), LANE_BITS = $clog2(WIDTH / 8);

    reg [WIDTH/8+WIDTH:0] buffer [0:DEPTH-1];
    reg [BITS-1:0] written, sent;      // beats of the frame so far
    reg            sending, enable, udp;
    reg [10:0]     start, offset;
    reg [31:0]     total;              // 16-bit words, carries not yet folded

    // The command is on the ports in the clock of the first beat, and in registers after it.
    wire        first      = written == 0;
    wire        now_enable = first ? csum_enable : enable;
    wire [10:0] now_start  = first ? csum_start : start;
    wire        take       = s_axis_tvalid && s_axis_tready;

    // The beat's share: a byte at an even distance from `start` is the high half of a word.
    reg [31:0] share;
    reg [15:0] at;  // the byte's place in the frame
    integer    lane;
    always @* begin
        share = 0;
        at    = {{(16-BITS){1'b0}}, written} << LANE_BITS;
        for (lane = 0; lane < WIDTH / 8; lane = lane + 1) begin
            if (s_axis_tkeep[lane] && at >= {5'd0, now_start})
                share = share + (at[0] == now_start[0] ? {16'd0, s_axis_tdata[8*lane +: 8], 8'd0}
                                                       : {24'd0, s_axis_tdata[8*lane +: 8]});
            at = at + 1;
        end
    end

    // Two folds: the first may carry once more.
    wire [16:0] once  = {1'b0, total[15:0]} + {1'b0, total[31:16]};
    wire [15:0] twice = once[15:0] + {15'd0, once[16]};
    wire [15:0] sum   = (twice == 16'hffff && udp && ZERO_IS_ZERO == 0) ? 16'hffff : ~twice;

    // The field's two bytes may lie in two beats.
    wire [WIDTH/8+WIDTH:0] stored = buffer[sent];
    reg  [WIDTH-1:0]       patched;
    reg  [15:0]            to;  // the byte's place in the frame
    integer                place;
    always @* begin
        patched = stored[WIDTH-1:0];
        to      = {{(16-BITS){1'b0}}, sent} << LANE_BITS;
        for (place = 0; place < WIDTH / 8; place = place + 1) begin
            if (enable && to == {5'd0, offset})
                patched[8*place +: 8] = sum[15:8];
            if (enable && to == {5'd0, offset} + 16'd1)
                patched[8*place +: 8] = sum[7:0];
            to = to + 1;
        end
    end

    assign s_axis_tready = !sending;
    assign m_axis_tvalid = sending;
    assign m_axis_tdata  = patched;
    assign m_axis_tkeep  = stored[WIDTH +: WIDTH/8];
    assign m_axis_tlast  = stored[WIDTH+WIDTH/8];

    always @(posedge clk) begin
        if (take) begin
            buffer[written] <= {s_axis_tlast, s_axis_tkeep, s_axis_tdata};
            written <= written + 1;
            total   <= (first ? 32'd0 : total) + share;
            if (first) begin
                enable <= now_enable;
                start  <= csum_start;
                offset <= csum_offset;
                udp    <= csum_udp;
            end
            if (s_axis_tlast)
                sending <= 1;
        end
        if (m_axis_tvalid && m_axis_tready) begin
            sent <= sent + 1;
            if (m_axis_tlast) begin
                sending <= 0;
                written <= 0;
                sent    <= 0;
            end
        end
        if (rst) begin
            sending <= 0;
            written <= 0;
            sent    <= 0;
        end
    end
endmodule

`default_nettype wire
