/* See fault.h. Formats on the stack and writes without stdio: a watch that fires in the middle of
 * anything (watch.h) ends here too.
 */
#include "fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool sim_tracing;

static char *shared_line;

void sim_fault_to(char *where) {
  shared_line = where;
}

static void print_line(const char *line) {
  size_t len = strlen(line);
  while (len > 0) {
    ssize_t written = write(STDERR_FILENO, line, len);
    if (written <= 0) return;
    line += written;
    len -= (size_t)written;
  }
}

void sim_fail(const char *format, ...) {
  char line[SIM_FAULT_MAX];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  if (shared_line != NULL) memcpy(shared_line, line, strlen(line) + 1);
  if (sim_tracing) fflush(stdout);
  print_line("sim: ");
  print_line(line);
  print_line("\n");
  abort();
}

void sim_trace(const char *format, ...) {
  if (!sim_tracing) return;
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
}
