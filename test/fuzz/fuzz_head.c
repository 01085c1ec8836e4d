/* fuzz: max_len=2048
 *
 * The parser of request heads over any bytes: the same answer however they are cut and wherever they lie,
 * each violation at the byte that proves it, nothing past the limits, every piece inside the head; and a head
 * that is written anew from what was read is read as the same.
 */
#include <stdlib.h>

#include "fuzz/head_text.h"

static const struct wsl_head_limits limits_table[] = {{16u << 10, 64u << 10, HEAD_FIELDS_MAX},
                                                      {40, 200, 5},
                                                      {16, 64, 2},
                                                      {1000, 30, 3},
                                                      {1, 1000, 0},
                                                      {64, 64, 64}};
#define LIMITS (sizeof limits_table / sizeof limits_table[0])

static void compare(const struct head_read *one, const struct head_read *other) {
  const struct wsl_head *a = &one->head, *b = &other->head;
  fuzz_check(one->status == other->status, "status %d and %d", (int)one->status, (int)other->status);
  fuzz_check(a->error_status == b->error_status && a->error_reason == b->error_reason, "errors %d and %d",
             a->error_status, b->error_status);
  fuzz_check(a->at == b->at && a->head_len == b->head_len, "ends at %u and %u", a->at, b->at);
  fuzz_check(wsl_head_begun(a) == wsl_head_begun(b) && a->method_is_head == b->method_is_head,
             "what it shows early");
  fuzz_check(a->fields_count == b->fields_count, "%u and %u fields", a->fields_count, b->fields_count);
  if (one->status != WSL_HEAD_DONE) return;
  fuzz_check(a->minor_version == b->minor_version && wsl_span_equal(wsl_head_method(a), wsl_head_method(b)) &&
                 wsl_span_equal(wsl_head_target(a), wsl_head_target(b)),
             "request lines are equal");
  for (uint32_t i = 0; i < a->fields_count; i++) {
    fuzz_check(wsl_span_equal(wsl_head_name(a, i), wsl_head_name(b, i)), "names of field %u", i);
    fuzz_check(wsl_span_equal(wsl_head_value(a, i), wsl_head_value(b, i)), "values of field %u", i);
  }
}

/* No control character, and no blank at either end (RFC 9110 5.5). */
static bool is_clean_value(struct wsl_span value) {
  for (size_t i = 0; i < value.len; i++) {
    uint8_t byte = (uint8_t)value.at[i];
    if ((byte < 0x20 && byte != '\t') || byte == 0x7F) return false;
  }
  bool blank_first = value.len > 0 && strchr(" \t", value.at[0]) != NULL;
  bool blank_last = value.len > 0 && strchr(" \t", value.at[value.len - 1]) != NULL;
  return !blank_first && !blank_last;
}

static bool is_visible(struct wsl_span text) {
  for (size_t i = 0; i < text.len; i++) {
    if ((uint8_t)text.at[i] <= 0x20 || (uint8_t)text.at[i] >= 0x7F) return false;
  }
  return text.len > 0;
}

static void check_inside(const struct head_read *read) {
  const struct wsl_head *head = &read->head;
  fuzz_check(head->head_len <= read->len && head->head_len <= head->limits.head_max, "%u bytes",
             head->head_len);
  fuzz_check(head->fields_count <= head->limits.fields_max, "%u fields", head->fields_count);
  fuzz_check(head->target_at + head->target_len + strlen(" HTTP/1.1") - head->method_at <=
                 head->limits.request_line_max,
             "a request line within its limit");
  fuzz_check(is_visible(wsl_head_method(head)) && is_visible(wsl_head_target(head)), "method and target");
  for (uint32_t i = 0; i < head->fields_count; i++) {
    struct wsl_span name = wsl_head_name(head, i), value = wsl_head_value(head, i);
    fuzz_check(
        fuzz_within(name, read->bytes, head->head_len) && fuzz_within(value, read->bytes, head->head_len),
        "field %u lies inside the head", i);
    fuzz_check(is_visible(name) && memchr(name.at, ':', name.len) == NULL, "name of field %u", i);
    fuzz_check(is_clean_value(value), "value of field %u", i);
  }
}

/* One byte less and it is not proved, not complete; nothing behind it matters. */
static void check_proof(const struct head_read *read) {
  if (read->status == WSL_HEAD_MORE) return;
  bool done = read->status == WSL_HEAD_DONE;
  size_t proof = done ? read->head.head_len : read->head.at + (size_t)1;
  struct head_read less, enough;
  head_read(&less, read->bytes, proof - 1, &read->head.limits, fuzz_cuts_of(0));
  head_read(&enough, read->bytes, proof, &read->head.limits, fuzz_cuts_of(0));
  fuzz_check(less.status == WSL_HEAD_MORE, "undecided before byte %zu", proof);
  fuzz_check(enough.status == read->status, "decided with byte %zu", proof);
  head_read_free(&less);
  head_read_free(&enough);
}

static void check_written_anew(const struct head_read *read) {
  static const struct head_style styles[] = {
      {"\r\n", ": ", false}, {"\n", ":", false}, {"\r\n", ":\t ", false}};
  for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++) {
    size_t len;
    char *text = head_write(&read->head, &styles[i], &len);
    struct head_read again;
    head_read(&again, text, len, &head_limits_default, fuzz_cuts_of(0));
    fuzz_check(again.status == WSL_HEAD_DONE && again.head.head_len == len, "written anew it is a head");
    again.head.head_len = read->head.head_len; /* differ by what does not matter */
    again.head.at = read->head.at;
    compare(read, &again);
    head_read_free(&again);
    free(text);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  struct fuzz_cuts cuts = fuzz_cuts_of(fuzz_choice_16(&input));
  const struct wsl_head_limits *limits = &limits_table[fuzz_choice(&input) % LIMITS];
  struct head_read whole, cut;
  head_read(&whole, input.at, input.len, limits, fuzz_cuts_of(0));
  head_read(&cut, input.at, input.len, limits, cuts);
  compare(&whole, &cut);
  check_proof(&whole);
  if (whole.status == WSL_HEAD_DONE) {
    check_inside(&whole);
    check_written_anew(&whole);
  } else if (whole.status == WSL_HEAD_BAD) {
    uint16_t status = whole.head.error_status;
    fuzz_check(status == 400 || status == 414 || status == 431 || status == 505, "status %d", status);
    fuzz_check(whole.head.error_reason != NULL, "a reason");
  }
  head_read_free(&whole);
  head_read_free(&cut);
  return 0;
}
