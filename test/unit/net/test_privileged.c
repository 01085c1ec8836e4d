/* Opening beneath a directory, by the kernel's confinement and by the walk, with the same table for
 * both; and listening sockets that share a port only with their own kind.
 */
#include "loopback.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "core/error.h"
#include "net/beneath.h"
#include "net/privileged.h"

/*   top/secret            outside
 *   top/root/...          the directory that is opened
 *   top/alias -> root     another name of it
 */
struct tree {
  char top[64];
  char root[PATH_MAX]; /* as much as realpath() may write */
  int root_fd;
};

static void path_in(const struct tree *tree, const char *name, char out[PATH_MAX]) {
  snprintf(out, PATH_MAX, "%s/%s", tree->top, name);
}

static void put_file(const struct tree *tree, const char *name) {
  char path[PATH_MAX];
  path_in(tree, name, path);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, name, strlen(name)), (ssize_t)strlen(name));
  close(fd);
}

static void put_dir(const struct tree *tree, const char *name) {
  char path[PATH_MAX];
  path_in(tree, name, path);
  assert_int_equal(mkdir(path, 0755), 0);
}

static void put_link(const struct tree *tree, const char *name, const char *target) {
  char path[PATH_MAX];
  path_in(tree, name, path);
  assert_int_equal(symlink(target, path), 0);
}

/* A link whose target is absolute: `target` is relative to the top. */
static void put_absolute_link(const struct tree *tree, const char *name, const char *target) {
  char absolute[PATH_MAX];
  path_in(tree, target, absolute);
  put_link(tree, name, absolute);
}

static void put_special(const struct tree *tree) {
  char path[PATH_MAX];
  path_in(tree, "root/fifo", path);
  assert_int_equal(mkfifo(path, 0644), 0);
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  path_in(tree, "root/socket", path);
  assert_true(strlen(path) < sizeof un.sun_path);
  memcpy(un.sun_path, path, strlen(path) + 1);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof un), 0);
  close(fd);
}

