/* See reference.h. Whole inputs, nothing incremental: a frame is looked at where it lies. */
#include "fuzz/reference.h"

#include <stdlib.h>
#include <string.h>

/* ---- RFC 3629 --------------------------------------------------------------------------------------- */

/* The bytes of a sequence by its first; 0 for a byte that begins none. */
FUZZ_UNSEEN static size_t sequence_size(uint8_t first) {
  if (first < 0x80) return 1;
  if (first < 0xC0) return 0;
  if (first < 0xE0) return 2;
  if (first < 0xF0) return 3;
  return first < 0xF8 ? 4 : 0;
}

/* Whether some character's sequence of `size` bytes begins with bytes[0..have): the characters that it can
 * still become are low..high. */
FUZZ_UNSEEN static bool can_become_character(const uint8_t *bytes, size_t have, size_t size) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  uint32_t low = size == 1 ? bytes[0] : bytes[0] & (0x7Fu >> size), high = low;
  for (size_t i = 1; i < size; i++) {
    if (i < have && (bytes[i] & 0xC0) != 0x80) return false;
    low = low << 6 | (i < have ? bytes[i] & 0x3Fu : 0x00u);
    high = high << 6 | (i < have ? bytes[i] & 0x3Fu : 0x3Fu);
  }
  bool all_overlong = high < least[size], all_beyond = low > 0x10FFFF;
  bool all_surrogates = low >= 0xD800 && high <= 0xDFFF;
  return !all_overlong && !all_beyond && !all_surrogates;
}

/* Walks over whole characters; *begun is where the last, maybe begun one stands. */
FUZZ_UNSEEN static size_t utf8_prefix(const uint8_t *data, size_t len, size_t *begun) {
  size_t at = 0;
  for (*begun = 0; *begun < len; *begun = at) {
    size_t size = sequence_size(data[*begun]);
    for (size_t have = 1; have <= size; have++, at++) {
      if (at == len) return len;
      if (!can_become_character(data + *begun, have, size)) return at;
    }
    if (size == 0) return at;
  }
  return len;
}

size_t reference_utf8_prefix(const uint8_t *data, size_t len) {
  size_t begun;
  return utf8_prefix(data, len, &begun);
}

size_t reference_utf8_begun(const uint8_t *data, size_t len) {
  size_t begun;
  (void)utf8_prefix(data, len, &begun);
  return begun;
}

/* ---- RFC 6455 5 ------------------------------------------------------------------------------------- */

struct walk {
  const uint8_t *data;
  size_t len, at;
  bool refuse_text;
  uint8_t message; /* opcode of the data message that is not complete; 0: none */
  uint8_t *text;   /* of it, as far as it is there */
  size_t text_len;
  struct story *story;
  bool ended;
};

/* The violation, known with the byte before `at`. */
static void violate(struct walk *w, size_t at, uint16_t code) {
  struct story_event event = {
      .event = WSL_FRAME_VIOLATION, .consumed = at, .payload_at = w->story->payload_len, .code = code};
  story_add(w->story, &event);
  w->ended = true;
}

/* 5.2: what the first byte may be. 0, or the code of the violation. */
static uint16_t judge_first(const struct walk *w, uint8_t byte) {
  uint8_t opcode = byte & 0x0F;
  bool final = (byte & 0x80) != 0;
  if ((byte & 0x70) != 0) return 1002;
  if ((opcode > 2 && opcode < 8) || opcode > 10) return 1002;
  if (opcode >= 8 && !final) return 1002;
  if (opcode == 0 && w->message == 0) return 1002;
  if ((opcode == 1 || opcode == 2) && w->message != 0) return 1002;
  return opcode == 1 && w->refuse_text ? 1003 : 0;
}

/* 5.2: the byte of an extended length of `size` bytes at data[0..size) that proves it wrong, from 1; 0: good.
 */
static size_t judge_extended(const uint8_t *data, size_t size, size_t have) {
  if (size == 8 && have >= 1 && data[0] > 0x7F) return 1;
  size_t leading_zeros = 0;
  while (leading_zeros < size && leading_zeros < have && data[leading_zeros] == 0)
    leading_zeros++;
  if (size == 8 && leading_zeros >= 6) return 6;
  return size == 2 && have == 2 && leading_zeros >= 1 && data[1] < 126 ? 2 : 0;
}

