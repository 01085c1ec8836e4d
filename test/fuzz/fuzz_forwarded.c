/* fuzz: max_len=256
 *
 * Forwarded and X-Forwarded-For: hosts lie within the value, and whatever a client has written, what a proxy
 * appends to it is read as it stands.
 */
#include <stdio.h>
#include <stdlib.h>

#include "codec/http/forwarded.h"
#include "fuzz/fuzz.h"

typedef bool (*next_fn)(struct wsl_span *rest, struct forwarded_element *element);

/* What proxies append, and the host in it. */
static const struct {
  next_fn next;
  const char *text, *host;
  uint16_t port;
} appended[] = {
    {forwarded_next, "for=192.0.2.43", "192.0.2.43", 0},
    {forwarded_next, "for=\"[2001:db8::7]:4711\"", "2001:db8::7", 4711},
    {forwarded_next, "for=192.0.2.43;proto=https;by=10.0.0.1", "192.0.2.43", 0},
    {forwarded_next, "by=\"_p\";for=\"192.0.2.43:80\";host=\"a.example\"", "192.0.2.43", 80},
    {x_forwarded_for_next, "192.0.2.43", "192.0.2.43", 0},
    {x_forwarded_for_next, "2001:db8::7", "2001:db8::7", 0},
};
#define APPENDED (sizeof appended / sizeof appended[0])

/* The last element; how many there are. */
static size_t walk(next_fn next, struct wsl_span value, struct forwarded_element *element) {
  struct wsl_span rest = value;
  size_t count = 0;
  for (size_t before = rest.len; next(&rest, element); before = rest.len) {
    fuzz_check(rest.len < before, "element %zu takes nothing", count);
    fuzz_check(fuzz_within(element->host, value.at, value.len), "a host from elsewhere");
    count++;
  }
  return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  size_t choice = fuzz_choice(&input) % APPENDED;
  struct forwarded_element element = {.port = 0};
  char *alone = fuzz_copy(input.at, input.len);
  walk(appended[choice].next, (struct wsl_span){alone, input.len}, &element);
  (void)x_forwarded_proto((struct wsl_span){alone, input.len});
  free(alone);

  size_t text_len = strlen(appended[choice].text), len = input.len + 2 + text_len;
  char *value = fuzz_memory(len + 1);
  if (input.len > 0) memcpy(value, input.at, input.len);
  memcpy(value + input.len, ", ", 2);
  memcpy(value + input.len + 2, appended[choice].text, text_len);
  size_t count = walk(appended[choice].next, (struct wsl_span){value, len}, &element);
  fuzz_check(count > 0 && wsl_span_equal(element.host, wsl_span_of(appended[choice].host)) &&
                 element.port == appended[choice].port,
             "%zu elements, the last \"%.*s\" port %u", count, (int)element.host.len, element.host.at,
             (unsigned)element.port);
  free(value);
  return 0;
}
