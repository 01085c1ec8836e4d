/* What a simulated client says (speaker.h). */
#include "speaker.h"

#include <string.h>

#define FIN         0x80u
#define MASKED      0x80u
#define CONTROL_MAX 125u
#define PINGS_MAX   3000u

enum opcode { CONTINUATION, TEXT, BINARY, CLOSE = 8, PING, PONG };

/* How the length is written: as RFC 6455 5.2 wants it, or too long. */
enum length_form { LENGTH_SHORTEST, LENGTH_16, LENGTH_64 };

void speaker_init(struct speaker *speaker, uint64_t seed) {
  *speaker = (struct speaker){0};
  random_seed(&speaker->random, seed);
}

/* ---- frames as bytes ---- */

static size_t write_length(uint8_t *out, size_t len, enum length_form form) {
  if (form == LENGTH_SHORTEST && len <= 125) {
    out[0] = (uint8_t)(MASKED | len);
    return 1;
  }
  size_t digits = form == LENGTH_16 || (form == LENGTH_SHORTEST && len <= UINT16_MAX) ? 2 : 8;
  out[0] = MASKED | (digits == 2 ? 126u : 127u);
  for (size_t i = 0; i < digits; i++)
    out[1 + i] = (uint8_t)((uint64_t)len >> (8 * (digits - 1 - i)));
  return 1 + digits;
}

/* A mask now and then is all zeros: it is skipped then. */
static void draw_mask(struct speaker *s, uint8_t mask[4]) {
  uint64_t bits = random_next(&s->random);
  if (bits % 8 == 0) bits = 0;
  memcpy(mask, &bits, 4);
}

static void write_frame(struct speaker *s, uint8_t first, enum length_form form, const uint8_t *payload,
                        size_t len, struct bytes *out) {
  uint8_t header[14];
  header[0] = first;
  size_t size = 1 + write_length(header + 1, len, form);
  uint8_t *mask = header + size;
  draw_mask(s, mask);
  bytes_add(out, header, size + 4);
  size_t at = out->len;
  bytes_add(out, payload, len);
  for (size_t i = 0; i < len; i++)
    out->data[at + i] ^= mask[i % 4];
}

/* ---- payload ---- */

/* Runs of ASCII come in all lengths, since readers of UTF-8 like to take it by the word. */
static void draw_character(struct speaker *s) {
  static const char *const characters[] = {"a",    "\n",           "\xc3\xa4",         "\xe2\x82\xac",
                                           "\x7f", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf",
                                           "z",    "\xc2\x80",     "\xe0\xa0\x80",     "\xf0\x90\x80\x80"};
  if (s->ascii_left == 0 && random_below(&s->random, 4) == 0)
    s->ascii_left = (uint8_t)random_below(&s->random, 40);
  const char *drawn = characters[random_below(&s->random, 12)];
  if (s->ascii_left > 0) {
    s->ascii_left--;
    drawn = "x";
  }
  s->character_len = (uint8_t)strlen(drawn);
  s->character_at = 0;
  memcpy(s->character, drawn, s->character_len);
}

static uint8_t next_base64_byte(struct speaker *s) {
  static const char bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ \n";
  uint8_t byte = (uint8_t)bytes[random_below(&s->random, sizeof bytes - 1)];
  if (random_below(&s->random, 300) == 0) return '!';
  s->digits += byte > ' ';
  return byte;
}

static uint8_t next_text_byte(struct speaker *s) {
  if (s->in_base64) return next_base64_byte(s);
  if (s->character_at == s->character_len) draw_character(s);
  return s->character[s->character_at++];
}

/* What the last group wants: a digit, now and then padding as well. */
static void end_base64(struct speaker *s, struct bytes *payload) {
  if (s->digits % 4 == 1 && random_below(&s->random, 20) > 0) {
    bytes_push(payload, 'A');
    s->digits++;
  }
  bool pads = random_below(&s->random, 2) == 0;
  for (; pads && s->digits % 4 > 0; s->digits++)
    bytes_push(payload, '=');
  s->digits = 0;
}

