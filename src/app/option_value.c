/* See app/option_value.h. */
#include "app/option_value.h"

#include <string.h>

#include "core/error.h"
#include "core/parse.h"

const struct option_spec *option_find(const char *name, size_t len) {
  for (size_t i = 0; i < option_table_len; i++) {
    const struct option_spec *spec = &option_table[i];
    if (spec->kind == OPTION_SECTION) continue;
    if (strlen(spec->name) == len && memcmp(spec->name, name, len) == 0) return spec;
  }
  return NULL;
}

const struct option_spec *option_find_letter(char letter) {
  for (size_t i = 0; i < option_table_len; i++) {
    if (option_table[i].letter == letter && letter != 0) return &option_table[i];
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
    *why = "it is too small";
    return WSL_INVALID;
  }
  return error;
}

static int append(struct option_list *list, const char *value, const char **why) {
  *why = "it was given too often";
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
