/* The formats of log lines by name (ops/log.h). */
#include <string.h>

#include "ops/log.h"

bool log_format_parse(const char *word, enum log_format *format) {
  if (strcmp(word, "text") != 0 && strcmp(word, "json") != 0) return false;
  *format = strcmp(word, "json") == 0 ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
  return true;
}
