/* Numbers as people read them (report.h). */
#include "loadgen/report.h"

#define KB 1024.0
#define MB (1024.0 * KB)

const char *report_rate(double bytes_per_s, char out[REPORT_NUMBER_MAX]) {
  if (bytes_per_s >= 1e9)
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.2f GB/s", bytes_per_s / 1e9);
  else if (bytes_per_s >= 1e6)
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.1f MB/s", bytes_per_s / 1e6);
  else
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.1f kB/s", bytes_per_s / 1e3);
  return out;
}

const char *report_size(double bytes, char out[REPORT_NUMBER_MAX]) {
  if (bytes >= MB)
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.1f MB", bytes / MB);
  else if (bytes >= KB)
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.1f KB", bytes / KB);
  else
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.0f bytes", bytes);
  return out;
}

const char *report_count(double count, char out[REPORT_NUMBER_MAX]) {
  if (count >= 1e6)
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.2f million", count / 1e6);
  else if (count >= 100)
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.0f", count);
  else
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.1f", count);
  return out;
}

const char *report_time(double ns, char out[REPORT_NUMBER_MAX]) {
  if (ns >= 1e9)
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.2f s", ns / 1e9);
  else if (ns >= 1e6)
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.2f ms", ns / 1e6);
  else
    (void)snprintf(out, REPORT_NUMBER_MAX, "%.1f us", ns / 1e3);
  return out;
}
