/* A wrapped program's words and variables: what is put in for placeholders, and what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/wrap/words.h"

struct word_case {
  const char *word, *filled;
};

static const struct word_case words[] = {
    {"{port}", "4711"},
    {"--port={port}", "--port=4711"},
    {"127.0.0.1:{port}", "127.0.0.1:4711"},
    {"{port}{port}", "47114711"},
    {"{port},{port}x", "4711,4711x"},
    {"${port}", "${port}"},
    {"%{port}", "%{port}"},
    {"${port} {port}", "${port} 4711"},
    {"{port", "{port"},
    {"port}", "port}"},
    {"{PORT}", "{PORT}"},
    {"{socket}", "{socket}"},
    {"", ""},
};
#define WORDS (sizeof words / sizeof words[0])

static void words_are_filled_in(void **state) {
  (void)state;
  const char *given[WORDS + 1] = {NULL};
  for (size_t i = 0; i < WORDS; i++)
    given[i] = words[i].word;
  const char **filled = wrap_words_fill(given, WRAP_WORD_PORT, "4711");
  for (size_t i = 0; i < WORDS; i++)
    assert_string_equal(filled[i], words[i].filled);
  assert_null(filled[WORDS]);
  free(filled);
}

static void a_value_is_not_looked_into(void **state) {
  (void)state;
  const char *const given[] = {"a{port}b", NULL};
  const char **filled = wrap_words_fill(given, WRAP_WORD_PORT, "{port}");
  assert_string_equal(filled[0], "a{port}b");
  free(filled);
}

static void without_a_placeholder_it_is_a_copy(void **state) {
  (void)state;
  const char *const given[] = {"{port}", "x", NULL};
  const char **filled = wrap_words_fill(given, NULL, NULL);
  assert_string_equal(filled[0], "{port}");
  assert_string_equal(filled[1], "x");
  assert_null(filled[2]);
  free(filled);
}

static void placeholders_are_found(void **state) {
  (void)state;
  for (size_t i = 0; i < WORDS; i++) {
    const char *const given[] = {"first", words[i].word, NULL};
    assert_int_equal(wrap_words_have(given, WRAP_WORD_PORT), strcmp(words[i].word, words[i].filled) != 0);
  }
}

static void additions_replace_what_has_their_names(void **state) {
  (void)state;
  const char *const environment[] = {
      "PATH=/bin", "PORT=1", "PORTS=2", "odd", "PORT=3", "WSLUICE_KEY_PASSWORD=x", NULL};
  const char *const additions[] = {"PORT=4711", "LD_PRELOAD=/x", NULL};
  static const char *const expected[] = {"PATH=/bin", "PORTS=2", "odd", "PORT=4711", "LD_PRELOAD=/x"};
  const char **made = wrap_words_environment(environment, additions);
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
    assert_string_equal(made[i], expected[i]);
  assert_null(made[sizeof expected / sizeof expected[0]]);
  free(made);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_are_filled_in),
      cmocka_unit_test(a_value_is_not_looked_into),
      cmocka_unit_test(without_a_placeholder_it_is_a_copy),
      cmocka_unit_test(placeholders_are_found),
      cmocka_unit_test(additions_replace_what_has_their_names),
  };
  return cmocka_run_group_tests_name("app/wrap/words", tests, NULL, NULL);
}
