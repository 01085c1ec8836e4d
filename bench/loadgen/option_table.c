/* What wsluice-bench can be told, and --help (option_table.h). */
#include "loadgen/option_table.h"

#include <stdio.h>
#include <string.h>

#include "loadgen/options.h"
#include "loadgen/outgoing.h"

#define DAY_MS      86400000u
#define HELP_COLUMN 24

static const char *const mode_choices[] = {"up", "down", "both", "echo", "connect", "idle", NULL};
static const char *const serve_choices[] = {"sink", "source", "echo", NULL};
static const char *const mask_choices[] = {"random", "zero", NULL};

#define FIELD(name) offsetof(struct options, name)

const struct bench_option bench_option_table[] = {
    {.kind = BENCH_OPTION_SECTION, .name = "What to measure"},
    {.kind = BENCH_OPTION_CHOICE,
     .name = "mode",
     .argument = "MODE",
     .offset = FIELD(mode),
     .choices = mode_choices,
     .choices_text = "not up, down, both, echo, connect or idle",
     .help = "up: client to backend; down: backend to client; both: echoed at full speed;\n"
             "echo: latency; connect: upgrades a second; idle: memory a session [echo]"},
    {.kind = BENCH_OPTION_SIZE,
     .name = "size",
     .argument = "BYTES",
     .offset = FIELD(size),
     .min = 1,
     .max = OUTGOING_PAYLOAD_MAX,
     .help = "Payload of a message; K, M [64 for echo and connect, else 64K]"},
    {.kind = BENCH_OPTION_NUMBER,
     .name = "connections",
     .argument = "N",
     .offset = FIELD(connections),
     .min = 1,
     .max = OPTIONS_CONNECTIONS_MAX,
     .help = "Connections, or with --mode connect those in flight at a time [1]"},
    {.kind = BENCH_OPTION_DURATION,
     .name = "duration",
     .argument = "SEC",
     .offset = FIELD(duration_ms),
     .min = 1,
     .max = DAY_MS,
     .help = "Time that is measured; 500ms, 5, 2m [5]"},
    {.kind = BENCH_OPTION_DURATION,
     .name = "warmup",
     .argument = "SEC",
     .offset = FIELD(warmup_ms),
     .max = DAY_MS,
     .help = "Time before it, with the same load [1]"},
    {.kind = BENCH_OPTION_NUMBER,
     .name = "rate",
     .argument = "N",
     .offset = FIELD(rate),
     .max = 1000000000,
     .help = "Messages a second over all connections, by a schedule (modes up, echo).\n"
             "Latency then counts from the moment a message was due, so a stall is seen\n"
             "by all that should have been sent in it; 0: as fast as it goes [0]"},
    {.kind = BENCH_OPTION_NUMBER,
     .name = "window",
     .argument = "N",
     .offset = FIELD(window),
     .min = 1,
     .max = OPTIONS_WINDOW_MAX,
     .help = "Messages in flight a connection, without --rate (mode echo) [1]"},
    {.kind = BENCH_OPTION_NUMBER,
     .name = "messages",
     .argument = "N",
     .offset = FIELD(messages),
     .max = OPTIONS_MESSAGES_MAX,
     .help = "Mode connect: messages echoed on each visit; 0: upgrade and Close only [1]"},
    {.kind = BENCH_OPTION_LIST,
     .name = "pid",
     .argument = "PID",
     .offset = FIELD(pid_texts),
     .help = "CPU and memory of this process, its threads and children; repeatable"},
    {.kind = BENCH_OPTION_FLAG,
     .name = "no-verify",
     .offset = FIELD(no_verify),
     .help = "Don't check what arrives"},

    {.kind = BENCH_OPTION_SECTION, .name = "The backend behind the bridge"},
    {.kind = BENCH_OPTION_TEXT,
     .name = "backend",
     .argument = "ADDRESS",
     .offset = FIELD(backend_text),
     .help = "Serve it from here: host:port or unix:/path, where the bridge connects to.\n"
             "Without it the backend is elsewhere, or the URL is an echo server itself"},
    {.kind = BENCH_OPTION_CHOICE,
     .name = "serve",
     .argument = "KIND",
     .offset = FIELD(serve),
     .choices = serve_choices,
     .choices_text = "not sink, source or echo",
     .help = "Be only that backend at --backend, until SIGINT or SIGTERM: a sink (up),\n"
             "source (down) or echo (both, echo, connect, idle). No URL"},

    {.kind = BENCH_OPTION_SECTION, .name = "The connection"},
    {.kind = BENCH_OPTION_LIST,
     .name = "source-address",
     .argument = "IP",
     .offset = FIELD(source_texts),
     .help = "Connect from this address; several are taken in turns (one has 28,232 ports\n"
             "toward a server, with Linux' defaults)"},
    {.kind = BENCH_OPTION_TEXT,
     .name = "subprotocol",
     .argument = "NAME",
     .offset = FIELD(subprotocol),
     .help = "Offer this subprotocol, or a list \"a, b\""},
    {.kind = BENCH_OPTION_LIST,
     .name = "header",
     .argument = "LINE",
     .offset = FIELD(headers),
     .help = "Add 'Name: value' to the request; repeatable"},
    {.kind = BENCH_OPTION_TEXT,
     .name = "origin",
     .argument = "ORIGIN",
     .offset = FIELD(origin),
     .help = "Send this Origin"},
    {.kind = BENCH_OPTION_TEXT,
     .name = "cafile",
     .argument = "FILE",
     .offset = FIELD(ca_path),
     .help = "wss: trust the CAs in this PEM file [the system's]"},
    {.kind = BENCH_OPTION_FLAG,
     .name = "insecure",
     .offset = FIELD(insecure),
     .help = "wss: take any certificate"},
    {.kind = BENCH_OPTION_CHOICE,
     .name = "frame-mask",
     .argument = "KIND",
     .offset = FIELD(frame_mask),
     .choices = mask_choices,
     .choices_text = "not random or zero",
     .help = "Masks of the frames: random or zero [random]"},
    {.kind = BENCH_OPTION_FLAG,
     .name = "text",
     .offset = FIELD(text),
     .help = "Send text messages instead of binary ones"},

    {.kind = BENCH_OPTION_SECTION, .name = "Output"},
    {.kind = BENCH_OPTION_TEXT,
     .name = "json",
     .argument = "FILE",
     .offset = FIELD(json_path),
     .help = "Write one JSON object; \"-\": to standard output, instead of the table"},
    {.kind = BENCH_OPTION_TEXT,
     .name = "histogram",
     .argument = "FILE",
     .offset = FIELD(histogram_path),
     .help = "Write the latencies' percentiles (ms) for HdrHistogram's plotter"},
    {.kind = BENCH_OPTION_PROGRESS,
     .name = "progress",
     .set_to = PROGRESS_ALWAYS,
     .help = "A line a second on standard error, even where that is no terminal"},
    {.kind = BENCH_OPTION_PROGRESS, .name = "quiet", .set_to = PROGRESS_NEVER, .help = "No such line"},
    {.kind = BENCH_OPTION_ACTION,
     .name = "selftest",
     .set_to = ACTION_SELFTEST,
     .help = "Check the tool on this machine: clocks, histogram, a run against itself"},
    {.kind = BENCH_OPTION_ACTION, .name = "help", .set_to = ACTION_HELP, .help = "This list; also -h"},
    {.kind = BENCH_OPTION_ACTION, .name = "version", .set_to = ACTION_VERSION, .help = "The version"},
};
const size_t bench_option_table_len = sizeof bench_option_table / sizeof *bench_option_table;

