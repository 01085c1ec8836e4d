/* The frame decoder's rules, one named row each, every row cut at every place.
 *
 * Input is spelled in a small language: hex bytes stand for themselves, M for the mask 37 FA 21 3D,
 * 'text' and {hex} for payload masked with it, Z for an all-zero mask. What the decoder made of it
 * comes out as text: payload as it is (\xNN where not printable), <ping abc>, <pong abc>,
 * <close 1000 reason>, <violation 1002>; at the end "." when the stream may end there, else "...".
 */
#include "support.h"

#include <wsluice/frame.h>

struct bytes {
  uint8_t at[512];
  size_t len;
};

static uint8_t hex_byte(const char *text) {
  const char two[3] = {text[0], text[1], '\0'};
  char *end;
  unsigned long value = strtoul(two, &end, 16);
  if (end != two + 2) fail_msg("no hex byte in the test's input at \"%s\"", text);
  return (uint8_t)value;
}

static void put(struct bytes *bytes, uint8_t byte) {
  assert_in_range(bytes->len, 0, sizeof(bytes->at) - 1);
  bytes->at[bytes->len++] = byte;
}

static struct bytes assemble(const char *spec) {
  static const uint8_t rfc_mask[4] = {0x37, 0xFA, 0x21, 0x3D}, zero_mask[4] = {0};
  struct bytes bytes = {.len = 0};
  const uint8_t *mask = zero_mask;
  size_t phase = 0;
  char inside = 0; /* the quote or brace that is open */
  for (const char *c = spec; *c; c++) {
    if (inside == '\'' && *c != '\'') {
      put(&bytes, (uint8_t)*c ^ mask[phase++ % 4]);
    } else if (*c == '\'' || *c == '{' || *c == '}') {
      inside = inside ? 0 : *c;
    } else if (*c == 'M' || *c == 'Z') {
      mask = *c == 'M' ? rfc_mask : zero_mask;
      phase = 0;
      for (size_t i = 0; i < 4; i++)
        put(&bytes, mask[i]);
    } else if (*c != ' ') {
      uint8_t byte = hex_byte(c++);
      put(&bytes, inside ? byte ^ mask[phase++ % 4] : byte);
    }
  }
  return bytes;
}

/* How the decoder was set up. */
enum decoding { TAKE_ALL, REFUSE_TEXT, BY_MESSAGE };

struct transcript {
  char text[2048];
  size_t consumed;
  bool ended; /* a Close or a violation: nothing more may be fed */
  uint16_t close_code;
  struct wsl_decoder decoder;
};

static void note(struct transcript *t, const char *text) {
  assert_in_range(strlen(t->text) + strlen(text), 0, sizeof(t->text) - 1);
  strcat(t->text, text);
}

static void note_bytes(struct transcript *t, const uint8_t *data, size_t len) {
  for (size_t i = 0; i < len; i++) {
    char shown[8];
    bool printable = data[i] >= 0x20 && data[i] < 0x7F;
    snprintf(shown, sizeof(shown), printable ? "%c" : "\\x%02X", data[i]);
    note(t, shown);
  }
}

static void note_event(struct transcript *t, const struct wsl_frame_result *result) {
  const struct wsl_decoder *d = &t->decoder;
  char line[64];
  t->close_code = result->close_code;
  switch (result->event) {
    case WSL_FRAME_MORE:
      return;
    case WSL_FRAME_PING:
    case WSL_FRAME_PONG:
      note(t, result->event == WSL_FRAME_PING ? "<ping " : "<pong ");
      note_bytes(t, d->control, d->control_len);
      break;
    case WSL_FRAME_MESSAGE:
      note(t, result->run_is_text ? "<text" : "<binary");
      break;
    case WSL_FRAME_CLOSE:
      snprintf(line, sizeof(line), "<close %u ", result->close_code);
      note(t, line);
      if (d->control_len > 2) note_bytes(t, d->control + 2, d->control_len - 2u);
      t->ended = true;
      break;
    case WSL_FRAME_VIOLATION:
      assert_non_null(result->reason);
      assert_in_range(strlen(result->reason), 1, 123);
      snprintf(line, sizeof(line), "<violation %u", result->close_code);
      note(t, line);
      t->ended = true;
      break;
  }
  note(t, ">");
}

