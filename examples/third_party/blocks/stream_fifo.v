// A stream's FIFO: frames leave as they came, in order, whoever pauses.
//
// Written for this example. Holds DEPTH beats; behind them is a register, so that nothing leaves from the memory alone.
`default_nettype none

module stream_fifo #(
    parameter WIDTH = 64,  // bits of a beat, 8 and more
    parameter DEPTH = 16   // beats, a power of two
) (
    input  wire               clk,
    input  wire               rst,
    input  wire [WIDTH-1:0]   s_axis_tdata,  // lane 0, the low byte, is first on the wire
    input  wire [WIDTH/8-1:0] s_axis_tkeep,
    input  wire               s_axis_tlast,
    input  wire               s_axis_tvalid,
    output wire               s_axis_tready,
    output wire [WIDTH-1:0]   m_axis_tdata,
    output wire [WIDTH/8-1:0] m_axis_tkeep,
    output wire               m_axis_tlast,
    output wire               m_axis_tvalid,
    input  wire               m_axis_tready
);
    localparam BITS = $clog2(DEPTH), BEAT = WIDTH + WIDTH / 8 + 1;

    reg [BEAT-1:0] beats [0:DEPTH-1];
    reg [BITS:0]   written, read;  // one bit more than a place has: full and empty differ in it alone
    reg [BEAT-1:0] shown;
    reg            there;

    wire empty = written == read;
    wire full  = written[BITS-1:0] == read[BITS-1:0] && written[BITS] != read[BITS];
    wire next  = !there || m_axis_tready;  // what is shown has gone, or nothing is

    assign s_axis_tready = !full;
    assign m_axis_tvalid = there;
    assign {m_axis_tlast, m_axis_tkeep, m_axis_tdata} = shown;

    always @(posedge clk) begin
        if (s_axis_tvalid && s_axis_tready) begin
            beats[written[BITS-1:0]] <= {s_axis_tlast, s_axis_tkeep, s_axis_tdata};
            written <= written + 1;
        end
        if (next) begin
            shown <= beats[read[BITS-1:0]];
            there <= !empty;
            if (!empty)
                read <= read + 1;
        end
        if (rst) begin
            written <= 0;
            read    <= 0;
            there   <= 0;
        end
    end
endmodule

`default_nettype wire
