/* The figures as one JSON object (report.h). Durations in seconds, latencies in microseconds, sizes in bytes
 * or KB of 1024 bytes, GB of 10^9 bytes; what was not measured is null. */
#include <math.h>

#include "loadgen/report.h"

#define NS_PER_US    1e3
#define BYTES_PER_GB 1e9
#define US_PER_S     1e6

static void put_string(FILE *out, const char *text) {
  (void)fputc('"', out);
  for (; *text != '\0'; text++) {
    unsigned char byte = (unsigned char)*text;
    if (byte == '"' || byte == '\\')
      (void)fprintf(out, "\\%c", byte);
    else if (byte < ' ' || byte >= 0x7f) /* others' bytes need not be UTF-8 */
      (void)fprintf(out, "\\u%04x", byte);
    else
      (void)fputc(byte, out);
  }
  (void)fputc('"', out);
}

/* A quotient, or null where there is nothing to divide by. */
static void put_ratio(FILE *out, const char *name, double value, double by) {
  if (by > 0 && isfinite(value / by))
    (void)fprintf(out, "\"%s\":%.9g", name, value / by);
  else
    (void)fprintf(out, "\"%s\":null", name);
}

static unsigned long long whole(uint64_t value) {
  return (unsigned long long)value;
}

static void put_head(const struct options *options, const struct measurement *measurement, FILE *out) {
  (void)fputs("{\"tool\":\"wsluice-bench\",\"version\":", out);
  put_string(out, WSLUICE_VERSION);
  (void)fputs(",\"url\":", out);
  put_string(out, options->url_text);
  (void)fprintf(out, ",\"mode\":\"%s\",\"size\":%llu,\"connections\":%llu,\"rate\":%llu,\"window\":%llu,\n",
                mode_name(options->mode), whole(options->size), whole(options->connections),
                whole(options->rate), whole(options->window));
  (void)fprintf(out, " \"duration_s\":%.6f,\"interrupted\":%s,\"messages\":%llu,\"bytes\":%llu,",
                measurement->duration_s, measurement->interrupted ? "true" : "false",
                whole(measurement->messages), whole(measurement->bytes));
  put_ratio(out, "messages_per_s", (double)measurement->messages, measurement->duration_s);
  (void)fputc(',', out);
  put_ratio(out, "bytes_per_s", (double)measurement->bytes, measurement->duration_s);
}

static void put_proxy(const struct measurement *measurement, FILE *out) {
  const struct proxy_cost *proxy = &measurement->proxy;
  if (!measurement->has_proxy) {
    (void)fputs(",\n \"proxy\":null", out);
    return;
  }
  (void)fprintf(out, ",\n \"proxy\":{\"cpu_s\":%.6f,", proxy->cpu_s);
  put_ratio(out, "cpu_us_per_message", proxy->cpu_s * US_PER_S, (double)measurement->messages);
  (void)fputc(',', out);
  put_ratio(out, "cpu_s_per_gb", proxy->cpu_s * BYTES_PER_GB, (double)measurement->bytes);
  (void)fprintf(out,
                ",\"rss_kb_before\":%llu,\"rss_kb_after\":%llu,\"rss_kb_peak\":%llu,\"processes\":%llu,"
                "\"threads\":%llu}",
                whole(proxy->rss_kb_before), whole(proxy->rss_kb_after), whole(proxy->rss_kb_peak),
                whole(proxy->processes), whole(proxy->threads));
}

static void put_load(const struct measurement *measurement, FILE *out) {
  const struct load_cost *load = &measurement->load;
  (void)fprintf(out, ",\n \"load\":{\"cpu_s\":%.6f,\"client_cpu_s\":%.6f,\"backend_cpu_s\":%.6f,",
                load->cpu_s, load->client_cpu_s, load->backend_cpu_s);
  put_ratio(out, "of_proxy", load->cpu_s, measurement->has_proxy ? measurement->proxy.cpu_s : 0);
  (void)fputc('}', out);
}

/* How late the bench itself was: a run in which this is not far below the latencies says little. */
static void put_lag(const struct measurement *measurement, FILE *out) {
  const struct histogram *lag = &measurement->lag;
  if (lag->count == 0) {
    (void)fputs(",\n \"send_lag_us\":null", out);
    return;
  }
  (void)fprintf(out, ",\n \"send_lag_us\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}",
                (double)histogram_percentile(lag, 50) / NS_PER_US,
                (double)histogram_percentile(lag, 99) / NS_PER_US, (double)lag->max / NS_PER_US);
}

