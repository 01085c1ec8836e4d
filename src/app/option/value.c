/* See app/option/value.h. */
#include "app/option/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/parse.h"

const struct option_spec *option_find(const char *name, size_t len) {
  for (size_t i = 0; i < option_count(); i++) {
    const struct option_spec *spec = option_at(i);
    if (spec->kind == OPTION_SECTION) continue;
    if (strlen(spec->name) == len && memcmp(spec->name, name, len) == 0) return spec;
  }
  return NULL;
}

const struct option_spec *option_find_letter(char letter) {
  for (size_t i = 0; i < option_count(); i++) {
    if (option_at(i)->letter == letter && letter != 0) return option_at(i);
  }
  return NULL;
}

static int parse_number(const struct option_spec *spec, const char *value, uint64_t *number,
                        const char **why) {
  uint64_t max = spec->max != 0 ? spec->max : UINT64_MAX;
  int error;
  if (spec->kind == OPTION_SIZE) {
    error = parse_size(value, max, number, why);
  } else if (spec->kind == OPTION_DURATION) {
    error = parse_duration(value, max, number, why);
  } else {
    error = parse_unsigned(value, max, number, why);
  }
  if (error == WSL_OK && *number < spec->min) {
    *why = "too small";
    return WSL_INVALID;
  }
  return error;
}

struct unit {
  uint64_t worth;
  const char *suffix;
};

#define BOUND_MAX 24

/* In the largest unit that it is a multiple of. The last unit is worth 1. */
static const char *bound(uint64_t value, const struct unit *unit, char text[BOUND_MAX]) {
  while (value % unit->worth != 0 || (value == 0 && unit->worth > 1))
    unit++;
  snprintf(text, BOUND_MAX, "%" PRIu64 "%s", value / unit->worth, unit->suffix);
  return text;
}

const char *option_range(const struct option_spec *spec, char text[OPTION_RANGE_MAX]) {
  static const struct unit counts[] = {{1, ""}};
  static const struct unit sizes[] = {{1u << 30, "G"}, {1u << 20, "M"}, {1u << 10, "K"}, {1, ""}};
  static const struct unit durations[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
  char least[BOUND_MAX], most[BOUND_MAX];
  const struct unit *units = counts;
  bool has_most = spec->max != 0 && spec->max != UINT64_MAX;
  if (spec->kind == OPTION_SIZE) units = sizes;
  if (spec->kind == OPTION_DURATION) units = durations;
  bound(spec->min, units, least);
  bound(spec->max, units, most);
  text[0] = '\0';
  if (spec->min > 0 && has_most) {
    snprintf(text, OPTION_RANGE_MAX, " (between %s and %s)", least, most);
  } else if (has_most) {
    snprintf(text, OPTION_RANGE_MAX, " (at most %s)", most);
  } else if (spec->min > 0) {
    snprintf(text, OPTION_RANGE_MAX, " (at least %s)", least);
  }
  return text;
}

static int append(struct option_list *list, const char *value, const char **why) {
  *why = "given too many times";
  if (list->count == OPTIONS_LIST_MAX) return WSL_INVALID;
  list->values[list->count++] = value;
  return WSL_OK;
}

int option_store(struct options *options, const struct option_spec *spec, const char *value,
                 const char **why) {
  void *field = (char *)options + spec->offset;
  int error = spec->check != NULL ? spec->check(options, value, why) : WSL_OK;
  if (error != WSL_OK) return error;
  switch (spec->kind) {
    case OPTION_FLAG:
      *(uint64_t *)field = 1;
      return WSL_OK;
    case OPTION_TEXT:
      *(const char **)field = value;
      return WSL_OK;
    case OPTION_LIST:
      return append(field, value, why);
    case OPTION_NUMBER:
    case OPTION_SIZE:
    case OPTION_DURATION:
      return parse_number(spec, value, field, why);
    case OPTION_CUSTOM:
    case OPTION_SECTION:
      break;
  }
  return WSL_OK;
}
