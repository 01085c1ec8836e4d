/* read_heads: says of each record on standard input, a request head and maybe what follows it, how we read
 * it: one line of JSON a head.
 *
 * "status": "more", "bad" (then "code" and "reason") or "done" (then "end", the bytes of the head, "method",
 * "target", "minor", "fields", and what wsl_request_read() makes of it). Each head is read twice, whole and
 * byte by byte; "torn" is true should the two readings differ.
 */
#include <stdio.h>
#include <stdlib.h>

#include <wsluice/head.h>
#include <wsluice/request.h>

#include "pipe.h"

/* The program's defaults (src/app/option/options.c). */
static const struct wsl_head_limits limits = {
    .request_line_max = 16u << 10, .head_max = 64u << 10, .fields_max = 100};

static const char *const configured_names[] = {"mqtt", "chat.v2"};
static const struct wsl_subprotocols configured = {configured_names, 2};

static const char *const status_names[] = {
    [WSL_HEAD_MORE] = "more", [WSL_HEAD_DONE] = "done", [WSL_HEAD_BAD] = "bad"};
static const char *const kind_names[] = {
    [WSL_REQUEST_PLAIN] = "plain", [WSL_REQUEST_UPGRADE] = "upgrade", [WSL_REQUEST_REFUSED] = "refused"};

struct reading {
  enum wsl_head_status status;
  struct wsl_head head;
};

/* Reads as much of the record as a head takes, `step` bytes more at each call. */
static void read_head(struct reading *reading, const struct record *record, size_t step) {
  struct wsl_head_field *fields = pipe_memory(limits.fields_max * sizeof *fields);
  wsl_head_init(&reading->head, &limits, fields);
  reading->status = WSL_HEAD_MORE;
  for (size_t len = 0; len < record->len && reading->status == WSL_HEAD_MORE;) {
    len = record->len - len > step ? len + step : record->len;
    reading->status = wsl_head_feed(&reading->head, (const char *)record->bytes, len);
  }
}

static void reading_free(struct reading *reading) {
  free(reading->head.fields);
}

static bool same_fields(const struct wsl_head *a, const struct wsl_head *b) {
  if (a->fields_count != b->fields_count) return false;
  for (uint32_t i = 0; i < a->fields_count; i++) {
    if (!wsl_span_equal(wsl_head_name(a, i), wsl_head_name(b, i)) ||
        !wsl_span_equal(wsl_head_value(a, i), wsl_head_value(b, i))) {
      return false;
    }
  }
  return true;
}

static bool same_reading(const struct reading *a, const struct reading *b) {
  if (a->status != b->status) return false;
  if (a->status == WSL_HEAD_BAD) return a->head.error_status == b->head.error_status;
  if (a->status == WSL_HEAD_MORE) return true;
  return a->head.head_len == b->head.head_len && a->head.minor_version == b->head.minor_version &&
         wsl_span_equal(wsl_head_method(&a->head), wsl_head_method(&b->head)) &&
         wsl_span_equal(wsl_head_target(&a->head), wsl_head_target(&b->head)) &&
         same_fields(&a->head, &b->head);
}

/* ---- writing ------------------------------------------------------------------------------------- */

static void key_text(const char *name, struct wsl_span text, bool *first) {
  json_key(name, first);
  json_string(text);
}

static void key_number(const char *name, uint32_t number, bool *first) {
  json_key(name, first);
  printf("%u", (unsigned)number);
}

static void key_truth(const char *name, bool truth, bool *first) {
  json_key(name, first);
  fputs(truth ? "true" : "false", stdout);
}

static void write_fields(const struct wsl_head *head, bool *first) {
  json_key("fields", first);
  putchar('[');
  for (uint32_t i = 0; i < head->fields_count; i++) {
    fputs(i > 0 ? ",[" : "[", stdout);
    json_string(wsl_head_name(head, i));
    putchar(',');
    json_string(wsl_head_value(head, i));
    putchar(']');
  }
  putchar(']');
}

static void write_request(const struct wsl_head *head, bool *first) {
  struct wsl_request request;
  wsl_request_read(head, &configured, &request);
  key_text("kind", wsl_span_of(kind_names[request.kind]), first);
  key_truth("keep_alive", request.keep_alive, first);
  key_text("authority", request.authority, first);
  key_text("path", request.path, first);
  key_text("query", request.query, first);
  if (request.kind == WSL_REQUEST_UPGRADE) {
    key_text("accept", wsl_span_of(request.accept), first);
    key_text("subprotocol", request.subprotocol, first);
  } else if (request.kind == WSL_REQUEST_REFUSED) {
    key_number("code", request.status, first);
    key_text("reason", wsl_span_of(request.reason), first);
  }
}

static void write_head(const struct wsl_head *head, bool *first) {
  key_number("end", head->head_len, first);
  key_number("minor", head->minor_version, first);
  key_text("method", wsl_head_method(head), first);
  key_text("target", wsl_head_target(head), first);
  write_fields(head, first);
  write_request(head, first);
}

static void write_reading(const struct reading *reading, bool torn) {
  bool first = true;
  putchar('{');
  key_text("status", wsl_span_of(status_names[reading->status]), &first);
  if (torn) key_truth("torn", torn, &first);
  if (reading->status == WSL_HEAD_DONE) {
    write_head(&reading->head, &first);
  } else if (reading->status == WSL_HEAD_BAD) {
    key_number("code", reading->head.error_status, &first);
    key_text("reason", wsl_span_of(reading->head.error_reason), &first);
  }
  puts("}");
}

int main(void) {
  struct record record;
  while (record_read(&record)) {
    struct reading whole, bytewise;
    read_head(&whole, &record, record.len);
    read_head(&bytewise, &record, 1);
    write_reading(&whole, !same_reading(&whole, &bytewise));
    reading_free(&whole);
    reading_free(&bytewise);
    record_free(&record);
  }
  return fflush(stdout) == 0 ? 0 : 2;
}
