/* core/hash: SHA-1 and base64 against published vectors, and random bytes that are not all alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/hash.h"

/* FIPS 180-2 appendix A, and the accept key of RFC 6455 section 1.3. */
static void sha1_of_published_vectors(void **state) {
  (void)state;
  static const struct {
    const char *text;
    const char *base64;
  } rows[] = {
      {"", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="},
      {"abc", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="},
      {"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t digest[SHA1_SIZE];
    char text[29];
    assert_int_equal(hash_sha1(rows[i].text, strlen(rows[i].text), digest), WSL_OK);
    assert_int_equal(base64_encode(digest, sizeof digest, text, sizeof text), WSL_OK);
    assert_string_equal(text, rows[i].base64);
  }
}

/* RFC 4231 4.2 to 4.5: keys of a few bytes up to more than a digest. */
static void hmac_of_published_vectors(void **state) {
  (void)state;
  static const struct {
    uint8_t key_byte; /* repeated; 0: counts up from 1 */
    size_t key_len;
    uint8_t data_byte; /* repeated 50 times; 0: the text */
    const char *text, *base64;
  } rows[] = {
      {0x0b, 20, 0, "Hi There", "sDRMYdjbOFNcqK/OrwvxK4gdwgDJgz2nJuk3bC4yz/c="},
      {0xaa, 20, 0xdd, NULL, "dz6pHjaADkaFTbjr0JGBpylZCYs++MEi2WNVFM7VZf4="},
      {0x00, 25, 0xcd, NULL, "glWKOJpEPA6kzIGYmfIIOoXw+qPlePgHei4/9GcpZls="},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t key[32], data[50], mac[SHA256_SIZE];
    char text[45];
    for (size_t k = 0; k < sizeof key; k++)
      key[k] = rows[i].key_byte != 0 ? rows[i].key_byte : (uint8_t)(k + 1);
    memset(data, rows[i].data_byte, sizeof data);
    const void *from = rows[i].text != NULL ? (const void *)rows[i].text : data;
    size_t len = rows[i].text != NULL ? strlen(rows[i].text) : sizeof data;
    assert_int_equal(hash_hmac_sha256(key, rows[i].key_len, from, len, mac), WSL_OK);
    assert_int_equal(base64_encode(mac, sizeof mac, text, sizeof text), WSL_OK);
    assert_string_equal(text, rows[i].base64);
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

/* RFC 4648 section 10, each with a buffer that just fits and one that is a byte too small. */
static void base64_of_published_vectors(void **state) {
  (void)state;
  static const char *const rows[][2] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char out[16];
    size_t needed = strlen(rows[i][1]) + 1;
    memset(out, '#', sizeof out);
    assert_int_equal(base64_encode(rows[i][0], strlen(rows[i][0]), out, needed), WSL_OK);
    assert_string_equal(out, rows[i][1]);
    assert_int_equal(out[needed], '#');
    memset(out, '#', sizeof out);
    assert_int_equal(base64_encode(rows[i][0], strlen(rows[i][0]), out, needed - 1), WSL_INVALID);
    assert_int_equal(out[needed - 1], '#');
  }
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
      cmocka_unit_test(sha1_of_published_vectors),          cmocka_unit_test(base64_of_published_vectors),
      cmocka_unit_test(hmac_of_published_vectors),          cmocka_unit_test(secrets_are_equal_byte_for_byte),
      cmocka_unit_test(random_bytes_fill_the_whole_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