static void put_schedule(const struct options *options, const struct measurement *measurement, FILE *out) {
  if (options->rate == 0) {
    (void)fputs(",\n \"schedule\":null", out);
    return;
  }
  (void)fprintf(out, ",\n \"schedule\":{\"asked_per_s\":%llu,", whole(options->rate));
  put_ratio(out, "reached_per_s", (double)measurement->messages, measurement->duration_s);
  (void)fprintf(out, ",\"reached\":%s}", measurement->rate_missed ? "false" : "true");
}

static void put_latency(const struct options *options, const struct measurement *measurement, FILE *out) {
  static const struct {
    const char *name;
    double percentile;
  } shown[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p999", 99.9}};
  const struct histogram *latency = &measurement->latency;
  if (options->mode != MODE_ECHO && options->mode != MODE_CONNECT) {
    (void)fputs(",\n \"latency_us\":null", out);
    return;
  }
  uint64_t least = latency->count > 0 ? latency->min : 0;
  (void)fprintf(out, ",\n \"latency_us\":{\"count\":%llu,\"unanswered\":%llu,\"min\":%.3f,\"mean\":%.3f",
                whole(latency->count), whole(measurement->unanswered), (double)least / NS_PER_US,
                histogram_mean(latency) / NS_PER_US);
  for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
    (void)fprintf(out, ",\"%s\":%.3f", shown[i].name,
                  (double)histogram_percentile(latency, shown[i].percentile) / NS_PER_US);
  (void)fprintf(out, ",\"max\":%.3f}", (double)latency->max / NS_PER_US);
}

/* Of the whole run, its warm-up and its last visits included. */
static void put_ends(const struct options *options, const struct visit_ends *ends, FILE *out) {
  (void)fprintf(out,
                "\n  \"ends\":{\"close\":%llu,\"close_bare\":%llu,\"close_odd\":%llu,"
                "\"without_close\":%llu,\"reset\":%llu,"
                "\"left_open\":%llu},",
                whole(ends->close), whole(ends->close_bare), whole(ends->close_odd),
                whole(ends->without_close), whole(ends->reset), whole(ends->left_open));
  if (options->backend_text == NULL)
    (void)fputs("\"backend\":null", out);
  else
    (void)fprintf(out, "\"backend\":{\"accepted\":%llu,\"ended\":%llu,\"reset\":%llu}",
                  whole(ends->backend_accepted), whole(ends->backend_ended), whole(ends->backend_reset));
}

static void put_connects(const struct options *options, const struct measurement *measurement, FILE *out) {
  if (options->mode != MODE_CONNECT) {
    (void)fputs(",\n \"connects\":null", out);
    return;
  }
  (void)fprintf(out, ",\n \"connects\":{\"count\":%llu,", whole(measurement->visits));
  put_ratio(out, "per_s", (double)measurement->visits, measurement->duration_s);
  (void)fputc(',', out);
  put_ratio(out, "cpu_us_each", measurement->proxy.cpu_s * US_PER_S,
            measurement->has_proxy ? (double)measurement->visits : 0);
  (void)fprintf(out, ",\"messages_each\":%llu,", whole(options->messages));
  put_ends(options, &measurement->ends, out);
  (void)fputc('}', out);
}

static void put_idle(const struct options *options, const struct measurement *measurement, FILE *out) {
  if (options->mode != MODE_IDLE) {
    (void)fputs(",\n \"idle\":null", out);
    return;
  }
  double grown = ((double)measurement->proxy.rss_kb_after - (double)measurement->proxy.rss_kb_before) * 1024;
  (void)fprintf(out, ",\n \"idle\":{\"connections\":%llu,", whole(options->connections));
  put_ratio(out, "rss_bytes_each", grown, measurement->has_proxy ? (double)options->connections : 0);
  (void)fputc('}', out);
}

static void put_errors(const struct measurement *measurement, FILE *out) {
  static const char *const names[FAILURE_KINDS] = {"connect", "content", "closed", "unanswered", "other"};
  for (size_t i = 0; i < FAILURE_KINDS; i++)
    (void)fprintf(out, "%s\"%s\":%llu", i == 0 ? ",\n \"errors\":{" : ",", names[i],
                  whole(measurement->failures[i]));
  (void)fputs("},\"error\":", out);
}

void report_json(const struct options *options, const struct measurement *measurement, FILE *out) {
  put_head(options, measurement, out);
  put_proxy(measurement, out);
  put_load(measurement, out);
  put_latency(options, measurement, out);
  put_schedule(options, measurement, out);
  put_lag(measurement, out);
  put_connects(options, measurement, out);
  put_idle(options, measurement, out);
  put_errors(measurement, out);
  if (measurement->failure[0] != '\0')
    put_string(out, measurement->failure);
  else
    (void)fputs("null", out);
  (void)fputs("}\n", out);
}
