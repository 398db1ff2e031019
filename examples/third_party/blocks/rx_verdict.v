// Receive checksum verdict: the IPv4 header's sum, and that of TCP or UDP, are good, bad or not checked.
//
// Written for this example. A byte a clock, as GMII brings them, and no way to stop it. Follows IPv4 with any options and
// IPv6 without extension headers. Not checked: tags, LLC/SNAP, tunnels, fragments, lengths that lie, UDP without a sum.
`default_nettype none

module rx_verdict (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] rx_data,
    input  wire       rx_valid,
    input  wire       rx_last,        // with the frame's last byte; there is no FCS
    output reg        verdict_valid,  // for one clock, the one after the last byte
    output wire       l3_checked,
    output wire       l3_ok,
    output wire       l4_checked,
    output wire       l4_ok
);
    localparam [15:0] IPV4 = 16'h0800, IPV6 = 16'h86dd;
    localparam [7:0]  TCP = 6, UDP = 17;

    reg [15:0] at, size;              // this byte's place in the frame; bytes so far
    reg [15:0] ether;
    reg [3:0]  version;
    reg [16:0] header, total;         // bytes of the IP header, of the whole packet
    reg        fragment;
    reg [7:0]  protocol;
    reg [15:0] udp_length, udp_sum;
    reg [31:0] l3_sum, l4_sum;        // 16-bit words, carries not yet folded

    // Where this byte is; before the packet begins these are beyond any packet's end.
    wire        v4 = ether == IPV4;
    wire        v6 = ether == IPV6;
    wire [16:0] l3_at = {1'b0, at - 16'd14};
    wire [16:0] l4_at = l3_at - header;
    wire        in_header  = l3_at == 0 || l3_at < header;
    wire        in_body    = l3_at >= header && l3_at < total;
    wire        in_address = v4 ? l3_at >= 12 && l3_at < 20 : l3_at >= 8 && l3_at < 40;
    wire        is_next    = l3_at == (v4 ? 17'd9 : 17'd6);

    // Both headers begin at an even byte of the frame, so an even byte is the high half of a word.
    wire [31:0] share = at[0] ? {24'd0, rx_data} : {16'd0, rx_data, 8'd0};

    always @(posedge clk) begin
        verdict_valid <= rx_valid && rx_last;
        if (rx_valid) begin
            at   <= rx_last ? 16'd0 : at + 16'd1;
            size <= at + 16'd1;
            if (at == 12 || at == 13)
                ether <= {ether[7:0], rx_data};
            if (l3_at == 0) begin
                version <= rx_data[7:4];
                header  <= v4 ? {11'd0, rx_data[3:0], 2'd0} : 17'd40;
            end
            if (v4 && l3_at == 2 || v6 && l3_at == 4)
                total <= {1'b0, rx_data, 8'd0};
            if (v4 && l3_at == 3 || v6 && l3_at == 5)
                total <= {1'b0, total[15:8], rx_data} + (v6 ? 17'd40 : 17'd0);
            if (v4 && (l3_at == 6 && rx_data[5:0] != 0 || l3_at == 7 && rx_data != 0))
                fragment <= 1;  // more of them, or an offset
            if (is_next)
                protocol <= rx_data;
            if (in_body && (l4_at == 4 || l4_at == 5))
                udp_length <= {udp_length[7:0], rx_data};
            if (in_body && (l4_at == 6 || l4_at == 7))
                udp_sum <= {udp_sum[7:0], rx_data};

            if (in_header)
                l3_sum <= l3_sum + share;
            if (in_body || in_address)
                l4_sum <= l4_sum + share;
            else if (is_next)
                l4_sum <= l4_sum + {24'd0, rx_data};  // in the pseudo-header, the low half of a word
            if (at == 0) begin
                {ether, header, total, fragment} <= 0;
                {l3_sum, l4_sum} <= 0;
            end
        end
        if (rst) begin
            at            <= 0;
            verdict_valid <= 0;
        end
    end

    // With its own field in it a sum is a multiple of 0xffff: of such a number the two halves add up to 0xffff.
    function right(input [31:0] sum);
        right = {1'b0, sum[15:0]} + {1'b0, sum[31:16]} == 17'h0ffff;
    endfunction

    wire [16:0] packet     = {1'b0, size - 16'd14};
    wire [16:0] body       = total - header;
    wire        has_header = size > 14 && packet >= header
                             && (v4 && version == 4 && header >= 20 || v6 && version == 6);
    wire        whole      = has_header && !fragment && header <= total && total <= packet;
    wire        tcp        = protocol == TCP && body >= 20;
    wire        udp        = protocol == UDP && body >= 8 && body == {1'b0, udp_length} && udp_sum != 0;

    assign l3_checked = has_header && v4;
    assign l3_ok      = right(l3_sum);
    assign l4_checked = whole && (tcp || udp);
    assign l4_ok      = right(l4_sum + {15'd0, body});
endmodule

`default_nettype wire
