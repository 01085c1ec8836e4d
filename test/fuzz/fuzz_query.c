/* fuzz: max_len=512
 *
 * A parameter of a query, against one that decodes field by field as RFC 3986 and Python's parse_qs() have
 * it.
 */
#include <stdlib.h>

#include "codec/http/query.h"
#include "fuzz/fuzz.h"

static const char *const names[] = {"token", "path", "a", "a b", ""};
#define NAMES (sizeof names / sizeof names[0])

static int digit(char c) {
  static const char digits[] = "0123456789abcdef0123456789ABCDEF";
  const char *at = c == '\0' ? NULL : strchr(digits, c);
  return at == NULL ? -1 : (int)((at - digits) % 16);
}

/* Decodes one of name and value; returns its length. */
static size_t decode(struct wsl_span text, char *out) {
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    bool escape =
        text.at[i] == '%' && i + 2 < text.len && digit(text.at[i + 1]) >= 0 && digit(text.at[i + 2]) >= 0;
    out[len++] = escape              ? (char)(digit(text.at[i + 1]) * 16 + digit(text.at[i + 2]))
                 : text.at[i] == '+' ? ' '
                                     : text.at[i];
    if (escape) i += 2;
  }
  return len;
}

/* The value of the first field that bears the name; *len of it. */
static bool reference(struct wsl_span query, const char *name, char *out, size_t *len) {
  struct fuzz_input rest = {(const uint8_t *)query.at, query.len};
  char *buffer = fuzz_memory(query.len);
  bool found = false;
  while (rest.len > 0 && !found) {
    struct wsl_span field = fuzz_piece(&rest, '&');
    struct fuzz_input halves = {(const uint8_t *)field.at, field.len};
    struct wsl_span field_name = fuzz_piece(&halves, '=');
    size_t name_len = decode(field_name, buffer);
    bool same = wsl_span_equal((struct wsl_span){buffer, name_len}, wsl_span_of(name));
    found = same && halves.len > 0;
    if (found) *len = decode((struct wsl_span){(const char *)halves.at, halves.len}, out);
  }
  free(buffer);
  return found;
}

static void check(struct wsl_span query, const char *name, size_t cap) {
  char *wanted = fuzz_memory(query.len), *out = fuzz_memory(cap);
  size_t wanted_len = 0, len = SIZE_MAX;
  bool found = reference(query, name, wanted, &wanted_len);
  enum query_result result = query_parameter(query, name, out, cap, &len);
  enum query_result expected = !found ? QUERY_MISSING : wanted_len > cap ? QUERY_TOO_LONG : QUERY_FOUND;
  fuzz_check(result == expected, "result %d, wanted %d", (int)result, (int)expected);
  if (result == QUERY_FOUND) {
    fuzz_check(len == wanted_len && memcmp(out, wanted, len) == 0, "the value, %zu bytes", wanted_len);
  }
  free(wanted);
  free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  const char *name = names[fuzz_choice(&input) % NAMES];
  size_t small = fuzz_choice(&input) & 0xF;
  struct wsl_span query = {(const char *)input.at, input.len};
  check(query, name, query.len);
  check(query, name, small);
  return 0;
}