static void print_option(const struct bench_option *spec, FILE *out) {
  char head[64];
  (void)snprintf(head, sizeof head, "  --%s%s%s", spec->name, spec->argument != NULL ? " " : "",
                 spec->argument != NULL ? spec->argument : "");
  const char *line = spec->help;
  for (;;) {
    size_t len = strcspn(line, "\n");
    (void)fprintf(out, "%-*s %.*s\n", HELP_COLUMN, head, (int)len, line);
    if (line[len] == '\0') return;
    line += len + 1;
    head[0] = '\0';
  }
}

void options_print_help(FILE *out) {
  (void)fputs(
      "Usage: wsluice-bench [options] URL\n"
      "       wsluice-bench --serve sink|source|echo --backend ADDRESS\n\n"
      "Loads a WebSocket bridge or echo server and measures it. URL: ws://host[:port][/path?query],\n"
      "wss://..., tcp://host:port (the same bytes without WebSocket), ws+unix:/path, tcp+unix:/path.\n",
      out);
  for (size_t i = 0; i < bench_option_table_len; i++) {
    const struct bench_option *spec = &bench_option_table[i];
    if (spec->kind == BENCH_OPTION_SECTION)
      (void)fprintf(out, "\n%s:\n", spec->name);
    else
      print_option(spec, out);
  }
  (void)fputs(
      "\nExit status: 0 measured, and every byte was right; 1 it could not be measured (cannot connect,\n"
      "refused, closed early, content wrong); 2 wrong usage.\n"
      "Example, a bridge on port 6080 that connects to port 5900, its process 1234:\n"
      "  wsluice-bench --mode up --backend 127.0.0.1:5900 --pid 1234 ws://127.0.0.1:6080/\n",
      out);
}
