/* Tokens that are names in a directory: files that hold a target, sockets that are one, and all that a
 * stranger may write instead of a name.
 */
#include "folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/error.h"
#include "route/token/kinds.h"

static int set_up(void **state) {
  (void)state;
  folder_open();
  log_keep();
  mkdir(folder_path("dir"), 0700);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  assert_int_equal(log_count("SECRET"), 0);
  folder_close();
  return 0;
}

static struct token_source *open_source(const struct token_kind *kind, const char *path) {
  struct token_source *source = NULL;
  char why[256] = "";
  struct token_source_options options = {.argument = path};
  if (token_source_open(&source, kind, &options, why, sizeof(why)) != WSL_OK) fail_msg("%s", why);
  return source;
}

/* The target's text, or the outcome's name. */
static const char *find_span(struct token_source *source, struct wsl_span token) {
  static const char *const outcomes[] = {"found", "no token", "unknown", "busy", "failed"};
  static char text[600];
  struct token_question question = {.token = token, .id = 7};
  struct token_answer answer;
  source->kind->find(source, &question, &answer);
  assert_int_equal(answer.target != NULL, answer.outcome == ROUTE_FOUND);
  snprintf(text, sizeof(text), "%s",
           answer.outcome == ROUTE_FOUND ? answer.target->text : outcomes[answer.outcome]);
  if (answer.target != NULL) assert_int_equal(answer.target->origin, TARGET_FROM_FILE);
  free(answer.target);
  return text;
}

static const char *find(struct token_source *source, const char *token) {
  return find_span(source, wsl_span_of(token));
}

static void a_file_holds_its_target(void **state) {
  (void)state;
  static const struct {
    const char *content, *target;
  } rows[] = {
      {"h:1", "h:1"},
      {"  [::1]:2 \r\n\n", "[::1]:2"},
      {"unix_socket:/run/d\n", "unix:/run/d"},
      {"", "failed"},
      {"h", "failed"},
      {"h:1\nh:2\n", "failed"},
      {"SECRET:0", "failed"},
  };
  char path[256];
  snprintf(path, sizeof(path), "%s", folder_path("dir"));
  struct token_source *source = open_source(&token_kind_file_name, path);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    folder_write("dir/SECRET", rows[i].content);
    assert_string_equal(find(source, "SECRET"), rows[i].target);
    assert_string_equal(find(source, "SECRE"), "unknown");
  }
  assert_int_equal(log_count("holds no target inode="), 4);
  char long_content[2000];
  memset(long_content, ' ', sizeof(long_content) - 1);
  long_content[sizeof(long_content) - 1] = '\0';
  folder_write("dir/SECRET", long_content);
  assert_string_equal(find(source, "SECRET"), "failed");
  assert_int_equal(log_count("too long"), 1);
  token_source_close(source);
}

static void no_name_leaves_the_directory(void **state) {
  (void)state;
  char path[256], outside[300];
  folder_write("outside", "h:9");
  folder_write("dir/in", "h:1");
  folder_write("dir/.hidden", "h:2");
  folder_write("dir/in~", "h:3");
  mkdir(folder_path("dir/sub"), 0700);
  folder_write("dir/sub/deep", "h:4");
  assert_int_equal(symlink("../outside", folder_path("dir/out")), 0);
  snprintf(outside, sizeof(outside), "%s", folder_path("outside"));
  assert_int_equal(symlink(outside, folder_path("dir/absolute")), 0);
  assert_int_equal(symlink("in", folder_path("dir/link")), 0);
  assert_int_equal(symlink("loop", folder_path("dir/loop")), 0);
  assert_int_equal(mkfifo(folder_path("dir/fifo"), 0600), 0);
  snprintf(path, sizeof(path), "%s", folder_path("dir"));
  struct token_source *source = open_source(&token_kind_file_name, path);
  static const char *const unknown[] = {"..",   ".",   "/",        "../outside", ".hidden", "in~",
                                        "sub",  "out", "absolute", "loop",       "fifo",    "in/",
                                        "#in#", " in", "deep",     "dir"};
  for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
    if (strcmp(find(source, unknown[i]), "unknown") != 0) fail_msg("%s", unknown[i]);
  assert_string_equal(find(source, "link"), "h:1");
  assert_string_equal(find(source, "x/y/in"), "h:1"); /* its base name only, as with websockify */
  assert_string_equal(find_span(source, (struct wsl_span){"in\0x", 4}), "unknown");
  char longest[600];
  for (size_t len = 250; len < sizeof(longest); len++) {
    memset(longest, 'a', len);
    assert_string_equal(find_span(source, (struct wsl_span){longest, len}), "unknown");
  }
  assert_int_equal(log_count(""), 0);
  token_source_close(source);
}

