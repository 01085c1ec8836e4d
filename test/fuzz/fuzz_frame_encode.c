/* fuzz: max_len=1024
 *
 * There and back: whatever messages a client says, in whatever fragments, with control frames between them,
 * come out of the decoder as they were said; and the headers and Closes that we write are read as they were
 * meant.
 *
 * An input is a list of frames: a byte that says which, one for the size, and the payload's bytes.
 */
#include <stdlib.h>

#include "fuzz/reference.h"

#define STREAM_MAX    100000u
#define FRAMES_MAX    64u
#define LENGTH_16_MAX 65535u
#define FINAL         0x80u
#define MASK_SIZE     4u
#define REASON_MAX    123u
#define CLOSE_HEADER  4u /* frame header and code */

/* A stream being written, and the story that it must tell. */
struct script {
  uint8_t *stream;
  size_t len;
  struct story story;
  bool in_message, in_text, closed;
};

/* ---- writing as a client ----------------------------------------------------------------------------- */

static size_t put_length(uint8_t *out, size_t len) {
  if (len < 126) {
    out[0] = (uint8_t)(0x80 | len);
    return 1;
  }
  size_t bytes = len <= UINT16_MAX ? 2 : 8;
  out[0] = bytes == 2 ? 0xFE : 0xFF;
  for (size_t i = 0; i < bytes; i++)
    out[1 + i] = (uint8_t)((uint64_t)len >> (8 * (bytes - 1 - i)));
  return 1 + bytes;
}

FUZZ_UNSEEN static void put_frame(struct script *s, uint8_t first, const uint8_t *payload, size_t len) {
  s->stream[s->len++] = first;
  s->len += put_length(s->stream + s->len, len);
  uint8_t mask[MASK_SIZE] = {(uint8_t)len, first, (uint8_t)s->len, 0x5A};
  memcpy(s->stream + s->len, mask, MASK_SIZE);
  s->len += MASK_SIZE;
  for (size_t i = 0; i < len; i++)
    s->stream[s->len++] = payload[i] ^ mask[i % MASK_SIZE];
}

static void tell(struct script *s, enum wsl_frame_event event, uint16_t code, const uint8_t *payload,
                 size_t len) {
  struct story_event told = {.event = event,
                             .consumed = s->len,
                             .payload_at = s->story.payload_len,
                             .code = code,
                             .control_len = (uint8_t)len};
  memcpy(told.control, payload, len);
  story_add(&s->story, &told);
}

static void say_control(struct script *s, uint8_t kind, const uint8_t *payload, size_t len) {
  if (len > WSL_CONTROL_PAYLOAD_MAX) len = WSL_CONTROL_PAYLOAD_MAX;
  bool ping = (kind & 1) != 0;
  put_frame(s, FINAL | (ping ? WSL_OP_PING : WSL_OP_PONG), payload, len);
  tell(s, ping ? WSL_FRAME_PING : WSL_FRAME_PONG, 0, payload, len);
}

static void say_close(struct script *s, const uint8_t *payload, size_t len) {
  uint8_t body[WSL_CONTROL_PAYLOAD_MAX] = {0x03, 0xE8};
  if (len > REASON_MAX) len = REASON_MAX;
  len = reference_utf8_begun(payload, reference_utf8_prefix(payload, len));
  memcpy(body + 2, payload, len);
  put_frame(s, FINAL | WSL_OP_CLOSE, body, len + 2);
  tell(s, WSL_FRAME_CLOSE, WSL_CLOSE_NORMAL, body, len + 2);
  s->closed = true;
}

/* A data frame that fits what was said before. Text is cut down to whole characters. */
static void say_data(struct script *s, uint8_t kind, const uint8_t *payload, size_t len) {
  bool final = (kind & 4) != 0, text = s->in_message ? s->in_text : (kind & 8) != 0;
  uint8_t opcode = s->in_message ? WSL_OP_CONTINUATION : text ? WSL_OP_TEXT : WSL_OP_BINARY;
  if (text) len = reference_utf8_begun(payload, reference_utf8_prefix(payload, len));
  put_frame(s, (uint8_t)((final ? FINAL : 0) | opcode), payload, len);
  memcpy(s->story.payload + s->story.payload_len, payload, len);
  s->story.payload_len += len;
  s->in_message = !final;
  s->in_text = text;
}

