/* ctest: threads */
/* Token files: found as websockify finds them, edited under way, broken in parts or altogether. */
#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "route/token/kinds.h"

static int set_up(void **state) {
  (void)state;
  folder_open();
  log_keep();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  folder_close();
  return 0;
}

static struct token_source *open_source(const struct token_kind *kind, const char *name) {
  struct token_source *source = NULL;
  char why[256] = "";
  struct token_source_options options = {.argument = folder_path(name)};
  if (token_source_open(&source, kind, &options, why, sizeof(why)) != WSL_OK) fail_msg("%s", why);
  return source;
}

static enum route_outcome find_target(struct token_source *source, const char *token,
                                      struct target **target) {
  struct token_question question = {.token = wsl_span_of(token)};
  struct token_answer answer;
  source->kind->find(source, &question, &answer);
  *target = answer.target;
  assert_int_equal(answer.target != NULL, answer.outcome == ROUTE_FOUND);
  return answer.outcome;
}

/* The target's text, or the outcome's name. */
static const char *find(struct token_source *source, const char *token) {
  static const char *const outcomes[] = {"found", "no token", "unknown", "busy", "failed"};
  static char text[600];
  struct target *target = NULL;
  enum route_outcome outcome = find_target(source, token, &target);
  snprintf(text, sizeof(text), "%s", outcome == ROUTE_FOUND ? target->text : outcomes[outcome]);
  free(target);
  return text;
}

static const struct token_kind *const plugins[] = {&token_kind_file, &token_kind_read_only_file};
#define PLUGINS (sizeof(plugins) / sizeof(plugins[0]))

static void each_line_is_a_target(void **state) {
  (void)state;
  folder_write("tokens",
               "# ours\na: localhost:1\r\n\n b c:\t[::1]:2 # six\nd: unix_socket:/run/d\na:b: ::1:3\n"
               "last: 127.0.0.1:4");
  for (size_t i = 0; i < PLUGINS; i++) {
    struct token_source *source = open_source(plugins[i], "tokens");
    assert_string_equal(find(source, "a"), "localhost:1");
    assert_string_equal(find(source, "b c"), "[::1]:2");
    assert_string_equal(find(source, "d"), "unix:/run/d");
    assert_string_equal(find(source, "a:b"), "::1:3");
    assert_string_equal(find(source, "last"), "127.0.0.1:4");
    assert_string_equal(find(source, "A"), "unknown");
    assert_string_equal(find(source, "las"), "unknown");
    assert_string_equal(find(source, "lastt"), "unknown");
    assert_string_equal(find(source, "# ours"), "unknown");
    token_source_close(source);
  }
  assert_int_equal(log_count(""), 0);
}

static void a_target_is_whole(void **state) {
  (void)state;
  folder_write("tokens", "six: [fe80::1%lo]:65535\nsocket: unix_socket:/tmp/a b\"\xC3\xA9\n");
  struct token_source *source = open_source(&token_kind_file, "tokens");
  struct target *target = NULL;
  assert_int_equal(find_target(source, "six", &target), ROUTE_FOUND);
  assert_string_equal(target->host, "fe80::1%lo");
  assert_int_equal(target->port, 65535);
  assert_null(target->unix_path);
  assert_string_equal(target->text, "[fe80::1%lo]:65535");
  free(target);
  assert_int_equal(find_target(source, "socket", &target), ROUTE_FOUND);
  assert_null(target->host);
  assert_string_equal(target->unix_path, "/tmp/a b\"\xC3\xA9");
  assert_string_equal(target->text, "unix:/tmp/a b\\\"\\xc3\\xa9"); /* it goes to the log */
  free(target);
  token_source_close(source);
}

static void the_last_good_line_for_a_token_counts(void **state) {
  (void)state;
  folder_write("tokens", "a: h:1\nb: h:2\na: h:3\na: h:bad\n");
  for (size_t i = 0; i < PLUGINS; i++) {
    struct token_source *source = open_source(plugins[i], "tokens");
    assert_string_equal(find(source, "a"), "h:3");
    token_source_close(source);
  }
}

static void an_edit_is_seen_by_the_next_lookup(void **state) {
  (void)state;
  folder_write("tokens", "a: h:1\n");
  struct token_source *live = open_source(&token_kind_file, "tokens");
  struct token_source *once = open_source(&token_kind_read_only_file, "tokens");
  folder_write("tokens", "a: h:2\n");
  assert_string_equal(find(live, "a"), "h:2");
  folder_replace("tokens", "a: h:3\nb: h:4");
  assert_string_equal(find(live, "a"), "h:3");
  assert_string_equal(find(live, "b"), "h:4");
  folder_write("tokens", "");
  assert_string_equal(find(live, "a"), "unknown");
  assert_string_equal(find(once, "a"), "h:1");
  assert_string_equal(find(once, "b"), "unknown");
  token_source_close(live);
  token_source_close(once);
}

