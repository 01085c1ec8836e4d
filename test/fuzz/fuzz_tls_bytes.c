/* fuzz: max_len=400
 *
 * The queue of sealed bytes that wait for the kernel, against a plain array: an input is what is done to it,
 * a byte for the deed and one for how much.
 */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "net/tls/bytes.h"

#define QUEUE_MAX 3000u
#define UNIT      16u /* amounts are multiples, so that growth comes soon */

struct twin {
  struct tls_bytes bytes;
  uint8_t plain[QUEUE_MAX];
  size_t len;
  uint8_t next; /* what is written, so that each byte is known */
};

static void write_next(struct twin *twin, uint8_t *out, size_t len) {
  for (size_t i = 0; i < len; i++)
    out[i] = twin->next++;
}

static void append(struct twin *twin, size_t len) {
  uint8_t *from = fuzz_memory(len);
  write_next(twin, from, len);
  int error = tls_bytes_append(&twin->bytes, from, len, QUEUE_MAX);
  fuzz_check((error == 0) == (len <= QUEUE_MAX - twin->len), "%zu to %zu: %d", len, twin->len, error);
  if (error == 0) {
    memcpy(twin->plain + twin->len, from, len);
    twin->len += len;
  }
  free(from);
}

/* Asks for more room than is then used, as sealing does. */
static void write_into_room(struct twin *twin, size_t room) {
  uint8_t *at = tls_bytes_room(&twin->bytes, room, QUEUE_MAX);
  fuzz_check((at != NULL) == (room <= QUEUE_MAX - twin->len), "room for %zu behind %zu", room, twin->len);
  if (at == NULL) return;
  memset(at, 0xEE, room);
  size_t used = room - room / 3;
  write_next(twin, at, used);
  memcpy(twin->plain + twin->len, at, used);
  twin->bytes.len += used;
  twin->len += used;
}

static void drop(struct twin *twin, size_t len) {
  if (len > twin->len) len = twin->len;
  tls_bytes_drop(&twin->bytes, len);
  memmove(twin->plain, twin->plain + len, twin->len - len);
  twin->len -= len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  struct twin *twin = fuzz_memory(sizeof *twin);
  while (input.len > 0) {
    uint8_t deed = fuzz_byte(&input);
    size_t amount = 1 + (size_t)fuzz_byte(&input) * ((deed & 4) != 0 ? UNIT : 1);
    switch (deed & 3) {
      case 0:
        append(twin, amount);
        break;
      case 1:
        write_into_room(twin, amount);
        break;
      default:
        drop(twin, amount);
    }
    const uint8_t *begin = tls_bytes_begin(&twin->bytes);
    fuzz_check(twin->bytes.len == twin->len && (begin == NULL) == (twin->len == 0), "%zu bytes", twin->len);
    fuzz_check(twin->len == 0 || memcmp(begin, twin->plain, twin->len) == 0, "the bytes");
    fuzz_check(twin->bytes.at + twin->bytes.len <= twin->bytes.cap, "within its block");
  }
  tls_bytes_free(&twin->bytes);
  free(twin);
  return 0;
}