/* Feeds one piece from a block of its own, as a session does: on after each event, runs joined. */
static void feed_piece(struct transcript *t, const uint8_t *data, size_t len) {
  uint8_t *block = exact_copy(data, len);
  uint8_t *dst = block;
  size_t at = 0;
  while (at < len && !t->ended) {
    struct wsl_frame_result result = wsl_decoder_feed(&t->decoder, dst, block + at, len - at);
    assert_in_range(result.consumed, 1, len - at);
    assert_in_range(result.run_len, 0, result.consumed);
    note_bytes(t, dst, result.run_len);
    note_event(t, &result);
    at += result.consumed;
    dst += result.run_len;
    if (!t->ended) assert_memory_equal(block + at, data + at, len - at); /* still to be fed: as it was */
    if (result.event == WSL_FRAME_MORE) assert_int_equal(at, len);
  }
  t->consumed += at;
  free(block);
}

/* Decodes `bytes` cut at cuts[0..count), which ascend. */
static struct transcript decode(const struct bytes *bytes, const size_t *cuts, size_t count,
                                enum decoding how) {
  struct transcript t = {.consumed = 0};
  memset(&t.decoder, 0x5a, sizeof(t.decoder)); /* memory of another session */
  wsl_decoder_init(&t.decoder, how == REFUSE_TEXT);
  wsl_decoder_by_message(&t.decoder, how == BY_MESSAGE);
  size_t from = 0;
  for (size_t i = 0; i <= count; i++) {
    size_t to = i < count ? cuts[i] : bytes->len;
    feed_piece(&t, bytes->at + from, to - from);
    from = to;
  }
  if (!t.ended) note(&t, wsl_decoder_between_messages(&t.decoder) ? "." : "...");
  return t;
}

/* Cut input may have forwarded up to three bytes of a sequence that turned out broken. */
static bool same_but_for_broken_sequence(const struct transcript *whole, const struct transcript *cut) {
  static const char end[] = "<violation 1007>";
  size_t whole_len = strlen(whole->text), cut_len = strlen(cut->text), end_len = sizeof(end) - 1;
  if (whole_len < end_len || cut_len < whole_len) return false;
  if (strcmp(whole->text + whole_len - end_len, end) != 0) return false;
  if (strcmp(cut->text + cut_len - end_len, end) != 0) return false;
  bool prefix = memcmp(whole->text, cut->text, whole_len - end_len) == 0;
  return prefix && cut_len - whole_len <= 3 * strlen("\\xNN");
}

static void check_cut(const char *name, const struct bytes *bytes, const struct transcript *whole,
                      const size_t *cuts, size_t count, enum decoding how) {
  struct transcript t = decode(bytes, cuts, count, how);
  bool same = strcmp(t.text, whole->text) == 0 || same_but_for_broken_sequence(whole, &t);
  if (!same || t.consumed != whole->consumed || t.close_code != whole->close_code) {
    fail_msg("%s, %zu cuts, the first at %zu: %s (%zu bytes) instead of %s (%zu)", name, count, cuts[0],
             t.text, t.consumed, whole->text, whole->consumed);
  }
}

/* Every cut in two, byte by byte, and cuts at random. */
static void check_every_cut(const char *name, const struct bytes *bytes, const struct transcript *whole,
                            enum decoding how) {
  size_t cuts[sizeof(bytes->at)];
  for (size_t cut = 0; cut <= bytes->len; cut++)
    check_cut(name, bytes, whole, &cut, 1, how);
  for (size_t i = 0; i < bytes->len; i++)
    cuts[i] = i;
  check_cut(name, bytes, whole, cuts, bytes->len, how);
  uint64_t seed = 11;
  for (size_t round = 0; round < 50; round++) {
    size_t count = 0;
    for (size_t at = 0; at < bytes->len; at++) {
      if (random_below(&seed, 5) == 0) cuts[count++] = at;
    }
    if (count > 0) check_cut(name, bytes, whole, cuts, count, how);
  }
}

struct row {
  const char *name;
  const char *input;
  const char *expected;
  size_t consumed; /* bytes up to the one that proves a violation; 0: all */
};

static void check_rows(const struct row *rows, size_t count, enum decoding how) {
  for (size_t i = 0; i < count; i++) {
    struct bytes bytes = assemble(rows[i].input);
    struct transcript whole = decode(&bytes, NULL, 0, how);
    if (strcmp(whole.text, rows[i].expected) != 0) {
      fail_msg("%s: %s instead of %s", rows[i].name, whole.text, rows[i].expected);
    }
    size_t consumed = rows[i].consumed ? rows[i].consumed : bytes.len;
    if (whole.consumed != consumed) fail_msg("%s: consumed %zu", rows[i].name, whole.consumed);
    check_every_cut(rows[i].name, &bytes, &whole, how);
  }
}

