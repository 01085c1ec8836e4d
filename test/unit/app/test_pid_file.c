/* ctest: wrap=flock */
/* The file with the process id: who gets it, what is in it, and what is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/pid_file.h"
#include "core/error.h"

#define WHY_MAX  512
#define TEXT_MAX 128

static char folder[] = "/tmp/wsluice-test-pid-XXXXXX";
static char path[sizeof folder + 16];
static char why[WHY_MAX];

static int make_folder(void **state) {
  (void)state;
  if (mkdtemp(folder) == NULL) return -1;
  snprintf(path, sizeof path, "%s/the.pid", folder);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  return rmdir(folder); /* fails where a test left something */
}

static int remove_file(void **state) {
  (void)state;
  (void)unlink(path);
  return 0;
}

static void put(const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_int_equal(fputs(text, file) < 0, 0);
  assert_int_equal(fclose(file), 0);
}

static void expect_text(const char *expected) {
  char text[TEXT_MAX] = "";
  FILE *file = fopen(path, "r");
  assert_non_null(file);
  size_t len = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[len] = '\0';
  assert_string_equal(text, expected);
}

static void expect_our_id(void) {
  char id[TEXT_MAX];
  snprintf(id, sizeof id, "%ld\n", (long)getpid());
  expect_text(id);
}

static void claim(struct pid_file *file) {
  if (pid_file_claim(file, path, why, sizeof why) != WSL_OK) fail_msg("refused: %s", why);
}

/* Where a test wants it, the last holder's end falls between the opening of its file and the locking. */
static bool holder_ends_before_the_lock;

int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

int __wrap_flock(int fd, int operation) {
  if (holder_ends_before_the_lock) (void)unlink(path);
  holder_ends_before_the_lock = false;
  return __real_flock(fd, operation);
}

static void test_a_file_that_is_removed_while_it_is_claimed(void **state) {
  (void)state;
  struct pid_file file;
  put("1\n");
  holder_ends_before_the_lock = true;
  claim(&file);
  assert_int_equal(pid_file_write(&file, why, sizeof why), WSL_OK);
  expect_our_id(); /* and not in a file without a name */
  pid_file_drop(&file);
}

static void test_its_life(void **state) {
  (void)state;
  struct pid_file file;
  claim(&file);
  assert_int_not_equal(access(path, F_OK), 0); /* not before it is written */
  assert_int_equal(pid_file_write(&file, why, sizeof why), WSL_OK);
  expect_our_id();
  pid_file_drop(&file);
  assert_int_not_equal(access(path, F_OK), 0);
  pid_file_drop(&file);
}

static void test_without_a_path_nothing_happens(void **state) {
  (void)state;
  struct pid_file file;
  assert_int_equal(pid_file_claim(&file, NULL, why, sizeof why), WSL_OK);
  assert_int_equal(pid_file_write(&file, why, sizeof why), WSL_OK);
  pid_file_drop(&file);
}

static void test_what_is_left_behind_is_replaced(void **state) {
  (void)state;
  static const char *const left[] = {"", "1\n", "999999999", "  ", "123456789 \r\n"};
  for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
    struct pid_file file;
    put(left[i]);
    claim(&file);
    expect_text(left[i]);
    assert_int_equal(pid_file_write(&file, why, sizeof why), WSL_OK);
    expect_our_id();
    pid_file_drop(&file);
  }
}

static void test_what_is_no_pid_file_is_left_alone(void **state) {
  (void)state;
  static const char *const texts[] = {"dear reader\n", "12 monkeys\n", "-1\n", "1\n2\n",
                                      "1111111111111111111111111111111111111111"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    struct pid_file file;
    put(texts[i]);
    if (pid_file_claim(&file, path, why, sizeof why) != WSL_INVALID) fail_msg("\"%s\" is taken", texts[i]);
    assert_non_null(strstr(why, path));
    pid_file_drop(&file);
    expect_text(texts[i]);
  }
}

