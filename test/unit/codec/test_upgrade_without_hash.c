/* ctest: wrap=hash_sha1 */
/* A WebSocket upgrade whose answer can't be computed: mbedTLS's hash had no memory. */
#include "request_support.h"

#include "core/error.h"
#include "core/hash.h"

int __wrap_hash_sha1(const void *data, size_t len, uint8_t digest[SHA1_SIZE]);

int __wrap_hash_sha1(const void *data, size_t len, uint8_t digest[SHA1_SIZE]) {
  (void)data;
  (void)len;
  (void)digest;
  return WSL_NO_MEMORY;
}

/* No 101 with an answer made of nothing, which the client would take for an attack on it. */
static void an_upgrade_without_a_hash_is_our_fault(void **state) {
  (void)state;
  static const struct wsl_subprotocols none = {NULL, 0};
  struct parsed p = request_from(
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Protocol: binary\r\n\r\n",
      &none);
  assert_int_equal(p.request.kind, WSL_REQUEST_REFUSED);
  assert_int_equal(p.request.status, 500);
  assert_false(p.request.keep_alive);
  assert_int_equal(p.request.subprotocol.len, 0);
  free(p.text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_upgrade_without_a_hash_is_our_fault),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
