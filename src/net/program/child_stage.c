/* See net/program/child_stage.h.
 *
 *   child_spawn():  pipe -> signals blocked -> vfork --> signals back -> read: nothing = it runs, else why
 * not
 *                                                 \-> become(): group, streams, directory, limits -> execve
 *
 * The pipe's end is close-on-exec: that it closes without a word is the news of success, wherever the
 * memory is not really shared as well (sanitizers and emulators make a fork of a vfork).
 */
#include "net/program/child_stage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "core/signal_mask.h"

#define STANDARD_STREAMS 3
#define REPORT_FD        STANDARD_STREAMS /* the first behind them */
#define SEARCH_DEFAULT   "/usr/local/bin:/usr/bin:/bin"

/* Ours may have been raised since. Written once, before there are threads. */
static struct {
  bool known;
  struct rlimit descriptors;
  mode_t file_mode_mask;
} remembered;

/* ---- at our start ---- */

/* A kernel without close_range() leaves a program whatever is not marked; and what is open is looked up,
 * since a loop to a limit of a billion takes minutes. Without /proc there is close_range(), or nothing. */
static void mark_inherited(void) {
  DIR *directory = opendir("/proc/self/fd");
  if (directory == NULL) return;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    long fd = strtol(entry->d_name, NULL, 10); /* "." and "..": 0 */
    if (fd >= STANDARD_STREAMS) (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
  }
  closedir(directory);
}

void child_stage_remember(void) {
  remembered.known = getrlimit(RLIMIT_NOFILE, &remembered.descriptors) == 0;
  remembered.file_mode_mask = umask(0);
  (void)umask(remembered.file_mode_mask);
  (void)signal(SIGCHLD, SIG_DFL);
  mark_inherited();
}

/* ---- which file ---- */

/* 0, or what keeps the file from being run. Directories may be "executed" too: they are searched. */
static int look_at(const char *path) {
  struct stat about;
  if (stat(path, &about) != 0) return error_from_errno(errno);
  if (!S_ISREG(about.st_mode)) return WSL_DENIED;
  return access(path, X_OK) == 0 ? WSL_OK : WSL_DENIED;
}

/* The program as seen from the working directory, which may change later (-D). */
static int find_here(const char *program, char *path, size_t cap) {
  char here[PATH_MAX] = "";
  bool relative = program[0] != '/';
  if (relative && getcwd(here, sizeof(here)) == NULL) return error_from_errno(errno);
  int len = snprintf(path, cap, "%s%s%s", here, relative ? "/" : "", program);
  if (len < 0 || (size_t)len >= cap) return WSL_INVALID;
  return look_at(path);
}

int child_find(const char *program, const char *search, char *path, size_t cap) {
  if (strchr(program, '/') != NULL) return find_here(program, path, cap);
  if (search == NULL) search = SEARCH_DEFAULT;
  int error = WSL_NOT_FOUND;
  while (program[0] != '\0') {
    size_t len = strcspn(search, ":");
    char candidate[PATH_MAX];
    int wanted =
        snprintf(candidate, sizeof(candidate), "%.*s%s%s", (int)len, search, len > 0 ? "/" : "./", program);
    int found =
        wanted < 0 || (size_t)wanted >= sizeof(candidate) ? WSL_NOT_FOUND : find_here(candidate, path, cap);
    if (found == WSL_OK || found == WSL_INVALID) return found;
    if (found == WSL_DENIED) error = WSL_DENIED; /* as execvp() has it: another may still be run */
    if (search[len] == '\0') break;
    search += len + 1;
  }
  return error;
}

/* ---- the new process: system calls only ---- */

/* What was worked out before, since there is no room for surprises behind the vfork. */
struct stage {
  const struct child_request *request;
  sigset_t not_default; /* ignored by us, which execve() leaves, or with a handler of ours */
  int report_fd;
  pid_t parent;
};

static _Noreturn void report(const struct stage *stage, const char *step) {
  struct child_failure failure = {errno, step}; /* the text's address is ours as well as the parent's */
  ssize_t written = write(stage->report_fd, &failure, sizeof(failure));
  (void)written; /* nothing is left to be done about it */
  _exit(127);    /* as shells say that a command can't be run */
}

static void take_place(const struct stage *stage) {
  if (stage->request->place == CHILD_IN_GROUP) {
    if (setpgid(0, 0) != 0) report(stage, "can't create a process group");
    return;
  }
  if (setsid() < 0) report(stage, "can't create a session");
}

/* Each stream first goes where none of the places is, since one may stand in another's place. */
static int take_streams(const struct stage *stage) {
  int moved[STANDARD_STREAMS];
  int report_fd = fcntl(stage->report_fd, F_DUPFD_CLOEXEC, REPORT_FD + 1);
  if (report_fd < 0) return -1;
  for (int i = 0; i < STANDARD_STREAMS; i++) {
    moved[i] = fcntl(stage->request->descriptors[i], F_DUPFD_CLOEXEC, REPORT_FD + 1);
    if (moved[i] < 0) return -1;
  }
  for (int i = 0; i < STANDARD_STREAMS; i++) {
    if (dup2(moved[i], i) < 0) return -1;
  }
  return dup3(report_fd, REPORT_FD, O_CLOEXEC);
}