/* `len` bytes, and for the end of a text what its last character still wants. */
static void draw_payload(struct speaker *s, size_t len, bool text, bool ends, struct bytes *payload) {
  bytes_clear(payload);
  if (!text) bytes_add_random(payload, &s->random, len);
  for (size_t i = 0; text && i < len; i++)
    bytes_push(payload, next_text_byte(s));
  while (text && ends && s->character_at < s->character_len)
    bytes_add(payload, &s->character[s->character_at++], 1);
  if (text && ends && s->in_base64) end_base64(s, payload);
}

/* ---- right frames ---- */

static struct bytes payload; /* of the frame being written; kept for the next */

static void say_control(struct speaker *s, enum opcode opcode, size_t len, struct bytes *out) {
  draw_payload(s, len < CONTROL_MAX ? len : CONTROL_MAX, false, false, &payload);
  write_frame(s, (uint8_t)(FIN | opcode), LENGTH_SHORTEST, payload.data, payload.len, out);
}

static void say_pings(struct speaker *s, size_t count, struct bytes *out) {
  for (size_t i = 0; i < count && i < PINGS_MAX; i++) {
    uint8_t number[2] = {(uint8_t)(i >> 8), (uint8_t)i};
    write_frame(s, FIN | PING, LENGTH_SHORTEST, number, sizeof number, out);
  }
}

/* Now and then. */
static void end_in_lf(struct speaker *s, struct bytes *said) {
  uint8_t *last = said->len > 0 ? said->data + said->len - 1 : NULL;
  if (last != NULL && *last < 0x80 && random_below(&s->random, 3) == 0) *last = '\n';
}

static void say_data(struct speaker *s, bool text, bool fin, size_t len, struct bytes *out) {
  bool continues = s->in_message;
  if (!continues) s->in_text = text;
  draw_payload(s, len, s->in_text, fin, &payload);
  if (s->in_lines) end_in_lf(s, &payload);
  unsigned opcode = continues ? CONTINUATION : s->in_text ? TEXT : BINARY;
  write_frame(s, (uint8_t)((fin ? FIN : 0u) | opcode), LENGTH_SHORTEST, payload.data, payload.len, out);
  s->in_message = !fin;
}

void speaker_says(struct speaker *s, enum said said, size_t len, struct bytes *out) {
  switch (said) {
    case SAID_PING:
      say_control(s, PING, len, out);
      break;
    case SAID_PINGS:
      say_pings(s, len, out);
      break;
    case SAID_PONG:
      say_control(s, PONG, len, out);
      break;
    case SAID_BINARY_BEGIN:
    case SAID_MORE:
      say_data(s, false, false, len, out);
      break;
    case SAID_TEXT_BEGIN:
      say_data(s, true, false, len, out);
      break;
    case SAID_TEXT:
      say_data(s, true, true, len, out);
      break;
    case SAID_BINARY:
    case SAID_LAST:
    case SAID_KINDS:
      say_data(s, false, true, len, out);
      break;
  }
}

/* ---- closes ---- */

struct close_row {
  uint16_t code; /* 0: an empty Close */
  const char *reason;
};

#define REASON_123                                                \
  "a reason as long as a Close can hold: one hundred and twenty-" \
  "three bytes, which is one hundred and twenty-five less the code...."

static const struct close_row closes[SAID_CLOSE_ROWS] = {
    {1000, ""},     {0, ""},    {1000, "bye"}, {1001, "Going"},        {1003, ""},         {1007, ""},
    {1011, "oops"}, {1014, ""}, {3000, ""},    {4999, "\xe2\x82\xac"}, {1000, REASON_123}, {1002, "you"},
};

static void write_close(struct speaker *s, uint16_t code, const char *reason, struct bytes *out) {
  uint8_t digits[2] = {(uint8_t)(code >> 8), (uint8_t)code};
  size_t len = strlen(reason) < CONTROL_MAX - 2 ? strlen(reason) : CONTROL_MAX - 2;
  bytes_clear(&payload);
  bytes_add(&payload, digits, 2);
  bytes_add(&payload, reason, len);
  write_frame(s, FIN | CLOSE, LENGTH_SHORTEST, payload.data, payload.len, out);
}

void speaker_closes(struct speaker *s, unsigned row, struct bytes *out) {
  const struct close_row *close = &closes[row % SAID_CLOSE_ROWS];
  if (close->code == 0) {
    write_frame(s, FIN | CLOSE, LENGTH_SHORTEST, NULL, 0, out);
  } else {
    write_close(s, close->code, close->reason, out);
  }
}