static void test_links_and_fifos_are_not_followed(void **state) {
  (void)state;
  struct pid_file file;
  assert_int_equal(symlink("/dev/null", path), 0);
  assert_int_not_equal(pid_file_claim(&file, path, why, sizeof why), WSL_OK);
  assert_non_null(strstr(why, "link"));
  assert_int_equal(unlink(path), 0);
  assert_int_equal(mkfifo(path, 0600), 0);
  assert_int_equal(pid_file_claim(&file, path, why, sizeof why), WSL_INVALID);
  assert_int_equal(access(path, F_OK), 0);
}

static void test_a_path_that_leads_nowhere(void **state) {
  (void)state;
  struct pid_file file;
  char nowhere[sizeof path + 16];
  snprintf(nowhere, sizeof nowhere, "%s/missing/the.pid", folder);
  int error = pid_file_claim(&file, nowhere, why, sizeof why);
  if (error == WSL_OK) error = pid_file_write(&file, why, sizeof why);
  assert_int_equal(error, WSL_NOT_FOUND);
  assert_non_null(strstr(why, nowhere));
  pid_file_drop(&file);
}

/* In another process, since a lock does not keep out its own holder everywhere. 0: it got the file. */
static int claim_elsewhere(void) {
  int status;
  pid_t child = fork();
  if (child == 0) {
    struct pid_file file;
    char words[WHY_MAX] = "", id[TEXT_MAX];
    int error = pid_file_claim(&file, path, words, sizeof words);
    snprintf(id, sizeof id, "process id %ld", (long)getppid());
    if (error == WSL_IN_USE) _exit(strstr(words, id) != NULL ? 1 : 3);
    _exit(error == WSL_OK ? 0 : 2);
  }
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void test_a_second_process_is_refused_by_the_holders_id(void **state) {
  (void)state;
  struct pid_file file;
  claim(&file);
  assert_int_equal(pid_file_write(&file, why, sizeof why), WSL_OK);
  assert_int_equal(claim_elsewhere(), 1);
  expect_our_id();
  pid_file_drop(&file);
  assert_int_equal(claim_elsewhere(), 0);
}

static void test_who_comes_later_to_a_missing_file_loses(void **state) {
  (void)state;
  struct pid_file first, second;
  claim(&first);
  claim(&second);
  assert_int_equal(pid_file_write(&first, why, sizeof why), WSL_OK);
  assert_int_equal(pid_file_write(&second, why, sizeof why), WSL_IN_USE);
  pid_file_drop(&second);
  expect_our_id();
  pid_file_drop(&first);
}

static void test_a_file_that_became_somebody_elses_is_not_removed(void **state) {
  (void)state;
  struct pid_file file;
  claim(&file);
  assert_int_equal(pid_file_write(&file, why, sizeof why), WSL_OK);
  assert_int_equal(unlink(path), 0);
  put("1\n");
  pid_file_drop(&file);
  expect_text("1\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(test_its_life, remove_file),
      cmocka_unit_test_teardown(test_a_file_that_is_removed_while_it_is_claimed, remove_file),
      cmocka_unit_test(test_without_a_path_nothing_happens),
      cmocka_unit_test_teardown(test_what_is_left_behind_is_replaced, remove_file),
      cmocka_unit_test_teardown(test_what_is_no_pid_file_is_left_alone, remove_file),
      cmocka_unit_test_teardown(test_links_and_fifos_are_not_followed, remove_file),
      cmocka_unit_test(test_a_path_that_leads_nowhere),
      cmocka_unit_test_teardown(test_a_second_process_is_refused_by_the_holders_id, remove_file),
      cmocka_unit_test_teardown(test_who_comes_later_to_a_missing_file_loses, remove_file),
      cmocka_unit_test_teardown(test_a_file_that_became_somebody_elses_is_not_removed, remove_file),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