static void a_directory_s_files_are_read_by_name(void **state) {
  (void)state;
  mkdir(folder_path("dir"), 0700);
  mkdir(folder_path("dir/sub"), 0700);
  folder_write("dir/sub/x", "sub: h:1\n");
  folder_write("dir/20-b", "a: h:20\nb: h:20\n");
  folder_write("dir/10-a", "a: h:10\nc: h:10\n");
  folder_write("dir/.hidden", "hidden: h:1\n");
  folder_write("dir/20-b~", "a: h:99\nold: h:1\n");
  folder_write("dir/#20-b#", "a: h:99\n");
  folder_write("elsewhere", "linked: h:5\n");
  assert_int_equal(symlink("../elsewhere", folder_path("dir/link")), 0);
  assert_int_equal(symlink("nowhere", folder_path("dir/dangling")), 0);
  assert_int_equal(mkfifo(folder_path("dir/fifo"), 0600), 0);
  for (size_t i = 0; i < PLUGINS; i++) {
    struct token_source *source = open_source(plugins[i], "dir");
    assert_string_equal(find(source, "a"), "h:20");
    assert_string_equal(find(source, "b"), "h:20");
    assert_string_equal(find(source, "c"), "h:10");
    assert_string_equal(find(source, "linked"), "h:5");
    assert_string_equal(find(source, "hidden"), "unknown");
    assert_string_equal(find(source, "old"), "unknown");
    assert_string_equal(find(source, "sub"), "unknown");
    token_source_close(source);
  }
  assert_int_equal(log_count(""), 0);
}

static void files_come_and_go_in_a_directory(void **state) {
  (void)state;
  mkdir(folder_path("dir"), 0700);
  struct token_source *source = open_source(&token_kind_file, "dir");
  assert_string_equal(find(source, "a"), "unknown");
  folder_write("dir/1", "a: h:1\n");
  assert_string_equal(find(source, "a"), "h:1");
  unlink(folder_path("dir/1"));
  assert_string_equal(find(source, "a"), "unknown");
  token_source_close(source);
}

static void a_bad_line_is_reported_once_and_spares_the_others(void **state) {
  (void)state;
  folder_write("tokens", "a: h:1\nSECRET h\nSECRET: h:port\n\nb: h:3\n");
  struct token_source *source = open_source(&token_kind_file, "tokens");
  assert_int_equal(log_count("tokens:2: not of the form token: host:port"), 1);
  assert_int_equal(log_count("tokens:3: the port must be"), 1);
  for (int i = 0; i < 3; i++) {
    assert_string_equal(find(source, "a"), "h:1");
    assert_string_equal(find(source, "b"), "h:3");
  }
  assert_int_equal(log_count(""), 2);
  folder_write("tokens", "a: h:1\nSECRET h\nSECRET: h:port\n\nb: h:3\n"); /* another time */
  find(source, "a");
  assert_int_equal(log_count("tokens:2:"), 2);
  folder_replace("tokens", "a: h:1\nb h:2\n");
  find(source, "a");
  find(source, "a");
  assert_int_equal(log_count("tokens:2:"), 3);
  assert_int_equal(log_count("SECRET"), 0);
  token_source_close(source);
}

static void a_file_of_rubbish_does_not_fill_the_log(void **state) {
  (void)state;
  size_t len = 1 << 20;
  char *bytes = malloc(len);
  for (size_t i = 0; i < len; i++)
    bytes[i] = (char)((i * 2654435761u) >> 13);
  folder_write_bytes("tokens", bytes, len);
  free(bytes);
  struct token_source *source = open_source(&token_kind_file, "tokens");
  assert_int_equal(log_count("tokens:"), 11);
  assert_int_equal(log_count("more lines"), 1);
  assert_string_equal(find(source, "a"), "unknown");
  assert_int_equal(log_count(""), 11);
  token_source_close(source);
}

static void a_long_line_and_a_long_path_are_reported(void **state) {
  (void)state;
  static char text[100000];
  int len = snprintf(text, sizeof(text), "a: h:1\nb: unix_socket:/%0200d\n%050000d: h:1\nc: h:2\n", 0, 0);
  folder_write_bytes("tokens", text, (size_t)len);
  for (size_t i = 0; i < PLUGINS; i++) {
    struct token_source *source = open_source(plugins[i], "tokens");
    assert_int_equal(log_count("tokens:2: the path of the Unix socket is too long"), i + 1);
    assert_int_equal(log_count("tokens:3: the line is too long"), i + 1);
    assert_string_equal(find(source, "c"), "h:2");
    assert_string_equal(find(source, "b"), "unknown");
    token_source_close(source);
  }
}

