/* See net/program/launch.h. */
#include "net/program/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* "/dev/pts/" and a number. */
#define TERMINAL_NAME_MAX 64

/* The program's ends, closed when it has them. */
struct far_ends {
  int descriptors[3];
};

static void close_one(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

void program_launch_close(struct program_launch *launch) {
  if (launch->input == launch->output) launch->input = -1;
  close_one(&launch->output);
  close_one(&launch->input);
  close_one(&launch->errors);
}

static int failed(struct program_launch *launch, const char *step) {
  launch->failure = (struct child_failure){errno, step};
  return error_from_errno(errno);
}

/* ---- pipes ---- */

/* Each end of a pipe has a mode of its own: the program's stays blocking, as programs expect. */
static int make_pipe(int *reader, int *writer, int *ours) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  *reader = ends[0];
  *writer = ends[1];
  return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static int make_pipes(struct program_launch *launch, struct far_ends *far) {
  if (make_pipe(&far->descriptors[0], &launch->input, &launch->input) != 0 ||
      make_pipe(&launch->output, &far->descriptors[1], &launch->output) != 0 ||
      make_pipe(&launch->errors, &far->descriptors[2], &launch->errors) != 0)
    return failed(launch, "can't have pipes");
  return WSL_OK;
}

/* ---- a terminal ---- */

/* What comes is UTF-8: so that the terminal's own line editing erases characters and not bytes. */
static void set_up_terminal(int slave, struct terminal_size size) {
  struct termios modes;
  struct winsize window = {.ws_row = size.rows, .ws_col = size.columns};
  (void)ioctl(slave, TIOCSWINSZ, &window);
  if (tcgetattr(slave, &modes) != 0) return;
#if defined(IUTF8)
  modes.c_iflag |= IUTF8;
#endif
  (void)tcsetattr(slave, TCSANOW, &modes);
}

static int make_terminal(struct program_launch *launch, struct terminal_size size, struct far_ends *far) {
  char name[TERMINAL_NAME_MAX];
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (master < 0) return failed(launch, "can't get a terminal");
  launch->output = launch->input = master;
  if (grantpt(master) != 0 || unlockpt(master) != 0 || ptsname_r(master, name, sizeof(name)) != 0)
    return failed(launch, "can't get a terminal");
  int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave < 0) return failed(launch, "can't get a terminal");
  far->descriptors[0] = far->descriptors[1] = far->descriptors[2] = slave;
  set_up_terminal(slave, size);
  return WSL_OK;
}

/* ---- both ---- */

static int spawn(const struct program_settings *settings, const char *const *environment,
                 const struct far_ends *far, struct program_launch *launch) {
  struct child_request request = {
      .path = settings->path,
      .argv = settings->argv,
      .envp = environment,
      .directory = settings->directory,
      .descriptors = {far->descriptors[0], far->descriptors[1], far->descriptors[2]},
      .place = settings->streams == PROGRAM_ON_TERMINAL ? CHILD_ON_TERMINAL : CHILD_IN_GROUP,
      .orphan_signal = SIGHUP, /* the thread pool's threads end with us */
  };
  return child_spawn(&request, &launch->pid, &launch->failure);
}

static void close_far_ends(struct far_ends *far, enum program_streams streams) {
  if (streams == PROGRAM_ON_TERMINAL) far->descriptors[1] = far->descriptors[2] = -1;
  for (int i = 0; i < 3; i++)
    close_one(&far->descriptors[i]);
}

int program_launch(const struct program_settings *settings, const char *const *environment,
                   struct terminal_size size, struct program_launch *launch) {
  struct far_ends far = {{-1, -1, -1}};
  *launch = (struct program_launch){.output = -1, .input = -1, .errors = -1};
  int error =
      settings->streams == PROGRAM_ON_TERMINAL ? make_terminal(launch, size, &far) : make_pipes(launch, &far);
  if (error == WSL_OK) error = spawn(settings, environment, &far, launch);
  close_far_ends(&far, settings->streams);
  if (error != WSL_OK) program_launch_close(launch);
  return error;
}