static const struct row good_rows[] = {
    {"nothing", "", ".", 0},
    {"RFC 5.7: masked text", "81 85 37 fa 21 3d 7f 9f 4d 51 58", "Hello.", 0},
    {"RFC 5.7: fragments", "01 83 M 'Hel' 80 82 M 'lo'", "Hello.", 0},
    {"RFC 5.7: ping and pong with a body", "89 85 M 'Hello' 8A 85 M 'Hello'", "<ping Hello><pong Hello>.", 0},
    {"binary with every kind of byte", "82 84 M {00 FF 80 0A}", "\\x00\\xFF\\x80\\x0A.", 0},
    {"zero mask", "82 83 Z 'abc' 82 83 M 'def' 82 83 Z 'ghi'", "abcdefghi.", 0},
    {"empty message", "82 80 M", ".", 0},
    {"empty text", "81 80 M", ".", 0},
    {"empty fragments", "02 80 M 00 80 M 80 80 M", ".", 0},
    {"empty fragments round data", "02 80 M 00 82 M 'ab' 00 80 M 80 80 M 82 81 M 'c'", "abc.", 0},
    {"fragmented message not ended", "02 81 M 'a'", "a...", 0},
    {"fragmented message, empty so far", "02 80 M", "...", 0},
    {"frame not ended", "82 82 M 'a'", "a...", 0},
    {"header not ended", "82 FE 00", "...", 0},
    {"one byte of a header", "82", "...", 0},
    {"mask not ended", "82 81 37 fa 21", "...", 0},
    {"ping with an empty body", "89 80 M", "<ping >.", 0},
    {"pings and pongs in a row", "89 80 M 8A 80 M 89 81 M 'x'", "<ping ><pong ><ping x>.", 0},
    {"ping between fragments", "02 82 M 'ab' 89 81 M 'p' 80 82 M 'cd'", "ab<ping p>cd.", 0},
    {"ping between messages: one run", "82 82 M 'ab' 89 81 M 'p' 82 82 M 'cd'", "ab<ping p>cd.", 0},
    {"ping inside a text character", "01 81 M {E2} 89 80 M 80 82 M {82 AC}", "\\xE2<ping >\\x82\\xAC.", 0},
    {"text character over three fragments", "01 81 M {E2} 00 81 M {82} 80 81 M {AC}", "\\xE2\\x82\\xAC.", 0},
    {"text after text", "81 82 M {C3 A9} 81 82 M {C3 A9}", "\\xC3\\xA9\\xC3\\xA9.", 0},
    {"bytes of binary that begin a character, then text", "82 81 M {E2} 81 81 M 'a'", "\\xE2a.", 0},
    {"empty close", "88 80 M", "<close 1005 >", 0},
    {"empty close behind a ping", "89 82 M {03 E8} 88 80 M", "<ping \\x03\\xE8><close 1005 >", 0},
    {"empty ping behind a long one", "89 83 M 'abc' 89 80 M", "<ping abc><ping >.", 0},
    {"any bytes behind text", "81 81 M 'a' 82 81 M {FF} 02 81 M {FE} 80 81 M {FF}", "a\\xFF\\xFE\\xFF.", 0},
    {"close with a code", "88 82 M {03 E8}", "<close 1000 >", 0},
    {"close with a reason", "88 85 M {03 E9} 'bye'", "<close 1001 bye>", 0},
    {"close, smallest private code", "88 82 M {0B B8}", "<close 3000 >", 0},
    {"close, largest private code", "88 82 M {13 87}", "<close 4999 >", 0},
    {"close inside a fragmented message", "02 81 M 'a' 88 82 M {03 E8}", "a<close 1000 >", 0},
    {"nothing behind a close is read", "82 81 M 'a' 88 80 M 82 81 M 'b'", "a<close 1005 >", 13},
    {"16-bit length begun", "82 FE 00 7E M 'abc'", "abc...", 0},
    {"16-bit length, first byte set", "82 FE 01 00 M 'abc'", "abc...", 0},
    {"64-bit length, least", "82 FF 00 00 00 00 00 01 00 00 M 'abc'", "abc...", 0},
    {"64-bit length, most", "82 FF 7F FF FF FF FF FF FF FF M 'abc'", "abc...", 0},
};

