/* Base64: RFC 4648's own examples, every length, every cut, every byte that has no place in it. */
#include "support.h"

#include <wsluice/base64.h>

static const struct {
  const char *bytes, *text;
} examples[] = {/* RFC 4648 section 10 */
                {"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"}};

/* Decodes in exactly the place of the text; false when the text is none. */
static bool decode(const char *text, size_t len, size_t cut, uint8_t *out, size_t *out_len) {
  struct wsl_base64_decoder decoder;
  wsl_base64_init(&decoder);
  uint8_t *block = exact_copy(text, len);
  size_t first = 0, second = 0;
  bool fine = wsl_base64_decode(&decoder, block, block, cut, &first) == cut;
  uint8_t *tail = exact_copy(block + cut, len - cut); /* a piece of its own: nothing may lie before it */
  fine = fine && wsl_base64_decode(&decoder, tail, tail, len - cut, &second) == len - cut;
  memcpy(out, block, first);
  memcpy(out + first, tail, second);
  *out_len = first + second;
  free(block);
  free(tail);
  return fine && wsl_base64_complete(&decoder);
}

static void examples_of_the_rfc(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(examples); i++) {
    uint8_t out[16];
    size_t len = strlen(examples[i].bytes), text_len = strlen(examples[i].text), out_len;
    assert_int_equal(wsl_base64_len(len), text_len);
    wsl_base64_encode(out, (const uint8_t *)examples[i].bytes, len);
    assert_memory_equal(out, examples[i].text, text_len);
    assert_true(decode(examples[i].text, text_len, 0, out, &out_len));
    assert_int_equal(out_len, len);
    assert_memory_equal(out, examples[i].bytes, len);
  }
}

/* In place, with the text ending where the data ends, and back again at every cut. */
static void every_length_and_cut(void **state) {
  (void)state;
  uint64_t seed = 5;
  for (size_t len = 0; len <= 66; len++) {
    uint8_t data[66], out[96];
    random_fill(&seed, data, len);
    size_t text_len = wsl_base64_len(len), out_len;
    uint8_t *block = exact_alloc(text_len);
    memcpy(block + text_len - len, data, len);
    wsl_base64_encode(block, block + text_len - len, len);
    for (size_t cut = 0; cut <= text_len; cut++) {
      assert_true(decode((const char *)block, text_len, cut, out, &out_len));
      assert_int_equal(out_len, len);
      assert_memory_equal(out, data, len);
    }
    free(block);
  }
}

static void white_space_and_missing_padding(void **state) {
  (void)state;
  static const char *const texts[] = {"Zm9v YmFy", "Zm9v\r\nYmFy\r\n", "\tZ m 9 v Y m F y", "Zm9vYmFy "};
  uint8_t out[32];
  size_t len;
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    assert_true(decode(texts[i], strlen(texts[i]), 3, out, &len));
    assert_int_equal(len, 6);
    assert_memory_equal(out, "foobar", 6);
  }
  assert_true(decode("Zm8", 3, 1, out, &len));
  assert_int_equal(len, 2);
  assert_true(decode("Zg", 2, 1, out, &len));
  assert_int_equal(len, 1);
}

static void what_is_none(void **state) {
  (void)state;
  static const char *const texts[] = {"Z",     "Zm9vY", "Zg=",  "Z===", "=",      "Zg===", "Zg==Zg==",
                                      "Zm8=Z", "Zm8==", "Zm-v", "Zm_v", "Zm9v\0", "Zm9v!", "Zm\xC3\xA4v"};
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    uint8_t out[32];
    size_t out_len, len = i == 11 ? 5 : strlen(texts[i]);
    for (size_t cut = 0; cut <= len; cut++)
      if (decode(texts[i], len, cut, out, &out_len)) fail_msg("\"%s\" was taken", texts[i]);
  }
}

static void every_byte(void **state) {
  (void)state;
  for (unsigned byte = 0; byte < 256; byte++) {
    struct wsl_base64_decoder decoder;
    wsl_base64_init(&decoder);
    uint8_t text = (uint8_t)byte;
    size_t len;
    bool known =
        strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/ \t\r\n", (int)byte) &&
        byte != 0;
    assert_int_equal(wsl_base64_decode(&decoder, &text, &text, 1, &len), known ? 1 : 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(examples_of_the_rfc),
      cmocka_unit_test(every_length_and_cut),
      cmocka_unit_test(white_space_and_missing_padding),
      cmocka_unit_test(what_is_none),
      cmocka_unit_test(every_byte),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
