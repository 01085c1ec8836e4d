/* A stream as messages: what is cut where, told by a plain reference; the same at every cut of the stream;
 * frames in place in exactly the room that the header asks for; and a message as a line. */
#include "support.h"

#include <wsluice/base64.h>
#include <wsluice/messages.h>
#include <wsluice/utf8.h>

#define MESSAGES_MAX 600

struct message {
  uint8_t bytes[512];
  size_t len;
};

struct told {
  struct message messages[MESSAGES_MAX];
  size_t count;
};

static void tell(struct told *told, const uint8_t *bytes, size_t len) {
  assert_true(told->count < MESSAGES_MAX && len <= sizeof told->messages[0].bytes);
  struct message *message = &told->messages[told->count++];
  if (len > 0) memcpy(message->bytes, bytes, len);
  message->len = len;
}

static void assert_told(const struct told *told, const struct told *expected) {
  assert_int_equal(told->count, expected->count);
  for (size_t i = 0; i < told->count; i++) {
    assert_int_equal(told->messages[i].len, expected->messages[i].len);
    assert_memory_equal(told->messages[i].bytes, expected->messages[i].bytes, told->messages[i].len);
  }
}

/* Takes the frames at at[0..len) apart again. */
static void read_frames(struct told *told, const struct wsl_message_form *form, const uint8_t *at,
                        size_t len) {
  while (len > 0) {
    assert_int_equal(at[0], 0x80 | form->opcode);
    size_t header = 2, payload = at[1];
    if (payload == 126) {
      payload = (size_t)at[2] << 8 | at[3];
      header = 4;
    }
    assert_true(payload <= 0xFFFF && header + payload <= len);
    tell(told, at + header, payload);
    at += header + payload;
    len -= header + payload;
  }
}

/* ---- lines ---- */

static size_t character_len(const struct wsl_message_form *form, const uint8_t *at) {
  if (form->opcode != WSL_OP_TEXT || *at < 0xC0) return 1;
  return *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : 4;
}

/* The messages of one line, character by character. */
static void reference_line(struct told *told, const struct wsl_message_form *form, const uint8_t *line,
                           size_t len) {
  size_t begun = 0, at = 0;
  while (at < len) {
    size_t character = character_len(form, line + at);
    if (at > begun && at - begun + character > form->max) {
      tell(told, line + begun, at - begun);
      begun = at;
    }
    at += character;
  }
  tell(told, line + begun, len - begun);
}

/* All ended lines of the stream; returns where the unfinished one begins. */
static size_t reference_lines(struct told *told, const struct wsl_message_form *form, const uint8_t *stream,
                              size_t len) {
  size_t begun = 0;
  told->count = 0;
  for (size_t at = 0; at < len; at++) {
    if (stream[at] != '\n') continue;
    size_t end = at > begun && stream[at - 1] == '\r' ? at - 1 : at;
    reference_line(told, form, stream + begun, end - begun);
    begun = at + 1;
  }
  return begun;
}

/* What a user of the codec does: keeps what is unfinished, completes it with the next piece. */
struct splitter {
  struct wsl_message_form form;
  struct told told;
  uint8_t kept[512];
  size_t kept_len;
  bool cr_waits;
};

static void take_piece(struct splitter *s, const uint8_t *piece, size_t piece_len) {
  size_t len = piece_len + (s->cr_waits ? 1 : 0);
  uint8_t *data = exact_alloc(len), *at = data;
  if (s->cr_waits) *data = '\r';
  memcpy(data + len - piece_len, piece, piece_len);
  s->cr_waits = false;
  while (len > 0) {
    struct wsl_message_cut cut = wsl_message_cut(&s->form, s->kept_len, at, len);
    memcpy(s->kept + s->kept_len, at, cut.take);
    s->kept_len += cut.take;
    if (cut.unfinished) {
      assert_true(s->kept_len <= s->form.max);
      assert_true(cut.take == len || (cut.take == len - 1 && at[cut.take] == '\r'));
      s->cr_waits = cut.take < len;
      break;
    }
    tell(&s->told, s->kept, s->kept_len);
    s->kept_len = 0;
    at += cut.take + cut.skip;
    len -= cut.take + cut.skip;
  }
  free(data);
}

static const char *const streams[] = {
    "one\ntwo\r\nthree\n",
    "\n\n\r\n\r\n\n",
    "a\rb\r\r\n\r",
    "gr\xC3\xBC\xC3\x9Fsam\n\xF0\x9F\x98\x80\xF0\x9F\x98\x80\xE2\x82\xAC\r\n",
    "exactly ten\nmore than ten of them in a line\nand no end",
    "12345\r\n12345\r6\n12345\r\r\n12345",
    "\r\r\r\r\r\r\r\r\n",
};

