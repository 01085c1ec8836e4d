/* fuzz: max_len=1024
 *
 * A stream as messages, cut anywhere: repaired, cut and framed in pieces as a session does it, against the
 * whole of it character by character; and base64 in pieces, against digits taken one by one.
 */
#include <stdlib.h>
#include <string.h>

#include <wsluice/base64.h>
#include <wsluice/messages.h>

#include "fuzz/reference.h"

#define KEPT_MAX    8192u /* more than any stream of an input becomes */
#define GROWTH_MAX  4u
#define HEADROOM    64u
#define REPLACEMENT "\xEF\xBF\xBD"

struct text {
  uint8_t bytes[KEPT_MAX];
  size_t len;
};

static void add(struct text *text, const void *bytes, size_t len) {
  fuzz_check(text->len + len <= KEPT_MAX, "%zu bytes", text->len + len);
  if (len > 0) memcpy(text->bytes + text->len, bytes, len);
  text->len += len;
}

/* ---- what has to come out, each message with a NUL's place behind it ---- */

static size_t character_len(const uint8_t *at, const uint8_t *end) {
  size_t len = 1;
  while (at + len < end && (at[len] & 0xC0) == 0x80)
    len++;
  return len;
}

/* data[0..len) with what is none of it replaced. */
static void expect_text(const uint8_t *data, size_t len, struct text *out) {
  while (len > 0) {
    size_t prefix = reference_utf8_prefix(data, len), sound = reference_utf8_begun(data, prefix);
    add(out, data, sound);
    if (sound == len) return;
    add(out, REPLACEMENT, 3);
    size_t fault = prefix > sound ? prefix - sound : 1;
    data += sound + fault;
    len -= sound + fault;
  }
}

/* The lines of a text that ends in LF, each message with a LF behind it. */
static void expect_lines(const struct text *text, const struct wsl_message_form *form, struct text *out) {
  const uint8_t *at = text->bytes, *end = at + text->len;
  size_t message = 0;
  while (at < end) {
    bool crlf = *at == '\r' && at + 1 < end && at[1] == '\n';
    if (*at == '\n' || crlf) {
      add(out, "\n", 1);
      at += crlf ? 2 : 1;
      message = 0;
      continue;
    }
    size_t len = form->opcode == WSL_OP_TEXT ? character_len(at, end) : 1;
    if (message > 0 && message + len > form->max) {
      add(out, "\n", 1);
      message = 0;
    }
    add(out, at, len);
    message += len;
    at += len;
  }
}

/* ---- what does ---- */

struct session {
  struct wsl_message_form form;
  struct text kept; /* a line without its end */
  uint8_t carry[4];
  size_t carried;
  struct text told; /* messages; of lines each with a LF behind it */
};

static void tell(struct session *s, const uint8_t *payload, size_t len) {
  fuzz_check(len <= s->form.max, "a message of %zu bytes, more than %zu", len, s->form.max);
  if (s->form.opcode == WSL_OP_TEXT) fuzz_check(wsl_utf8_valid(payload, len), "a message that is no text");
  if (s->form.rule == WSL_MESSAGES_BASE64) {
    struct wsl_base64_decoder decoder;
    wsl_base64_init(&decoder);
    uint8_t *bytes = fuzz_memory(len);
    size_t bytes_len;
    bool fine = wsl_base64_decode(&decoder, bytes, payload, len, &bytes_len) == len;
    fuzz_check(fine && len % 4 == 0 && wsl_base64_complete(&decoder), "a message that is not base64");
    add(&s->told, bytes, bytes_len);
    free(bytes);
    return;
  }
  add(&s->told, payload, len);
  if (s->form.rule == WSL_MESSAGES_LINES) add(&s->told, "\n", 1);
}

static void tell_frames(struct session *s, const uint8_t *at, size_t len) {
  while (len > 0) {
    uint64_t payload_len;
    fuzz_check(at[0] == (0x80u | (unsigned)s->form.opcode), "a frame that begins with %02x", at[0]);
    size_t header = wsl_frame_header_read(at, &payload_len), frame = header + (size_t)payload_len;
    fuzz_check(frame <= len, "a frame of %zu bytes in %zu", frame, len);
    tell(s, at + header, (size_t)payload_len);
    at += frame;
    len -= frame;
  }
}

static void keep(struct session *s, uint8_t *at, size_t len) {
  while (len > 0) {
    struct wsl_message_cut cut = wsl_message_cut(&s->form, s->kept.len, at, len);
    add(&s->kept, at, cut.take);
    at += cut.take + cut.skip;
    len -= cut.take + cut.skip;
    if (cut.unfinished) {
      fuzz_check(len == 0 || (len == 1 && *at == '\r'), "%zu bytes of a line are left", len);
      if (len == 1) {
        memmove(s->carry + 1, s->carry, s->carried);
        s->carry[0] = '\r';
        s->carried++;
      }
      return;
    }
    tell(s, s->kept.bytes, s->kept.len);
    s->kept.len = 0;
    if (len == 0) return;
    uint8_t *room = at - WSL_FRAME_HEADER_MAX;
    struct wsl_framed framed = wsl_messages_frame(&s->form, room, at, len);
    tell_frames(s, framed.at, framed.len);
    at += framed.used;
    len -= framed.used;
  }
}

