/* What was measured, for people (a table a group) and for programs (JSON). */
#include <stdio.h>
#include <string.h>

#include "codec/unmask.h"
#include "micro.h"

static const struct micro_case *anchor_of(const struct micro_plan *plan, const struct micro_case *measured) {
  for (size_t i = 0; i < plan->count; i++) {
    const struct micro_case *other = &plan->cases[i];
    if (other->is_anchor && strcmp(other->group, measured->group) == 0) return other;
  }
  return NULL;
}

/* Half the width of the middle half, in percent of the median. */
static double spread_percent(struct micro_figure figure) {
  return 50 * (figure.ns_high - figure.ns_low) / figure.ns;
}

static void print_row(const struct micro_plan *plan, const struct micro_case *measured) {
  struct micro_figure figure = micro_figure(plan, measured);
  printf("  %-22s %11.2f ns  +-%4.1f %%", measured->name, figure.ns, spread_percent(figure));
  if (measured->bytes_per_item > 0) printf(" %8.2f GB/s", measured->bytes_per_item / figure.ns);
  const struct micro_case *anchor = anchor_of(plan, measured);
  if (anchor != NULL && anchor != measured && anchor->bytes_per_item > 0) {
    struct micro_figure base = micro_figure(plan, anchor);
    double base_ns = base.ns / anchor->bytes_per_item * measured->bytes_per_item;
    printf("   %5.2f x %s", figure.ns / base_ns, anchor->name);
  }
  putchar('\n');
}

void micro_report_table(const struct micro_plan *plan) {
  const char *group = "";
  printf("Unmasking chosen on this processor: %s. Processor time an item, median of %u rounds of %.0f ms.\n",
         unmask_chosen()->name, plan->rounds, plan->round_ms);
  for (size_t i = 0; i < plan->count; i++) {
    const struct micro_case *measured = &plan->cases[i];
    if (!micro_wanted(plan, measured)) continue;
    if (strcmp(group, measured->group) != 0) printf("\n%s\n", measured->group);
    group = measured->group;
    print_row(plan, measured);
  }
}

/* Group and name are our own words: nothing in them to escape. */
static void print_object(const struct micro_plan *plan, const struct micro_case *measured) {
  struct micro_figure figure = micro_figure(plan, measured);
  printf("    {\"group\": \"%s\", \"name\": \"%s\", \"ns\": %.4f, \"ns_low\": %.4f, \"ns_high\": %.4f",
         measured->group, measured->name, figure.ns, figure.ns_low, figure.ns_high);
  if (measured->bytes_per_item > 0) {
    printf(", \"bytes\": %.1f, \"gb_per_s\": %.4f", measured->bytes_per_item,
           measured->bytes_per_item / figure.ns);
  }
  printf("}");
}

void micro_report_json(const struct micro_plan *plan) {
  const char *separator = "";
  printf("{\n  \"unmask\": \"%s\",\n  \"rounds\": %u,\n  \"round_ms\": %g,\n  \"results\": [\n",
         unmask_chosen()->name, plan->rounds, plan->round_ms);
  for (size_t i = 0; i < plan->count; i++) {
    if (!micro_wanted(plan, &plan->cases[i])) continue;
    fputs(separator, stdout);
    print_object(plan, &plan->cases[i]);
    separator = ",\n";
  }
  puts("\n  ]\n}");
}
