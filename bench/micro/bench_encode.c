/* Headers of our frames, in the three forms of a length, and a whole Close. */
#include <wsluice/frame.h>

#include "micro.h"

static double run_header(const struct micro_case *measured, uint64_t count) {
  uint8_t out[WSL_FRAME_HEADER_MAX];
  double start = micro_now();
  for (uint64_t i = 0; i < count; i++)
    micro_keep(wsl_frame_header(out, WSL_OP_BINARY, measured->size) + out[1]);
  return micro_now() - start;
}

static double run_close(const struct micro_case *measured, uint64_t count) {
  uint8_t out[2 + WSL_CONTROL_PAYLOAD_MAX];
  struct wsl_span reason = wsl_span_of("Target closed");
  (void)measured;
  double start = micro_now();
  for (uint64_t i = 0; i < count; i++)
    micro_keep(wsl_close_frame(out, WSL_CLOSE_NORMAL, reason) + out[1]);
  return micro_now() - start;
}

void bench_encode(struct micro_plan *plan) {
  static const size_t sizes[] = {64, 1024, 65536};
  for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
    struct micro_case *added = micro_add(plan, "encode headers", "%zu B of payload", sizes[i]);
    added->run = run_header;
    added->size = sizes[i];
  }
  micro_add(plan, "encode headers", "whole Close")->run = run_close;
}
