/* Random valid streams of frames, cut at random: payload, control events and their order survive. */
#include "support.h"

#include <wsluice/frame.h>

#define STREAM_MAX   (1u << 20)
#define CONTROLS_MAX 256u
#define SEEDS        150u

#define PLAIN_FRAMES  100u
#define PLAIN_LEN_MAX 200u /* past the short payloads and the lengths of 7 bits */

/* A control frame, and how many payload bytes lie before it. */
struct control {
  uint8_t opcode;
  uint8_t len;
  uint8_t body[WSL_CONTROL_PAYLOAD_MAX];
  size_t payload_before;
};

/* What a stream is, or what the decoder made of it. */
struct story {
  uint8_t *payload;
  size_t payload_len;
  struct control *controls;
  size_t controls_count;
};

struct stream {
  uint8_t *wire;
  size_t wire_len;
  struct story story;
  uint64_t seed;
};

static struct story story_new(void) {
  return (struct story){.payload = exact_alloc(STREAM_MAX),
                        .controls = exact_alloc(CONTROLS_MAX * sizeof(struct control))};
}

static void story_free(struct story *story) {
  free(story->payload);
  free(story->controls);
}

static void story_add_control(struct story *story, uint8_t opcode, const uint8_t *body, size_t len) {
  assert_in_range(story->controls_count, 0, CONTROLS_MAX - 1);
  struct control *control = &story->controls[story->controls_count++];
  control->opcode = opcode;
  control->len = (uint8_t)len;
  control->payload_before = story->payload_len;
  memcpy(control->body, body, len);
}

/* A client's frame: our encoder's header with the mask bit, a mask, and the masked body. */
static void put_frame(struct stream *s, uint8_t first, const uint8_t *body, size_t len) {
  uint8_t *header = s->wire + s->wire_len, mask[4];
  size_t header_len = wsl_frame_header(header, WSL_OP_BINARY, len);
  header[0] = first;
  header[1] |= 0x80;
  random_fill(&s->seed, mask, sizeof(mask));
  if (random_below(&s->seed, 8) == 0) memset(mask, 0, sizeof(mask));
  memcpy(header + header_len, mask, sizeof(mask));
  uint8_t *masked = header + header_len + sizeof(mask);
  for (size_t i = 0; i < len; i++)
    masked[i] = body[i] ^ mask[i % 4];
  s->wire_len += header_len + sizeof(mask) + len;
}

static void put_control(struct stream *s) {
  uint8_t body[WSL_CONTROL_PAYLOAD_MAX];
  uint8_t opcode = random_below(&s->seed, 2) ? WSL_OP_PING : WSL_OP_PONG;
  size_t len = random_below(&s->seed, WSL_CONTROL_PAYLOAD_MAX + 1);
  random_fill(&s->seed, body, len);
  put_frame(s, (uint8_t)(0x80 | opcode), body, len);
  story_add_control(&s->story, opcode, body, len);
}

/* Mostly short; now and then round the borders of the three forms of a length. */
static size_t random_len(uint64_t *seed) {
  static const size_t borders[] = {0, 1, 125, 126, 127, 65535, 65536, 65537};
  if (random_below(seed, 20) == 0) return borders[random_below(seed, COUNT_OF(borders))];
  return random_below(seed, random_below(seed, 4) ? 80 : 2000);
}

/* Bytes for a message; for text two-byte characters, so that fragments cut some in half. */
static void fill_body(uint64_t *seed, uint8_t *body, size_t len, bool text) {
  random_fill(seed, body, len);
  for (size_t i = 0; text && i < len; i++) {
    body[i] = i % 2 ? (uint8_t)(0x80 | (body[i] & 0x3F)) : (uint8_t)(0xC2 + body[i] % 30);
  }
  if (text && len % 2) body[len - 1] = 'x';
}

/* One message in one or more fragments, control frames between them. */
static void put_message(struct stream *s) {
  bool text = random_below(&s->seed, 2);
  size_t len = random_len(&s->seed), sent = 0;
  uint8_t *body = s->story.payload + s->story.payload_len;
  uint8_t opcode = text ? WSL_OP_TEXT : WSL_OP_BINARY;
  fill_body(&s->seed, body, len, text);
  for (bool fin = false; !fin; opcode = WSL_OP_CONTINUATION) {
    size_t part = random_below(&s->seed, 3) ? len - sent : random_below(&s->seed, len - sent + 1);
    fin = sent + part == len && random_below(&s->seed, 4) > 0;
    put_frame(s, (uint8_t)((fin ? 0x80 : 0) | opcode), body + sent, part);
    sent += part;
    s->story.payload_len += part;
    if (random_below(&s->seed, 6) == 0) put_control(s);
  }
}