static int plant(void **state) {
  struct tree *tree = calloc(1, sizeof *tree);
  snprintf(tree->top, sizeof tree->top, "/tmp/wsluice-beneath-XXXXXX");
  assert_non_null(mkdtemp(tree->top));
  assert_int_equal(chmod(tree->top, 0755), 0);
  put_dir(tree, "root");
  put_dir(tree, "rootless");  /* begins as the root's name does, */
  put_dir(tree, "root/less"); /* and this is what a careless cut makes of it */
  put_dir(tree, "root/sub");
  put_dir(tree, "root/sub/deep");
  put_file(tree, "secret");
  put_file(tree, "rootless/secret");
  put_file(tree, "root/less/secret");
  put_file(tree, "root/file");
  put_file(tree, "root/sub/inner");
  put_file(tree, "root/sub/deep/bottom");
  put_link(tree, "alias", "root");
  put_link(tree, "root/to-file", "file");
  put_link(tree, "root/to-sub", "sub");
  put_link(tree, "root/sub/up", "../file");
  put_link(tree, "root/sub/deep/far-up", "../../to-sub/../file");
  put_link(tree, "root/chain", "to-sub/up");
  put_link(tree, "root/out", "../secret");
  put_link(tree, "root/out-and-in", "../root/file");
  put_link(tree, "root/sub/out", "../../secret");
  put_link(tree, "root/up-dir", "..");
  put_link(tree, "root/loop", "loop");
  put_link(tree, "root/dangling", "nowhere");
  put_link(tree, "root/proc", "/proc/self/cwd");
  put_link(tree, "root/etc", "/etc/passwd");
  put_link(tree, "root/device", "/dev/null");
  put_absolute_link(tree, "root/abs-in", "root/sub/inner");
  put_absolute_link(tree, "root/abs-dir", "root/sub");
  put_absolute_link(tree, "root/abs-root", "root");
  put_absolute_link(tree, "root/abs-alias", "alias/file");
  put_absolute_link(tree, "root/abs-out", "secret");
  put_absolute_link(tree, "root/abs-sly", "root/../secret");
  put_absolute_link(tree, "root/abs-prefix", "rootless/secret");
  put_special(tree);
  assert_non_null(realpath(tree->top, tree->root));
  strcat(tree->root, "/root");
  tree->root_fd = open(tree->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_true(tree->root_fd >= 0);
  *state = tree;
  return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where) {
  (void)status, (void)kind, (void)where;
  return remove(path);
}

static int fell(void **state) {
  struct tree *tree = *state;
  close(tree->root_fd);
  int result = nftw(tree->top, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
  free(tree);
  return result;
}

enum way { BY_CHOICE, BY_WALK };

static int open_by(const struct tree *tree, enum way way, const char *path) {
  if (way == BY_CHOICE) return privileged_open_beneath(tree->root_fd, tree->root, path);
  int fd = beneath_open_walk(tree->root_fd, tree->root, path);
  if (fd >= 0) return fd;
  return fd == -EXDEV || fd == -ENXIO ? WSL_NOT_FOUND : error_from_errno(-fd);
}

#define A_DIRECTORY "<directory>"

/* What was opened: files hold their own name, seen from the top. */
static void describe(int fd, char out[64]) {
  struct stat status;
  assert_int_equal(fstat(fd, &status), 0);
  assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  if (S_ISDIR(status.st_mode)) {
    strcpy(out, A_DIRECTORY);
    return;
  }
  ssize_t len = read(fd, out, 63);
  assert_true(len >= 0);
  out[len] = '\0';
}

static const struct {
  const char *path;
  const char *expected; /* NULL: not found */
} paths[] = {
    {"file", "root/file"},
    {"sub/inner", "root/sub/inner"},
    {"sub/deep/bottom", "root/sub/deep/bottom"},
    {"", A_DIRECTORY},
    {".", A_DIRECTORY},
    {"sub", A_DIRECTORY},
    {"sub/", A_DIRECTORY},
    {"sub//deep///bottom", "root/sub/deep/bottom"},
    {"./sub/./inner", "root/sub/inner"},
    {"sub/../file", "root/file"},
    {"sub/deep/../../file", "root/file"},
    {"to-file", "root/file"},
    {"to-sub/inner", "root/sub/inner"},
    {"to-sub/", A_DIRECTORY},
    {"sub/up", "root/file"},
    {"sub/deep/far-up", "root/file"},
    {"chain", "root/file"},
    {"abs-in", "root/sub/inner"},
    {"abs-dir/inner", "root/sub/inner"},
    {"abs-dir/deep/far-up", "root/file"},
    {"abs-root", A_DIRECTORY},
    {"abs-root/file", "root/file"},
    {"abs-alias", "root/file"},
    {"..", NULL},
    {"../secret", NULL},
    {"../root/file", NULL},
    {"sub/../../secret", NULL},
    {"sub/deep/../../..", NULL},
    {"/etc/passwd", NULL},
    {"/file", NULL},
    {"out", NULL},
    {"sub/out", NULL},
    {"out-and-in", NULL},
    {"up-dir", NULL},
    {"up-dir/secret", NULL},
    {"abs-out", NULL},
    {"abs-sly", NULL},
    {"abs-prefix", NULL},
    {"etc", NULL},
    {"proc", NULL},
    {"proc/secret", NULL},
    {"loop", NULL},
    {"loop/x", NULL},
    {"dangling", NULL},
    {"nothing", NULL},
    {"nothing/deeper", NULL},
    {"file/", NULL},
    {"file/x", NULL},
    {"to-file/x", NULL},
    {"file/..", NULL},
    {"fifo", NULL},
    {"fifo/x", NULL},
    {"socket", NULL},
    {"device", NULL},
};

static void open_paths(const struct tree *tree, enum way way) {
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    char got[64] = "<not found>";
    const char *expected = paths[i].expected != NULL ? paths[i].expected : "<not found>";
    int fd = open_by(tree, way, paths[i].path);
    if (fd >= 0) {
      describe(fd, got);
      close(fd);
    } else if (fd != WSL_NOT_FOUND) {
      snprintf(got, sizeof got, "%s", error_name(fd));
    }
    if (strcmp(got, expected) != 0) fail_msg("\"%s\" is %s, not %s", paths[i].path, got, expected);
  }
}

static void paths_stay_beneath_by_choice(void **state) {
  open_paths(*state, BY_CHOICE);
}

static void paths_stay_beneath_by_walk(void **state) {
  open_paths(*state, BY_WALK);
}

/* What the kernel's way opens itself, so that the table above is known to have used it. */
static void the_kernel_confines_by_itself(void **state) {
  struct tree *tree = *state;
  int fd = beneath_open_kernel(tree->root_fd, "sub/up");
  if (fd == -ENOSYS || fd == -EPERM) skip(); /* an old kernel, or a container's filter */
  assert_true(fd >= 0);
  close(fd);
  assert_int_equal(beneath_open_kernel(tree->root_fd, "out"), -EXDEV);
  assert_int_equal(beneath_open_kernel(tree->root_fd, "abs-in"), -EXDEV);
  assert_int_equal(beneath_open_kernel(tree->root_fd, "fifo"), -ENOENT);
}

static void a_device_in_the_root_is_not_opened(void **state) {
  struct tree *tree = *state;
  char path[PATH_MAX];
  path_in(tree, "root/null", path);
  if (mknod(path, S_IFCHR | 0644, makedev(1, 3)) != 0) skip(); /* only root may */
  for (enum way way = BY_CHOICE; way <= BY_WALK; way++)
    assert_int_equal(open_by(tree, way, "null"), WSL_NOT_FOUND);
}

static void what_the_mode_forbids_is_denied(void **state) {
  struct tree *tree = *state;
  char path[PATH_MAX];
  path_in(tree, "root/closed", path);
  put_file(tree, "root/closed");
  put_dir(tree, "root/shut");
  assert_int_equal(chmod(path, 0), 0);
  path_in(tree, "root/shut", path);
  assert_int_equal(chmod(path, 0), 0);
  if (geteuid() == 0) assert_int_equal(seteuid(65534), 0);
  int results[4];
  for (enum way way = BY_CHOICE; way <= BY_WALK; way++) {
    results[2 * way] = open_by(tree, way, "closed");
    results[2 * way + 1] = open_by(tree, way, "shut/x");
  }
  if (getuid() == 0) assert_int_equal(seteuid(0), 0);
  assert_int_equal(chmod(path, 0755), 0);
  for (int i = 0; i < 4; i++)
    assert_int_equal(results[i], WSL_DENIED);
}

/* Names and paths past the limits, and more links than any system follows. */
static void too_long_is_not_found(void **state) {
  struct tree *tree = *state;
  char name[300], path[PATH_MAX + 16], links[16] = "file";
  memset(name, 'x', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  memset(path, '/', sizeof path - 1);
  memcpy(path, "sub", 3);
  path[sizeof path - 1] = '\0';
  for (int i = 0; i < 45; i++) {
    char next[16], place[32];
    snprintf(next, sizeof next, "link%d", i);
    snprintf(place, sizeof place, "root/%s", next);
    put_link(tree, place, links);
    memcpy(links, next, sizeof next);
  }
  for (enum way way = BY_CHOICE; way <= BY_WALK; way++) {
    assert_int_equal(open_by(tree, way, name), WSL_NOT_FOUND);
    assert_int_equal(open_by(tree, way, path), WSL_NOT_FOUND);
    assert_int_equal(open_by(tree, way, "link44"), WSL_NOT_FOUND);
    int fd = open_by(tree, way, "link30");
    assert_true(fd >= 0);
    close(fd);
  }
}

/* No descriptor may be left behind, on success or failure: the next free number stays the same. */
static void nothing_leaks(void **state) {
  struct tree *tree = *state;
  int before = dup(0);
  close(before);
  open_paths(tree, BY_CHOICE);
  open_paths(tree, BY_WALK);
  int after = dup(0);
  close(after);
  assert_int_equal(before, after);
}

/* What an option names may lie anywhere; only waiting on it is not allowed. */
static void named_paths_are_followed(void **state) {
  static const struct {
    const char *name, *found; /* NULL: not found */
  } rows[] = {
      {"secret", "secret"},         {"root/to-file", "root/file"}, {"root/out", "secret"},
      {"root/sub/..", A_DIRECTORY}, {"root/abs-out", "secret"},    {"root/none", NULL},
      {"root/dangling", NULL},      {"root/loop", NULL},           {"root/socket", NULL},
      {"root/file/below", NULL},
  };
  struct tree *tree = *state;
  char path[PATH_MAX], found[64];
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    path_in(tree, rows[i].name, path);
    int fd = privileged_open_named(path);
    if (rows[i].found == NULL) {
      if (fd != WSL_NOT_FOUND) fail_msg("%s: %d", rows[i].name, fd);
      continue;
    }
    if (fd < 0) fail_msg("%s: %s", rows[i].name, error_text(fd));
    describe(fd, found);
    close(fd);
    assert_string_equal(found, rows[i].found);
  }
  struct stat status;
  path_in(tree, "root/fifo", path);
  int fd = privileged_open_named(path);
  assert_true(fd >= 0 && fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode));
  close(fd);
}

