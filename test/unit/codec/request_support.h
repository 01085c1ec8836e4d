/* Reads a request from text, head parser and all; for the tests of requests and upgrades. */
#ifndef TEST_CODEC_REQUEST_SUPPORT_H
#define TEST_CODEC_REQUEST_SUPPORT_H

#include "support.h"

#include <wsluice/request.h>

#define REQUEST_FIELDS_MAX 32u

struct parsed {
  char *text; /* what the request's spans point into; free it */
  struct wsl_request request;
};

static inline struct parsed request_from(const char *text, const struct wsl_subprotocols *configured) {
  static const struct wsl_head_limits limits = {16384, 65536, REQUEST_FIELDS_MAX};
  struct wsl_head_field fields[REQUEST_FIELDS_MAX];
  struct wsl_head head;
  size_t len = strlen(text);
  struct parsed parsed = {.text = exact_copy(text, len)};
  wsl_head_init(&head, &limits, fields);
  if (wsl_head_feed(&head, parsed.text, len) != WSL_HEAD_DONE) fail_msg("not a whole head: %s", text);
  wsl_request_read(&head, configured, &parsed.request);
  return parsed;
}

static inline bool span_is(struct wsl_span span, const char *text) {
  return wsl_span_equal(span, wsl_span_of(text));
}

#endif
