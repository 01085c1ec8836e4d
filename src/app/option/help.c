/* The --help text, from the table of options (options.h). */
#include "app/option/options.h"
#include "app/option/table.h"

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

/* What people do most: what for, and the words behind the program's name. */
static const struct {
  const char *purpose, *words;
} examples[] = {
    {"noVNC's pages and its WebSocket on one port", "--web /usr/share/novnc 6080 localhost:5900"},
    {"TLS only (wss)", "--cert novnc.pem --ssl-only 443 localhost:5900"},
    {"many VNC servers, chosen by ?token=NAME", "--token-plugin TokenFile --token-source /etc/tokens 6080"},
    {"a line service for clients that take only text", "--frames lines 7000 irc.example:6667"},
    {"a shell in the browser, for this machine only",
     "--origin same --web . --pty --exec bash 127.0.0.1:6080 -- -l"},
    {"start the VNC server as well", "6080 -- Xtigervnc :1 -rfbport 6080 -SecurityTypes None"},
};

void options_print_help(FILE *out, const char *self) {
  for (size_t i = 0; i < sizeof usages / sizeof usages[0]; i++)
    fprintf(out, "%s %s %s\n", i == 0 ? "usage:" : "      ", self, usages[i]);
  fprintf(out,
          "\n"
          "Accepts WebSocket connections on port (ws://listen_host:port/, any path) and\n"
          "forwards each one to a TCP service, a Unix socket or a program.\n"
          "\n"
          "Without listen_host it listens on all addresses, IPv4 and IPv6. IPv6 addresses\n"
          "stand in brackets: [::1]:6080.\n"
          "\n"
          "Options may stand before or after the ports, as --name VALUE or --name=VALUE,\n"
          "and may be abbreviated. Defaults are shown in [brackets]. SEC is seconds, or has\n"
          "a unit: ms, s, m, h. BYTES takes K, M or G.\n"
          "\n"
          "Each option is an environment variable too: --ssl-only is WSLUICE_SSL_ONLY=1;\n"
          "port and target are WSLUICE_LISTEN and WSLUICE_TARGET. The command line wins.\n");
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
    fprintf(out, "  %s:\n    %s %s\n", examples[i].purpose, self, examples[i].words);
  fprintf(out,
          "\n"
          "exit status: 0 stopped normally, 1 could not start, 2 wrong usage; with\n"
          "-- PROGRAM and --wrap-mode exit that of the program\n"
          "\n"
          "manual: man wsluice\n");
}