static void listen_at(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof(address.sun_path), "%s", folder_path(name));
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  close(fd);
}

static void a_socket_is_its_target(void **state) {
  (void)state;
  char path[256], resolved[300];
  mkdir(folder_path("dir/sub"), 0700);
  listen_at("dir/vm");
  listen_at("dir/sub/vm");
  listen_at("dir/.vm");
  listen_at("outside");
  mkdir(folder_path("dir2"), 0700);
  listen_at("dir2/vm");
  folder_write("dir/file", "h:1");
  assert_int_equal(symlink("sub/vm", folder_path("dir/link")), 0);
  assert_int_equal(symlink("../outside", folder_path("dir/out")), 0);
  assert_int_equal(symlink("../dir2/vm", folder_path("dir/beside")), 0);
  assert_int_equal(symlink("dir", folder_path("linked")), 0);
  snprintf(path, sizeof(path), "%s", folder_path("linked"));
  struct token_source *source = open_source(&token_kind_unix_directory, path);
  snprintf(resolved, sizeof(resolved), "unix:%s", folder_path("dir/vm"));
  assert_string_equal(find(source, "vm"), resolved);
  snprintf(resolved, sizeof(resolved), "unix:%s", folder_path("dir/sub/vm"));
  assert_string_equal(find(source, "sub/vm"), resolved);
  assert_string_equal(find(source, "link"), resolved);
  static const char *const unknown[] = {"file",    "out",     "../outside", "beside", ".vm",  "sub",  "sub/",
                                        "sub//vm", "/sub/vm", "sub/../vm",  "./vm",   "none", "vm/x", "."};
  for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
    if (strcmp(find(source, unknown[i]), "unknown") != 0) fail_msg("%s", unknown[i]);
  assert_int_equal(log_count(""), 0);
  token_source_close(source);
}

static void a_path_that_no_socket_address_holds_is_said(void **state) {
  (void)state;
  char name[128] = "dir/", path[256];
  memset(name + 4, 'd', 90);
  mkdir(folder_path(name), 0700);
  char before[512];
  assert_non_null(getcwd(before, sizeof(before)));
  snprintf(path, sizeof(path), "%s", folder_path(name));
  assert_int_equal(chdir(path), 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "SECRET"};
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
  close(fd);
  assert_int_equal(chdir(before), 0);
  struct token_source *source = open_source(&token_kind_unix_directory, path);
  assert_string_equal(find(source, "SECRET"), "failed");
  assert_int_equal(log_count("too long for a Unix socket"), 1);
  token_source_close(source);
}

static void a_directory_that_vanishes_comes_back(void **state) {
  (void)state;
  static const struct token_kind *const kinds[] = {&token_kind_file_name, &token_kind_unix_directory};
  char path[256];
  snprintf(path, sizeof(path), "%s", folder_path("dir"));
  for (size_t i = 0; i < 2; i++) {
    struct token_source *source = open_source(kinds[i], path);
    assert_int_equal(rmdir(path), 0);
    assert_string_equal(find(source, "a"), "failed");
    assert_string_equal(find(source, "a"), "failed");
    assert_int_equal(log_count("can't be read: No such file"), i + 1);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_string_equal(find(source, "a"), "unknown");
    assert_int_equal(log_count("can be read again"), i + 1);
    token_source_close(source);
  }
}

static void what_is_no_directory_is_refused(void **state) {
  (void)state;
  folder_write("file", "h:1");
  static const struct {
    const char *name, *why;
  } rows[] = {{"file", "Not a directory"}, {"none", "No such file"}};
  for (size_t i = 0; i < 2; i++) {
    struct token_source *source = NULL;
    char why[256] = "";
    struct token_source_options options = {.argument = folder_path(rows[i].name)};
    assert_int_not_equal(token_source_open(&source, &token_kind_file_name, &options, why, sizeof(why)), 0);
    assert_non_null(strstr(why, rows[i].why));
    assert_null(source);
  }
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      STORY(a_file_holds_its_target),
      STORY(no_name_leaves_the_directory),
      STORY(a_socket_is_its_target),
      STORY(a_path_that_no_socket_address_holds_is_said),
      STORY(a_directory_that_vanishes_comes_back),
      STORY(what_is_no_directory_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
