/* See app/option/sockets.h. */
#include "app/option/sockets.h"

#include <string.h>

#include "app/option/groups.h"
#include "core/error.h"
#include "core/parse.h"

/* What Linux takes (MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL, MAX_TCP_KEEPCNT). */
#define KEEPALIVE_SECONDS_MAX 32767u
#define KEEPALIVE_PROBES_MAX  127u

#define KEEPALIVE_MAX 64u /* longest text of all parts, NUL included */

enum keepalive_part { KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT, KEEPALIVE_PARTS };

static int read_seconds(const char *text, int *seconds, const char **why) {
  uint64_t ms;
  if (parse_duration(text, KEEPALIVE_SECONDS_MAX * 1000u, &ms, why) != WSL_OK) return WSL_INVALID;
  *why = "must be whole seconds";
  if (ms % 1000 != 0) return WSL_INVALID;
  *seconds = (int)(ms / 1000);
  return WSL_OK;
}

static int read_probes(const char *text, int *probes, const char **why) {
  uint64_t number;
  if (parse_unsigned(text, KEEPALIVE_PROBES_MAX, &number, why) != WSL_OK) return WSL_INVALID;
  *probes = (int)number;
  return WSL_OK;
}

/* Cuts `text` at its commas. */
static int read_keepalive(char *text, int parts[KEEPALIVE_PARTS], const char **why) {
  int part = KEEPALIVE_IDLE;
  for (char *word; (word = strsep(&text, ",")) != NULL; part++) {
    *why = "at most three parts: IDLE,INTERVAL,PROBES";
    if (part == KEEPALIVE_PARTS) return WSL_INVALID;
    int error = part == KEEPALIVE_COUNT ? read_probes(word, &parts[part], why)
                                        : read_seconds(word, &parts[part], why);
    if (error != WSL_OK) return error;
    *why = "0 turns it off and must stand alone";
    bool alone = part == KEEPALIVE_IDLE && text == NULL;
    if (parts[part] == 0 && !alone) return WSL_INVALID;
  }
  return WSL_OK;
}

/* "60", "60,15", "1m,15s,4"; what is left out keeps its default. */
static int check_keepalive(struct options *options, const char *value, const char **why) {
  char words[KEEPALIVE_MAX];
  int parts[KEEPALIVE_PARTS] = {0, KEEPALIVE_INTERVAL_S, KEEPALIVE_PROBES};
  *why = "it is too long";
  if (strlen(value) >= sizeof words) return WSL_INVALID;
  memcpy(words, value, strlen(value) + 1);
  if (read_keepalive(words, parts, why) != WSL_OK) return WSL_INVALID;
  struct socket_tuning *tuning = &options->server.sockets;
  tuning->keepalive_idle_s = parts[KEEPALIVE_IDLE];
  tuning->keepalive_interval_s = parts[KEEPALIVE_INTERVAL];
  tuning->keepalive_probes = parts[KEEPALIVE_COUNT];
  return WSL_OK;
}

/* Its most is the table's to say. */
static int check_buffer(struct options *options, const char *value, const char **why) {
  (void)options;
  uint64_t bytes;
  if (parse_size(value, UINT64_MAX, &bytes, why) != WSL_OK) return WSL_INVALID;
  *why = "must be 4K or more, or 0 to leave the size to the system";
  return bytes != 0 && bytes < SOCKET_BUFFER_MIN ? WSL_INVALID : WSL_OK;
}

static int check_congestion(struct options *options, const char *value, const char **why) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  size_t len = strlen(value);
  *why = "a congestion control has a name of 1 to 15 letters, such as cubic or bbr";
  if (len == 0 || len >= sizeof options->congestion_control || value[strspn(value, letters)] != '\0')
    return WSL_INVALID;
  memcpy(options->congestion_control, value, len + 1);
  options->server.sockets.congestion_control = options->congestion_control;
  return WSL_OK;
}

_Static_assert(OPTIONS_LIST_MAX <= SOURCE_ADDRESSES_MAX, "as many as can be given have room");

/* Called for each before it is put on the list. */
int option_check_source(struct options *options, const char *value, const char **why) {
  struct address address;
  if (!source_address_parse(value, &address, why)) return WSL_INVALID;
  size_t count = options->source_addresses.count;
  if (count < OPTIONS_LIST_MAX) options->sources[count] = address;
  return WSL_OK;
}

static void fill(struct options *options) {
  struct socket_tuning *tuning = &options->server.sockets;
  tuning->send_buffer = (int)options->send_buffer;
  tuning->receive_buffer = (int)options->receive_buffer;
  tuning->notsent_lowat = (int)options->notsent_lowat;
  tuning->fastopen_queue = (int)options->fastopen;
  options->server.sources = (struct source_addresses){options->sources, options->source_addresses.count};
}

int option_sockets_try(const struct options *options, char *why, size_t why_cap) {
  int error = socket_tuning_check(&options->server.sockets, why, why_cap);
  if (error == WSL_OK) error = source_addresses_check(&options->server.sources, why, why_cap);
  return error;
}

/* clang-format off */
static const struct option_spec specs[] = {
  OPTIONS_SECTION("TCP sockets (see docs/TUNING.md)"),
  {OPTION_CUSTOM, "keepalive", 0, "SEC[,SEC[,N]]", 0, 0, 0, check_keepalive,
   "TCP keepalive: idle time, interval, probes; 0: off\n"
   "[60,15,4]"},
  {OPTION_SIZE, "send-buffer", 0, "BYTES", FIELD(send_buffer), 0, GIGABYTE,
   check_buffer,
   "SO_SNDBUF, 4K or more; 0: sized by the kernel [0]"},
  {OPTION_SIZE, "receive-buffer", 0, "BYTES", FIELD(receive_buffer), 0, GIGABYTE,
   check_buffer,
   "SO_RCVBUF, likewise [0]"},
  {OPTION_SIZE, "notsent-lowat", 0, "BYTES", FIELD(notsent_lowat), 0, GIGABYTE, NULL,
   "most unsent bytes per client in the kernel\n"
   "(TCP_NOTSENT_LOWAT); 0: no limit [0]"},
  {OPTION_CUSTOM, "congestion-control", 0, "NAME", 0, 0, 0, check_congestion,
   "algorithm, such as bbr [the system's]"},
  {OPTION_NUMBER, "fastopen", 0, "N", FIELD(fastopen), 0, 65535, NULL,
   "accept TCP Fast Open from clients, at most N\n"
   "pending; 0: off [0]"},
};
/* clang-format on */

const struct option_group option_group_sockets = {specs, sizeof specs / sizeof specs[0], NULL, fill};
