/* See report.h. */
#include "report.h"

#include <inttypes.h>
#include <string.h>

#include "leaks.h"
#include "shrink.h"

#define TEXT_LINES_MAX 30 /* of a sanitizer's report: enough for where it was and where it came from */

static size_t steps_of(const struct plan *plan) {
  size_t count = 0;
  for (size_t i = 0; i < plan->step_count; i++)
    count += plan->steps[i].kind != STEP_NONE;
  return count;
}

/* What the process wrote, where that is more than the line of the fault. */
static void print_text(const char *text, FILE *out) {
  const char *end = strchr(text, '\n');
  if (end == NULL || end[1] == '\0') return;
  fprintf(out, "\n");
  for (int line = 0; line < TEXT_LINES_MAX && *text != '\0'; line++) {
    int len = (int)strcspn(text, "\n");
    fprintf(out, "    | %.*s\n", len, text);
    text += len;
    if (*text == '\n') text++;
  }
}

static void print_story(const struct shrunk *shrunk, size_t steps_before, FILE *out) {
  fprintf(out, "\n  The shortest story that fails so (%zu steps of %zu, %zu plans tried):\n\n",
          steps_of(&shrunk->plan), steps_before, shrunk->tries);
  plan_tell(&shrunk->plan, out);
  if (strcmp(shrunk->death.fault, "") != 0) fprintf(out, "  => %s\n", shrunk->death.fault);
}

void report_failure(const struct failure *failure, const struct shrunk *shrunk, FILE *out) {
  struct plan plan;
  const char *build = leaks_are_seen() ? " SIM_PRESET=asan" : "";
  plan_draw(&plan, failure->seed);
  fprintf(out, "\nSeed %" PRIu64 " fails: %s\n", failure->seed, failure->death.fault);
  print_text(failure->death.text, out);
  if (shrunk != NULL) print_story(shrunk, steps_of(&plan), out);
  fprintf(out, "\n  Under gdb:  make sim-gdb SEED=%" PRIu64 "%s", failure->seed, build);
  fprintf(out, "   (the short story: SHORTEST=1 behind it)\n");
}

void report_run(const struct run *run, const struct run_result *result, FILE *out) {
  double rate = result->seconds > 0 ? (double)result->played / result->seconds : 0;
  fprintf(out, "sim: %" PRIu64 " seeds from %" PRIu64 " on in %.1f s (%.0f a second): ", result->played,
          run->first, result->seconds, rate);
  if (result->failure_count == 0) {
    fprintf(out, "none fails\n");
  } else {
    fprintf(out, "%u fail%s\n", result->failure_count, result->failure_count == 1 ? "s" : "");
  }
}
