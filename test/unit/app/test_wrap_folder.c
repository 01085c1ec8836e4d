/* A folder for what a wrapped program is told the path of: who may enter it, where it is, and that it goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/wrap/folder.h"
#include "core/error.h"

#define A_BLANK "/tmp/wsluice test of blanks"

static mode_t mode_of(const char *path) {
  struct stat about;
  assert_int_equal(stat(path, &about), 0);
  return about.st_mode & 0777;
}

static void it_is_for_those_that_it_is_for(void **state) {
  (void)state;
  struct wrap_folder private = {0}, passable = {0};
  assert_int_equal(wrap_folder_make(&private, WRAP_FOLDER_PRIVATE, "socket"), WSL_OK);
  assert_int_equal(wrap_folder_make(&passable, WRAP_FOLDER_PASSABLE, "lib.so"), WSL_OK);
  assert_string_not_equal(private.path, passable.path);
  assert_int_equal(mode_of(private.path), 0700);
  assert_int_equal(mode_of(passable.path), 0711);
  wrap_folder_drop(&private);
  wrap_folder_drop(&passable);
}

static void it_goes_with_what_is_within(void **state) {
  (void)state;
  struct wrap_folder folder = {0};
  wrap_folder_drop(&folder); /* none: harmless */
  assert_int_equal(wrap_folder_make(&folder, WRAP_FOLDER_PASSABLE, "link"), WSL_OK);
  assert_int_equal(symlink("/nowhere", folder.within), 0);
  char path[WRAP_FOLDER_MAX];
  memcpy(path, folder.path, sizeof path);
  wrap_folder_drop(&folder);
  assert_int_not_equal(access(path, F_OK), 0);
  wrap_folder_drop(&folder);
}

/* As the runtime folder is on some machines: not there, no absolute path, or one that can't be told. */
static void a_place_that_will_not_do_is_passed_over(void **state) {
  (void)state;
  static const char *const places[] = {"/no/such", "relative", "", A_BLANK};
  (void)mkdir(A_BLANK, 0700);
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    struct wrap_folder folder = {0};
    assert_int_equal(setenv("XDG_RUNTIME_DIR", places[i], 1), 0);
    assert_int_equal(wrap_folder_make(&folder, WRAP_FOLDER_PRIVATE, "socket"), WSL_OK);
    assert_memory_equal(folder.path, "/tmp/wsluice-", strlen("/tmp/wsluice-"));
    wrap_folder_drop(&folder);
  }
  (void)rmdir(A_BLANK);
  assert_int_equal(unsetenv("XDG_RUNTIME_DIR"), 0);
}

static void paths_that_the_loader_takes_are_told_apart(void **state) {
  (void)state;
  assert_true(wrap_path_is_plain("/usr/lib/x86_64-linux-gnu/wsluice/libwsluice-wrap.so"));
  assert_true(wrap_path_is_plain("/with;others,(and)'quotes'\"/\xc3\xa4"));
  static const char *const taken_apart[] = {"/a b", "/a:b", "/a\tb", "/a\nb", "/$LIB/x", "/trailing "};
  for (size_t i = 0; i < sizeof taken_apart / sizeof taken_apart[0]; i++)
    assert_false(wrap_path_is_plain(taken_apart[i]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_for_those_that_it_is_for),
      cmocka_unit_test(it_goes_with_what_is_within),
      cmocka_unit_test(a_place_that_will_not_do_is_passed_over),
      cmocka_unit_test(paths_that_the_loader_takes_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