static void lines_are_the_same_at_every_cut(void **state) {
  (void)state;
  for (size_t row = 0; row < COUNT_OF(streams); row++) {
    const uint8_t *stream = (const uint8_t *)streams[row];
    size_t len = strlen(streams[row]);
    for (size_t max = 1; max <= 12; max++) {
      bool text = max >= WSL_MESSAGE_TEXT_LEAST && max % 2 == 0;
      struct wsl_message_form form = {WSL_MESSAGES_LINES, text ? WSL_OP_TEXT : WSL_OP_BINARY, max};
      static struct told expected;
      size_t begun = reference_lines(&expected, &form, stream, len);
      for (size_t cut = 0; cut <= len; cut++) {
        if (form.opcode == WSL_OP_TEXT && cut < len && (stream[cut] & 0xC0) == 0x80) continue;
        static struct splitter splitter;
        memset(&splitter, 0, sizeof splitter);
        splitter.form = form;
        take_piece(&splitter, stream, cut);
        take_piece(&splitter, stream + cut, len - cut);
        /* Of the unfinished line there may be pieces over the bound, besides. */
        assert_true(splitter.told.count >= expected.count);
        size_t pieces = 0;
        for (size_t i = expected.count; i < splitter.told.count; i++)
          pieces += splitter.told.messages[i].len;
        assert_int_equal(pieces + splitter.kept_len + (splitter.cr_waits ? 1 : 0), len - begun);
        splitter.told.count = expected.count;
        assert_told(&splitter.told, &expected);
      }
    }
  }
}

static void random_streams_in_random_pieces(void **state) {
  (void)state;
  uint64_t seed = 23;
  static const uint8_t bytes[] = "ab\r\n\n";
  for (int round = 0; round < 5000; round++) {
    uint8_t stream[200];
    size_t len = 1 + random_below(&seed, sizeof stream - 1);
    for (size_t i = 0; i < len; i++)
      stream[i] = bytes[random_below(&seed, 5)];
    stream[len - 1] = '\n';
    struct wsl_message_form form = {WSL_MESSAGES_LINES, WSL_OP_BINARY, 1 + random_below(&seed, 9)};
    static struct told expected;
    static struct splitter splitter;
    reference_lines(&expected, &form, stream, len);
    memset(&splitter, 0, sizeof splitter);
    splitter.form = form;
    for (size_t at = 0; at < len;) {
      size_t piece = 1 + random_below(&seed, len - at);
      take_piece(&splitter, stream + at, piece);
      at += piece;
    }
    assert_told(&splitter.told, &expected);
  }
}

/* ---- frames in place ---- */

/* Frames all of data behind `room` bytes, as often as it takes; what is unfinished stays. */
static size_t frame_all(struct told *told, const struct wsl_message_form *form, const uint8_t *data,
                        size_t len, size_t room) {
  uint8_t *block = exact_alloc(room + len);
  memcpy(block + room, data, len);
  size_t used = 0;
  told->count = 0;
  while (used < len) {
    struct wsl_framed framed = wsl_messages_frame(form, block + used, block + room + used, len - used);
    if (framed.used == 0) break;
    assert_true(framed.at >= block && framed.at + framed.len <= block + room + len);
    read_frames(told, form, framed.at, framed.len);
    used += framed.used;
    assert_memory_equal(block + room + used, data + used, len - used);
  }
  free(block);
  return used;
}

static void frames_of_lines(void **state) {
  (void)state;
  static const size_t maxima[] = {4, 5, 125, 126, 400};
  uint64_t seed = 31;
  for (int round = 0; round < 3000; round++) {
    uint8_t stream[400];
    size_t len = 1 + random_below(&seed, sizeof stream), longest = 1 + random_below(&seed, 200);
    for (size_t i = 0; i < len; i++)
      stream[i] = random_below(&seed, longest) == 0 ? '\n' : random_below(&seed, 9) == 0 ? '\r' : 'x';
    struct wsl_message_form form = {WSL_MESSAGES_LINES, WSL_OP_TEXT,
                                    maxima[random_below(&seed, COUNT_OF(maxima))]};
    static struct told expected, told;
    size_t begun = reference_lines(&expected, &form, stream, len);
    size_t room = WSL_FRAME_HEADER_MAX + random_below(&seed, 300);
    size_t used = frame_all(&told, &form, stream, begun, room);
    assert_int_equal(used, begun);
    assert_told(&told, &expected);
  }
}

