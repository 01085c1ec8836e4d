/* Messages of a stream: see the picture in wsluice/messages.h.
 *
 * Frames are gathered by moving lines over what has been used, since a short line leaves less room than its
 * header takes, and a part of a writev for each costs more than the copy (measured: 0.3 us against 10 ns).
 */
#include <assert.h>
#include <string.h>

#include <wsluice/base64.h>
#include <wsluice/messages.h>

#define GROUP_DIGITS 4u /* base64 */
#define GROUP_BYTES  3u
#define LINE_END_MAX 2u

static size_t smaller(size_t a, size_t b) {
  return a < b ? a : b;
}

static bool is_continuation(uint8_t byte) {
  return (byte & 0xC0) == 0x80;
}

/* The longest cut of data, of more than `most` bytes, that has at most so many. */
static size_t cut_at(const struct wsl_message_form *form, const uint8_t *data, size_t most) {
  if (form->opcode != WSL_OP_TEXT) return most;
  size_t cut = most;
  while (cut > 0 && is_continuation(data[cut]))
    cut--;
  return cut;
}

static struct wsl_message_cut cut_line(const struct wsl_message_form *form, size_t before,
                                       const uint8_t *data, size_t len) {
  size_t room = form->max - before;
  const uint8_t *end = memchr(data, '\n', smaller(len, room + LINE_END_MAX));
  if (end != NULL) {
    size_t take = (size_t)(end - data), skip = 1;
    if (take > 0 && data[take - 1] == '\r') {
      take--;
      skip++;
    }
    if (take <= room) return (struct wsl_message_cut){take, skip, false};
  }
  bool ends_in_cr = len > 0 && data[len - 1] == '\r';
  if (len <= room || (len == room + 1 && ends_in_cr))
    return (struct wsl_message_cut){len - (ends_in_cr ? 1 : 0), 0, true};
  return (struct wsl_message_cut){cut_at(form, data, room), 0, false};
}

/* Source bytes of a message of base64. */
static size_t base64_take(size_t max) {
  return max / GROUP_DIGITS * GROUP_BYTES;
}

struct wsl_message_cut wsl_message_cut(const struct wsl_message_form *form, size_t before,
                                       const uint8_t *data, size_t len) {
  assert(form->opcode != WSL_OP_TEXT || form->max >= WSL_MESSAGE_TEXT_LEAST);
  assert(before <= form->max && (len > 0 || before > 0));
  size_t room = form->max - before;
  switch (form->rule) {
    case WSL_MESSAGES_LINES:
      return cut_line(form, before, data, len);
    case WSL_MESSAGES_TEXT:
      if (len > room) return (struct wsl_message_cut){cut_at(form, data, room), 0, false};
      break;
    case WSL_MESSAGES_BASE64:
      room = base64_take(form->max);
      break;
    case WSL_MESSAGES_BYTES:
      break;
  }
  return (struct wsl_message_cut){smaller(len, room), 0, false};
}

/* Writes no more of `out` than the header is long: what comes behind may be the data. Returns that length. */
static size_t put_header(const struct wsl_message_form *form, uint8_t *out, size_t payload) {
  uint8_t header[WSL_FRAME_HEADER_MAX];
  size_t len = wsl_frame_header(header, form->opcode, payload);
  memcpy(out, header, len);
  return len;
}

/* Puts a frame round data[0..take) to `out`; returns its length, or 0 when it has no room. */
static size_t put_frame(const struct wsl_message_form *form, uint8_t *out, const uint8_t *data, size_t take) {
  bool encoded = form->rule == WSL_MESSAGES_BASE64;
  size_t payload = encoded ? wsl_base64_len(take) : take;
  size_t header = wsl_frame_header_len(payload);
  if (header + payload > (size_t)(data + take - out)) return 0;
  put_header(form, out, payload);
  if (encoded) {
    wsl_base64_encode(out + header, data, take);
  } else {
    memmove(out + header, data, take);
  }
  return header + payload;
}

static struct wsl_framed gather(const struct wsl_message_form *form, uint8_t *room, const uint8_t *data,
                                size_t len) {
  struct wsl_framed framed = {.at = room, .len = 0, .used = 0};
  while (framed.used < len) {
    const uint8_t *at = data + framed.used;
    struct wsl_message_cut cut = wsl_message_cut(form, 0, at, len - framed.used);
    if (cut.unfinished) break;
    size_t put = put_frame(form, room + framed.len, at, cut.take);
    if (put == 0) break;
    framed.len += put;
    framed.used += cut.take + cut.skip;
  }
  assert(framed.used > 0 || wsl_message_cut(form, 0, data, len).unfinished);
  return framed;
}

struct wsl_framed wsl_messages_frame(const struct wsl_message_form *form, uint8_t *room, uint8_t *data,
                                     size_t len) {
  assert((size_t)(data - room) >= WSL_FRAME_HEADER_MAX && len > 0);
  if (form->rule != WSL_MESSAGES_BASE64) {
    struct wsl_message_cut cut = wsl_message_cut(form, 0, data, len);
    if (!cut.unfinished && cut.take + cut.skip == len) {
      uint8_t *at = data - wsl_frame_header_len(cut.take);
      put_header(form, at, cut.take);
      return (struct wsl_framed){.at = at, .len = (size_t)(data - at) + cut.take, .used = len};
    }
  }
  return gather(form, room, data, len);
}

size_t wsl_line_end_missing(enum wsl_line_end end, uint8_t last, uint8_t out[WSL_LINE_END_MAX]) {
  size_t len = 0;
  if (last == '\n' || (last == '\r' && end == WSL_LINE_END_CR)) return 0;
  if (end != WSL_LINE_END_LF && last != '\r') out[len++] = '\r';
  if (end != WSL_LINE_END_CR) out[len++] = '\n';
  return len;
}
