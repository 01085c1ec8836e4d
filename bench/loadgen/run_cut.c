/* The moments at which all counters are read, and the figures between two of them (run_inner.h). */
#include <pthread.h>
#include <time.h>

#include "loadgen/run_inner.h"

#define NS_PER_S            UINT64_C(1000000000)
#define RATE_SLACK          0.01
#define RATE_SLACK_MESSAGES 10.0

static uint64_t clock_ns(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) return 0;
  return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t thread_cpu_ns(uv_thread_t thread) {
  clockid_t clock;
  return pthread_getcpuclockid(thread, &clock) == 0 ? clock_ns(clock) : 0;
}

uint64_t run_amount(const struct run *run) {
  uint64_t sent = 0;
  uint64_t received = 0;
  if (run->options->mode == MODE_CONNECT) return run->visits;
  if (run->options->mode == MODE_UP && run->has_backend)
    return atomic_load_explicit(&run->backend.received, memory_order_relaxed);
  for (size_t i = 0; i < run->started; i++) {
    sent += connection_payload_sent(&run->connections[i]);
    received += run->connections[i].payload_received;
  }
  switch (run->options->mode) {
    case MODE_UP:
      return sent;
    case MODE_BOTH:
      return sent + received;
    default:
      return received;
  }
}

void run_cut(struct run *run, struct cut *cut) {
  if (run->has_meter) (void)process_meter_scan(&run->meter); /* slow, so before the moment */
  cut->at_ns = uv_hrtime();
  uint64_t amount = run_amount(run);
  cut->bytes = run->options->mode == MODE_CONNECT ? 0 : amount;
  cut->visits = run->visits;
  cut->proxy_cpu_ns = run->has_meter ? process_meter_cpu_ns(&run->meter) : 0;
  cut->load_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  cut->client_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  cut->backend_cpu_ns = run->has_backend ? thread_cpu_ns(run->backend.thread) : 0;
}

static double seconds(uint64_t from_ns, uint64_t to_ns) {
  return to_ns > from_ns ? (double)(to_ns - from_ns) / (double)NS_PER_S : 0;
}

static void conclude_proxy(struct run *run, struct proxy_cost *proxy) {
  proxy->cpu_s = seconds(run->begin.proxy_cpu_ns, run->end.proxy_cpu_ns);
  proxy->rss_kb_before = run->rss_kb_before;
  proxy->rss_kb_after = process_meter_rss_kb(&run->meter);
  proxy->rss_kb_peak = run->meter.rss_kb_peak;
  proxy->processes = run->meter.count;
  proxy->threads = process_meter_threads(&run->meter);
}

/* Less than 99 %, and by more messages than may be under way at the two moments of the cuts. */
static bool rate_missed(const struct options *options, const struct measurement *measurement) {
  double asked = (double)options->rate * measurement->duration_s;
  double slack = RATE_SLACK * asked + (double)options->connections + RATE_SLACK_MESSAGES;
  return (double)measurement->messages + slack < asked;
}

void run_conclude(struct run *run) {
  struct measurement *measurement = run->measurement;
  const struct cut *begin = &run->begin;
  const struct cut *end = &run->end;
  measurement->measured = true;
  measurement->duration_s = seconds(begin->at_ns, end->at_ns);
  /* Whole messages, so that bytes and messages say the same. */
  measurement->messages = (end->bytes - begin->bytes) / run->options->size;
  measurement->bytes = measurement->messages * run->options->size;
  measurement->visits = end->visits - begin->visits;
  if (run->options->mode == MODE_CONNECT) measurement->messages = measurement->visits;
  measurement->rate_missed = rate_missed(run->options, measurement);
  measurement->has_proxy = run->has_meter;
  if (run->has_meter) conclude_proxy(run, &measurement->proxy);
  measurement->load.cpu_s = seconds(begin->load_cpu_ns, end->load_cpu_ns);
  measurement->load.client_cpu_s = seconds(begin->client_cpu_ns, end->client_cpu_ns);
  measurement->load.backend_cpu_s = seconds(begin->backend_cpu_ns, end->backend_cpu_ns);
}
