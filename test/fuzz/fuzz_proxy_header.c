/* fuzz: max_len=256
 *
 * PROXY headers: the same answer however the stream is cut, nothing read past what is here, and what is read,
 * written anew in both versions, is read the same.
 */
#include <stdlib.h>

#include "codec/text/proxy_protocol.h"
#include "fuzz/fuzz.h"

struct reading {
  enum proxy_result result;
  struct proxy_header header;
  size_t taken;
};

static struct reading read_header(const uint8_t *bytes, size_t len) {
  struct reading reading = {.taken = 0};
  const char *why = NULL;
  uint8_t *copy = fuzz_copy(bytes, len);
  reading.result = proxy_decode(copy, len, &reading.header, &reading.taken, &why);
  fuzz_check((reading.result == PROXY_BAD) == (why != NULL), "a reason with %d", (int)reading.result);
  free(copy);
  return reading;
}

static bool same_end(const struct proxy_end *a, const struct proxy_end *b) {
  return a->port == b->port && memcmp(a->host, b->host, sizeof a->host) == 0;
}

static bool same(const struct reading *a, const struct reading *b) {
  if (a->result != b->result) return false;
  return a->result != PROXY_DONE || (a->taken == b->taken && a->header.family == b->header.family &&
                                     same_end(&a->header.source, &b->header.source) &&
                                     same_end(&a->header.destination, &b->header.destination));
}

static void check_again(const struct proxy_header *header) {
  for (unsigned version = PROXY_V1; version <= PROXY_V2; version++) {
    uint8_t out[PROXY_ENCODED_MAX];
    size_t len = proxy_encode(version, header, out);
    struct reading wanted = {.result = PROXY_DONE, .header = *header, .taken = len};
    struct reading again = read_header(out, len);
    fuzz_check(same(&wanted, &again), "version %u reads otherwise", version);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  struct reading whole = read_header(data, size);
  struct reading reading = {.result = PROXY_MORE};
  for (size_t len = 1; len <= size && reading.result == PROXY_MORE; len++)
    reading = read_header(data, len);
  fuzz_check(same(&reading, &whole), "in pieces %d, whole %d", (int)reading.result, (int)whole.result);
  if (whole.result != PROXY_DONE) return 0;
  fuzz_check(whole.taken > 0 && whole.taken <= size, "%zu bytes of %zu", whole.taken, size);
  check_again(&whole.header);
  return 0;
}
