/* core/hash: SHA-1 and HMAC against published vectors, and random bytes that are not all alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "core/error.h"
#include "core/hash.h"

static const char *show(const uint8_t *bytes, size_t len, char *out) {
  for (size_t i = 0; i < len; i++)
    snprintf(out + 2 * i, 3, "%02x", bytes[i]);
  return out;
}

/* FIPS 180-2 appendix A, and the accept key of RFC 6455 section 1.3. */
static void sha1_of_published_vectors(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *hex;
  } rows[] = {
      {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
      {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
      {"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
       "b37a4f2cc0624f1690f64606cf385945b2bec4ea"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t digest[SHA1_SIZE];
    char text[2 * SHA1_SIZE + 1];
    assert_int_equal(hash_sha1(rows[i].text, strlen(rows[i].text), digest), WSL_OK);
    assert_string_equal(show(digest, sizeof digest, text), rows[i].hex);
  }
}

/* RFC 4231 4.2 to 4.5: keys of a few bytes up to more than a digest. */
static void hmac_of_published_vectors(void **state) {
  (void)state;
  static const struct {
    uint8_t key_byte; /* repeated; 0: counts up from 1 */
    size_t key_len;
    uint8_t data_byte; /* repeated 50 times; 0: the text */
    const char *text, *hex;
  } rows[] = {
      {0x0b, 20, 0, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {0xaa, 20, 0xdd, NULL, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {0x00, 25, 0xcd, NULL, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t key[32], data[50], mac[SHA256_SIZE];
    char text[2 * SHA256_SIZE + 1];
    for (size_t k = 0; k < sizeof key; k++)
      key[k] = rows[i].key_byte != 0 ? rows[i].key_byte : (uint8_t)(k + 1);
    memset(data, rows[i].data_byte, sizeof data);
    const void *from = rows[i].text != NULL ? (const void *)rows[i].text : data;
    size_t len = rows[i].text != NULL ? strlen(rows[i].text) : sizeof data;
    assert_int_equal(hash_hmac_sha256(key, rows[i].key_len, from, len, mac), WSL_OK);
    assert_string_equal(show(mac, sizeof mac, text), rows[i].hex);
  }
}

static void secrets_are_equal_byte_for_byte(void **state) {
  (void)state;
  uint8_t a[40], b[40];
  memset(a, 7, sizeof a);
  memset(b, 7, sizeof b);
  assert_true(secret_equal(a, b, sizeof a));
  assert_true(secret_equal(a, b, 0));
  for (size_t i = 0; i < sizeof a; i++) {
    b[i] ^= 0x80;
    assert_false(secret_equal(a, b, sizeof a));
    assert_true(secret_equal(a, b, i));
    b[i] ^= 0x80;
  }
  secret_wipe(a, sizeof a);
  memset(b, 0, sizeof b);
  assert_memory_equal(a, b, sizeof a);
}

static void random_bytes_fill_the_whole_length(void **state) {
  (void)state;
  /* Lengths round the limit of one getentropy() call. The chance that some byte stays 0 in all 64
   * tries is 1000 / 2^512. */
  static const size_t lens[] = {0, 1, 16, 255, 256, 257, 1000};
  for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
    uint8_t seen[1001] = {0}, bytes[1001] = {0};
    for (int round = 0; round < 64; round++) {
      assert_int_equal(random_bytes(bytes, lens[i]), WSL_OK);
      for (size_t k = 0; k < sizeof bytes; k++)
        seen[k] |= bytes[k];
    }
    for (size_t k = 0; k < lens[i]; k++)
      assert_int_not_equal(seen[k], 0);
    assert_int_equal(seen[lens[i]], 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sha1_of_published_vectors),
      cmocka_unit_test(hmac_of_published_vectors),
      cmocka_unit_test(secrets_are_equal_byte_for_byte),
      cmocka_unit_test(random_bytes_fill_the_whole_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
