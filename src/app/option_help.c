/* The --help text, from the table of options (options.h). */
#include "app/option_table.h"
#include "app/options.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 28

static void print_option(FILE *out, const struct option_spec *spec) {
  char left[64];
  char letter[8] = "";
  if (spec->letter != 0) snprintf(letter, sizeof letter, "-%c, ", spec->letter);
  snprintf(left, sizeof left, "  %s--%s%s%s", letter, spec->name, spec->argument != NULL ? " " : "",
           spec->argument != NULL ? spec->argument : "");
  const char *line = spec->help;
  fprintf(out, "%-*s ", HELP_COLUMN, left);
  for (;;) {
    size_t len = strcspn(line, "\n");
    fprintf(out, "%.*s\n", (int)len, line);
    if (line[len] == '\0') return;
    line += len + 1;
    fprintf(out, "%*s ", HELP_COLUMN, "");
  }
}

/* The ways to say what goes where, behind the program's name. */
static const char *const usages[] = {
    OPTIONS_USAGE,
    "[options] --unix-target PATH [listen_host:]port",
    "[options] --token-plugin CLASS --token-source ARG [host:]port",
    "[options] --unix-listen PATH target_host:target_port",
    "[options] --inetd target_host:target_port",
    "[options] [listen_host:]port -- PROGRAM [ARGS]",
    "[options] --exec PROGRAM [--pty] [listen_host:]port [-- ARGS]",
    "--demo [[listen_host:]port]",
};

/* Likewise, of what people do most. */
static const char *const examples[] = {
    "--web /usr/share/novnc 6080 localhost:5900",
    "--cert /etc/ssl/novnc.pem --ssl-only 443 localhost:5900",
    "--token-plugin TokenFile --token-source /etc/tokens 6080",
    "--unix-target /run/redis/redis.sock 127.0.0.1:7000",
    "--frames lines 7000 irc.example:6667",
    "6080 -- Xtigervnc :1 -rfbport 6080 -SecurityTypes None",
};

void options_print_help(FILE *out, const char *self) {
  for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++)
    fprintf(out, "%s %s %s\n", i == 0 ? "usage:" : "      ", self, usages[i]);
  fprintf(out,
          "\n"
          "Bridges WebSocket clients (ws://listen_host:port/, any path) to a TCP service.\n"
          "No listen_host: all addresses, IPv4 and IPv6. IPv6 literals in brackets.\n"
          "BYTES take K, M, G; SEC takes fractions, or ms, s, m, h. --name VALUE or\n"
          "--name=VALUE, before or behind the rest; a name's beginning will do.\n"
          "Each option can be given as a variable of the environment as well, --ssl-only as\n"
          "WSLUICE_SSL_ONLY=1, port and target as WSLUICE_LISTEN and WSLUICE_TARGET; the\n"
          "command line comes first.\n");
  for (size_t i = 0; i < option_count(); i++) {
    const struct option_spec *spec = option_at(i);
    if (spec->kind == OPTION_SECTION) {
      fprintf(out, "\n%s:\n", spec->name);
    } else {
      print_option(out, spec);
    }
  }
  fprintf(out, "\nexamples:\n");
  for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
    fprintf(out, "  %s %s\n", self, examples[i]);
  fprintf(out,
          "\nexit status: 0 stopped as asked for, 1 could not start, 2 wrong usage; with\n"
          "-- PROGRAM that of the program, when its end is ours\n");
}
