/* wsluice: the program. Reads the command line, starts the log, the server (and the demo's service),
 * turns signals into the server's stop, and says with its exit status how it went: 0 stopped by a
 * signal, 1 could not start, 2 wrong usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "app/daemon.h"
#include "app/demo/demo.h"
#include "app/inherited.h"
#include "app/log_choice.h"
#include "app/loop_memory.h"
#include "app/option/options.h"
#include "app/option/secrets.h"
#include "app/option/sockets.h"
#include "app/orphans.h"
#include "app/pid_file.h"
#include "app/program_choice.h"
#include "app/start_message.h"
#include "app/start_warnings.h"
#include "app/tls_choices.h"
#include "app/versions.h"
#include "app/watch.h"
#include "app/wrap/wrap.h"
#include "core/error.h"
#include "core/log.h"
#include "core/signal_mask.h"
#include "net/program/child_stage.h"
#include "ops/log.h"
#include "server/server.h"

enum { EXIT_CANNOT_START = 1, EXIT_USAGE = 2 };

#define WHY_MAX 512

/* When the wrapped program has ended: for its last bytes to reach clients that are slow. */
#define LAST_WORDS_MS 10000u

static const int handled_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
#define SIGNALS_COUNT (sizeof handled_signals / sizeof handled_signals[0])

struct program {
  uv_loop_t loop;
  uv_signal_t signals[SIGNALS_COUNT];
  struct server *server;
  struct demo demo;
  struct tls_choices tls;
  struct program_choice choice;
  struct daemon daemon;
  struct pid_file pid_file;
  struct watch watch;
  struct inherited inherited;
  struct wrap wrap;
  struct orphans orphans; /* of programs for clients */
  int status;             /* to exit with */
  bool stopping;
};

/* Whoever asks again while the last lines of the log are written must not kill it instead. Blocked meanwhile
 * (other threads block them always), since closing the last handle of a signal gives it its default action
 * back for a moment. */
static void close_signals(struct program *program) {
  sigset_t before = signals_block_all();
  for (size_t i = 0; i < SIGNALS_COUNT; i++) {
    uv_close((uv_handle_t *)&program->signals[i], NULL);
    signal(handled_signals[i], SIG_IGN);
  }
  orphans_unwatch(&program->orphans);
  signals_restore(&before);
}

static void on_wrap_stopped(struct wrap *wrap, void *owner) {
  (void)wrap;
  close_signals(owner); /* the last handles of the main loop: uv_run returns */
}

/* Clients have been told before the program is: it may be what they talk to. */
static void on_stopped(struct server *server, void *owner) {
  (void)server;
  struct program *program = owner;
  wrap_stop(&program->wrap, on_wrap_stopped, program);
}

static void on_wrap_over(struct wrap *wrap, int status, void *owner) {
  (void)wrap;
  struct program *program = owner;
  if (program->stopping) return;
  program->stopping = true;
  program->status = status;
  log_event(LOG_INFO, 0, "stopping: the program has ended, exit status %d", status);
  server_finish(program->server, LAST_WORDS_MS);
}

static void stop(struct program *program, int signum) {
  if (program->stopping) {
    log_event(LOG_INFO, 0, "second signal (%s): ending all sessions now", strsignal(signum));
    wrap_kill(&program->wrap);
    server_cut(program->server);
    return;
  }
  program->stopping = true;
  log_event(LOG_INFO, 0, "stopping signal=\"%s\"", strsignal(signum));
  server_drain(program->server);
}

static void on_signal(uv_signal_t *handle, int signum) {
  struct program *program = handle->data;
  switch (signum) {
    case SIGHUP:
      log_event(LOG_INFO, 0,
                "SIGHUP: reading certificates and passwords, and reopening the log, as far as there are any");
      (void)log_writer_reopen();
      server_reload(program->server);
      break;
    case SIGUSR1:
      if (!log_writer_reopen()) log_event(LOG_INFO, 0, "SIGUSR1: no --log-file to reopen");
      break;
    default:
      stop(program, signum);
  }
}

