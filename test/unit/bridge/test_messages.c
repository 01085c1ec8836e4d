/* Clients that are sent text, lines or base64: the same messages however the bytes come and go, in pieces of
 * one byte too; what waits for its end; how an end is told behind it; and what a client's messages become.
 */
#include "bridge/rows.h"

#include <stdio.h>
#include <string.h>

static void open_with(struct world *w, enum frames_mode mode) {
  w->frames.mode = mode;
  world_open(w);
}

static void say(struct world *w, const char *text) {
  peer_send(&w->backend, text, strlen(text));
  world_rest(w);
}

static void client_says(struct world *w, enum wsl_opcode opcode, const char *text) {
  client_frame(w, opcode, text, strlen(text));
  world_rest(w);
}

static void assert_no_buffer_lent(const struct world *w) {
  assert_int_equal(w->pool.existing, w->pool.free_count);
}

/* What all messages hold, one behind the other; none is binary. */
static void assert_text(const struct world *w, const char *text) {
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_null(strstr(seen.story, "data("));
  assert_int_equal(seen.payload.len, strlen(text));
  assert_memory_equal(seen.payload.data, text, strlen(text));
  seen_free(&seen);
}

static void end(struct world *w) {
  session_domain_cut(&w->domain);
}

/* ---- lines, down ---- */

static void a_message_a_line(struct world *w) {
  open_with(w, FRAMES_LINES);
  say(w, "one\ntwo\r\n\n\r\na\rb\r\n");
  assert_client_story(w, "text(one) text(two) text() text() text(a\rb)");
  assert_no_buffer_lent(w);
  end(w);
}

static void a_line_waits_for_its_end(struct world *w) {
  open_with(w, FRAMES_LINES);
  say(w, "begin");
  assert_client_story(w, "");
  assert_no_buffer_lent(w); /* an idle session holds none */
  say(w, "ning\r");
  assert_client_story(w, "");
  say(w, "\nrest");
  assert_client_story(w, "text(beginning)");
  peer_finish(&w->backend);
  world_rest(w);
  assert_client_story(w, "text(beginning) text(rest) close(1000 Target closed)");
  end(w);
}

static void the_last_line_comes_before_the_close(struct world *w) {
  open_with(w, FRAMES_LINES);
  say(w, "a\nlast\r");
  peer_finish(&w->backend);
  world_rest(w);
  assert_client_story(w, "text(a) text(last\r) close(1000 Target closed)");
  end(w);
}

static void a_reset_comes_behind_the_last_line(struct world *w) {
  open_with(w, FRAMES_LINES);
  say(w, "lost");
  peer_reset(&w->backend);
  world_rest(w);
  assert_client_story(w, "text(lost) close(1011 Target reset the connection)");
  end(w);
}

static void long_lines_are_cut(struct world *w) {
  w->settings.max_line = 5;
  open_with(w, FRAMES_LINES);
  say(w, "12345\n12345\r\n123456\n\xC3\xA9\xC3\xA9\xC3\xA9\n1234567890\r12\n");
  assert_client_story(w,
                      "text(12345) text(12345) text(12345) text(6) text(\xC3\xA9\xC3\xA9) text(\xC3\xA9) "
                      "text(12345) text(67890) text(\r12)");
  end(w);
}

/* Longer than any buffer; frames of it are longer too. */
static void lines_longer_than_a_buffer(struct world *w) {
  w->settings.max_line = 1000;
  w->settings.max_frame_size = 1000;
  open_with(w, FRAMES_LINES);
  char line[802], story[820];
  memset(line, 'x', 800);
  line[800] = '\0';
  say(w, line);
  assert_client_story(w, "");
  assert_no_buffer_lent(w);
  say(w, "\n");
  snprintf(story, sizeof story, "text(%s)", line);
  assert_client_story(w, story);
  say(w, line);
  say(w, line);
  peer_finish(&w->backend);
  world_rest(w);
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_int_equal(seen.frames, 3);
  assert_int_equal(seen.payload.len, 2400);
  assert_int_equal(seen.longest, 1000);
  assert_int_equal(seen.close_code, 1000);
  seen_free(&seen);
  end(w);
}

