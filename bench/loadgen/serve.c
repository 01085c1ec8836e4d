/* The backend as a program of its own (serve.h). */
#include "loadgen/serve.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "core/error.h"
#include "loadgen/backend.h"
#include "loadgen/report.h"

/* Blocked before the backend's thread starts, so that it inherits that: signals are this thread's to wait
 * for. */
static void block_signals(sigset_t *signals) {
  (void)sigemptyset(signals);
  (void)sigaddset(signals, SIGINT);
  (void)sigaddset(signals, SIGTERM);
  (void)pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static void raise_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void say_totals(const struct backend *backend) {
  char received[REPORT_NUMBER_MAX];
  char sent[REPORT_NUMBER_MAX];
  (void)printf("%llu connections, %s received, %s sent\n",
               (unsigned long long)atomic_load(&backend->accepted),
               report_size((double)atomic_load(&backend->received), received),
               report_size((double)atomic_load(&backend->sent), sent));
}

bool serve(const struct options *options) {
  static struct pattern pattern;
  static struct backend backend;
  char why[ENDPOINT_WHY_MAX];
  sigset_t signals;
  int number;
  struct backend_wishes wishes = {
      .kind = options->serve, .verify = !options->no_verify, .write_len = (size_t)options->size};
  raise_limit();
  block_signals(&signals);
  pattern_init(&pattern);
  if (backend_start(&backend, &options->backend, &wishes, &pattern, why) != WSL_OK) {
    (void)fprintf(stderr, "wsluice-bench: --backend: %s\n", why);
    return false;
  }
  (void)printf("serving: %s at %s\n", backend_kind_name(options->serve), options->backend_text);
  (void)fflush(stdout);
  (void)sigwait(&signals, &number);
  backend_stop(&backend);
  say_totals(&backend);
  if (!atomic_load(&backend.failed)) return true;
  (void)fprintf(stderr, "wsluice-bench: %s\n", backend.failure);
  return false;
}