static const struct row bad_rows[] = {
    {"RSV1", "C2 81 M 'a'", "<violation 1002>", 1},
    {"RSV2", "A2 81 M 'a'", "<violation 1002>", 1},
    {"RSV3", "92 81 M 'a'", "<violation 1002>", 1},
    {"RSV1 on a ping", "C9 80 M", "<violation 1002>", 1},
    {"opcode 3", "83 80 M", "<violation 1002>", 1},
    {"opcode 7", "87 80 M", "<violation 1002>", 1},
    {"opcode B", "8B 80 M", "<violation 1002>", 1},
    {"opcode F", "8F 80 M", "<violation 1002>", 1},
    {"opcode 3 inside a message", "02 80 M 83 80 M", "<violation 1002>", 7},
    {"RFC 5.7: not masked", "81 05 48 65 6c 6c 6f", "<violation 1002>", 2},
    {"ping not masked", "89 00", "<violation 1002>", 2},
    {"fragmented ping", "09 80 M", "<violation 1002>", 1},
    {"fragmented close", "08 80 M", "<violation 1002>", 1},
    {"ping of 126 bytes", "89 FE 00 7E M", "<violation 1002>", 2},
    {"ping with a 64-bit length", "89 FF 00 00 00 00 00 00 00 01 M", "<violation 1002>", 2},
    {"5 in 16 bits", "82 FE 00 05 M 'Hello'", "<violation 1002>", 4},
    {"125 in 16 bits", "82 FE 00 7D M", "<violation 1002>", 4},
    {"0 in 16 bits", "82 FE 00 00 M", "<violation 1002>", 4},
    {"65535 in 64 bits", "82 FF 00 00 00 00 00 00 FF FF M", "<violation 1002>", 8},
    {"0 in 64 bits", "82 FF 00 00 00 00 00 00 00 00 M", "<violation 1002>", 8},
    {"top bit of a 64-bit length", "82 FF 80 00 00 00 00 00 00 00 M", "<violation 1002>", 3},
    {"continuation at first", "80 81 M 'a'", "<violation 1002>", 1},
    {"continuation behind a whole message", "82 81 M 'a' 80 81 M 'b'", "a<violation 1002>", 8},
    {"continuation behind fragments", "02 81 M 'a' 80 81 M 'b' 00 81 M 'c'", "ab<violation 1002>", 15},
    {"binary inside a message", "02 81 M 'a' 82 81 M 'b'", "a<violation 1002>", 8},
    {"text inside a binary message", "02 81 M 'a' 01 81 M 'b'", "a<violation 1002>", 8},
    {"message inside an empty fragment's", "01 80 M 81 80 M", "<violation 1002>", 7},
    {"payload before a bad header", "82 82 M 'ab' 82 81 M 'c' F2 81 M 'd'", "abc<violation 1002>", 16},
    {"close with half a code", "88 81 M {03}", "<violation 1002>", 0},
    {"close with half a code, the other half in the ping before", "89 82 M {00 E8} 88 81 M {03}",
     "<ping \\x00\\xE8><violation 1002>", 0},
    {"close whose reason is cut short behind a ping that would end it",
     "89 84 M {00 00 00 A9} 88 83 M {03 E8 C3}", "<ping \\x00\\x00\\x00\\xA9><violation 1007>", 0},
    {"close 999", "88 82 M {03 E7}", "<violation 1002>", 0},
    {"close 1004", "88 82 M {03 EC}", "<violation 1002>", 0},
    {"close 1005", "88 82 M {03 ED}", "<violation 1002>", 0},
    {"close 1006", "88 82 M {03 EE}", "<violation 1002>", 0},
    {"close 1015", "88 82 M {03 F7}", "<violation 1002>", 0},
    {"close 2999", "88 82 M {0B B7}", "<violation 1002>", 0},
    {"close 5000", "88 82 M {13 88}", "<violation 1002>", 0},
    {"close reason not UTF-8", "88 84 M {03 E8 C3 28}", "<violation 1007>", 0},
    {"close reason cut short", "88 83 M {03 E8 C3}", "<violation 1007>", 0},
    {"text with a bad byte", "81 85 M 'ab' {FF} 'cd'", "ab<violation 1007>", 9},
    {"text with a broken sequence", "81 85 M 'ab' {E2 82} 'c'", "ab<violation 1007>", 11},
    {"text with an overlong slash", "81 82 M {C0 AF}", "<violation 1007>", 7},
    {"text with a surrogate", "81 83 M {ED A0 80}", "<violation 1007>", 8},
    {"text over U+10FFFF", "81 84 M {F4 90 80 80}", "<violation 1007>", 8},
    {"text that ends inside a character", "81 83 M 'a' {E2 82}", "a<violation 1007>", 0},
    {"text that ends so in an empty fragment", "01 82 M 'a' {E2} 80 80 M", "a<violation 1007>", 0},
    {"bad byte in the second fragment", "01 82 M 'ab' 80 82 M 'c' {FF}", "abc<violation 1007>", 0},
    {"sequence broken by the next fragment", "01 82 M 'a' {E2} 80 81 M 'b'", "a<violation 1007>", 0},
    {"continuation byte at the start, behind binary", "82 81 M {E2} 81 81 M {82}", "\\xE2<violation 1007>",
     0},
    {"sequence broken behind a ping", "01 81 M {E2} 89 80 M 80 81 M 'b'", "\\xE2<ping ><violation 1007>", 0},
};