/* The payload: as many bytes of the input as are wanted, over and over when there are not so many. */
FUZZ_UNSEEN static uint8_t *take_payload(struct fuzz_input *input, size_t len) {
  uint8_t *payload = fuzz_memory(len);
  for (size_t i = 0; i < len; i++)
    payload[i] = i < input->len ? input->at[i] : (uint8_t)i & 0x7F;
  size_t taken = len < input->len ? len : input->len;
  input->at += taken;
  input->len -= taken;
  return payload;
}

static void say_something(struct script *s, struct fuzz_input *input) {
  uint8_t kind = fuzz_byte(input);
  size_t len = fuzz_byte(input);
  if ((kind & 0x30) == 0x30)
    len += LENGTH_16_MAX - 200u; /* round the end of what 16 bits hold */
  else if ((kind & 0x10) != 0)
    len *= 4;
  if (s->len + len + WSL_CLIENT_HEADER_MAX > STREAM_MAX) len = 0;
  uint8_t *payload = take_payload(input, len);
  if ((kind & 0xC0) == 0xC0) {
    say_close(s, payload, len);
  } else if ((kind & 0xC0) == 0x80) {
    say_control(s, kind, payload, len);
  } else {
    say_data(s, kind, payload, len);
  }
  free(payload);
}

/* Static, since to ask for so much each time would be most of the time. */
static uint8_t stream[STREAM_MAX], stream_payload[STREAM_MAX];

static void check_stream(struct fuzz_input *input, struct fuzz_cuts cuts) {
  struct script s = {.stream = stream, .story = {.payload = stream_payload}};
  for (size_t i = 0; i < FRAMES_MAX && input->len > 0 && !s.closed; i++)
    say_something(&s, input);
  s.story.between_messages = !s.in_message;
  struct story heard;
  story_init(&heard, s.len);
  story_of(&heard, s.stream, s.len, false, cuts);
  story_compare(&s.story, &heard, STORY_EXACT);
  story_free(&heard);
  free(s.story.events);
}

/* ---- what we write ----------------------------------------------------------------------------------- */

static void check_header(enum wsl_opcode opcode, uint64_t len) {
  uint8_t header[WSL_FRAME_HEADER_MAX];
  size_t size = wsl_frame_header(header, opcode, len);
  size_t bytes = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8;
  fuzz_check(size == 2 + bytes && wsl_frame_header_len(len) == size, "the shortest form of %llu",
             (unsigned long long)len);
  fuzz_check(header[0] == (FINAL | opcode), "final, no reserved bit");
  uint64_t read = bytes == 0 ? header[1] : 0;
  for (size_t i = 0; i < bytes; i++)
    read = read << 8 | header[2 + i];
  fuzz_check(read == len && (bytes == 0 || header[1] == (bytes == 2 ? 126 : 127)), "length %llu",
             (unsigned long long)len);
}

static void check_close(uint16_t code, const uint8_t *text, size_t len) {
  uint8_t frame[2 + WSL_CONTROL_PAYLOAD_MAX];
  len = reference_utf8_begun(text, reference_utf8_prefix(text, len));
  char *reason = fuzz_copy(text, len);
  size_t size = wsl_close_frame(frame, code, (struct wsl_span){reason, len});
  fuzz_check(size >= 2 && frame[0] == (FINAL | WSL_OP_CLOSE) && frame[1] == size - 2, "a Close frame");
  if (code == WSL_CLOSE_NO_STATUS) {
    fuzz_check(size == 2, "an empty Close");
  } else {
    fuzz_check((frame[2] << 8 | frame[3]) == code, "code %d", code);
    size_t kept = size - CLOSE_HEADER;
    fuzz_check(kept <= len && memcmp(frame + CLOSE_HEADER, reason, kept) == 0, "the reason, cut at most");
    fuzz_check(reference_utf8_begun(frame + CLOSE_HEADER, kept) == kept, "cut between characters");
    fuzz_check(kept == len || kept + 4 > REASON_MAX, "cut no earlier than it must be");
  }
  free(reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  struct fuzz_cuts cuts = fuzz_cuts_of(fuzz_choice_16(&input));
  uint16_t low = fuzz_choice_16(&input), code = fuzz_choice_16(&input);
  uint8_t shift = fuzz_choice(&input) & 0x3F;
  check_header((enum wsl_opcode)(code & 0xF), ((uint64_t)low << shift) & INT64_MAX); /* 5.2: 63 bits */
  check_close(code, input.at, input.len);
  check_stream(&input, cuts);
  return 0;
}