static struct address literal(const char *host, uint16_t port) {
  struct address address;
  assert_true(address_parse_literal(host, port, &address));
  return address;
}

static struct address bound_to(int fd) {
  struct address address = {.len = sizeof address.storage};
  assert_int_equal(getsockname(fd, (struct sockaddr *)&address.storage, &address.len), 0);
  return address;
}

static void alone_is_alone(void **state) {
  (void)state;
  struct address any = literal("127.0.0.1", 0);
  int fd = privileged_listen(&any, false, LISTEN_ALONE, &socket_tuning_default, 16);
  assert_true(fd >= 0);
  struct address same = bound_to(fd);
  assert_int_equal(privileged_listen(&same, false, LISTEN_ALONE, &socket_tuning_default, 16), WSL_IN_USE);
  assert_int_equal(privileged_listen(&same, false, LISTEN_OTHER, &socket_tuning_default, 16), WSL_IN_USE);
  assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  close(fd);
  fd = privileged_listen(&same, false, LISTEN_ALONE, &socket_tuning_default, 16); /* free again at once */
  assert_true(fd >= 0);
  close(fd);
}

static void others_join_the_first(void **state) {
  (void)state;
  struct address any = literal("127.0.0.1", 0);
  int first = privileged_listen(&any, false, LISTEN_FIRST, &socket_tuning_default, 16);
  assert_true(first >= 0);
  struct address same = bound_to(first);
  int second = privileged_listen(&same, false, LISTEN_OTHER, &socket_tuning_default, 16);
  int third = privileged_listen(&same, false, LISTEN_OTHER, &socket_tuning_default, 16);
  assert_true(second >= 0 && third >= 0);
  /* What a second instance of the program does. */
  assert_int_equal(privileged_listen(&same, false, LISTEN_FIRST, &socket_tuning_default, 16), WSL_IN_USE);
  assert_int_equal(privileged_listen(&same, false, LISTEN_ALONE, &socket_tuning_default, 16), WSL_IN_USE);
  close(first);
  close(second);
  close(third);
}