/* Whoever forgot O_CLOEXEC, a library or our starter: not for the program. */
static void close_others(void) {
#if defined(SYS_close_range)
  (void)syscall(SYS_close_range, REPORT_FD + 1u, ~0u, 0u); /* older kernels: see mark_inherited() */
#endif
}

static void take_terminal(const struct stage *stage) {
  if (stage->request->place != CHILD_ON_TERMINAL) return;
  if (ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0) report(stage, "can't set its terminal");
}

/* Before the mask is lifted: a signal that comes between it and execve() (a stop of the whole cgroup) would
 * run our handler here, on memory that is our parent's. */
static void take_defaults(const struct stage *stage) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (int signum = 1; signum < NSIG; signum++) {
    if (sigismember(&stage->not_default, signum) == 1) (void)sigaction(signum, &action, NULL);
  }
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  if (!remembered.known) return;
  (void)umask(remembered.file_mode_mask);
  if (setrlimit(RLIMIT_NOFILE, &remembered.descriptors) != 0) report(stage, "can't set its descriptor limit");
}

/* Behind the mask, which would hold the signal back. Whoever was our parent may have gone before the kernel
 * was asked: then nobody tells. */
static void end_with_parent(const struct stage *stage) {
#if defined(__linux__)
  int signum = stage->request->orphan_signal;
  if (signum == 0) return;
  (void)prctl(PR_SET_PDEATHSIG, signum);
  if (getppid() != stage->parent) (void)kill(getpid(), signum);
#else
  (void)stage;
#endif
}

static _Noreturn void become(struct stage *stage) {
  const struct child_request *request = stage->request;
  take_place(stage);
  int report_fd = take_streams(stage);
  if (report_fd < 0) report(stage, "can't set up its standard streams");
  stage->report_fd = report_fd;
  close_others();
  take_terminal(stage);
  if (request->directory != NULL && chdir(request->directory) != 0)
    report(stage, "can't enter its directory");
  take_defaults(stage);
  end_with_parent(stage);
  /* execve() has no const for historical reasons only. */
  (void)execve(request->path, (char *const *)(uintptr_t)request->argv,
               (char *const *)(uintptr_t)request->envp);
  report(stage, "can't be run");
}

/* ---- ours ---- */

/* A function of its own: the process that shares our stack must not touch a variable of anybody's. Not
 * posix_spawn(), which knows neither terminals nor limits; not fork(), which copies the page tables of all
 * that we hold and may fail for want of memory that nobody would use. */
static __attribute__((noinline)) pid_t start(struct stage *stage) {
  pid_t pid = vfork(); /* NOLINT(*vfork,bugprone-unsafe-functions): so that it can't be misused, see above */
  if (pid == 0) become(stage); /* NOLINT(*Vfork) */
  return pid;
}

static void note_not_default(sigset_t *signals) {
  sigemptyset(signals);
  for (int signum = 1; signum < NSIG; signum++) {
    struct sigaction action;
    if (sigaction(signum, NULL, &action) == 0 && action.sa_handler != SIG_DFL) sigaddset(signals, signum);
  }
}

/* A handler of ours that ran in the new process would run on the memory of both. */
static pid_t start_undisturbed(struct stage *stage) {
  sigset_t before = signals_block_all();
  pid_t pid = start(stage);
  int system_errno = errno;
  signals_restore(&before);
  errno = system_errno;
  return pid;
}

/* What the process has to say, if it has not become the program. */
static bool has_failed(int fd, struct child_failure *failure) {
  ssize_t got;
  do {
    got = read(fd, failure, sizeof(*failure));
  } while (got < 0 && errno == EINTR);
  return got == (ssize_t)sizeof(*failure);
}

static int failed(struct child_failure *failure, int system_errno, const char *step) {
  *failure = (struct child_failure){system_errno, step};
  return error_from_errno(system_errno);
}

static void bury(pid_t pid) {
  siginfo_t info;
  while (waitid(P_PID, (id_t)pid, &info, WEXITED) != 0 && errno == EINTR) {
  }
}

int child_spawn(const struct child_request *request, pid_t *pid, struct child_failure *failure) {
  struct stage stage = {.request = request, .parent = getpid()};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failed(failure, errno, "can't be started");
  stage.report_fd = ends[1];
  note_not_default(&stage.not_default);
  pid_t child = start_undisturbed(&stage);
  int system_errno = errno;
  close(ends[1]);
  int error = WSL_OK;
  if (child < 0) {
    error = failed(failure, system_errno, "can't be started");
  } else if (has_failed(ends[0], failure)) {
    bury(child);
    error = error_from_errno(failure->system_errno);
  }
  close(ends[0]);
  *pid = child;
  return error;
}

/* What the system's word leaves open. */
static const char *hint(const struct child_failure *failure) {
  switch (failure->system_errno) {
    case ENOENT:
      return " (if the file is there: the interpreter that its first line names, or its loader, is not)";
    case ENOEXEC:
      return " (a script needs a first line such as #!/bin/sh)";
    case EAGAIN:
      return " (RLIMIT_NPROC, or the cgroup's pids.max)";
    default:
      return "";
  }
}

const char *child_failure_text(const struct child_failure *failure, char *out, size_t cap) {
  snprintf(out, cap, "%s: %s%s", failure->step, strerror(failure->system_errno), hint(failure));
  return out;
}