static struct stream stream_new(uint64_t seed) {
  struct stream s = {.wire = exact_alloc(STREAM_MAX), .story = story_new(), .seed = seed};
  size_t messages = 1 + random_below(&s.seed, 60);
  for (size_t i = 0; i < messages && s.wire_len < STREAM_MAX / 2; i++)
    put_message(&s);
  return s;
}

/* Feeds one read's worth, in a block of its own and in place; the story is told from what comes out. */
static void decode_piece(struct wsl_decoder *d, const uint8_t *data, size_t len, struct story *told) {
  uint8_t *block = exact_copy(data, len), *dst = block;
  size_t at = 0;
  while (at < len) {
    struct wsl_frame_result result = wsl_decoder_feed(d, dst, block + at, len - at);
    assert_true(result.event <= WSL_FRAME_PONG);
    at += result.consumed;
    dst += result.run_len;
    memcpy(told->payload + told->payload_len, dst - result.run_len, result.run_len);
    told->payload_len += result.run_len;
    if (result.event == WSL_FRAME_MORE) break;
    uint8_t opcode = result.event == WSL_FRAME_PING ? WSL_OP_PING : WSL_OP_PONG;
    story_add_control(told, opcode, d->control, d->control_len);
  }
  assert_int_equal(at, len);
  free(block);
}

static void check_same(uint64_t seed, const struct story *told, const struct story *meant) {
  if (told->payload_len != meant->payload_len || told->controls_count != meant->controls_count) {
    fail_msg("seed %llu: %zu bytes, %zu control frames instead of %zu, %zu", (unsigned long long)seed,
             told->payload_len, told->controls_count, meant->payload_len, meant->controls_count);
  }
  if (memcmp(told->payload, meant->payload, meant->payload_len) != 0) {
    fail_msg("seed %llu: payload differs", (unsigned long long)seed);
  }
  for (size_t i = 0; i < meant->controls_count; i++) {
    const struct control *a = &told->controls[i], *b = &meant->controls[i];
    bool same = a->opcode == b->opcode && a->len == b->len && a->payload_before == b->payload_before &&
                memcmp(a->body, b->body, b->len) == 0;
    if (!same) fail_msg("seed %llu: control frame %zu differs", (unsigned long long)seed, i);
  }
}

/* Sizes of reads: single bytes, a TCP segment's, a whole buffer's. */
static void check_stream(uint64_t seed, size_t read_max) {
  struct stream s = stream_new(seed);
  struct story told = story_new();
  struct wsl_decoder decoder;
  wsl_decoder_init(&decoder, false);
  for (size_t at = 0; at < s.wire_len;) {
    size_t len = 1 + random_below(&s.seed, read_max);
    if (len > s.wire_len - at) len = s.wire_len - at;
    decode_piece(&decoder, s.wire + at, len, &told);
    at += len;
  }
  assert_true(wsl_decoder_between_messages(&decoder));
  check_same(seed, &told, &s.story);
  story_free(&told);
  story_free(&s.story);
  free(s.wire);
}

static void whole_streams(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++)
    check_stream(seed, STREAM_MAX);
}

static void streams_in_segments(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS; seed++)
    check_stream(seed, 1460);
}

static void streams_in_crumbs(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= SEEDS / 4; seed++) {
    check_stream(seed, 1);
    check_stream(seed, 7);
  }
}

/* What plain frames carry. Half of a text's characters are ASCII, or all of them. */
enum plain { PLAIN_BINARY, PLAIN_TEXT, PLAIN_ASCII, PLAIN_KINDS };

static void fill_plain(struct stream *s, enum plain kind, uint8_t *body, size_t len) {
  fill_body(&s->seed, body, len, kind == PLAIN_TEXT);
  for (size_t i = 0; kind == PLAIN_ASCII && i < len; i++)
    body[i] &= 0x7F;
}

/* Whole messages without a control frame between them, of one length or of any: what the decoder takes
 * step by step. The sum of the headers before a frame is what its step may write over. */