static void dual_stack_is_explicit(void **state) {
  (void)state;
  struct address any = literal("::", 0);
  for (int dual_stack = 0; dual_stack <= 1; dual_stack++) {
    int fd = privileged_listen(&any, dual_stack != 0, LISTEN_ALONE, &socket_tuning_default, 16);
    if (fd == WSL_UNSUPPORTED || fd == WSL_NO_ADDRESS) skip(); /* no IPv6 here */
    assert_true(fd >= 0);
    struct address bound = bound_to(fd);
    struct address v4 = literal("127.0.0.1", address_port(&bound));
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = connect(client, (struct sockaddr *)&v4.storage, v4.len);
    assert_int_equal(result, dual_stack != 0 ? 0 : -1);
    close(client);
    close(fd);
  }
}

static void a_foreign_address_is_told_from_want_of_ports(void **state) {
  (void)state;
  struct address foreign = literal("192.0.2.1", 0);
  assert_int_equal(privileged_listen(&foreign, false, LISTEN_ALONE, &socket_tuning_default, 16),
                   WSL_NO_ADDRESS);
}

#define TREE_TEST(test) cmocka_unit_test_setup_teardown(test, plant, fell)

int main(void) {
  const struct CMUnitTest tests[] = {
      TREE_TEST(paths_stay_beneath_by_choice),
      TREE_TEST(paths_stay_beneath_by_walk),
      TREE_TEST(the_kernel_confines_by_itself),
      TREE_TEST(a_device_in_the_root_is_not_opened),
      TREE_TEST(what_the_mode_forbids_is_denied),
      TREE_TEST(too_long_is_not_found),
      TREE_TEST(nothing_leaks),
      TREE_TEST(named_paths_are_followed),
      cmocka_unit_test(alone_is_alone),
      cmocka_unit_test(others_join_the_first),
      cmocka_unit_test(dual_stack_is_explicit),
      cmocka_unit_test(a_foreign_address_is_told_from_want_of_ports),
  };
  return cmocka_run_group_tests_name("net/privileged", tests, NULL, NULL);
}
