// Toeplitz hash of addresses and ports, for receive-side scaling.
//
// Written for this example. A byte of input a clock, so that it is small: 8, 12, 32 or 36 clocks a packet. Taken by
// valid and ready; the result is there for one clock. The kinds are numbers of this block's own, see the localparams.
`default_nettype none

module rss_hash #(
    parameter [319:0] KEY = 320'h6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa
) (
    input  wire         clk,
    input  wire         rst,
    input  wire [127:0] src,    // IPv4 in the low 32 bits
    input  wire [127:0] dst,
    input  wire [15:0]  sport,
    input  wire [15:0]  dport,
    input  wire [2:0]   kind,
    input  wire         valid,
    output wire         ready,
    output reg  [31:0]  hash,
    output reg  [2:0]   hash_type,
    output wire         hash_valid
);
    localparam [2:0] IPV4 = 1, IPV4_TCP = 2, IPV6 = 5, IPV6_TCP = 6;

    reg [287:0] data;  // what is left of the input, first byte highest
    reg [319:0] key;   // shifted along with it
    reg [5:0]   left;  // bytes
    reg         busy;

    // What the byte at the top adds: for each of its ones, 32 bits of the key from that bit on.
    reg [31:0] added;
    integer    place;
    always @* begin
        added = 0;
        for (place = 0; place < 8; place = place + 1)
            if (data[287 - place])
                added = added ^ key[319 - place -: 32];
    end

    assign ready      = !busy;
    assign hash_valid = busy && left == 0;

    always @(posedge clk) begin
        if (!busy && valid) begin
            busy      <= 1;
            hash      <= 0;
            hash_type <= kind;
            key       <= KEY;
            if (kind == IPV6 || kind == IPV6_TCP) begin
                data <= {src, dst, sport, dport};
                left <= kind == IPV6 ? 32 : 36;
            end else begin
                data <= {src[31:0], dst[31:0], sport, dport, 192'd0};
                left <= kind == IPV4 ? 8 : kind == IPV4_TCP ? 12 : 0;
            end
        end else if (busy && left != 0) begin
            hash <= hash ^ added;
            data <= data << 8;
            key  <= key << 8;
            left <= left - 1;
        end else
            busy <= 0;
        if (rst)
            busy <= 0;
    end
endmodule

`default_nettype wire
