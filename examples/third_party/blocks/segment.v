// Segmentation: a long TCP or UDP message becomes frames of its header and at most `mss` bytes of payload each.
//
// Written for this example. A byte a clock, so that it can be read in one go: no realignment. Sum fields leave as they
// came; a checksum block behind this one does them. The command is taken with a message's first beat.
`default_nettype none

module segment (
    input  wire        clk,
    input  wire        rst,
    input  wire [63:0] s_axis_tdata,  // lane 0, the low byte, is first on the wire
    input  wire [7:0]  s_axis_tkeep,
    input  wire        s_axis_tlast,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire        enable,        // with the first beat, like all of the command; 0: the frame passes as it is
    input  wire [13:0] mss,
    input  wire [7:0]  header_length,
    input  wire [16:0] payload_length,
    input  wire [7:0]  l3_offset,
    input  wire [7:0]  l4_offset,
    input  wire        is_ipv6,
    input  wire        is_udp,
    output reg  [63:0] m_axis_tdata,
    output reg  [7:0]  m_axis_tkeep,
    output reg         m_axis_tlast,
    output reg         m_axis_tvalid,
    input  wire        m_axis_tready
);
    localparam [1:0] IDLE = 0, PASS = 1, HEADER_IN = 2, SEGMENTS = 3;
    localparam [7:0] FIN_PSH = 8'h09, CWR = 8'h80;

    reg [1:0]  state;
    reg        udp, ipv6, first_segment;
    reg [13:0] size;          // mss
    reg [7:0]  header_size, l3, l4;
    reg [16:0] remaining;     // payload bytes that no segment has yet
    reg [15:0] at;            // byte of the header, or of the frame going out
    reg [15:0] ident;
    reg [31:0] sequence_number;
    reg [7:0]  header [0:255];

    // In: a beat is held and given up byte by byte, lowest lane first.
    reg [63:0] data;
    reg [7:0]  keep;
    reg        data_last;
    wire       byte_there = keep[0];
    wire       byte_last  = data_last && !keep[1];
    wire [7:0] byte_in    = data[7:0];
    wire       take_byte;

    assign s_axis_tready = !byte_there && (state == IDLE || !data_last);
    wire take_beat = s_axis_tvalid && s_axis_tready;

    // Out: bytes gather in a beat, which leaves when it is full or the frame's last.
    reg  [2:0] lane;
    wire       room = !m_axis_tvalid || m_axis_tready;
    wire       put_byte;
    wire [7:0] byte_out;
    wire       put_last;

    // The segment that is being made.
    wire [15:0] part       = remaining < {3'd0, size} ? remaining[15:0] : {2'd0, size};
    wire        final_one  = remaining <= {3'd0, size};
    wire        in_header  = at < {8'd0, header_size};
    wire [15:0] frame_size = {8'd0, header_size} + part;
    wire [15:0] from_l3    = frame_size - {8'd0, l3};
    wire [15:0] from_l4    = frame_size - {8'd0, l4};
    wire [15:0] l3_at      = at - {8'd0, l3};
    wire [15:0] l4_at      = at - {8'd0, l4};

    // One byte of the header, with this segment's numbers in it.
    wire [7:0]  stored = header[at[7:0]];
    wire [15:0] ipv6_length = from_l3 - 16'd40;
    reg  [7:0]  edited;
    always @* begin
        edited = stored;
        case (l3_at)
            16'd2: if (!ipv6) edited = from_l3[15:8];
            16'd3: if (!ipv6) edited = from_l3[7:0];
            16'd4: edited = ipv6 ? ipv6_length[15:8] : ident[15:8];
            16'd5: edited = ipv6 ? ipv6_length[7:0] : ident[7:0];
            default: ;
        endcase
        case (l4_at)
            16'd4: edited = udp ? from_l4[15:8] : sequence_number[31:24];
            16'd5: edited = udp ? from_l4[7:0] : sequence_number[23:16];
            16'd6: if (!udp) edited = sequence_number[15:8];
            16'd7: if (!udp) edited = sequence_number[7:0];
            16'd13: if (!udp) edited = stored & ~(final_one ? 8'd0 : FIN_PSH) & ~(first_segment ? 8'd0 : CWR);
            default: ;
        endcase
    end

    assign put_byte  = room && (state == PASS && byte_there || state == SEGMENTS && (in_header || byte_there));
    assign byte_out  = state == SEGMENTS && in_header ? edited : byte_in;
    assign put_last  = state == PASS ? byte_last : at + 16'd1 == frame_size;
    assign take_byte = byte_there && (state == HEADER_IN || put_byte && !(state == SEGMENTS && in_header));

    always @(posedge clk) begin
        if (take_byte) begin
            data <= data >> 8;
            keep <= keep >> 1;
        end
        if (take_beat) begin
            data      <= s_axis_tdata;
            keep      <= s_axis_tkeep;
            data_last <= s_axis_tlast;
        end

        case (state)
            IDLE: if (take_beat) begin
                state           <= enable ? HEADER_IN : PASS;
                at              <= 0;
                size            <= mss;
                header_size     <= header_length;
                remaining       <= payload_length;
                l3              <= l3_offset;
                l4              <= l4_offset;
                ipv6            <= is_ipv6;
                udp             <= is_udp;
                first_segment   <= 1;
            end
            PASS: if (put_byte && byte_last)
                state <= IDLE;
            HEADER_IN: if (byte_there) begin
                header[at[7:0]] <= byte_in;
                if (l3_at == 4 || l3_at == 5)
                    ident <= {ident[7:0], byte_in};
                if (l4_at >= 4 && l4_at <= 7)
                    sequence_number <= {sequence_number[23:0], byte_in};
                at <= at + 1;
                if (at + 16'd1 == {8'd0, header_size}) begin
                    state <= SEGMENTS;
                    at    <= 0;
                end
            end
            SEGMENTS: if (put_byte) begin
                at <= at + 1;
                if (put_last) begin
                    at              <= 0;
                    remaining       <= remaining - {1'b0, part};
                    ident           <= ident + 1;
                    sequence_number <= sequence_number + {16'd0, part};
                    first_segment   <= 0;
                    if (final_one)
                        state <= IDLE;
                end
            end
        endcase

        if (m_axis_tvalid && m_axis_tready)
            m_axis_tvalid <= 0;
        if (put_byte) begin
            m_axis_tdata[8*lane +: 8] <= byte_out;
            m_axis_tkeep  <= lane == 0 ? 8'd1 : m_axis_tkeep | 8'd1 << lane;
            m_axis_tlast  <= put_last;
            m_axis_tvalid <= put_last || lane == 7;
            lane          <= put_last ? 3'd0 : lane + 3'd1;
        end

        if (rst) begin
            state         <= IDLE;
            keep          <= 0;
            lane          <= 0;
            m_axis_tvalid <= 0;
        end
    end
endmodule

`default_nettype wire