static void frames_bound_lines(struct world *w) {
  w->settings.max_frame_size = 3; /* but a character has its four bytes */
  open_with(w, FRAMES_LINES);
  say(w, "123456\n\xF0\x9F\x98\x80\n");
  assert_client_story(w, "text(1234) text(56) text(\xF0\x9F\x98\x80)");
  end(w);
}

static void lines_of_bytes(struct world *w) {
  w->settings.max_line = 4;
  open_with(w, FRAMES_BINARY_LINES);
  say(w, "\xFF\xFE\n\xC3\xA9\xC3\xA9\xC3\xA9\r\nxyz");
  assert_client_story(w, "data(2) data(4) data(2)");
  peer_finish(&w->backend);
  world_rest(w);
  assert_client_story(w, "data(2) data(4) data(2) data(3) close(1000 Target closed)");
  end(w);
}

static void many_short_lines(struct world *w) {
  open_with(w, FRAMES_LINES);
  for (int i = 0; i < 200; i++)
    peer_send(&w->backend, "\n\na\n", 4);
  world_rest(w);
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_int_equal(seen.frames, 600);
  assert_int_equal(seen.payload.len, 200);
  seen_free(&seen);
  end(w);
}

/* ---- what is not UTF-8 ---- */

static void bad_bytes_are_replaced(struct world *w) {
  open_with(w, FRAMES_LINES);
  say(w, "caf\xE9\n\xC3\n\xF0\x9F\x98\x80\n\r\xC3\xA9\n");
  assert_client_story(w, "text(caf\xEF\xBF\xBD) text(\xEF\xBF\xBD) text(\xF0\x9F\x98\x80) text(\r\xC3\xA9)");
  end(w);
}

static void only_bad_bytes(struct world *w) {
  open_with(w, FRAMES_TEXT);
  char bytes[300], text[901] = "";
  memset(bytes, 0xFF, sizeof bytes);
  peer_send(&w->backend, bytes, sizeof bytes);
  world_rest(w);
  for (size_t i = 0; i < sizeof bytes; i++)
    strcat(text, "\xEF\xBF\xBD");
  assert_text(w, text);
  end(w);
}

static void bad_bytes_close(struct world *w) {
  w->settings.invalid_text = INVALID_TEXT_CLOSES;
  open_with(w, FRAMES_LINES);
  say(w, "fine\nbefore\xFF behind\n");
  assert_client_story(w, "text(fine) text(before) close(1007 Target sent invalid UTF-8)");
  client_close_with(w, 1007, "");
  world_rest(w);
  assert_seen_end(&w->backend, SEEN_RESET);
  end(w);
}

static void an_end_inside_a_character(struct world *w) {
  open_with(w, FRAMES_TEXT);
  say(w, "ab\xE2\x82");
  assert_text(w, "ab");
  assert_no_buffer_lent(w);
  peer_finish(&w->backend);
  world_rest(w);
  assert_text(w, "ab\xEF\xBF\xBD");
  end(w);
}

static void an_end_inside_a_character_closes(struct world *w) {
  w->settings.invalid_text = INVALID_TEXT_CLOSES;
  open_with(w, FRAMES_LINES);
  say(w, "a\nb\xE2\x82");
  peer_finish(&w->backend);
  world_rest(w);
  assert_client_story(w, "text(a) text(b) close(1007 Target sent invalid UTF-8)");
  end(w);
}

/* ---- text and base64 ---- */

static void text_is_cut_between_characters(struct world *w) {
  w->settings.max_frame_size = 5;
  open_with(w, FRAMES_TEXT);
  const char *text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xF0\x9F\x98\x80zzzzzzzzzz\r\n\n";
  say(w, text);
  assert_text(w, text);
  end(w);
}

static void base64_each_message_by_itself(struct world *w) {
  open_with(w, FRAMES_BASE64);
  w->backend.read_max = UNLIMITED;
  say(w, "f");
  say(w, "fo");
  say(w, "foobar");
  assert_client_story(w, "text(Zg==) text(Zm8=) text(Zm9vYmFy)");
  w->settings.max_frame_size = 8;
  end(w);
}

