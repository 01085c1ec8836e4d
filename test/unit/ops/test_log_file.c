/* ops/log into a file: created, appended to, rotated under the writer, and on a disk that is full. */
/* ctest: threads */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/error.h"
#include "ops/log.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENT_MS 60000u

static char folder[] = "/tmp/wsluice log XXXXXX";

static int make_folder(void **state) {
  (void)state;
  memcpy(folder + sizeof folder - 7, "XXXXXX", 7);
  return mkdtemp(folder) == NULL || chdir(folder) != 0;
}

static int remove_folder(void **state) {
  (void)state;
  static const char *const names[] = {"log", "old"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    (void)unlink(names[i]);
  return chdir("/") != 0 || rmdir(folder) != 0;
}

static const char *read_file(const char *name) {
  static char bytes[64 * 1024];
  int fd = open(name, O_RDONLY);
  assert_true(fd >= 0);
  ssize_t len = read(fd, bytes, sizeof bytes - 1);
  assert_true(len >= 0);
  close(fd);
  bytes[len] = '\0';
  return bytes;
}

static void a_file_is_created_appended_to_and_reopened(void **state) {
  (void)state;
  char why[256];
  struct stat status;
  struct log_output output = {.format = LOG_FORMAT_JSON};
  mode_t before = umask(0);
  assert_int_equal(log_file_open("log", &output, why, sizeof why), WSL_OK);
  umask(before);
  assert_int_equal(stat("log", &status), 0);
  assert_int_equal(status.st_mode & 07777, 0640);
  int another = open("log", O_WRONLY); /* whose line must not be written over */
  assert_int_equal(write(another, "before\n", 7), 7);
  close(another);
  assert_int_equal(log_writer_start(&output), WSL_OK);
  log_event(LOG_INFO, 1, "first a=b");
  while (strstr(read_file("log"), "first") == NULL)
    poll(NULL, 0, 1);
  assert_int_equal(rename("log", "old"), 0);
  assert_int_equal(chdir("/"), 0); /* the path was resolved at its opening */
  assert_true(log_writer_reopen());
  log_event(LOG_INFO, 2, "second");
  log_writer_stop(PATIENT_MS);
  assert_int_equal(chdir(folder), 0);
  close(output.fd);

  const char *first = read_file("old");
  assert_memory_equal(first, "before\n{\"time\":", 15);
  assert_non_null(strstr(first, "\"level\":\"info\",\"id\":\"1\",\"event\":\"first\",\"a\":\"b\"}\n"));
  assert_null(strstr(first, "reopened"));
  assert_non_null(strstr(read_file("log"), "\"event\":\"log file reopened\""));
}

/* A file that can't be opened anew leaves the old one in use. */
static void a_failed_reopening_is_said_in_the_old_file(void **state) {
  (void)state;
  char why[256];
  struct log_output output = {0};
  assert_int_equal(log_file_open("log", &output, why, sizeof why), WSL_OK);
  assert_int_equal(log_writer_start(&output), WSL_OK);
  assert_int_equal(rename("log", "old"), 0);
  assert_int_equal(mkdir("log", 0700), 0);
  assert_true(log_writer_reopen());
  while (strstr(read_file("old"), "log file not reopened, the old one stays in use") == NULL)
    poll(NULL, 0, 1);
  log_event(LOG_INFO, 0, "still here");
  log_writer_stop(PATIENT_MS);
  close(output.fd);
  assert_int_equal(rmdir("log"), 0);
  const char *old = read_file("old");
  assert_non_null(strstr(old, "reason=\"it is a directory\""));
  assert_non_null(strstr(old, "still here"));
}

static void files_that_cannot_be_opened(void **state) {
  (void)state;
  static const struct {
    const char *path, *words;
  } rows[] = {{"", "no such directory"},
              {"none/log", "no such directory"},
              {".", "it is a directory"},
              {"pipe", "nobody reads from it"}};
  assert_int_equal(mkfifo("pipe", 0600), 0);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    char why[256] = "";
    struct log_output output = {0};
    assert_true(log_file_open(rows[i].path, &output, why, sizeof why) < 0);
    if (strstr(why, rows[i].words) == NULL) fail_msg("\"%s\": %s", rows[i].path, why);
  }
  unlink("pipe");
}

static void limit_file_size(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* As on a full disk: a line is cut in two. What comes when there is room again stands on a line of its own.
 */
static void a_line_cut_by_a_full_disk_is_ended(void **state) {
  (void)state;
  char why[256];
  struct stat status = {0};
  struct log_output output = {0};
  assert_int_equal(log_file_open("log", &output, why, sizeof why), WSL_OK);
  limit_file_size(100);
  assert_int_equal(log_writer_start(&output), WSL_OK);
  log_event(LOG_INFO, 0, "session %080d", 1);
  while (status.st_size < 100)
    assert_int_equal(stat("log", &status), 0);
  limit_file_size(RLIM_INFINITY);
  log_event(LOG_INFO, 0, "session again");
  log_writer_stop(PATIENT_MS);
  close(output.fd);
  /* The first is cut, or whole where the writer tried its rest late enough. */
  const char *text = read_file("log"), *second = strchr(text, '\n');
  assert_memory_equal(text, "20", 2);
  assert_non_null(second);
  assert_memory_equal(second, "\n20", 3);
  assert_string_equal(strchr(second, 'Z') + 1, " info  session again\n");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_file_is_created_appended_to_and_reopened, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_failed_reopening_is_said_in_the_old_file, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(files_that_cannot_be_opened, make_folder, remove_folder),
      cmocka_unit_test_setup_teardown(a_line_cut_by_a_full_disk_is_ended, make_folder, remove_folder),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
