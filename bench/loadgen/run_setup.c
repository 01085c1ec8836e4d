/* All that a run needs, in order, and back again (run_setup.h). */
#include "loadgen/run_setup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/error.h"
#include "loadgen/run.h"

/* Descriptors besides the connections': standard ones, loops, listeners, /proc. */
#define DESCRIPTORS_ELSE 64u

static int fail(struct measurement *measurement, enum failure_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct measurement *measurement, enum failure_kind kind, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(measurement->failure, sizeof measurement->failure, format, arguments);
  va_end(arguments);
  measurement->failures[kind]++;
  return WSL_INVALID;
}

/* Raises the limit of descriptors as far as it goes and says so where that is too little. */
static int raise_limit(const struct options *options, struct measurement *measurement) {
  uint64_t each = options->backend_text != NULL ? 2 : 1;
  uint64_t wanted = options->connections * each + DESCRIPTORS_ELSE;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return WSL_OK;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur >= wanted) return WSL_OK;
  return fail(measurement, FAILURE_OTHER,
              "%llu connections need %llu descriptors here, and the limit is %llu (ulimit -Hn)%s",
              (unsigned long long)options->connections, (unsigned long long)wanted,
              (unsigned long long)limit.rlim_cur,
              each == 2 ? "; a backend of its own process (--serve) takes half of them" : "");
}

static int make_streams(struct run *run) {
  const struct options *options = run->options;
  enum outgoing_framing framing = OUTGOING_MASKED;
  if (options->url.scheme == URL_TCP)
    framing = OUTGOING_PLAIN;
  else if (options->frame_mask == FRAME_MASK_ZERO)
    framing = OUTGOING_ZERO_MASK;
  pattern_init(&run->pattern);
  int error = outgoing_init(&run->outgoing, &run->pattern, framing,
                            options->text ? WSL_OP_TEXT : WSL_OP_BINARY, (size_t)options->size);
  if (error != WSL_OK)
    return fail(run->measurement, FAILURE_OTHER, "cannot prepare messages: %s", error_text(error));
  size_t count = (size_t)options->connections;
  run->connections = calloc(count, sizeof *run->connections);
  run->stamps = calloc(count * (size_t)options->window, sizeof *run->stamps);
  run->measurement->rates = calloc(MEASUREMENT_SECONDS_MAX, sizeof *run->measurement->rates);
  if (run->connections == NULL || run->stamps == NULL || run->measurement->rates == NULL)
    return fail(run->measurement, FAILURE_OTHER, "no memory for %zu connections", count);
  for (size_t i = 0; i < count; i++)
    run->connections[i].stamps = run->stamps + i * options->window;
  return WSL_OK;
}

static int make_handshake(struct run *run) {
  const struct options *options = run->options;
  if (options->url.scheme == URL_TCP) return WSL_OK;
  struct handshake_wishes wishes = {.target = options->url.target,
                                    .authority = options->url.authority,
                                    .origin = options->origin,
                                    .subprotocol = options->subprotocol,
                                    .headers = options->headers.values,
                                    .headers_count = options->headers.count};
  int error = handshake_init(&run->handshake, &wishes);
  if (error == WSL_OK) return WSL_OK;
  return fail(run->measurement, FAILURE_OTHER, "cannot make the request: %s",
              error == WSL_INVALID ? "it is longer than 64 KB" : error_text(error));
}

static int make_tls(struct run *run) {
  char why[CLIENT_FAILURE_MAX] = "";
  if (run->options->url.scheme != URL_WSS) return WSL_OK;
  struct tls_client_options wishes = {
      .trust = run->options->insecure ? TLS_TRUST_ANYBODY : TLS_TRUST_VERIFIED,
      .ca_path = run->options->ca_path};
  if (tls_context_new_client(&run->tls_context, &wishes, why, sizeof why) == WSL_OK) return WSL_OK;
  return fail(run->measurement, FAILURE_OTHER, "TLS: %s", why);
}

static int start_backend(struct run *run) {
  char why[ENDPOINT_WHY_MAX];
  if (run->options->backend_text == NULL) return WSL_OK;
  struct backend_wishes wishes = {.kind = backend_kind_for(run->options->mode),
                                  .verify = !run->options->no_verify,
                                  .in_bulk = run_in_bulk(run),
                                  .write_len = (size_t)run->options->size};
  run->has_backend =
      backend_start(&run->backend, &run->options->backend, &wishes, &run->pattern, why) == WSL_OK;
  return run->has_backend ? WSL_OK : fail(run->measurement, FAILURE_OTHER, "--backend: %s", why);
}

static int start_meter(struct run *run) {
  char why[METER_WHY_MAX];
  if (run->options->pid_texts.count == 0) return WSL_OK;
  if (process_meter_init(&run->meter, run->options->pids, run->options->pid_texts.count, why) != WSL_OK)
    return fail(run->measurement, FAILURE_OTHER, "%s", why);
  run->has_meter = true;
  run->rss_kb_before = process_meter_rss_kb(&run->meter);
  return WSL_OK;
}