static void a_source_that_can_t_be_read_is_refused(void **state) {
  (void)state;
  assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
  assert_int_equal(symlink("loop", folder_path("loop")), 0);
  static const struct {
    const char *name;
    int error;
    const char *why;
  } rows[] = {
      {"missing", WSL_NOT_FOUND, "No such file"},
      {"fifo", WSL_INVALID, "Neither a regular file nor a directory"},
      {"loop", WSL_NOT_FOUND, "No such file"},
      {"fifo/below", WSL_NOT_FOUND, "No such file"},
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    for (size_t p = 0; p < PLUGINS; p++) {
      struct token_source *source = NULL;
      char why[256] = "";
      struct token_source_options options = {.argument = folder_path(rows[i].name)};
      int error = token_source_open(&source, plugins[p], &options, why, sizeof(why));
      if (error != rows[i].error || source != NULL) fail_msg("%s: %s", rows[i].name, error_name(error));
      if (strstr(why, rows[i].why) == NULL || strstr(why, rows[i].name) == NULL)
        fail_msg("%s: %s", rows[i].name, why);
    }
  }
}

static void a_source_that_vanishes_comes_back(void **state) {
  (void)state;
  folder_write("tokens", "a: h:1\n");
  struct token_source *source = open_source(&token_kind_file, "tokens");
  unlink(folder_path("tokens"));
  assert_string_equal(find(source, "a"), "failed");
  assert_string_equal(find(source, "a"), "failed");
  assert_int_equal(log_count("can't be read: No such file"), 1);
  assert_int_equal(mkfifo(folder_path("tokens"), 0600), 0);
  assert_string_equal(find(source, "a"), "failed");
  assert_int_equal(log_count("Neither a regular file"), 1);
  unlink(folder_path("tokens"));
  folder_write("tokens", "a: h:2\n");
  assert_string_equal(find(source, "a"), "h:2");
  assert_string_equal(find(source, "a"), "h:2");
  assert_int_equal(log_count("can be read again"), 1);
  assert_int_equal(log_count(""), 3);
  token_source_close(source);
}

static void no_descriptor_is_no_reason_to_say_unknown(void **state) {
  (void)state;
  folder_write("tokens", "a: h:1\n");
  struct token_source *source = open_source(&token_kind_file, "tokens");
  struct rlimit before, none;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  none = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
  const char *outcome = find(source, "a");
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_string_equal(outcome, "busy");
  token_source_close(source);
}

#define THREADS 8
#define ROUNDS  200

static void *look_up(void *source) {
  for (int i = 0; i < ROUNDS; i++) {
    struct target *target = NULL;
    enum route_outcome outcome = find_target(source, "a", &target);
    /* A rewrite in place has a moment in which the file is empty. */
    if (outcome != ROUTE_FOUND && outcome != ROUTE_UNKNOWN) return source;
    free(target);
  }
  return NULL;
}

static void many_threads_look_up_while_the_file_is_edited(void **state) {
  (void)state;
  folder_write("tokens", "a: h:1\nbad\n");
  struct token_source *source = open_source(&token_kind_file, "tokens");
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, look_up, source), 0);
  for (int i = 0; i < 20; i++)
    folder_replace("tokens", "a: h:1\nbad\n");
  for (int i = 0; i < THREADS; i++) {
    void *failed;
    assert_int_equal(pthread_join(threads[i], &failed), 0);
    assert_null(failed);
  }
  assert_in_range(log_count("tokens:2:"), 1, 21); /* each state of the file once, not for each thread */
  token_source_close(source);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(each_line_is_a_target),
      STORY(a_target_is_whole),
      STORY(the_last_good_line_for_a_token_counts),
      STORY(an_edit_is_seen_by_the_next_lookup),
      STORY(a_directory_s_files_are_read_by_name),
      STORY(files_come_and_go_in_a_directory),
      STORY(a_bad_line_is_reported_once_and_spares_the_others),
      STORY(a_file_of_rubbish_does_not_fill_the_log),
      STORY(a_long_line_and_a_long_path_are_reported),
      STORY(a_source_that_can_t_be_read_is_refused),
      STORY(a_source_that_vanishes_comes_back),
      STORY(no_descriptor_is_no_reason_to_say_unknown),
      STORY(many_threads_look_up_while_the_file_is_edited),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
