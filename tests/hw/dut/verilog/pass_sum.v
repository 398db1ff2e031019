// A receive checksum summer that passes its frames on and gives the sum with the last beat or LATER clocks after it, for
// tests/hw/dut/test_block.py.
`default_nettype none

module pass_sum #(
    parameter WIDTH = 64,
    parameter LATER = 0,
    parameter TWICE = 0, // 1: a bug, every sum is given in two clocks
    parameter NOISE = 0  // 1: bytes that do not count are others in every clock; 2: a bug, so is the first, and it says so
) (
    input  wire               clk,
    input  wire               rst,
    input  wire [WIDTH-1:0]   s_axis_tdata,
    input  wire [WIDTH/8-1:0] s_axis_tkeep,
    input  wire               s_axis_tlast,
    input  wire               s_axis_tvalid,
    output wire               s_axis_tready,
    output wire [WIDTH-1:0]   m_axis_tdata,
    output wire [WIDTH/8-1:0] m_axis_tkeep,
    output wire               m_axis_tlast,
    output wire               m_axis_tvalid,
    input  wire               m_axis_tready,
    output wire [15:0]        sum,
    output wire               sum_valid
);
    assign {m_axis_tkeep, m_axis_tlast} = {s_axis_tkeep, s_axis_tlast};
    reg [7:0] noise;
    genvar    byte_at;
    for (byte_at = 0; byte_at < WIDTH / 8; byte_at = byte_at + 1)
        assign m_axis_tdata[8*byte_at +: 8] =
            s_axis_tdata[8*byte_at +: 8] ^ (NOISE == 2 && byte_at == 0 || NOISE && !s_axis_tkeep[byte_at] ? noise : 8'd0);
    always @(posedge clk) begin
        noise <= rst ? 0 : noise + 1;
        if (NOISE == 2 && !rst && m_axis_tvalid && !m_axis_tready) $error("a beat has to wait");
    end
    assign m_axis_tvalid = s_axis_tvalid;
    assign s_axis_tready = m_axis_tready;

    reg [15:0] at;      // of the beat's first byte
    reg [31:0] so_far;
    reg [31:0] total;   // with this beat
    integer    lane;
    always @* begin
        total = so_far;
        for (lane = 0; lane < WIDTH / 8; lane = lane + 1)
            if (s_axis_tkeep[lane] && at + lane >= 14)
                total = total + ((at + lane) % 2 ? s_axis_tdata[8*lane +: 8] : s_axis_tdata[8*lane +: 8] << 8);
    end

    wire [16:0] once = total[15:0] + total[31:16];
    wire        last = s_axis_tvalid && s_axis_tready && s_axis_tlast;
    wire [16:0] now  = {last, once[15:0] + {15'd0, once[16]}};
    reg  [16:0] then [0:64];
    integer     n;
    assign {sum_valid, sum} = LATER ? then[LATER - 1] : TWICE && then[0][16] ? then[0] : now;

    always @(posedge clk) begin
        then[0] <= now;
        for (n = 1; n < 64; n = n + 1)
            then[n] <= then[n - 1];
        if (s_axis_tvalid && s_axis_tready) begin
            at     <= s_axis_tlast ? 0 : at + WIDTH / 8;
            so_far <= s_axis_tlast ? 0 : total;
        end
        if (rst) begin
            at     <= 0;
            so_far <= 0;
            for (n = 0; n < 64; n = n + 1)
                then[n] <= 0;
        end
    end
endmodule

`default_nettype wire
