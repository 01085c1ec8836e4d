/* See app/daemon.h. */
#include "app/daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/start_message.h"
#include "core/error.h"

#define READY 'r'

/* ---- the parent ---- */

/* A child that exits has said why on standard error; one that was killed could not. */
static int status_of(pid_t child) {
  int status;
  pid_t ended;
  do {
    ended = waitpid(child, &status, 0);
  } while (ended < 0 && errno == EINTR);
  if (ended < 0) return EXIT_FAILURE; /* whoever started us ignores SIGCHLD: there is no status */
  if (WIFEXITED(status)) return WEXITSTATUS(status) != EXIT_SUCCESS ? WEXITSTATUS(status) : EXIT_FAILURE;
  start_message("the process in the background was killed before it could serve: %s",
                strsignal(WTERMSIG(status)));
  return EXIT_FAILURE;
}

static int wait_until_ready(pid_t child, int fd) {
  char word;
  ssize_t got;
  do {
    got = read(fd, &word, 1);
  } while (got < 0 && errno == EINTR);
  return got == 1 && word == READY ? EXIT_SUCCESS : status_of(child);
}

/* ---- the child ---- */

/* A script waits for the end of a pipe or a lock that it handed down unawares. What is open is looked up: a
 * loop up to RLIMIT_NOFILE takes minutes where that is a billion (containers). Without /proc they stay. */
static void close_inherited(int ready_fd, const int *keep, size_t keep_count) {
  DIR *directory = opendir("/proc/self/fd");
  if (directory == NULL) return;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    int fd = atoi(entry->d_name); /* "." and "..": 0 */
    bool kept = fd <= STDERR_FILENO || fd == ready_fd || fd == dirfd(directory);
    for (size_t i = 0; i < keep_count; i++)
      kept |= fd == keep[i];
    if (!kept) close(fd);
  }
  closedir(directory);
}

int daemon_fork(struct daemon *daemon, const int *keep, size_t keep_count) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return WSL_IO;
  pid_t child = fork();
  if (child < 0) {
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    errno = error;
    return WSL_IO;
  }
  if (child > 0) {
    close(ends[1]);
    _exit(wait_until_ready(child, ends[0]));
  }
  (void)setsid(); /* can't fail: a fork's child leads no group */
  close_inherited(ends[1], keep, keep_count);
  daemon->ready_fd = ends[1];
  return WSL_OK;
}

static void let_streams_go(void) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return;
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    (void)dup2(null, fd);
  close(null);
}

int daemon_ready(struct daemon *daemon) {
  if (daemon->ready_fd < 0) return WSL_OK;
  let_streams_go(); /* first: when the parent has gone, whoever reads what it wrote sees the end */
  ssize_t written = write(daemon->ready_fd, &(char){READY}, 1);
  close(daemon->ready_fd);
  daemon->ready_fd = -1;
  return written == 1 ? WSL_OK : WSL_CANCELLED;
}
