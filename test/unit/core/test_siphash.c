/* SipHash-2-4 against the reference vectors of its authors: key 00..0f, inputs 00, 0001, ... */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/siphash.h"

static void the_authors_vectors(void **state) {
  (void)state;
  static const struct siphash_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
  static const struct {
    size_t len;
    uint64_t hash;
  } rows[] = {
      {0, 0x726fdb47dd0e0e31u}, {1, 0x74f839c593dc67fdu},  {7, 0xab0200f58b01d137u},
      {8, 0x93f5f5799a932462u}, {15, 0xa129ca6149be45e5u},
  };
  char data[16];
  for (size_t i = 0; i < sizeof(data); i++)
    data[i] = (char)i;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
    assert_true(siphash(&key, (struct wsl_span){data, rows[i].len}) == rows[i].hash);
}

static void the_key_counts(void **state) {
  (void)state;
  struct siphash_key a = {{1, 2}}, b = {{1, 3}}, c = {{2, 2}};
  struct wsl_span text = wsl_span_of("token");
  assert_true(siphash(&a, text) != siphash(&b, text));
  assert_true(siphash(&a, text) != siphash(&c, text));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_authors_vectors),
      cmocka_unit_test(the_key_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