static struct stream plain_stream_new(enum plain kind, size_t len_min, size_t len_max) {
  struct stream s = {.wire = exact_alloc(STREAM_MAX), .story = story_new(), .seed = 1 + len_min};
  uint8_t opcode = kind == PLAIN_BINARY ? WSL_OP_BINARY : WSL_OP_TEXT;
  for (size_t i = 0; i < PLAIN_FRAMES; i++) {
    size_t len = len_min + random_below(&s.seed, len_max - len_min + 1);
    uint8_t *body = s.story.payload + s.story.payload_len;
    fill_plain(&s, kind, body, len);
    put_frame(&s, 0x80 | opcode, body, len);
    s.story.payload_len += len;
  }
  return s;
}

static void stream_free(struct stream *s) {
  story_free(&s->story);
  free(s->wire);
}

static void check_plain(enum plain kind, size_t len_min, size_t len_max, size_t read_max) {
  struct stream s = plain_stream_new(kind, len_min, len_max);
  struct story told = story_new();
  struct wsl_decoder decoder;
  wsl_decoder_init(&decoder, false);
  for (size_t at = 0; at < s.wire_len;) {
    size_t len = read_max < s.wire_len - at ? read_max : s.wire_len - at;
    decode_piece(&decoder, s.wire + at, len, &told);
    at += len;
  }
  assert_true(wsl_decoder_between_messages(&decoder));
  check_same(len_min, &told, &s.story);
  story_free(&told);
  stream_free(&s);
}

static void plain_frames_of_one_length(void **state) {
  (void)state;
  for (enum plain kind = 0; kind < PLAIN_KINDS; kind++) {
    for (size_t len = 0; len <= PLAIN_LEN_MAX; len++)
      check_plain(kind, len, len, STREAM_MAX);
  }
}

static void plain_frames_of_any_length_cut_anywhere(void **state) {
  (void)state;
  for (enum plain kind = 0; kind < PLAIN_KINDS; kind++) {
    for (size_t len_max = 1; len_max <= PLAIN_LEN_MAX; len_max += 2) {
      check_plain(kind, 0, len_max, STREAM_MAX);
      check_plain(kind, 0, len_max, 100 + 7 * len_max);
    }
  }
}

/* Breaks the byte at `place` of the frame in the middle, of `len`, and looks where the decoder stops. */
static void check_broken(struct stream *s, size_t len, size_t place) {
  size_t frame = s->wire_len / PLAIN_FRAMES, before = PLAIN_FRAMES / 2;
  uint8_t *block = exact_copy(s->wire, s->wire_len), *payload = block + before * frame + frame - len;
  payload[place] ^=
      0x80; /* a continuation byte, or one that begins a sequence which an ASCII byte or the end cuts */
  bool begins = (s->story.payload[before * len + place] | 0x80) >= 0xC2 &&
                (s->story.payload[before * len + place] | 0x80) <= 0xF4;
  struct wsl_decoder decoder;
  wsl_decoder_init(&decoder, false);
  struct wsl_frame_result result = wsl_decoder_feed(&decoder, block, block, s->wire_len);
  assert_int_equal(result.event, WSL_FRAME_VIOLATION);
  assert_int_equal(result.close_code, WSL_CLOSE_INVALID_PAYLOAD);
  assert_int_equal(result.run_len, before * len + place);
  size_t seen = begins && place + 1 < len ? place + 2 : place + 1;
  assert_int_equal(result.consumed, (size_t)(payload - block) + seen);
  free(block);
}

static void a_broken_text_among_plain_frames(void **state) {
  (void)state;
  static const size_t lengths[] = {1, 2, 7, 8, 9, 16, 31, 64, 65, 125};
  for (size_t i = 0; i < COUNT_OF(lengths); i++) {
    struct stream s = plain_stream_new(PLAIN_ASCII, lengths[i], lengths[i]);
    for (size_t place = 0; place < lengths[i]; place++)
      check_broken(&s, lengths[i], place);
    stream_free(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_streams),
      cmocka_unit_test(streams_in_segments),
      cmocka_unit_test(streams_in_crumbs),
      cmocka_unit_test(plain_frames_of_one_length),
      cmocka_unit_test(plain_frames_of_any_length_cut_anywhere),
      cmocka_unit_test(a_broken_text_among_plain_frames),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