/* ---- broken rules ---- */

static void data_first(struct speaker *s, unsigned bits, enum length_form form, size_t len,
                       struct bytes *out) {
  draw_payload(s, len, false, false, &payload);
  write_frame(s, (uint8_t)(FIN | bits | (s->in_message ? CONTINUATION : BINARY)), form, payload.data,
              payload.len, out);
}

static void control_first(struct speaker *s, unsigned first, size_t len, struct bytes *out) {
  draw_payload(s, len, false, false, &payload);
  write_frame(s, (uint8_t)first, LENGTH_SHORTEST, payload.data, payload.len, out);
}

/* A text message of these bytes; one that was begun is ended first. */
static void bad_text(struct speaker *s, const char *bytes, unsigned fin, struct bytes *out) {
  if (s->in_message) say_data(s, false, true, 3, out);
  write_frame(s, (uint8_t)(fin | TEXT), LENGTH_SHORTEST, (const uint8_t *)bytes, strlen(bytes), out);
}

static void bad_second_fragment(struct speaker *s, struct bytes *out) {
  bad_text(s, "gut\xe2\x82", 0, out);
  write_frame(s, FIN | CONTINUATION, LENGTH_SHORTEST, (const uint8_t *)"x", 1, out);
}

static void unmasked(struct bytes *out) {
  static const uint8_t frame[] = {FIN | BINARY, 5, 'p', 'l', 'a', 'i', 'n'};
  bytes_add(out, frame, sizeof frame);
}

static void endless(struct bytes *out) {
  static const uint8_t header[] = {FIN | BINARY, MASKED | 127, 0x80, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3, 4, 5};
  bytes_add(out, header, sizeof header);
}

/* A byte that no text holds, behind so much that does, and before some more. */
static void bad_byte_in_the_middle(struct speaker *s, struct bytes *out) {
  static const uint8_t bad[] = {0x80, 0xBF, 0xC0, 0xC1, 0xF5, 0xFF};
  if (s->in_message) say_data(s, false, true, 3, out);
  draw_payload(s, 10 + random_below(&s->random, 60), true, true, &payload);
  uint32_t at = random_below(&s->random, (uint32_t)payload.len);
  while (at > 0 && (payload.data[at] & 0xC0) == 0x80)
    at--;
  payload.data[at] = bad[random_below(&s->random, sizeof bad)];
  write_frame(s, FIN | TEXT, LENGTH_SHORTEST, payload.data, payload.len, out);
}

static void bad_reason(struct speaker *s, struct bytes *out) {
  static const uint8_t close[] = {0x03, 0xE8, 'b', 'y', 0xE2, 0x82};
  write_frame(s, FIN | CLOSE, LENGTH_SHORTEST, close, sizeof close, out);
}

static void half_code(struct speaker *s, struct bytes *out) {
  write_frame(s, FIN | CLOSE, LENGTH_SHORTEST, (const uint8_t *)"\x03", 1, out);
}

/* A continuation of nothing, or a new message inside one. */
static void wrong_place(struct speaker *s, struct bytes *out) {
  draw_payload(s, 4, false, false, &payload);
  write_frame(s, (uint8_t)(FIN | (s->in_message ? BINARY : CONTINUATION)), LENGTH_SHORTEST, payload.data,
              payload.len, out);
}

static void breaks_frame(struct speaker *s, unsigned row, struct bytes *out) {
  switch (row) {
    case 0:
    case 1:
    case 2:
      data_first(s, 0x10u << row, LENGTH_SHORTEST, 6, out);
      break;
    case 3:
      control_first(s, FIN | 0x40u | PING, 4, out);
      break;
    case 4:
    case 5:
    case 6:
      control_first(s, FIN | (row - 1), 4, out); /* opcodes 3 to 5 */
      break;
    case 7:
      control_first(s, FIN | 0x7u, 4, out);
      break;
    case 8:
      control_first(s, FIN | 0xBu, 4, out);
      break;
    case 9:
      control_first(s, FIN | 0xFu, 4, out);
      break;
    case 10:
      unmasked(out);
      break;
    case 11:
      control_first(s, PING, 4, out);
      break;
    case 12:
      control_first(s, CLOSE, 2, out);
      break;
    case 13:
      control_first(s, FIN | PING, 126, out);
      break;
    case 14:
      control_first(s, FIN | CLOSE, 300, out);
      break;
    case 15:
      wrong_place(s, out);
      break;
    case 16:
      data_first(s, 0, LENGTH_16, 125, out);
      break;
    case 17:
      data_first(s, 0, LENGTH_64, 300, out);
      break;
    default:
      endless(out);
  }
}

