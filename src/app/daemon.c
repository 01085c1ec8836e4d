/* See app/daemon.h. */
#include "app/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"

#define READY 'r'

/* A child that ends without a word has said why on standard error; its status becomes ours. */
static void wait_and_exit(pid_t child, int fd) {
  char byte;
  ssize_t got;
  do {
    got = read(fd, &byte, 1);
  } while (got < 0 && errno == EINTR);
  if (got == 1 && byte == READY) _exit(EXIT_SUCCESS);
  int status;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  _exit(WIFEXITED(status) && WEXITSTATUS(status) != EXIT_SUCCESS ? WEXITSTATUS(status) : EXIT_FAILURE);
}

int daemon_fork(struct daemon *daemon) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return WSL_IO;
  pid_t child = fork();
  if (child > 0) {
    close(ends[1]);
    wait_and_exit(child, ends[0]);
  }
  close(ends[0]);
  if (child < 0) {
    close(ends[1]);
    return WSL_IO;
  }
  (void)setsid();
  daemon->ready_fd = ends[1];
  return WSL_OK;
}

void daemon_ready(struct daemon *daemon) {
  if (daemon->ready_fd < 0) return;
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
    (void)dup2(null, fd);
  if (null > STDERR_FILENO) close(null);
  (void)!write(daemon->ready_fd, &(char){READY}, 1);
  close(daemon->ready_fd);
  daemon->ready_fd = -1;
}
