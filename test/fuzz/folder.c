/* See folder.h. */
#include "fuzz/folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

#define WALK_FDS 8

static struct folder the_folder = {.fd = -1};
static pid_t maker; /* libFuzzer forks: only who made it removes it */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)status;
  (void)kind;
  (void)place;
  return remove(path);
}

static void remove_folder(void) {
  if (getpid() == maker) (void)nftw(the_folder.path, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
}

static void make_file(const char *name) {
  int fd = openat(the_folder.fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  fuzz_check(fd >= 0, "a file can be made");
  close(fd);
}

static void make_link(const char *target, const char *name) {
  fuzz_check(symlinkat(target, the_folder.fd, name) == 0, "a link can be made");
}

static void fill(void) {
  int fd = the_folder.fd;
  fuzz_check(mkdirat(fd, "d", 0700) == 0 && mkdirat(fd, "d/e", 0700) == 0, "folders can be made");
  make_file("a");
  make_file("index.html");
  make_file("d/b");
  make_file("d/e/c");
  make_link("a", "in");
  make_link("d/e", "deep");
  make_link("d/../a", "back");
  make_link(the_folder.path, "whole");
  make_link("/", "out");
  make_link("..", "up");
  make_link("../x", "beside");
  make_link("../../a", "d/e/climb");
  make_link("../../../a", "d/e/over");
  make_link("two", "one");
  make_link("three", "two");
  make_link("d/../four", "three");
  make_link("five", "four");
  make_link("six", "five");
  make_link("a", "six");
  make_link("loop", "loop");
  make_link("nothing", "gone");
  fuzz_check(mkfifoat(fd, "pipe", 0600) == 0, "a pipe can be made");
}

const struct folder *folder_with_links(void) {
  if (the_folder.fd >= 0) return &the_folder;
  const char *where = getenv("TMPDIR");
  char made[FOLDER_PATH_MAX];
  (void)snprintf(made, sizeof made, "%s/wsluice-fuzz-XXXXXX", where == NULL ? "/tmp" : where);
  fuzz_check(mkdtemp(made) != NULL && realpath(made, the_folder.path) != NULL, "a folder can be made");
  the_folder.fd = open(the_folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  fuzz_check(the_folder.fd >= 0, "the folder opens");
  maker = getpid();
  (void)atexit(remove_folder);
  fill();
  return &the_folder;
}
