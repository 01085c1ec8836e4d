/* Frame decoding as the bridge does it: a read of 256 KB full of frames, decoded in place into one run.
 *
 * The anchor is memcpy of as many bytes: a decoder that touches each byte once can hardly be cheaper. Buffers
 * are filled anew between two decodings, outside the time that counts.
 */
#include <stdlib.h>
#include <string.h>

#include <wsluice/frame.h>

#include "micro.h"

#define READ_SIZE (256u * 1024u)
#define MASKED    0x80u

enum mix { MIX_SAME, MIX_TO_125, MIX_TO_2000 };

/* Reads with other lengths in each, so that no processor knows by heart which length comes next. */
#define READS_MIXED 16u

/* A read's worth of whole frames, one of `count` that are decoded in turn. */
struct read_full {
  uint8_t *wire;
  size_t wire_len, frames, payload_len, count;
};

static uint8_t *scratch; /* where the frames are decoded, in place */

static size_t next_len(enum mix mix, size_t size, uint64_t *seed) {
  uint64_t drawn = micro_random(seed) >> 33;
  if (mix == MIX_TO_125) return 1 + drawn % 125;
  if (mix == MIX_TO_2000) return drawn % 8 == 0 ? 126 + drawn / 8 % 1875 : 1 + drawn / 8 % 125;
  return size;
}

static size_t put_frame(uint8_t *at, enum wsl_opcode opcode, size_t len, uint64_t *seed) {
  size_t header_len = wsl_frame_header(at, opcode, len);
  at[1] |= MASKED;
  for (size_t i = 0; i < 4; i++)
    at[header_len + i] = (uint8_t)(micro_random(seed) >> 56 | 1);
  uint8_t *payload = at + header_len + 4;
  for (size_t i = 0; i < len; i++)
    payload[i] = (uint8_t)('a' + i % 26) ^ at[header_len + i % 4];
  return header_len + 4 + len;
}

static void fill_read(struct read_full *full, enum wsl_opcode opcode, enum mix mix, size_t size,
                      uint64_t *seed) {
  full->wire = micro_memory(READ_SIZE);
  for (;;) {
    size_t len = next_len(mix, size, seed);
    if (full->wire_len + WSL_CLIENT_HEADER_MAX + len > READ_SIZE) return;
    full->wire_len += put_frame(full->wire + full->wire_len, opcode, len, seed);
    full->payload_len += len;
    full->frames++;
  }
}

static const struct read_full *fill_reads(enum wsl_opcode opcode, enum mix mix, size_t size) {
  size_t count = mix == MIX_SAME ? 1 : READS_MIXED;
  struct read_full *reads = (struct read_full *)micro_memory(count * sizeof(*reads));
  uint64_t seed = 7;
  for (size_t i = 0; i < count; i++) {
    reads[i] = (struct read_full){.count = count};
    fill_read(&reads[i], opcode, mix, size, &seed);
  }
  return reads;
}

static double run_decode(const struct micro_case *measured, uint64_t count) {
  const struct read_full *reads = measured->context;
  struct wsl_decoder decoder;
  double took = 0, clock_cost = micro_clock_cost();
  wsl_decoder_init(&decoder, false);
  for (uint64_t i = 0; i < count; i++) {
    const struct read_full *full = &reads[i % reads->count];
    memcpy(scratch, full->wire, full->wire_len);
    double start = micro_now();
    struct wsl_frame_result result = wsl_decoder_feed(&decoder, scratch, scratch, full->wire_len);
    took += micro_now() - start - clock_cost;
    if (result.event != WSL_FRAME_MORE || result.run_len != full->payload_len) abort();
  }
  return took;
}

static double run_copy(const struct micro_case *measured, uint64_t count) {
  const struct read_full *full = measured->context;
  double start = micro_now();
  for (uint64_t i = 0; i < count; i++) {
    memcpy(scratch, full->wire, full->wire_len);
    micro_keep(scratch[i % READ_SIZE]);
  }
  return micro_now() - start;
}

static void add_case(struct micro_plan *plan, const char *name, enum wsl_opcode opcode, enum mix mix,
                     size_t size) {
  struct micro_case *added = micro_add(plan, "decode frames, a read of 256 KB", "%s", name);
  const struct read_full *reads = fill_reads(opcode, mix, size);
  double frames = 0, bytes = 0;
  for (size_t i = 0; i < reads->count; i++) {
    frames += (double)reads[i].frames;
    bytes += (double)reads[i].payload_len;
  }
  added->run = run_decode;
  added->context = reads;
  added->items_per_call = frames / (double)reads->count;
  added->bytes_per_item = bytes / frames;
}

static void add_copy(struct micro_plan *plan) {
  struct micro_case *added = micro_add(plan, "decode frames, a read of 256 KB", "memcpy");
  const struct read_full *full = fill_reads(WSL_OP_BINARY, MIX_SAME, READ_SIZE - WSL_CLIENT_HEADER_MAX);
  added->run = run_copy;
  added->context = full;
  added->bytes_per_item = (double)full->payload_len;
  added->is_anchor = true;
}

void bench_decode(struct micro_plan *plan) {
  scratch = micro_memory_apart(READ_SIZE);
  add_copy(plan);
  add_case(plan, "16 B", WSL_OP_BINARY, MIX_SAME, 16);
  add_case(plan, "64 B", WSL_OP_BINARY, MIX_SAME, 64);
  add_case(plan, "125 B", WSL_OP_BINARY, MIX_SAME, 125);
  add_case(plan, "1024 B", WSL_OP_BINARY, MIX_SAME, 1024);
  add_case(plan, "16 KB", WSL_OP_BINARY, MIX_SAME, 16384);
  add_case(plan, "1 to 125 B, mixed", WSL_OP_BINARY, MIX_TO_125, 0);
  add_case(plan, "1 to 2000 B, mixed", WSL_OP_BINARY, MIX_TO_2000, 0);
  add_case(plan, "64 B of text", WSL_OP_TEXT, MIX_SAME, 64);
  add_case(plan, "1 to 125 B of text", WSL_OP_TEXT, MIX_TO_125, 0);
}