static void base64_within_frames(struct world *w) {
  w->settings.max_frame_size = 8;
  open_with(w, FRAMES_BASE64);
  w->backend.read_max = UNLIMITED;
  say(w, "foobarfoobar!");
  assert_client_story(w, "text(Zm9vYmFy) text(Zm9vYmFy) text(IQ==)");
  end(w);
}

/* ---- auto ---- */

static void auto_begins_as_binary(struct world *w) {
  open_with(w, FRAMES_AUTO);
  w->backend.read_max = UNLIMITED;
  say(w, "\xFFhello");
  assert_client_story(w, "data(6)");
  end(w);
}

static void auto_follows_text(struct world *w) {
  open_with(w, FRAMES_AUTO);
  w->backend.read_max = UNLIMITED;
  say(w, "hi");
  client_says(w, WSL_OP_PING, "p");
  say(w, "ho");
  client_says(w, WSL_OP_TEXT, "text");
  say(w, "caf\xC3");
  say(w, "\xA9\xFF");
  client_says(w, WSL_OP_BINARY, "more");
  say(w, "end");
  assert_client_story(w, "data(2) pong(p) data(2) text(caf) text(\xC3\xA9\xEF\xBF\xBD) text(end)");
  assert_backend_got(w, "textmore");
  end(w);
}

static void auto_follows_binary(struct world *w) {
  open_with(w, FRAMES_AUTO);
  w->backend.read_max = UNLIMITED;
  say(w, "hi");
  client_says(w, WSL_OP_BINARY, "bytes");
  say(w, "caf\xC3");
  client_says(w, WSL_OP_TEXT, "more");
  say(w, "\xA9");
  assert_client_story(w, "data(2) data(4) data(1)");
  assert_backend_got(w, "bytesmore");
  peer_finish(&w->backend);
  world_rest(w);
  assert_client_story(w, "data(2) data(4) data(1) close(1000 Target closed)");
  end(w);
}

static void an_empty_message_tells_too(struct world *w) {
  open_with(w, FRAMES_AUTO);
  client_says(w, WSL_OP_TEXT, "");
  say(w, "x");
  assert_client_story(w, "text(x)");
  end(w);
}

/* Of a character that began in a binary frame the rest is no text. */
static void auto_turns_between_characters(struct world *w) {
  open_with(w, FRAMES_AUTO);
  w->backend.read_max = UNLIMITED;
  say(w, "a\xE2");
  client_says(w, WSL_OP_TEXT, "t");
  say(w, "\x82");
  say(w, "\xAC");
  say(w, "\xE2\x82\xAC");
  assert_client_story(w, "data(2) data(1) data(1) text(\xE2\x82\xAC)");
  end(w);
}

/* ---- up ---- */

static void messages_become_lines(struct world *w) {
  open_with(w, FRAMES_LINES);
  client_says(w, WSL_OP_TEXT, "one");
  client_says(w, WSL_OP_BINARY, "two");
  client_says(w, WSL_OP_TEXT, "");
  client_says(w, WSL_OP_TEXT, "has one\n");
  client_says(w, WSL_OP_TEXT, "has one too\r\n");
  client_says(w, WSL_OP_TEXT, "two\nlines");
  client_frame(w, WSL_OP_PING, "p", 1);
  client_says(w, WSL_OP_TEXT, "half\r");
  assert_backend_got(w, "one\ntwo\n\nhas one\nhas one too\r\ntwo\nlines\nhalf\r\n");
  end(w);
}

