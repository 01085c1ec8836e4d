/* Beneath a directory by walking (beneath.h): one component at a time, never letting the kernel follow
 * a link.
 *
 *   done:  the real directories from the root to `cur`, "a/b"    (no links, no "..")
 *   rest:  what is still to be resolved, "c/../link/file"
 *
 * Since `done` holds no links, ".." takes its last name off, and above the root there is nothing: that
 * path is refused. A link's target is put before `rest`. Every open says O_NOFOLLOW, so a component
 * that becomes a link between the look and the open is an error, not an escape.
 */
#include "net/beneath.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As many as Linux follows in one path. */
#define LINKS_MAX 40

/* Only a way to what lies beneath; needs no permission to read the directory where there is such a flag. */
#if defined(O_PATH)
#define OPEN_WAY (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#else
#define OPEN_WAY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#endif
#define OPEN_FILE (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

struct walk {
  int root_fd;
  const char *root_path;
  int cur; /* descriptor of `done`; root_fd itself while `done` is empty */
  int links;
  char done[PATH_MAX];
  char rest[PATH_MAX];
};

static int open_retrying(int dir_fd, const char *name, int flags) {
  int fd;
  do {
    fd = openat(dir_fd, name, flags);
  } while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

static void move_to(struct walk *walk, int fd) {
  if (walk->cur != walk->root_fd) close(walk->cur);
  walk->cur = fd;
}

static void restart_at_root(struct walk *walk) {
  move_to(walk, walk->root_fd);
  walk->done[0] = '\0';
}

/* Goes down into the directory `name` of `cur`. */
static int descend(struct walk *walk, const char *name) {
  size_t len = strlen(walk->done);
  int written = snprintf(walk->done + len, sizeof walk->done - len, "%s%s", len > 0 ? "/" : "", name);
  if (written < 0 || (size_t)written >= sizeof walk->done - len) return -ENAMETOOLONG;
  int fd = open_retrying(walk->cur, name, OPEN_WAY);
  if (fd < 0) return fd;
  move_to(walk, fd);
  return 0;
}

/* "..": from the root down again along the names that are left, since a descriptor's own ".." may by
 * now lie outside (somebody moved the directory). */
static int ascend(struct walk *walk) {
  if (walk->done[0] == '\0') return -EXDEV;
  char names[PATH_MAX];
  memcpy(names, walk->done, sizeof names);
  char *last = strrchr(names, '/');
  if (last == NULL) last = names;
  *last = '\0';
  restart_at_root(walk);
  char *save = NULL;
  for (char *name = strtok_r(names, "/", &save); name != NULL; name = strtok_r(NULL, "/", &save)) {
    int error = descend(walk, name);
    if (error != 0) return error;
  }
  return 0;
}

/* The part of an absolute link's target beneath the root, or NULL when it points elsewhere. The target
 * may name the root in another way (through other links), so the system resolves it; nothing is opened
 * by that, and what comes back is walked like any path. */
static const char *inside_root(const struct walk *walk, const char *target, char resolved[PATH_MAX]) {
  if (realpath(target, resolved) == NULL) return NULL;
  size_t len = strlen(walk->root_path);
  while (len > 0 && walk->root_path[len - 1] == '/')
    len--;
  if (strncmp(resolved, walk->root_path, len) != 0) return NULL;
  if (resolved[len] != '\0' && resolved[len] != '/') return NULL;
  return resolved + len;
}

/* Puts the link's target before what is still to be resolved. */
static int follow(struct walk *walk, const char *target) {
  if (++walk->links > LINKS_MAX) return -ELOOP;
  char resolved[PATH_MAX], joined[PATH_MAX];
  if (*target == '/') {
    target = inside_root(walk, target, resolved);
    if (target == NULL) return -EXDEV;
    restart_at_root(walk);
  }
  int written =
      snprintf(joined, sizeof joined, "%s%s%s", target, walk->rest[0] != '\0' ? "/" : "", walk->rest);
  if (written < 0 || (size_t)written >= sizeof joined) return -ENAMETOOLONG;
  memcpy(walk->rest, joined, sizeof joined);
  return 0;
}

/* Takes the next name off `rest`; false when there is none. What is left keeps one slash when slashes
 * followed ("file/" asks for a directory). */
static bool next_name(struct walk *walk, char name[PATH_MAX]) {
  const char *start = walk->rest + strspn(walk->rest, "/");
  size_t len = strcspn(start, "/");
  memcpy(name, start, len);
  name[len] = '\0';
  memmove(walk->rest, start + len, strlen(start + len) + 1);
  return len > 0;
}

static int open_last(struct walk *walk, const char *name) {
  struct stat status;
  if (fstatat(walk->cur, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return -errno;
  if (!beneath_openable(status.st_mode)) return -ENOENT;
  int fd = open_retrying(walk->cur, name, OPEN_FILE);
  return fd < 0 ? fd : beneath_checked(fd);
}

/* One component: 0 to go on, or the outcome (a descriptor or an error) in *outcome and 1. */
static int step(struct walk *walk, const char *name, int *outcome) {
  char target[PATH_MAX];
  *outcome = 0;
  if (strcmp(name, ".") == 0) return 0;
  if (strcmp(name, "..") == 0) {
    *outcome = ascend(walk);
    return *outcome != 0;
  }
  ssize_t len = readlinkat(walk->cur, name, target, sizeof target - 1);
  if (len >= 0) {
    target[len] = '\0';
    *outcome = follow(walk, target);
  } else if (errno != EINVAL) {
    *outcome = -errno;
  } else if (walk->rest[0] == '\0') {
    *outcome = open_last(walk, name);
    return 1;
  } else {
    *outcome = descend(walk, name);
  }
  return *outcome != 0;
}

int beneath_open_walk(int dir_fd, const char *dir_path, const char *path) {
  if (*path == '/') return -EXDEV;
  struct walk walk = {.root_fd = dir_fd, .root_path = dir_path, .cur = dir_fd};
  if (strlen(path) >= sizeof walk.rest) return -ENAMETOOLONG;
  memcpy(walk.rest, path, strlen(path) + 1);
  char name[PATH_MAX];
  int outcome, over = 0;
  while (!over && next_name(&walk, name))
    over = step(&walk, name, &outcome);
  if (!over) outcome = open_last(&walk, ".");
  move_to(&walk, dir_fd);
  return outcome;
}

int beneath_checked(int fd) {
  struct stat status;
  int error = fstat(fd, &status) != 0 ? -errno : 0;
  if (error == 0 && beneath_openable(status.st_mode)) return fd;
  close(fd);
  return error != 0 ? error : -ENOENT;
}