static void one_message_is_not_moved(void **state) {
  (void)state;
  uint8_t block[64] = {0};
  memcpy(block + 20, "hello\r\n", 7);
  struct wsl_message_form form = {WSL_MESSAGES_LINES, WSL_OP_TEXT, 100};
  struct wsl_framed framed = wsl_messages_frame(&form, block, block + 20, 7);
  assert_ptr_equal(framed.at, block + 18);
  assert_int_equal(framed.len, 7);
  assert_int_equal(framed.used, 7);
  assert_memory_equal(framed.at, "\x81\x05hello", 7);
}

static void frames_of_text(void **state) {
  (void)state;
  uint64_t seed = 41;
  static const char *const characters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
  for (int round = 0; round < 3000; round++) {
    uint8_t stream[300];
    size_t len = 0, count = 1 + random_below(&seed, 70);
    for (size_t i = 0; i < count; i++) {
      const char *character = characters[random_below(&seed, 4)];
      memcpy(stream + len, character, strlen(character));
      len += strlen(character);
    }
    struct wsl_message_form form = {WSL_MESSAGES_TEXT, WSL_OP_TEXT, 4 + random_below(&seed, 140)};
    static struct told told;
    assert_int_equal(frame_all(&told, &form, stream, len, WSL_FRAME_HEADER_MAX), len);
    static struct told expected;
    expected.count = 0;
    reference_line(&expected, &form, stream, len); /* cut by the same rule */
    assert_told(&told, &expected);
    for (size_t i = 0; i < told.count; i++)
      assert_true(wsl_utf8_valid(told.messages[i].bytes, told.messages[i].len));
  }
}

static void frames_of_base64(void **state) {
  (void)state;
  uint64_t seed = 43;
  for (int round = 0; round < 3000; round++) {
    uint8_t stream[200], back[200];
    size_t len = 1 + random_below(&seed, sizeof stream), at = 0;
    random_fill(&seed, stream, len);
    struct wsl_message_form form = {WSL_MESSAGES_BASE64, WSL_OP_TEXT, 4 + random_below(&seed, 300)};
    static struct told told;
    assert_int_equal(frame_all(&told, &form, stream, len, WSL_FRAME_HEADER_MAX + len), len);
    for (size_t i = 0; i < told.count; i++) {
      struct wsl_base64_decoder decoder;
      wsl_base64_init(&decoder);
      struct message *message = &told.messages[i];
      size_t out_len;
      assert_true(message->len <= form.max);
      assert_int_equal(message->len % 4, 0);
      assert_int_equal(wsl_base64_decode(&decoder, back + at, message->bytes, message->len, &out_len),
                       message->len);
      assert_true(wsl_base64_complete(&decoder));
      at += out_len;
    }
    assert_int_equal(at, len);
    assert_memory_equal(back, stream, len);
  }
}

/* ---- a message as a line ---- */

static void line_ends(void **state) {
  (void)state;
  static const struct {
    enum wsl_line_end end;
    uint8_t last;
    const char *missing;
  } rows[] = {
      {WSL_LINE_END_LF, 'x', "\n"},    {WSL_LINE_END_LF, 0, "\n"},     {WSL_LINE_END_LF, '\n', ""},
      {WSL_LINE_END_LF, '\r', "\n"},   {WSL_LINE_END_CRLF, 0, "\r\n"}, {WSL_LINE_END_CRLF, 'x', "\r\n"},
      {WSL_LINE_END_CRLF, '\r', "\n"}, {WSL_LINE_END_CRLF, '\n', ""},  {WSL_LINE_END_CR, 'x', "\r"},
      {WSL_LINE_END_CR, '\r', ""},     {WSL_LINE_END_CR, '\n', ""},    {WSL_LINE_END_CR, 0, "\r"},
  };
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    uint8_t out[WSL_LINE_END_MAX];
    size_t len = wsl_line_end_missing(rows[i].end, rows[i].last, out);
    assert_int_equal(len, strlen(rows[i].missing));
    assert_memory_equal(out, rows[i].missing, len);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lines_are_the_same_at_every_cut),
      cmocka_unit_test(random_streams_in_random_pieces),
      cmocka_unit_test(frames_of_lines),
      cmocka_unit_test(one_message_is_not_moved),
      cmocka_unit_test(frames_of_text),
      cmocka_unit_test(frames_of_base64),
      cmocka_unit_test(line_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