static void open_handles(struct run *run) {
  uv_loop_t *loop = &run->lane.loop;
  (void)uv_timer_init(loop, &run->phase_timer);
  (void)uv_timer_init(loop, &run->tick);
  (void)uv_timer_init(loop, &run->drain_timer);
  (void)uv_signal_init(loop, &run->interrupt);
  (void)uv_signal_init(loop, &run->terminate);
  run->phase_timer.data = run->tick.data = run->drain_timer.data = run;
  run->interrupt.data = run->terminate.data = run;
}

static void close_handles(struct run *run) {
  uv_close((uv_handle_t *)&run->phase_timer, NULL);
  uv_close((uv_handle_t *)&run->tick, NULL);
  uv_close((uv_handle_t *)&run->drain_timer, NULL);
  uv_close((uv_handle_t *)&run->interrupt, NULL);
  uv_close((uv_handle_t *)&run->terminate, NULL);
  pacer_close(&run->pacer);
}

static void make_client(struct run *run) {
  const struct options *options = run->options;
  run->client = (struct client){.lane = &run->lane,
                                .endpoint = &run->endpoint,
                                .sources = options->sources,
                                .sources_count = options->source_texts.count,
                                .tls = run->tls_context != NULL ? &run->tls : NULL,
                                .context = run->tls_context,
                                .host = options->url.host,
                                .handshake = options->url.scheme != URL_TCP ? &run->handshake : NULL,
                                .outgoing = &run->outgoing,
                                .pattern = &run->pattern,
                                .verify = !options->no_verify,
                                .connections = options->connections,
                                .events = options->mode == MODE_CONNECT ? &visit_events : &flow_events,
                                .run = run};
}

/* The loop and what hangs on it: last, for it is the dearest to take apart. */
static int open_lane(struct run *run) {
  int error = lane_open(&run->lane);
  if (error != WSL_OK) goto fail_quiet;
  offload_pool_init(&run->offload, &run->lane.loop);
  error = tls_domain_init(&run->tls, run->lane.poller, &run->offload.offload);
  if (error != WSL_OK) goto fail_lane;
  error = pacer_open(&run->pacer, &run->lane, schedule_pace, run);
  if (error != WSL_OK) goto fail_tls;
  open_handles(run);
  return WSL_OK;

fail_tls:
  tls_domain_destroy(&run->tls);
fail_lane:
  offload_pool_destroy(&run->offload);
  lane_close(&run->lane);
fail_quiet:
  return fail(run->measurement, FAILURE_OTHER, "cannot start: %s", error_text(error));
}

static int make_all(struct run *run) {
  char why[ENDPOINT_WHY_MAX];
  int error = raise_limit(run->options, run->measurement);
  if (error == WSL_OK) error = make_streams(run);
  if (error == WSL_OK) error = make_handshake(run);
  if (error == WSL_OK) error = make_tls(run);
  if (error == WSL_OK && endpoint_resolve(&run->endpoint, &run->options->url, why) != WSL_OK)
    error = fail(run->measurement, FAILURE_CONNECT, "%s", why);
  if (error == WSL_OK) error = start_meter(run);
  if (error == WSL_OK) error = start_backend(run);
  return error == WSL_OK ? open_lane(run) : error;
}

static void free_all(struct run *run) {
  if (run->has_backend) backend_stop(&run->backend);
  if (run->has_meter) process_meter_destroy(&run->meter);
  tls_context_drop(run->tls_context);
  handshake_destroy(&run->handshake);
  outgoing_destroy(&run->outgoing);
  free(run->stamps);
  free(run->connections);
  free(run);
}

struct run *run_setup(const struct options *options, struct measurement *measurement) {
  *measurement = (struct measurement){0};
  histogram_clear(&measurement->latency);
  histogram_clear(&measurement->lag);
  struct run *run = calloc(1, sizeof *run);
  if (run == NULL) {
    (void)fail(measurement, FAILURE_OTHER, "no memory");
    return NULL;
  }
  run->options = options;
  run->measurement = measurement;
  if (make_all(run) != WSL_OK) {
    free_all(run);
    return NULL;
  }
  make_client(run);
  return run;
}

void run_takedown(struct run *run) {
  for (size_t i = 0; i < run->started; i++)
    connection_drop(&run->connections[i]);
  close_handles(run);
  while (run->tls.open > 0) /* steps of handshakes may still be in the pool */
    lane_turn(&run->lane);
  tls_domain_destroy(&run->tls);
  lane_close(&run->lane);
  offload_pool_destroy(&run->offload);
  free_all(run);
}

void measurement_free(struct measurement *measurement) {
  free(measurement->rates);
  measurement->rates = NULL;
}