static void fragments_are_one_line(struct world *w) {
  w->frames.line_end = WSL_LINE_END_CRLF;
  open_with(w, FRAMES_BINARY_LINES);
  struct bytes bytes = {0};
  frame_add(&bytes, WSL_OP_TEXT, FIN_MORE, "a", 1);
  frame_add(&bytes, WSL_OP_CONTINUATION, FIN_MORE, "", 0);
  frame_add(&bytes, WSL_OP_PING, FIN_LAST, "p", 1);
  frame_add(&bytes, WSL_OP_CONTINUATION, FIN_LAST, "b", 1);
  frame_add(&bytes, WSL_OP_TEXT, FIN_MORE, "c\r", 2);
  frame_add(&bytes, WSL_OP_CONTINUATION, FIN_LAST, "", 0);
  frame_add(&bytes, WSL_OP_TEXT, FIN_LAST, "", 0);
  peer_send(&w->client, bytes.data, bytes.len);
  bytes_free(&bytes);
  world_rest(w);
  assert_backend_got(w, "ab\r\nc\r\n\r\n");
  assert_client_story(w, "pong(p)");
  end(w);
}

/* Early bytes lie behind a head, with no room but the headroom. */
static void early_messages_become_lines(struct world *w) {
  frame_add(&w->early, WSL_OP_TEXT, FIN_LAST, "early", 5);
  frame_add(&w->early, WSL_OP_TEXT, FIN_LAST, "bird", 4);
  open_with(w, FRAMES_LINES);
  assert_backend_got(w, "early\nbird\n");
  end(w);
}

static void a_message_not_ended_is_no_line(struct world *w) {
  open_with(w, FRAMES_LINES);
  struct bytes bytes = {0};
  frame_add(&bytes, WSL_OP_TEXT, FIN_MORE, "half", 4);
  peer_send(&w->client, bytes.data, bytes.len);
  bytes_free(&bytes);
  peer_finish(&w->client);
  world_rest(w);
  assert_backend_got(w, "half");
  assert_seen_end(&w->backend, SEEN_RESET);
  end(w);
}

static void base64_up(struct world *w) {
  open_with(w, FRAMES_BASE64);
  client_says(w, WSL_OP_TEXT, "Zm9v");
  client_says(w, WSL_OP_TEXT, "Yg==");
  client_says(w, WSL_OP_BINARY, "==raw==");
  client_says(w, WSL_OP_TEXT, "");
  client_says(w, WSL_OP_TEXT, "YX\r\nI=");
  client_says(w, WSL_OP_TEXT, "YXI");
  assert_backend_got(w, "foob==raw==arar");
  end(w);
}

static void base64_in_fragments(struct world *w) {
  open_with(w, FRAMES_BASE64);
  struct bytes bytes = {0};
  frame_add(&bytes, WSL_OP_TEXT, FIN_MORE, "Zm9vY", 5);
  frame_add(&bytes, WSL_OP_CONTINUATION, FIN_MORE, "m", 1);
  frame_add(&bytes, WSL_OP_CONTINUATION, FIN_LAST, "Fy", 2);
  peer_send(&w->client, bytes.data, bytes.len);
  bytes_free(&bytes);
  world_rest(w);
  assert_backend_got(w, "foobar");
  end(w);
}

static void what_is_no_base64_closes(struct world *w) {
  open_with(w, FRAMES_BASE64);
  client_says(w, WSL_OP_TEXT, "Zm9v");
  client_says(w, WSL_OP_TEXT, "Zm9v?");
  assert_client_story(w, "close(1007 Text message is not base64)");
  assert_backend_got(w, "foofoo");
  client_close_with(w, 1007, "");
  world_rest(w);
  assert_seen_end(&w->backend, SEEN_RESET);
  end(w);
}

static void half_a_group_closes(struct world *w) {
  open_with(w, FRAMES_BASE64);
  client_says(w, WSL_OP_TEXT, "Zm9vY");
  assert_client_story(w, "close(1007 Text message is not base64)");
  end(w);
}

static void refused_text_is_refused_in_every_mode(struct world *w) {
  w->settings.text = TEXT_REFUSE;
  open_with(w, FRAMES_LINES);
  client_says(w, WSL_OP_BINARY, "binary");
  client_says(w, WSL_OP_TEXT, "text");
  assert_backend_got(w, "binary\n");
  assert_client_story(w, "close(1003 Text messages are not accepted)");
  end(w);
}

