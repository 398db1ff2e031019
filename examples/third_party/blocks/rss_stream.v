// Receive-side scaling of a stream: finds addresses and ports in a frame and has them hashed by rss_hash.
//
// Written for this example. Follows IPv4 and IPv6 of TCP without a tag, options or extension headers; of any other IP
// packet, fragments among them, it hashes the addresses. The result comes 2 to 40 clocks behind the frame, while the next
// one is coming in.
`default_nettype none

module rss_stream #(
    parameter [319:0] KEY = 320'h6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa
) (
    input  wire        clk,
    input  wire        rst,
    input  wire [63:0] in_data,   // the first byte on the wire in the high bits
    input  wire [2:0]  in_empty,  // with in_last: low bytes that do not count
    input  wire        in_last,
    input  wire        in_valid,
    output wire        in_ready,
    output wire [31:0] hash,
    output wire [2:0]  hash_type, // as rss_hash has them, 0 for no hash
    output wire        hash_valid
);
    localparam [15:0] ETHER_IPV4 = 16'h0800, ETHER_IPV6 = 16'h86dd;
    localparam [7:0]  TCP = 6;
    localparam [2:0]  NONE = 0, IPV4 = 1, IPV4_TCP = 2, IPV6 = 5, IPV6_TCP = 6;

    // The frame's first 64 bytes, eight a word; what follows them is let go.
    reg [63:0] words [0:7];
    reg [3:0]  beats;
    reg [6:0]  size;     // bytes of them that the frame has
    reg        asking;   // the frame is over, its hash not yet asked for
    wire       asked;

    assign in_ready = !asking;

    always @(posedge clk) begin
        if (in_valid && in_ready) begin
            if (!beats[3]) begin
                words[beats[2:0]] <= in_data;
                beats <= beats + 1;
                size  <= {beats, 3'd0} + 7'd8 - (in_last ? {4'd0, in_empty} : 7'd0);
            end
            asking <= in_last;
        end
        if (asking && asked) begin
            asking <= 0;
            beats  <= 0;
        end
        if (rst) begin
            asking <= 0;
            beats  <= 0;
        end
    end

    // Bytes 12 and 13, 14, 20 and 21, 23 of the frame.
    wire [15:0] ether    = words[1][31:16];
    wire [7:0]  begins   = words[1][15:8];
    wire        fragment = words[2][29:16] != 0;  // more of them, or an offset
    wire        v4       = ether == ETHER_IPV4 && begins[7:4] == 4 && begins[3:0] >= 5 && size >= 34;
    wire        v6       = ether == ETHER_IPV6 && begins[7:4] == 6 && size >= 54;
    wire        tcp4     = words[2][7:0] == TCP && begins[3:0] == 5 && !fragment && size >= 38;
    wire        tcp6     = words[2][31:24] == TCP && size >= 58;

    // Source, destination, ports: from byte 26, 30, 34 of IPv4, from byte 22, 38, 54 of IPv6.
    wire [95:0]  ipv4 = {words[3][47:0], words[4][63:16]};
    wire [287:0] ipv6 = {words[2][15:0], words[3], words[4], words[5], words[6], words[7][63:48]};

    rss_hash #(.KEY(KEY)) unit (
        .clk(clk),
        .rst(rst),
        .src(v4 ? {96'd0, ipv4[95:64]} : ipv6[287:160]),
        .dst(v4 ? {96'd0, ipv4[63:32]} : ipv6[159:32]),
        .sport(v4 ? ipv4[31:16] : ipv6[31:16]),
        .dport(v4 ? ipv4[15:0] : ipv6[15:0]),
        .kind(v4 ? (tcp4 ? IPV4_TCP : IPV4) : v6 ? (tcp6 ? IPV6_TCP : IPV6) : NONE),
        .valid(asking),
        .ready(asked),
        .hash(hash),
        .hash_type(hash_type),
        .hash_valid(hash_valid)
    );
endmodule

`default_nettype wire
