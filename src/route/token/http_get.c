/* See route/token/http_get.h. */
#include "route/token/http_get.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/error.h"
#include "core/list.h"

/* Bytes read at once, on the stack: answers are short. */
#define READ_SIZE 4096u

/* Of a reason. */
#define FAILURE_MAX 256u

/* Our end first, so that a TLS peer sees close_notify; what it sends behind its answer is nobody's. */
static void close_stream(struct http_get *get) {
  if (get->stream == NULL) return;
  (void)transport_finish(get->stream);
  transport_close(get->stream);
  get->stream = NULL;
}

/* `why` may be the stream's own words, which go with it. */
static void settle(struct http_get *get, int error, const char *why) {
  char words[FAILURE_MAX];
  snprintf(words, sizeof(words), "%s", why);
  close_stream(get);
  get->done(get, error, words);
}

static void settle_error(struct http_get *get, int error) {
  settle(get, error, error_text(error));
}

/* The answer is over, well or not. */
static void settle_answer(struct http_get *get, enum http_answer_event event) {
  if (event == HTTP_ANSWER_DONE)
    settle(get, 0, "");
  else
    settle(get, WSL_INVALID, get->answer.why);
}

static void settle_broken(struct http_get *get, int error) {
  const char *words = transport_failure(get->stream);
  settle(get, error, words[0] != '\0' ? words : error_text(error));
}

/* All that was read. False: settled. */
static bool digest(struct http_get *get, const char *bytes, size_t len) {
  while (len > 0) {
    struct http_answer_piece piece = http_answer_feed(&get->answer, bytes, len);
    if (blob_append(&get->body, piece.body, HTTP_ANSWER_BODY_MAX) != WSL_OK) {
      settle_error(get, WSL_NO_MEMORY);
      return false;
    }
    if (piece.event != HTTP_ANSWER_MORE) {
      settle_answer(get, piece.event);
      return false;
    }
    bytes += piece.consumed;
    len -= piece.consumed;
  }
  return true;
}

static void read_answer(struct http_get *get) {
  char bytes[READ_SIZE];
  while (transport_readable(get->stream)) {
    int64_t n = transport_read(get->stream, (uint8_t *)bytes, sizeof(bytes));
    if (n == WSL_AGAIN) return;
    if (n < 0) {
      settle_broken(get, (int)n);
      return;
    }
    if (n == 0) {
      settle_answer(get, http_answer_end(&get->answer));
      return;
    }
    if (!digest(get, bytes, (size_t)n)) return;
  }
}

/* A server may answer, and close, before it has read all: what a write says is left to the reader. */
static void write_request(struct http_get *get) {
  while (get->request_at < get->request_len && transport_writable(get->stream)) {
    int64_t n = transport_write(get->stream, (const uint8_t *)get->request + get->request_at,
                                get->request_len - get->request_at);
    if (n <= 0) return;
    get->request_at += (size_t)n;
  }
}

static void on_ready(struct transport *stream, void *owner) {
  struct http_get *get = owner;
  (void)stream;
  write_request(get);
  read_answer(get);
}

static void on_dialled(struct dial *dial, int error, struct transport *stream) {
  struct http_get *get = LIST_ENTRY(dial, struct http_get, dial);
  if (error != 0) {
    settle_error(get, error);
    return;
  }
  get->stream = stream;
  transport_own(stream, on_ready, get);
  on_ready(stream, get);
}

void http_get_start(struct http_get *get, struct dialer *dialer, const struct target *target, char *request,
                    size_t request_len, uint64_t timeout_ms, http_get_fn done) {
  get->body = (struct blob){0};
  get->stream = NULL;
  get->request = request;
  get->request_len = request_len;
  get->request_at = 0;
  get->done = done;
  get->dial.context = NULL;
  http_answer_init(&get->answer);
  dialer_start(dialer, &get->dial, target, timeout_ms, on_dialled);
}

void http_get_free(struct http_get *get) {
  dial_cancel(&get->dial);
  close_stream(get);
  free(get->request);
  blob_free(&get->body);
  get->request = NULL;
}
