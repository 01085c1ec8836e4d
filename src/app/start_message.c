/* See app/start_message.h. */
#include "app/start_message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OWN_NAME    "wsluice"
#define MODEL       "websockify"
#define MESSAGE_MAX 1024u

static const char *shown_name = OWN_NAME;

const char *program_name_of(const char *argv0) {
  if (argv0 == NULL) return OWN_NAME;
  const char *slash = strrchr(argv0, '/');
  const char *name = slash != NULL ? slash + 1 : argv0;
  return name[0] != '\0' ? name : OWN_NAME;
}

bool program_name_is_websockify(const char *name) {
  return strncmp(name, MODEL, strlen(MODEL)) == 0;
}

void start_message_name(const char *name) {
  shown_name = name;
}

void start_message(const char *format, ...) {
  char text[MESSAGE_MAX]; /* one write: several processes may share the terminal */
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fprintf(stderr, "%s: %s\n", shown_name, text);
}
