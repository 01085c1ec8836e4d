/* Messages made ready once and sent for ever (outgoing.h). */
#include "loadgen/outgoing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/hash.h"

#define MASK_BIT 0x80u
#define MASK_LEN 4u

size_t client_frame_header(uint8_t out[WSL_CLIENT_HEADER_MAX], enum wsl_opcode opcode, uint64_t payload_len,
                           const uint8_t mask[4]) {
  size_t len = wsl_frame_header(out, opcode, payload_len);
  out[1] |= MASK_BIT;
  memcpy(out + len, mask, MASK_LEN);
  return len + MASK_LEN;
}

size_t client_control_frame(uint8_t out[CLIENT_CONTROL_MAX], enum wsl_opcode opcode, const uint8_t *payload,
                            size_t len, const uint8_t mask[4]) {
  assert(len <= WSL_CONTROL_PAYLOAD_MAX);
  size_t header_len = client_frame_header(out, opcode, len, mask);
  for (size_t i = 0; i < len; i++)
    out[header_len + i] = payload[i] ^ mask[i % MASK_LEN];
  return header_len + len;
}

static size_t header_len_of(enum outgoing_framing framing, size_t payload_len) {
  return framing == OUTGOING_PLAIN ? 0 : wsl_frame_header_len(payload_len) + MASK_LEN;
}

/* Fills in one frame whose payload begins at `offset` of the stream. */
static void build_frame(const struct outgoing *outgoing, const struct pattern *pattern, uint64_t offset,
                        const uint8_t mask[4], uint8_t *out) {
  if (outgoing->framing != OUTGOING_PLAIN)
    out += client_frame_header(out, outgoing->opcode, outgoing->payload_len, mask);
  for (size_t i = 0; i < outgoing->payload_len; i++)
    out[i] = pattern_at(pattern, offset + i) ^ mask[i % MASK_LEN];
}

/* Small messages. The count of frames is a multiple of the period, so the payload's length is too. */
static int build_frames(struct outgoing *outgoing, const struct pattern *pattern) {
  size_t round_len = PATTERN_PERIOD * (size_t)outgoing->frame_len;
  size_t rounds = (OUTGOING_BUFFER_MIN + round_len - 1) / round_len;
  size_t count = rounds * PATTERN_PERIOD;
  outgoing->frames_len = rounds * round_len;
  outgoing->frames = malloc(outgoing->frames_len);
  uint8_t(*masks)[MASK_LEN] = calloc(count, sizeof *masks);
  int error = outgoing->frames == NULL || masks == NULL ? WSL_NO_MEMORY : WSL_OK;
  if (error == WSL_OK && outgoing->framing == OUTGOING_MASKED)
    error = random_bytes(masks, count * sizeof *masks);
  for (size_t i = 0; error == WSL_OK && i < count; i++)
    build_frame(outgoing, pattern, (uint64_t)i * outgoing->payload_len, masks[i],
                outgoing->frames + i * outgoing->frame_len);
  free(masks);
  return error;
}

/* A large message's table and the headers of the frames that begin at each of the mask's bytes. */
static int build_table(struct outgoing *outgoing, const struct pattern *pattern, size_t which,
                       const uint8_t mask[4]) {
  uint8_t *table = malloc(PATTERN_TABLE_LEN);
  if (table == NULL) return WSL_NO_MEMORY;
  outgoing->tables[which] = table;
  for (size_t i = 0; i < PATTERN_TABLE_LEN; i++)
    table[i] = pattern->bytes[i] ^ mask[i % MASK_LEN];
  if (outgoing->framing == OUTGOING_PLAIN) return WSL_OK;
  for (size_t turn = 0; turn < MASK_LEN; turn++) {
    uint8_t turned[MASK_LEN];
    for (size_t i = 0; i < MASK_LEN; i++)
      turned[i] = mask[(turn + i) % MASK_LEN];
    (void)client_frame_header(outgoing->headers[which][turn], outgoing->opcode, outgoing->payload_len,
                              turned);
  }
  return WSL_OK;
}