/* The header at w->at: its size and the payload's, or false when it is not whole or breaks a rule. */
static bool read_header(struct walk *w, size_t *size, uint64_t *payload) {
  const uint8_t *header = w->data + w->at;
  size_t have = w->len - w->at;
  uint16_t wrong = judge_first(w, header[0]);
  if (wrong != 0) violate(w, w->at + 1, wrong);
  if (wrong != 0 || have < 2) return false;
  uint8_t short_length = header[1] & 0x7F;
  bool too_long = (header[0] & 0x08) != 0 && short_length > 125;
  if ((header[1] & 0x80) == 0 || too_long) {
    violate(w, w->at + 2, 1002);
    return false;
  }
  size_t extended = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
  size_t wrong_at = judge_extended(header + 2, extended, have - 2 < extended ? have - 2 : extended);
  if (wrong_at != 0) violate(w, w->at + 2 + wrong_at, 1002);
  *size = 2 + extended + 4;
  if (wrong_at != 0 || have < *size) return false;
  *payload = extended == 0 ? short_length : 0;
  for (size_t i = 0; i < extended; i++)
    *payload = *payload << 8 | header[2 + i];
  return true;
}

/* 5.5.1, 7.4: judged when it is whole. */
static uint16_t judge_close(const uint8_t *body, size_t len, uint16_t *code) {
  *code = 1005;
  if (len == 0) return 0;
  if (len == 1) return 1002;
  *code = (uint16_t)(body[0] << 8 | body[1]);
  bool named = *code >= 1000 && *code <= 1014 && (*code < 1004 || *code > 1006);
  if (!named && (*code < 3000 || *code > 4999)) return 1002;
  return reference_utf8_begun(body + 2, len - 2) == len - 2 ? 0 : 1007;
}

static void read_control(struct walk *w, uint8_t opcode, const uint8_t *mask, const uint8_t *body,
                         size_t len) {
  size_t there = w->len - (size_t)(body - w->data);
  if (there < len) {
    w->at = w->len;
    w->story->between_messages = false;
    w->ended = true;
    return;
  }
  struct story_event event = {.payload_at = w->story->payload_len, .control_len = (uint8_t)len};
  for (size_t i = 0; i < len; i++)
    event.control[i] = body[i] ^ mask[i % 4];
  w->at = (size_t)(body - w->data) + len;
  event.consumed = w->at;
  event.event = opcode == 8 ? WSL_FRAME_CLOSE : opcode == 9 ? WSL_FRAME_PING : WSL_FRAME_PONG;
  uint16_t wrong = opcode == 8 ? judge_close(event.control, len, &event.code) : 0;
  w->ended = opcode == 8;
  if (wrong != 0) {
    violate(w, w->at, wrong);
  } else {
    story_add(w->story, &event);
  }
}

/* The text of the message ends its validity at valid bytes: what was passed on of its last sequence goes. */
static void break_off(struct walk *w, size_t valid, size_t at) {
  size_t whole = reference_utf8_begun(w->text, valid);
  w->story->payload_len -= w->text_len - whole;
  violate(w, at, 1007);
}

static void read_data(struct walk *w, uint8_t first, const uint8_t *mask, const uint8_t *body, uint64_t len) {
  if ((first & 0x0F) != 0) {
    w->message = first & 0x0F;
    w->text_len = 0;
  }
  size_t there = w->len - (size_t)(body - w->data), body_at = (size_t)(body - w->data);
  size_t count = len < there ? (size_t)len : there, before = w->text_len;
  for (size_t i = 0; i < count; i++)
    w->text[w->text_len++] = body[i] ^ mask[i % 4];
  memcpy(w->story->payload + w->story->payload_len, w->text + before, count);
  w->story->payload_len += count;
  bool whole = count == len, final = whole && (first & 0x80) != 0;
  if (w->message == 1) {
    size_t valid = reference_utf8_prefix(w->text, w->text_len);
    bool cut_short = final && reference_utf8_begun(w->text, valid) < w->text_len;
    if (valid < w->text_len)
      break_off(w, valid, body_at + (valid - before) + 1);
    else if (cut_short)
      break_off(w, valid, body_at + count);
    if (w->ended) return;
  }
  w->at = body_at + count;
  if (final) w->message = 0;
  if (whole) return;
  w->ended = true;
  w->story->between_messages = false;
}

static void read_frame(struct walk *w) {
  size_t size = 0;
  uint64_t payload = 0;
  if (!read_header(w, &size, &payload)) {
    w->ended = true;
    w->story->between_messages = false;
    return;
  }
  const uint8_t *header = w->data + w->at, *body = header + size;
  if ((header[0] & 0x08) != 0) {
    read_control(w, header[0] & 0x0F, body - 4, body, (size_t)payload);
  } else {
    read_data(w, header[0], body - 4, body, payload);
  }
}

void reference_decode(const uint8_t *data, size_t len, bool refuse_text, struct story *story) {
  struct walk w = {
      .data = data, .len = len, .refuse_text = refuse_text, .text = fuzz_memory(len), .story = story};
  story->between_messages = true;
  while (w.at < len && !w.ended)
    read_frame(&w);
  if (w.message != 0) story->between_messages = false;
  bool violated =
      story->events_count > 0 && story->events[story->events_count - 1].event == WSL_FRAME_VIOLATION;
  if (violated) story->between_messages = false;
  free(w.text);
}