/* ---- clients that take their time ---- */

static void a_stalled_client_stops_the_service(struct world *w) {
  w->client.room = 3;
  open_with(w, FRAMES_LINES);
  for (int i = 0; i < 300; i++)
    peer_send(&w->backend, "a line\r\n", 8);
  world_rest(w);
  assert_in_range(w->backend.sent_read, 1, 2 * WORLD_BUFFER_SIZE);
  assert_int_equal(w->pool.existing - w->pool.free_count, 1); /* no more than one buffer */
  client_says(w, WSL_OP_PING, "p");
  assert_at_rest(w);
  peer_take(&w->client, UNLIMITED);
  world_rest(w);
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_int_equal(seen.frames, 300);
  assert_int_equal(seen.payload.len, 1800);
  assert_int_equal(seen.pongs, 1);
  assert_true(strncmp(seen.story, "text(a line) pong(p)", 20) == 0); /* behind the frame that was begun */
  seen_free(&seen);
  end(w);
}

/* One byte at a time, with a Close of the client's in the middle: the frame begun is completed. */
static void a_close_behind_the_frame_begun(struct world *w) {
  w->client.room = 5;
  open_with(w, FRAMES_LINES);
  say(w, "one\n\ntwo\nthr");
  client_close_with(w, 1000, "");
  world_rest(w);
  while (w->client.transport != NULL && w->client.got.len < 32) {
    size_t had = w->client.got.len;
    peer_take(&w->client, 1);
    world_rest(w);
    if (w->client.got.len == had) break;
  }
  peer_take(&w->client, UNLIMITED);
  world_rest(w);
  struct seen seen;
  see_bytes(&w->client.got, &seen);
  assert_false(seen.inside_frame);
  assert_true(strncmp(seen.story, "text(one)", 9) == 0);
  assert_int_equal(seen.close_code, 1000);
  seen_free(&seen);
  end(w);
}

/* The end waits behind the last line for a client that takes nothing. */
static void an_end_waits_for_the_client(struct world *w) {
  w->client.room = 0;
  open_with(w, FRAMES_LINES);
  say(w, "a\nb");
  peer_finish(&w->backend);
  world_rest(w);
  assert_at_rest(w);
  world_advance(w, 60000);
  assert_client_story(w, "");
  peer_take(&w->client, UNLIMITED);
  world_rest(w);
  assert_client_story(w, "text(a) text(b) close(1000 Target closed)");
  end(w);
}

int main(void) {
  static const struct row rows[] = {
      ROW(a_message_a_line),
      ROW(a_line_waits_for_its_end),
      ROW(the_last_line_comes_before_the_close),
      ROW(a_reset_comes_behind_the_last_line),
      ROW(long_lines_are_cut),
      ROW(lines_longer_than_a_buffer),
      ROW(frames_bound_lines),
      ROW(lines_of_bytes),
      ROW(many_short_lines),
      ROW(bad_bytes_are_replaced),
      ROW(only_bad_bytes),
      ROW(bad_bytes_close),
      ROW(an_end_inside_a_character),
      ROW(an_end_inside_a_character_closes),
      ROW(text_is_cut_between_characters),
      ROW(base64_each_message_by_itself),
      ROW(base64_within_frames),
      ROW(auto_begins_as_binary),
      ROW(auto_follows_text),
      ROW(auto_follows_binary),
      ROW(an_empty_message_tells_too),
      ROW(auto_turns_between_characters),
      ROW(messages_become_lines),
      ROW(fragments_are_one_line),
      ROW(early_messages_become_lines),
      ROW(a_message_not_ended_is_no_line),
      ROW(base64_up),
      ROW(base64_in_fragments),
      ROW(what_is_no_base64_closes),
      ROW(half_a_group_closes),
      ROW(refused_text_is_refused_in_every_mode),
      ROW(a_stalled_client_stops_the_service),
      ROW(a_close_behind_the_frame_begun),
      ROW(an_end_waits_for_the_client),
  };
  return rows_play(rows, COUNT_OF(rows));
}