static const struct row refuse_text_rows[] = {
    {"text", "82 81 M 'a' 81 81 M 'b'", "a<violation 1003>", 8},
    {"fragmented text", "01 81 M 'b'", "<violation 1003>", 1},
    {"binary and pings pass", "82 81 M 'a' 89 80 M 02 81 M 'b' 80 81 M 'c'", "a<ping >bc.", 0},
    {"text inside a message", "02 80 M 81 80 M", "<violation 1002>", 7},
};

static void good_streams(void **state) {
  (void)state;
  check_rows(good_rows, COUNT_OF(good_rows), TAKE_ALL);
}

static void violations(void **state) {
  (void)state;
  check_rows(bad_rows, COUNT_OF(bad_rows), TAKE_ALL);
}

static void refused_text(void **state) {
  (void)state;
  check_rows(refuse_text_rows, COUNT_OF(refuse_text_rows), REFUSE_TEXT);
}

static const struct row message_rows[] = {
    {"two messages", "82 82 M 'ab' 81 81 M 'c'", "ab<binary>c<text>.", 0},
    {"empty ones", "81 80 M 82 80 M 81 80 M", "<text><binary><text>.", 0},
    {"fragments", "01 82 M 'ab' 00 80 M 00 81 M 'c' 80 80 M", "abc<text>.", 0},
    {"ping between fragments", "02 82 M 'ab' 89 81 M 'p' 80 82 M 'cd'", "ab<ping p>cd<binary>.", 0},
    {"not ended", "82 81 M 'a' 01 81 M 'b'", "a<binary>b...", 0},
    {"behind it a close", "81 81 M 'a' 88 82 M {03 E8}", "a<text><close 1000 >", 0},
    {"behind it a violation", "81 81 M 'a' F2", "a<text><violation 1002>", 8},
    {"text that is not UTF-8", "81 82 M 'a' {FF}", "a<violation 1007>", 0},
    {"text that ends inside a character", "01 81 M 'a' 80 81 M {C3}", "a<violation 1007>", 0},
};

static void ends_of_messages(void **state) {
  (void)state;
  check_rows(message_rows, COUNT_OF(message_rows), BY_MESSAGE);
}

static void longest_control_frames(void **state) {
  (void)state;
  char input[4 * WSL_CONTROL_PAYLOAD_MAX], expected[2 * WSL_CONTROL_PAYLOAD_MAX];
  char filler[WSL_CONTROL_PAYLOAD_MAX + 1] = {0};
  memset(filler, 'x', WSL_CONTROL_PAYLOAD_MAX);
  snprintf(input, sizeof(input), "89 FD M '%s' 82 81 M 'a'", filler);
  snprintf(expected, sizeof(expected), "<ping %s>a.", filler);
  const struct row ping = {"ping of 125 bytes", input, expected, 0};
  check_rows(&ping, 1, TAKE_ALL);
  filler[WSL_CONTROL_PAYLOAD_MAX - 2] = '\0';
  snprintf(input, sizeof(input), "88 FD M {03 E8} '%s'", filler);
  snprintf(expected, sizeof(expected), "<close 1000 %s>", filler);
  const struct row close = {"close of 125 bytes", input, expected, 0};
  check_rows(&close, 1, TAKE_ALL);
}

/* A frame's own bytes must be enough to know where the stream stands after a Close. */
static void may_end_behind_a_close(void **state) {
  (void)state;
  struct bytes whole = assemble("82 81 M 'a' 88 80 M"), within = assemble("02 81 M 'a' 88 80 M");
  struct transcript t = decode(&whole, NULL, 0, TAKE_ALL);
  assert_true(wsl_decoder_between_messages(&t.decoder));
  t = decode(&within, NULL, 0, TAKE_ALL);
  assert_false(wsl_decoder_between_messages(&t.decoder));
  struct bytes broken = assemble("82 81 M 'a' F2");
  t = decode(&broken, NULL, 0, TAKE_ALL);
  assert_false(wsl_decoder_between_messages(&t.decoder));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(good_streams),           cmocka_unit_test(violations),
      cmocka_unit_test(refused_text),           cmocka_unit_test(longest_control_frames),
      cmocka_unit_test(may_end_behind_a_close), cmocka_unit_test(ends_of_messages),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
