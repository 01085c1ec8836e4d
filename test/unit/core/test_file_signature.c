/* core/file_signature: each kind of change shows, and only changes do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "core/file_signature.h"

#define PATH "signed-file"

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "we");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

static bool has_changed(const struct file_signature *since) {
  struct file_signature now = file_signature_of(PATH);
  return !file_signature_same(&now, since);
}

static void changes_show(void **state) {
  (void)state;
  static const struct timespec then[2] = {{1000, 0}, {1000, 5}};
  write_file(PATH, "one");
  struct file_signature before = file_signature_of(PATH);
  assert_false(has_changed(&before));
  write_file(PATH, "longer");
  assert_true(has_changed(&before));
  before = file_signature_of(PATH);
  assert_int_equal(utimensat(AT_FDCWD, PATH, then, 0), 0);
  assert_true(has_changed(&before));
  before = file_signature_of(PATH);
  write_file(PATH ".new", "longer");
  assert_int_equal(rename(PATH ".new", PATH), 0); /* another file */
  assert_true(has_changed(&before));
  before = file_signature_of(PATH);
  assert_int_equal(unlink(PATH), 0);
  assert_true(has_changed(&before));
}

static void what_is_not_there_is_the_same(void **state) {
  (void)state;
  struct file_signature none = file_signature_of(NULL);
  assert_false(has_changed(&none));
  write_file(PATH, "");
  assert_true(has_changed(&none));
  unlink(PATH);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(changes_show),
      cmocka_unit_test(what_is_not_there_is_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