/* Of a buffer that ends where the piece ends, as a session's read. */
static void take(struct session *s, const uint8_t *piece, size_t len, bool is_last) {
  size_t room = HEADROOM + (GROWTH_MAX - 1) * (len + s->carried);
  uint8_t *buffer = fuzz_memory(room + s->carried + len), *at = buffer + room;
  memcpy(at, s->carry, s->carried);
  memcpy(at + s->carried, piece, len);
  len += s->carried;
  s->carried = 0;
  if (s->form.opcode == WSL_OP_TEXT && s->form.rule != WSL_MESSAGES_BASE64) {
    s->carried = is_last ? 0 : wsl_utf8_unfinished(at, len);
    len -= s->carried;
    memcpy(s->carry, at + len, s->carried);
    struct wsl_utf8_repaired repaired = wsl_utf8_repair(at, len);
    at = repaired.at;
    len = repaired.len;
  }
  if (s->kept.len > 0) {
    keep(s, at, len);
    len = 0;
  }
  while (len > 0) {
    struct wsl_framed framed = wsl_messages_frame(&s->form, buffer, at, len);
    fuzz_check(framed.at >= buffer && framed.at + framed.len <= at + framed.used, "frames beside the buffer");
    tell_frames(s, framed.at, framed.len);
    at += framed.used;
    len -= framed.used;
    if (framed.used > 0) continue;
    keep(s, at, len);
    len = 0;
  }
  free(buffer);
}

static void check_stream(const uint8_t *data, size_t len, const struct wsl_message_form *form,
                         struct fuzz_cuts cuts) {
  static struct session s;
  static struct text text, expected;
  s = (struct session){.form = *form};
  text.len = expected.len = 0;
  if (form->opcode == WSL_OP_TEXT && form->rule != WSL_MESSAGES_BASE64) {
    expect_text(data, len, &text);
  } else {
    add(&text, data, len);
  }
  if (form->rule == WSL_MESSAGES_LINES) {
    expect_lines(&text, form, &expected);
  } else {
    expected = text;
  }
  for (size_t at = 0, piece; at < len; at += piece) {
    piece = fuzz_cut(&cuts, len - at);
    take(&s, data + at, piece, at + piece == len);
  }
  fuzz_check(s.kept.len + s.carried == 0, "%zu bytes were kept", s.kept.len + s.carried);
  bool same = s.told.len == expected.len && memcmp(s.told.bytes, expected.bytes, s.told.len) == 0;
  fuzz_check(same, "other messages than expected: %zu bytes, not %zu", s.told.len, expected.len);
}

/* ---- base64 that a client says ---- */

/* Six bits a digit, the bytes that are whole; false: something has no place there. */
static bool expect_base64(const uint8_t *text, size_t len, struct text *out) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t count = 0, pads = 0;
  uint32_t bits = 0;
  for (size_t i = 0; i < len; i++) {
    if (text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n') continue;
    const char *digit = text[i] == 0 ? NULL : strchr(digits, text[i]);
    if (text[i] == '=' && count % 4 + pads < 4 && count % 4 >= 2) {
      pads++;
      continue;
    }
    if (digit == NULL || pads > 0) return false;
    bits = bits << 6 | (uint32_t)(digit - digits);
    unsigned more = 6u - 2u * (unsigned)(count % 4);
    if (count++ % 4 == 0) continue;
    uint8_t byte = (uint8_t)(bits >> more % 6);
    add(out, &byte, 1);
  }
  return pads > 0 ? (count + pads) % 4 == 0 : count % 4 != 1;
}

static void check_base64(const uint8_t *text, size_t len, struct fuzz_cuts cuts) {
  static struct text expected, got;
  expected.len = got.len = 0;
  bool good = expect_base64(text, len, &expected), fine = true;
  struct wsl_base64_decoder decoder;
  wsl_base64_init(&decoder);
  for (size_t at = 0, piece; at < len && fine; at += piece) {
    piece = fuzz_cut(&cuts, len - at);
    uint8_t *block = fuzz_copy(text + at, piece);
    size_t bytes_len;
    fine = wsl_base64_decode(&decoder, block, block, piece, &bytes_len) == piece;
    add(&got, block, bytes_len);
    free(block);
  }
  fuzz_check((fine && wsl_base64_complete(&decoder)) == good, "base64 is taken: %d", fine);
  bool same = got.len == expected.len && memcmp(got.bytes, expected.bytes, got.len) == 0;
  fuzz_check(same, "%zu bytes of base64, not %zu", got.len, expected.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  uint16_t seed = fuzz_choice_16(&input);
  uint8_t kind = fuzz_choice(&input) % 5;
  size_t max = WSL_MESSAGE_TEXT_LEAST + fuzz_choice(&input);
  static const struct wsl_message_form forms[] = {{WSL_MESSAGES_TEXT, WSL_OP_TEXT, 0},
                                                  {WSL_MESSAGES_LINES, WSL_OP_TEXT, 0},
                                                  {WSL_MESSAGES_LINES, WSL_OP_BINARY, 0},
                                                  {WSL_MESSAGES_BASE64, WSL_OP_TEXT, 0}};
  if (kind == 4) {
    check_base64(input.at, input.len, fuzz_cuts_of(seed));
    return 0;
  }
  struct wsl_message_form form = forms[kind];
  form.max = form.opcode == WSL_OP_BINARY ? max - WSL_MESSAGE_TEXT_LEAST + 1 : max;
  /* Every line has its end. */
  uint8_t *stream = fuzz_memory(input.len + 1);
  memcpy(stream, input.at, input.len);
  stream[input.len] = '\n';
  check_stream(stream, input.len + 1, &form, fuzz_cuts_of(seed));
  free(stream);
  return 0;
}
