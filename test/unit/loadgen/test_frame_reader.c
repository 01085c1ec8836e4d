/* A server's frames: each stream read whole, cut in two at every place, and byte by byte, always to the same
 * end; and all that RFC 6455 forbids a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "loadgen/frame_reader.h"

#define STREAM_MAX (300u * 1024u)
#define LOG_MAX    1024u

/* What a stream came to: payload bytes in order, and the events between them as text. */
struct seen {
  uint8_t payload[STREAM_MAX];
  size_t payload_len;
  char events[LOG_MAX];
};

static struct seen whole, cut;
static uint8_t stream[STREAM_MAX];
static size_t stream_len;

static void note(struct seen *seen, const char *event, const struct frame_reader *reader) {
  size_t len = strlen(seen->events);
  (void)snprintf(seen->events + len, LOG_MAX - len, "%zu:%s(%.*s) ", seen->payload_len, event,
                 reader == NULL ? 0 : (int)reader->control_len,
                 reader == NULL ? "" : (const char *)reader->control);
}

/* Feeds one piece; false when the stream has ended (a Close or a violation). */
static bool feed(struct frame_reader *reader, struct seen *seen, const uint8_t *bytes, size_t len) {
  for (size_t at = 0; at < len;) {
    struct frame_result result = frame_reader_feed(reader, bytes + at, len - at);
    assert_in_range(result.consumed, 1, len - at);
    at += result.consumed;
    switch (result.event) {
      case FRAME_EVENT_PAYLOAD:
        assert_true(result.payload_len > 0 && result.payload >= bytes &&
                    result.payload + result.payload_len <= bytes + at);
        memcpy(seen->payload + seen->payload_len, result.payload, result.payload_len);
        seen->payload_len += result.payload_len;
        break;
      case FRAME_EVENT_PING:
        note(seen, "ping", reader);
        break;
      case FRAME_EVENT_PONG:
        note(seen, "pong", reader);
        break;
      case FRAME_EVENT_CLOSE: {
        char name[16];
        (void)snprintf(name, sizeof name, "close%u", result.close_code);
        note(seen, name, NULL);
        return false;
      }
      case FRAME_EVENT_VIOLATION:
        note(seen, result.reason, NULL);
        return false;
      case FRAME_EVENT_MORE:
        assert_int_equal(at, len);
        break;
    }
  }
  return true;
}

static void put(const void *bytes, size_t len) {
  memcpy(stream + stream_len, bytes, len);
  stream_len += len;
}

/* A server's frame with the shortest length form. */
static void put_frame(unsigned first, size_t len) {
  uint8_t header[WSL_FRAME_HEADER_MAX];
  size_t header_len = wsl_frame_header(header, WSL_OP_BINARY, len);
  header[0] = (uint8_t)first;
  put(header, header_len);
  for (size_t i = 0; i < len; i++)
    stream[stream_len++] = (uint8_t)('a' + i % 23);
}

static void clear(struct seen *seen) {
  seen->payload_len = 0;
  seen->events[0] = '\0';
}

static void read_in_two(size_t at) {
  struct frame_reader reader;
  frame_reader_init(&reader);
  clear(&cut);
  if (feed(&reader, &cut, stream, at)) (void)feed(&reader, &cut, stream + at, stream_len - at);
}

static void check_same(void) {
  assert_int_equal(cut.payload_len, whole.payload_len);
  assert_memory_equal(cut.payload, whole.payload, whole.payload_len);
  assert_string_equal(cut.events, whole.events);
}

/* The stream's outcome, the same however it is cut. Long ones are cut round their beginning and end only. */
static void check_stream(size_t payload_len, const char *events) {
  struct frame_reader reader;
  frame_reader_init(&reader);
  clear(&whole);
  (void)feed(&reader, &whole, stream, stream_len);
  assert_int_equal(whole.payload_len, payload_len);
  assert_string_equal(whole.events, events);
  for (size_t at = 0; at <= stream_len; at += at > 400 && at + 400 < stream_len ? 977 : 1) {
    read_in_two(at);
    check_same();
  }
  frame_reader_init(&reader);
  clear(&cut);
  for (size_t at = 0; at < stream_len && feed(&reader, &cut, stream + at, 1); at++) {
  }
  check_same();
  stream_len = 0;
}