static int watch_signals(struct program *program) {
  signal(SIGPIPE, SIG_IGN); /* a peer that has gone is an error of the write */
  for (size_t i = 0; i < SIGNALS_COUNT; i++) {
    uv_signal_init(&program->loop, &program->signals[i]);
    program->signals[i].data = program;
    if (uv_signal_start(&program->signals[i], on_signal, handled_signals[i]) != 0) return WSL_IO;
  }
  return WSL_OK;
}

/* Says why it can't go on; `refusal` is what the caller returns. */
static int refuse(int refusal, const char *why) {
  start_message("%s", why);
  return refusal;
}

static int start_server(struct program *program, struct options *options) {
  char why[WHY_MAX] = "";
  if (options->wrapped != NULL && wrap_prepare(&program->wrap, options, why, sizeof why) != WSL_OK)
    return refuse(WSL_INVALID, why);
  if (option_sockets_try(options, why, sizeof why) != WSL_OK) return refuse(WSL_UNSUPPORTED, why);
  if (watch_signals(program) != WSL_OK) return refuse(WSL_IO, "can't watch for signals");
  if (options->exec != NULL) orphans_watch(&program->orphans, &program->loop);
  int error =
      server_start(&program->server, &options->server, &program->loop, on_stopped, program, why, sizeof why);
  if (error == WSL_OK) return WSL_OK;
  close_signals(program);
  uv_run(&program->loop, UV_RUN_DEFAULT);
  return refuse(error, why);
}

/* It listens: tells whoever waits for that, by file and by the parent's end. */
static int come_forward(struct program *program) {
  char why[WHY_MAX];
  int error = pid_file_write(&program->pid_file, why, sizeof why);
  if (error != WSL_OK) {
    start_message("%s", why);
  } else {
    error = daemon_ready(&program->daemon);
    if (error != WSL_OK)
      log_event(LOG_ERROR, 0, "stopping: the start was interrupted, nobody waits for it any more");
  }
  if (error == WSL_OK) return WSL_OK;
  program->stopping = true;
  server_cut(program->server);
  return error;
}

/* The server listens: the program may ask for what it listens on. In the background it gets none of the
 * streams that whoever started us waits for the end of. */
static int start_wrapped(struct program *program, const struct options *options) {
  if (options->wrapped == NULL) return WSL_OK;
  char why[WHY_MAX] = "";
  int null = options->daemon ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
  for (int i = 0; null >= 0 && i < 3; i++)
    program->wrap.streams[i] = null;
  int error = wrap_start(&program->wrap, options, server_port(program->server), &program->loop, on_wrap_over,
                         program, why, sizeof why);
  if (error == WSL_OK) return WSL_OK;
  program->stopping = true;
  server_cut(program->server);
  return refuse(error, why);
}

/* The exit status. What it has begun run_with_log() stops, the server itself apart. */
static int serve(struct program *program, struct options *options, const char *self) {
  if (options->action == OPTIONS_DEMO && demo_start(&program->demo, &options->server) != WSL_OK)
    return EXIT_CANNOT_START;
  char why[WHY_MAX];
  if (watch_start(&program->watch, options, why, sizeof why) != WSL_OK) return refuse(EXIT_CANNOT_START, why);
  start_warnings_of_options(options, &program->tls);
  if (start_server(program, options) != WSL_OK) return EXIT_CANNOT_START;
  loop_memory_started();
  start_warnings_of_open_door(options);
  if (options->action == OPTIONS_DEMO)
    demo_invite(&program->demo, options->listen_host, server_port(program->server), self);
  if (start_wrapped(program, options) != WSL_OK || come_forward(program) != WSL_OK)
    program->status = EXIT_CANNOT_START;
  uv_run(&program->loop, UV_RUN_DEFAULT);
  server_free(program->server);
  return program->status;
}

/* Standard streams that the caller has closed: their numbers would go to the next descriptors opened,
 * the log into whatever those are, and libuv asserts at the end that it closes none of them. */
static void fill_standard_streams(void) {
  int fd;
  do {
    fd = open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) close(fd);
}

/* Buffers go back to the system when they are freed, instead of staying in the heap's free lists. */
static void give_buffers_back(void) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 64 * 1024); /* a setting of its own stops glibc from raising it */
#endif
}