static void breaks_text_or_close(struct speaker *s, unsigned row, struct bytes *out) {
  static const uint16_t codes[] = {999, 1004, 1005, 1006, 1015, 2999, 5000};
  switch (row) {
    case 19:
      bad_text(s, "gut \xff", FIN, out);
      break;
    case 20:
      bad_text(s, "over\xc0\xaflong", FIN, out);
      break;
    case 21:
      bad_text(s, "\xed\xa0\x80", FIN, out);
      break;
    case 22:
      bad_text(s, "incomplete \xe2\x82", FIN, out);
      break;
    case 23:
      bad_second_fragment(s, out);
      break;
    case 24:
      half_code(s, out);
      break;
    case 25:
      bad_text(s, "past the last \xf4\x90\x80\x80", FIN, out);
      break;
    case 26:
      bad_text(s, "\xf0\x8f\xbf\xbf", FIN, out);
      break;
    case 27:
      bad_text(s, "\xe0\x9f\xbf", FIN, out);
      break;
    case 28:
    case 29:
    case 30:
      bad_byte_in_the_middle(s, out);
      break;
    case 31:
      bad_reason(s, out);
      break;
    default:
      write_close(s, codes[row - 32], row == 32 ? "low" : "", out);
  }
}

void speaker_breaks(struct speaker *s, unsigned row, struct bytes *out) {
  row %= SAID_WRONG_ROWS;
  if (row < 19) {
    breaks_frame(s, row, out);
  } else {
    breaks_text_or_close(s, row, out);
  }
}

/* ---- words ---- */

const char *said_text(unsigned said) {
  static const char *const texts[SAID_KINDS] = {
      "a binary message",
      "a text message",
      "the start of a binary one",
      "the start of a text message",
      "a further fragment",
      "the last fragment",
      "a ping",
      "a pong",
      "so many pings",
  };
  return texts[said % SAID_KINDS];
}

const char *wrong_text(unsigned row) {
  static const char *const texts[SAID_WRONG_ROWS] = {
      "RSV3 set",
      "RSV2 set",
      "RSV1 set",
      "RSV1 set in a ping",
      "opcode 3",
      "opcode 4",
      "opcode 5",
      "opcode 7",
      "opcode 11",
      "opcode 15",
      "a frame without a mask",
      "a fragmented ping",
      "a fragmented Close",
      "a ping of 126 bytes",
      "a Close of 300 bytes",
      "a continuation of nothing, or a message inside another",
      "a length of 125 in 16 bits",
      "a length of 300 in 64 bits",
      "a length of 64 bits",
      "text with the byte ff",
      "text with an overlong slash",
      "text with a surrogate",
      "text that ends inside a character",
      "a fragment that breaks a character begun in the one before",
      "a Close of one byte",
      "text with a character past the last",
      "text with an overlong character of four bytes",
      "text with an overlong character of three bytes",
      "text with a byte in its middle that no text holds",
      "text with a byte in its middle that no text holds",
      "text with a byte in its middle that no text holds",
      "a Close whose reason is no text",
      "a Close with code 999",
      "a Close with code 1004",
      "a Close with code 1005",
      "a Close with code 1006",
      "a Close with code 1015",
      "a Close with code 2999",
      "a Close with code 5000",
  };
  return texts[row % SAID_WRONG_ROWS];
}

const char *close_text(unsigned row) {
  static const char *const texts[SAID_CLOSE_ROWS] = {
      "1000",
      "without a code",
      "1000 bye",
      "1001 Going",
      "1003",
      "1007",
      "1011 oops",
      "1014",
      "3000",
      "4999 with a reason of one character",
      "1000 with a reason of 123 bytes",
      "1002 you",
  };
  return texts[row % SAID_CLOSE_ROWS];
}
