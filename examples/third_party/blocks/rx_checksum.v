// Receive checksum summer: the one's complement sum of every frame from byte START to its last.
//
// Written for this example. Listens to a stream that it cannot stop; the sum is there in the clock after the last beat.
`default_nettype none

module rx_checksum #(
    parameter START = 14  // an even number: behind the link header
) (
    input  wire        clk,
    input  wire        rst,
    input  wire [63:0] s_axis_tdata,  // lane 0, the low byte, is first on the wire
    input  wire [7:0]  s_axis_tkeep,
    input  wire        s_axis_tlast,
    input  wire        s_axis_tvalid,
    output wire [15:0] sum,
    output reg         sum_valid      // for one clock
);
    reg [15:0] beat;   // of the frame so far, 65535 meaning that or more
    reg [31:0] total;  // 16-bit words, carries not yet folded: 2^16 words fit

    reg [31:0] share;
    integer    lane;
    always @* begin
        share = 0;
        for (lane = 0; lane < 8; lane = lane + 1)
            if (s_axis_tkeep[lane] && {13'd0, beat, lane[2:0]} >= START)
                share = share + (lane[0] ? {24'd0, s_axis_tdata[8*lane +: 8]} : {16'd0, s_axis_tdata[8*lane +: 8], 8'd0});
    end

    // Two folds: the first may carry once more.
    wire [16:0] once = {1'b0, total[15:0]} + {1'b0, total[31:16]};
    assign sum = once[15:0] + {15'd0, once[16]};

    always @(posedge clk) begin
        sum_valid <= s_axis_tvalid && s_axis_tlast;
        if (s_axis_tvalid) begin
            total <= (beat == 0 ? 32'd0 : total) + share;
            beat  <= s_axis_tlast ? 16'd0 : beat == 16'hffff ? beat : beat + 16'd1;
        end
        if (rst) begin
            beat      <= 0;
            sum_valid <= 0;
        end
    end
endmodule

`default_nettype wire