/* The loop and the log exist while it serves; threads only from here on. To stop what never began is
 * harmless, so however far serve() has come, there is one way back. */
static int run_with_log(struct program *program, struct options *options, const char *self) {
  loop_memory_begin(EXIT_CANNOT_START);
  if (uv_loop_init(&program->loop) != 0)
    return refuse(EXIT_CANNOT_START, "not enough memory or descriptors to start");
  int status = EXIT_CANNOT_START;
  if (log_choice_start(options) == WSL_OK) {
    status = serve(program, options, self);
    demo_stop(&program->demo);
    wrap_free(&program->wrap);
    watch_stop(&program->watch);
    log_choice_stop();
  }
  uv_loop_close(&program->loop);
  return status;
}

static int take_inherited(struct program *program, struct options *options) {
  char why[WHY_MAX];
  enum inherited_from from = options->inetd ? INHERITED_FROM_INETD : INHERITED_FROM_SYSTEMD;
  int error = inherited_take(&program->inherited, from, why, sizeof why);
  if (program->inherited.streams_gone) log_choice_take_messages(options);
  if (error != WSL_OK) start_message("%s", why);
  inherited_fill(&program->inherited, &options->server);
  return error;
}

static int go_into_background(struct program *program) {
  int keep[INHERITED_MAX];
  for (size_t i = 0; i < program->inherited.count; i++)
    keep[i] = program->inherited.sockets[i].fd;
  if (daemon_fork(&program->daemon, keep, program->inherited.count) == WSL_OK) return WSL_OK;
  start_message("can't go into the background: %s", strerror(errno));
  return WSL_IO;
}

/* All that wants the command line, the caller's environment and folder, or no threads yet, in that order.
 * EXIT_SUCCESS: go on, perhaps as another process. */
static int prepare(struct program *program, struct options *options, char **argv) {
  const char *const *environment = (const char *const *)environ;
  char why[WHY_MAX];
  if (take_inherited(program, options) != WSL_OK) return EXIT_CANNOT_START;
  int error = tls_choices_make(&program->tls, options, why, sizeof why);
  option_secrets_hide(options, argv, environ);
  if (error != WSL_OK) return refuse(error == WSL_INVALID ? EXIT_USAGE : EXIT_CANNOT_START, why);
  if (program_choice_make(&program->choice, options, environment, why, sizeof why) != WSL_OK)
    return refuse(EXIT_CANNOT_START, why);
  if (options->daemon && go_into_background(program) != WSL_OK) return EXIT_CANNOT_START;
  if (pid_file_claim(&program->pid_file, options->pid_file, why, sizeof why) != WSL_OK)
    return refuse(EXIT_CANNOT_START, why);
  return EXIT_SUCCESS;
}

static int run(struct options *options, char **argv) {
  static struct program program = {.daemon = {.ready_fd = -1}, .pid_file = {.fd = -1}};
  int status = prepare(&program, options, argv);
  if (status == EXIT_SUCCESS) {
    give_buffers_back();
    status = run_with_log(&program, options, argv[0]);
  }
  pid_file_drop(&program.pid_file);
  program_choice_free(&program.choice);
  return status;
}

/* Whether what was asked for has left: not where it was to go to a file on a full disk. */
static int printed(void) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return EXIT_SUCCESS;
  start_message("can't write to standard output: %s", strerror(errno));
  return EXIT_CANNOT_START;
}

int main(int argc, char **argv) {
  static struct options options;
  char why[WHY_MAX];
  inherited_part_streams();
  inherited_check_variables();
  child_stage_remember();
  fill_standard_streams();
  start_message_name(program_name_of(argc > 0 ? argv[0] : NULL));
  if (options_parse(&options, argc, (const char *const *)argv, (const char *const *)environ, why,
                    sizeof why) != WSL_OK)
    return refuse(EXIT_USAGE, why);
  switch (options.action) {
    case OPTIONS_HELP:
      options_print_help(stdout, options.self);
      return printed();
    case OPTIONS_VERSION:
      versions_print(stdout);
      return printed();
    case OPTIONS_RUN:
    case OPTIONS_DEMO:
      break;
  }
  return run(&options, argv);
}
