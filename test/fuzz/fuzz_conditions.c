/* fuzz: max_len=1024
 *
 * What a request wants of a file, out of any head: parts lie inside the file, the order of lines of different
 * fields says nothing, a tag that the file has is found wherever the list is well-formed before it, and a
 * date that was read is written and read again as the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include <wsluice/head.h>

#include "codec/http/conditions.h"
#include "core/http_date.h"
#include "fuzz/fuzz.h"

#define FIELDS_MAX 16u
#define NOW        1795290000

static const char *const names[] = {"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
                                    "If-Range", "Range",         "Accept-Encoding"};
#define NAMES (sizeof names / sizeof names[0])

/* A head whose lines have values from the input; with `turned` the last field's lines come first. Lines of
 * one field keep their order. Its length; 0: too long. */
static size_t write_head(struct fuzz_input input, bool turned, char *out, size_t cap) {
  size_t len = (size_t)snprintf(out, cap, "GET / HTTP/1.1\r\n");
  for (size_t n = 0; n < NAMES; n++) {
    size_t name = turned ? NAMES - 1 - n : n;
    struct fuzz_input rest = input;
    while (rest.len > 0) {
      struct wsl_span value = fuzz_piece(&rest, '\n');
      if (value.len == 0 || (uint8_t)value.at[0] % NAMES != name) continue;
      if (len + value.len + 40 > cap) return 0;
      len += (size_t)snprintf(out + len, cap - len, "%s: ", names[name]);
      memcpy(out + len, value.at + 1, value.len - 1);
      len += value.len - 1;
      memcpy(out + len, "\r\n", 2);
      len += 2;
    }
  }
  memcpy(out + len, "\r\n", 2);
  return len + 2;
}

struct answer {
  enum condition_outcome outcome;
  struct file_part part;
  bool gzip;
};

static bool judge(const char *text, size_t len, enum condition_method method, const struct file_state *state,
                  struct answer *answer) {
  static const struct wsl_head_limits limits = {1024, 65536, FIELDS_MAX};
  struct wsl_head_field fields[FIELDS_MAX];
  struct wsl_head head;
  wsl_head_init(&head, &limits, fields);
  if (wsl_head_feed(&head, text, len) != WSL_HEAD_DONE) return false;
  size_t room = conditions_room(&head);
  fuzz_check(room <= len, "%zu bytes of a head of %zu", room, len);
  char *memory = fuzz_memory(room);
  struct conditions conditions;
  conditions_copy(&head, memory, &conditions);
  answer->part = (struct file_part){0, 0};
  answer->outcome = conditions_judge(&conditions, method, state, NOW, &answer->part);
  answer->gzip = conditions_accept_gzip(&conditions);
  free(memory);
  return true;
}

static void check_part(const struct answer *answer, enum condition_method method, uint64_t size) {
  if (answer->outcome != CONDITION_PART) return;
  fuzz_check(method == CONDITION_GET, "a part for HEAD");
  fuzz_check(
      answer->part.len > 0 && answer->part.first < size && answer->part.len <= size - answer->part.first,
      "part %llu+%llu of %llu", (unsigned long long)answer->part.first, (unsigned long long)answer->part.len,
      (unsigned long long)size);
}

static void check_date(struct wsl_span text) {
  int64_t seconds, again;
  char written[HTTP_DATE_SIZE];
  char *copy = fuzz_copy(text.at, text.len);
  if (http_date_read((struct wsl_span){copy, text.len}, NOW, &seconds)) {
    http_date_write(seconds, written);
    fuzz_check(http_date_read(wsl_span_of(written), NOW, &again) && again == seconds, "%s", written);
  }
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  enum condition_method method = (fuzz_choice(&input) & 1) != 0 ? CONDITION_HEAD : CONDITION_GET;
  struct file_state state = {.size = fuzz_choice_16(&input), .tag = "\"t-1\"", .modified_s = 784111777};
  state.has_modified = (fuzz_choice(&input) & 1) != 0;
  char *text = fuzz_memory(8192), *turned = fuzz_memory(8192);
  size_t len = write_head(input, false, text, 8192), turned_len = write_head(input, true, turned, 8192);
  struct answer answer, other;
  if (len > 0 && judge(text, len, method, &state, &answer)) {
    check_part(&answer, method, state.size);
    fuzz_check(judge(turned, turned_len, method, &state, &other), "the lines in another order are no head");
    fuzz_check(other.outcome == answer.outcome && other.gzip == answer.gzip &&
                   other.part.first == answer.part.first && other.part.len == answer.part.len,
               "another order, another answer: %d, %d", (int)answer.outcome, (int)other.outcome);
  }
  free(text);
  free(turned);
  check_date((struct wsl_span){(const char *)input.at, input.len});
  return 0;
}