static void test_lengths(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 124, 125, 126, 127, 255, 256, 65535, 65536, 70000};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    put_frame(0x82, lengths[i]);
    put_frame(0x81, 5);
    check_stream(lengths[i] + 5, "");
  }
}

static void test_control_frames_between_and_inside_messages(void **state) {
  (void)state;
  put_frame(0x89, 3);
  put_frame(0x01, 10);
  put_frame(0x89, 0);
  put_frame(0x00, 0);
  put_frame(0x8a, 2);
  put_frame(0x80, 7);
  put_frame(0x82, 300);
  check_stream(317, "0:ping(abc) 10:ping() 10:pong(ab) ");
}

static void test_longest_control_frame(void **state) {
  (void)state;
  char events[LOG_MAX];
  put_frame(0x89, 125);
  (void)snprintf(events, sizeof events, "0:ping(%.*s) ", 125, (const char *)stream + 2);
  check_stream(0, events);
}

static void test_close(void **state) {
  (void)state;
  put_frame(0x82, 4);
  put("\x88\x02\x03\xe8", 4);
  put("rubbish", 7);
  check_stream(4, "4:close1000() ");
  put("\x88\x00", 2);
  check_stream(0, "0:close1005() ");
  put("\x88\x0a\x03\xf3gone now", 12);
  check_stream(0, "0:close1011() ");
  put("\x88\x01\x03", 3);
  check_stream(0, "0:a Close has half a status code() ");
}

static void test_violations(void **state) {
  (void)state;
  static const struct {
    const char *bytes;
    size_t len;
    const char *events;
  } rows[] = {
      {"\xc2\x01x", 3, "0:a reserved bit is set, and no extension was agreed() "},
      {"\xa2\x01x", 3, "0:a reserved bit is set, and no extension was agreed() "},
      {"\x92\x01x", 3, "0:a reserved bit is set, and no extension was agreed() "},
      {"\x82\x81zzzzx", 7, "0:a frame is masked() "},
      {"\x83\x01x", 3, "0:a frame has a reserved opcode() "},
      {"\x87\x01x", 3, "0:a frame has a reserved opcode() "},
      {"\x8b\x01x", 3, "0:a frame has a reserved opcode() "},
      {"\x8f\x01x", 3, "0:a frame has a reserved opcode() "},
      {"\x09\x01x", 3, "0:a control frame is fragmented() "},
      {"\x89\x7e\x00\x7e", 4, "0:a control frame is longer than 125 bytes() "},
      {"\x88\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10, "0:a control frame is longer than 125 bytes() "},
      {"\x80\x01x", 3, "0:a continuation of nothing() "},
      {"\x02\x01x\x82\x01x", 6, "1:a message begins inside another() "},
      {"\x82\x7e\x00\x7d", 4, "0:a length is not in its shortest form() "},
      {"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 10, "0:a length is not in its shortest form() "},
      {"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 10, "0:a length has its highest bit set() "},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    put(rows[i].bytes, rows[i].len);
    check_stream(rows[i].events[0] == '1', rows[i].events);
  }
}

/* A frame as long as may be: its payload goes on for ever, and nothing is kept of it. */
static void test_enormous_frame(void **state) {
  (void)state;
  struct frame_reader reader;
  frame_reader_init(&reader);
  clear(&whole);
  assert_true(feed(&reader, &whole, (const uint8_t *)"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10));
  assert_true(feed(&reader, &whole, stream, 1000));
  assert_int_equal(whole.payload_len, 1000);
  assert_true(reader.payload_left == INT64_MAX - 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_control_frames_between_and_inside_messages),
      cmocka_unit_test(test_longest_control_frame),
      cmocka_unit_test(test_close),
      cmocka_unit_test(test_violations),
      cmocka_unit_test(test_enormous_frame),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
