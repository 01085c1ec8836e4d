/* See head_text.h. */
#include "fuzz/head_text.h"

#include <stdlib.h>

const struct wsl_head_limits head_limits_default = {
    .request_line_max = 16u << 10, .head_max = 64u << 10, .fields_max = HEAD_FIELDS_MAX};

/* ---- reading -------------------------------------------------------------------------------------- */

/* Another array, as a connection does when a head turns out not to be whole. */
static void move_fields(struct wsl_head *head) {
  struct wsl_head_field *old = head->fields;
  wsl_head_move_fields(head, fuzz_memory(head->limits.fields_max * sizeof *old));
  free(old);
}

void head_read(struct head_read *read, const void *data, size_t len, const struct wsl_head_limits *limits,
               struct fuzz_cuts cuts) {
  *read = (struct head_read){.status = WSL_HEAD_MORE};
  wsl_head_init(&read->head, limits, fuzz_memory(limits->fields_max * sizeof(struct wsl_head_field)));
  while (read->len < len && read->status == WSL_HEAD_MORE) {
    if (read->len > 0) move_fields(&read->head);
    free(read->bytes);
    read->len += fuzz_cut(&cuts, len - read->len);
    read->bytes = fuzz_copy(data, read->len);
    read->status = wsl_head_feed(&read->head, read->bytes, read->len);
  }
}

void head_read_free(struct head_read *read) {
  free(read->head.fields);
  free(read->bytes);
}

/* ---- writing -------------------------------------------------------------------------------------- */

struct writer {
  char *text;
  size_t len;
};

static void put(struct writer *w, struct wsl_span piece) {
  if (piece.len > 0) memcpy(w->text + w->len, piece.at, piece.len);
  w->len += piece.len;
}

static void put_text(struct writer *w, const char *text) {
  put(w, wsl_span_of(text));
}

static void put_name(struct writer *w, struct wsl_span name, bool capitals) {
  for (size_t i = 0; i < name.len; i++) {
    char byte = name.at[i];
    bool small = byte >= 'a' && byte <= 'z';
    w->text[w->len++] = small && capitals ? (char)(byte - 'a' + 'A') : byte;
  }
}

char *head_write(const struct wsl_head *head, const struct head_style *style, size_t *len) {
  size_t a_line = strlen(style->colon) + strlen(style->line_end);
  struct writer w = {.text = fuzz_memory(head->head_len + (head->fields_count + 2) * (a_line + 1))};
  char version[] = " HTTP/1.0";
  version[sizeof version - 2] = (char)('0' + head->minor_version);
  put(&w, wsl_head_method(head));
  put_text(&w, " ");
  put(&w, wsl_head_target(head));
  put_text(&w, version);
  put_text(&w, style->line_end);
  for (uint32_t i = 0; i < head->fields_count; i++) {
    put_name(&w, wsl_head_name(head, i), style->capitals);
    put_text(&w, style->colon);
    put(&w, wsl_head_value(head, i));
    put_text(&w, style->line_end);
  }
  put_text(&w, style->line_end);
  *len = w.len;
  return w.text;
}