static int build_tables(struct outgoing *outgoing, const struct pattern *pattern) {
  uint8_t masks[OUTGOING_MASKS][MASK_LEN] = {{0}};
  int error = outgoing->framing == OUTGOING_MASKED ? random_bytes(masks, sizeof masks) : WSL_OK;
  for (size_t i = 0; error == WSL_OK && i < OUTGOING_MASKS; i++)
    error = build_table(outgoing, pattern, i, masks[i]);
  return error;
}

int outgoing_init(struct outgoing *outgoing, const struct pattern *pattern, enum outgoing_framing framing,
                  enum wsl_opcode opcode, size_t payload_len) {
  assert(payload_len > 0 && payload_len <= OUTGOING_PAYLOAD_MAX);
  size_t header_len = header_len_of(framing, payload_len);
  *outgoing = (struct outgoing){.framing = framing,
                                .opcode = opcode,
                                .payload_len = payload_len,
                                .header_len = header_len,
                                .frame_len = (uint64_t)header_len + payload_len};
  return payload_len <= OUTGOING_SMALL_MAX ? build_frames(outgoing, pattern)
                                           : build_tables(outgoing, pattern);
}

void outgoing_destroy(struct outgoing *outgoing) {
  free(outgoing->frames);
  for (size_t i = 0; i < OUTGOING_MASKS; i++)
    free(outgoing->tables[i]);
  *outgoing = (struct outgoing){0};
}

/* Where a list of parts is being filled in. */
struct filling {
  struct iovec *parts;
  int count;
  int parts_max;
  uint64_t left; /* bytes that may still be added */
};

/* Adds at[0..len), or what may still be added; returns how much. */
static size_t add_part(struct filling *filling, const uint8_t *at, uint64_t len) {
  if (len > filling->left) len = filling->left;
  if (len == 0 || filling->count == filling->parts_max) return 0;
  filling->parts[filling->count++] = (struct iovec){(void *)(uintptr_t)at, (size_t)len};
  filling->left -= len;
  return (size_t)len;
}

static bool may_add(const struct filling *filling) {
  return filling->left > 0 && filling->count < filling->parts_max;
}

static void add_from_frames(const struct outgoing *outgoing, uint64_t position, struct filling *filling) {
  size_t at = (size_t)(position % outgoing->frames_len);
  while (may_add(filling)) {
    (void)add_part(filling, outgoing->frames + at, outgoing->frames_len - at);
    at = 0;
  }
}

/* The rest of the message `index` from byte `within` of its frame on. */
static void add_message(const struct outgoing *outgoing, uint64_t index, uint64_t within,
                        struct filling *filling) {
  size_t which = (size_t)(index % OUTGOING_MASKS);
  uint64_t offset = index * outgoing->payload_len;
  if (within < outgoing->header_len) {
    const uint8_t *header = outgoing->headers[which][offset % MASK_LEN];
    within += add_part(filling, header + within, outgoing->header_len - within);
    if (within < outgoing->header_len) return;
  }
  while (within < outgoing->frame_len && may_add(filling)) {
    size_t at = (size_t)((offset + within - outgoing->header_len) % PATTERN_TABLE_LEN);
    uint64_t run = outgoing->frame_len - within;
    if (run > PATTERN_TABLE_LEN - at) run = PATTERN_TABLE_LEN - at;
    within += add_part(filling, outgoing->tables[which] + at, run);
  }
}

int outgoing_parts(const struct outgoing *outgoing, uint64_t position, uint64_t len_max, struct iovec *parts,
                   int parts_max) {
  struct filling filling = {.parts = parts, .parts_max = parts_max, .left = len_max};
  if (outgoing->frames != NULL) {
    add_from_frames(outgoing, position, &filling);
    return filling.count;
  }
  uint64_t index = position / outgoing->frame_len;
  uint64_t within = position % outgoing->frame_len;
  for (; may_add(&filling); index++, within = 0)
    add_message(outgoing, index, within, &filling);
  return filling.count;
}
