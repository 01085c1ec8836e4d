/* fuzz: max_len=2048
 *
 * Answers of HTTP servers: cut anywhere the same status, body and verdict as in one piece; a body is never
 * longer than what came, and its bytes come in order out of the input; written anew with a length or in
 * chunks, it reads the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/http/answer.h"
#include "fuzz/fuzz.h"

struct reading {
  enum http_answer_event event;
  size_t consumed; /* of the input */
  struct http_answer answer;
  char *body;
  size_t body_len;
};

static void append(struct reading *reading, struct wsl_span body, size_t cap) {
  fuzz_check(body.len <= cap - reading->body_len, "a body longer than the input");
  if (body.len > 0) memcpy(reading->body + reading->body_len, body.at, body.len);
  reading->body_len += body.len;
}

/* One piece in memory of its own. */
static void feed_piece(struct reading *reading, const char *at, size_t len, size_t cap) {
  char *piece = fuzz_copy(at, len);
  size_t taken = 0;
  while (taken < len && reading->event == HTTP_ANSWER_MORE) {
    struct http_answer_piece got = http_answer_feed(&reading->answer, piece + taken, len - taken);
    fuzz_check(got.consumed <= len - taken, "more than was there");
    fuzz_check(got.consumed > 0 || got.event != HTTP_ANSWER_MORE, "no progress");
    fuzz_check(fuzz_within(got.body, piece + taken, len - taken), "a body from elsewhere");
    append(reading, got.body, cap);
    reading->event = got.event;
    taken += got.consumed;
  }
  reading->consumed += taken;
  free(piece);
}

static struct reading *read_cut(struct wsl_span text, uint16_t seed) {
  struct reading *reading = fuzz_memory(sizeof *reading);
  struct fuzz_cuts cuts = fuzz_cuts_of(seed);
  reading->body = fuzz_memory(text.len);
  http_answer_init(&reading->answer);
  for (size_t at = 0; at < text.len && reading->event == HTTP_ANSWER_MORE;) {
    size_t len = fuzz_cut(&cuts, text.len - at);
    feed_piece(reading, text.at + at, len, text.len);
    at += len;
  }
  if (reading->event == HTTP_ANSWER_MORE) reading->event = http_answer_end(&reading->answer);
  fuzz_check((reading->event == HTTP_ANSWER_BAD) == (reading->answer.why != NULL),
             "a reason for each failure");
  return reading;
}

static void free_reading(struct reading *reading) {
  free(reading->body);
  free(reading);
}

static void same(const struct reading *a, const struct reading *b, const char *how) {
  fuzz_check(a->event == b->event, "%s: event %d and %d", how, (int)a->event, (int)b->event);
  if (a->event != HTTP_ANSWER_DONE) return;
  fuzz_check(a->answer.status == b->answer.status && a->answer.fresh_s == b->answer.fresh_s, "%s: head", how);
  fuzz_check(a->answer.location_len == b->answer.location_len &&
                 memcmp(a->answer.location, b->answer.location, a->answer.location_len) == 0,
             "%s: location", how);
  fuzz_check(a->body_len == b->body_len && memcmp(a->body, b->body, a->body_len) == 0, "%s: body", how);
}

/* With all that was understood of it, in another framing. */
static void check_anew(const struct reading *reading, bool chunked) {
  const struct http_answer *answer = &reading->answer;
  if (reading->event != HTTP_ANSWER_DONE || answer->status == 204 || answer->status == 304) return;
  size_t cap = reading->body_len + answer->location_len + 256;
  char *text = fuzz_memory(cap);
  int head =
      snprintf(text, cap, "HTTP/1.1 %03u \r\nCache-Control: max-age=%u\r\n", answer->status, answer->fresh_s);
  size_t len = (size_t)head;
  if (answer->location_len > 0)
    len += (size_t)snprintf(text + len, cap - len, "Location: %.*s\r\n", (int)answer->location_len,
                            answer->location);
  len +=
      (size_t)(chunked ? snprintf(text + len, cap - len, "Transfer-Encoding: chunked\r\n\r\n%s",
                                  reading->body_len > 0 ? "" : "0\r\n\r\n")
                       : snprintf(text + len, cap - len, "Content-Length: %zu\r\n\r\n", reading->body_len));
  if (chunked && reading->body_len > 0)
    len += (size_t)snprintf(text + len, cap - len, "%zx\r\n", reading->body_len);
  memcpy(text + len, reading->body, reading->body_len);
  len += reading->body_len;
  if (chunked && reading->body_len > 0) len += (size_t)snprintf(text + len, cap - len, "\r\n0\r\n\r\n");
  struct reading *again = read_cut((struct wsl_span){text, len}, 0);
  if (len < HTTP_ANSWER_HEAD_MAX) same(reading, again, chunked ? "in chunks" : "with a length");
  free_reading(again);
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  uint16_t seed = fuzz_choice_16(&input);
  struct wsl_span text = {(const char *)input.at, input.len};
  struct reading *whole = read_cut(text, 0), *cut = read_cut(text, seed);
  same(whole, cut, "cut");
  if (whole->event == HTTP_ANSWER_DONE)
    fuzz_check(whole->consumed == cut->consumed, "an end at %zu and %zu", whole->consumed, cut->consumed);
  check_anew(whole, false);
  check_anew(whole, true);
  free_reading(whole);
  free_reading(cut);
  return 0;
}
