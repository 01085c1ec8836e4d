/* The demo service's commands: a table, and one function each.
 *
 * A command prints its answer and returns; what takes longer (count, flood) is a job that the user
 * carries on with, and `stop` ends.
 */
#include "app/demo/commands.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "app/demo/user.h"

#define COUNT_DEFAULT 10u
#define COUNT_MAX     100000u
#define FLOOD_DEFAULT (1024u * 1024u)
#define FLOOD_MAX     (UINT64_C(1024) * 1024 * 1024)
#define WHO_MAX       64u /* numbers that `who` names: they fit into one answer */

struct command {
  const char *name;
  const char *arguments;
  const char *about;
  void (*run)(struct demo_user *user, struct wsl_span arguments);
};

/* --- words and numbers ---------------------------------------------------------------------- */

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

static struct wsl_span trim(struct wsl_span text) {
  while (text.len > 0 && is_blank(text.at[0])) {
    text.at++;
    text.len--;
  }
  while (text.len > 0 && is_blank(text.at[text.len - 1]))
    text.len--;
  return text;
}

/* Cuts the first word off `text`, with the one blank behind it: `echo` keeps the others. */
static struct wsl_span take_word(struct wsl_span *text) {
  struct wsl_span word = {text->at, 0};
  while (word.len < text->len && !is_blank(text->at[word.len]))
    word.len++;
  size_t cut = word.len < text->len ? word.len + 1 : word.len;
  text->at += cut;
  text->len -= cut;
  return word;
}

static uint64_t size_suffix(char c) {
  switch (c) {
    case 'k':
    case 'K':
      return UINT64_C(1) << 10;
    case 'm':
    case 'M':
      return UINT64_C(1) << 20;
    case 'g':
    case 'G':
      return UINT64_C(1) << 30;
    default:
      return 0;
  }
}

enum suffixes { SUFFIX_NONE, SUFFIX_SIZE };

/* A number from 1 to max, with K, M or G behind it where that is allowed; 0 when it is no such
 * number. Nothing at all gives `fallback`. */
static uint64_t parse_number(struct wsl_span text, enum suffixes suffixes, uint64_t fallback, uint64_t max) {
  text = trim(text);
  if (text.len == 0) return fallback;
  uint64_t unit = suffixes == SUFFIX_SIZE ? size_suffix(text.at[text.len - 1]) : 0;
  if (unit != 0) text.len--;
  if (unit == 0) unit = 1;
  if (text.len == 0) return 0;

  uint64_t value = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.at[i] < '0' || text.at[i] > '9') return 0;
    value = value * 10 + (uint64_t)(text.at[i] - '0');
    if (value > max / unit) return 0; /* checked at each digit: value * 10 can't overflow */
  }
  return value * unit;
}

/* --- commands ------------------------------------------------------------------------------- */

static void run_time(struct demo_user *user, struct wsl_span arguments) {
  (void)arguments;
  struct timespec now;
  struct tm utc;
  char text[sizeof "2000-01-01T00:00:00"];
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  if (strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc) == 0) text[0] = '\0';
  demo_user_print(user, "%s.%03dZ\n", text, (int)(now.tv_nsec / 1000000));
}

static void run_echo(struct demo_user *user, struct wsl_span arguments) {
  demo_user_write(user, arguments.at, arguments.len);
  demo_user_write(user, "\n", 1);
}

static void run_ping(struct demo_user *user, struct wsl_span arguments) {
  (void)arguments;
  demo_user_print(user, "pong\n");
}

/* A new job takes the place of the old one, and says so. */
static void replace_job(struct demo_user *user, enum demo_job job, uint64_t total) {
  if (user->job != DEMO_IDLE) {
    demo_user_end_job(user);
    demo_user_print(user, "stopped\n");
  }
  demo_user_start_job(user, job, total);
}

static void run_count(struct demo_user *user, struct wsl_span arguments) {
  uint64_t total = parse_number(arguments, SUFFIX_NONE, COUNT_DEFAULT, COUNT_MAX);
  if (total == 0) {
    demo_user_print(user, "error: count takes a number from 1 to %u\n", COUNT_MAX);
    return;
  }
  replace_job(user, DEMO_COUNTING, total);
}

static void run_flood(struct demo_user *user, struct wsl_span arguments) {
  uint64_t total = parse_number(arguments, SUFFIX_SIZE, FLOOD_DEFAULT, FLOOD_MAX);
  if (total == 0) {
    demo_user_print(user, "error: flood takes a number of bytes from 1 to 1G, such as 500, 64K or 5M\n");
    return;
  }
  replace_job(user, DEMO_FLOODING, total);
}

static void run_stop(struct demo_user *user, struct wsl_span arguments) {
  (void)arguments;
  if (user->job == DEMO_IDLE) {
    demo_user_print(user, "nothing to stop\n");
    return;
  }
  demo_user_end_job(user);
  demo_user_print(user, "stopped\n");
}

static void run_who(struct demo_user *user, struct wsl_span arguments) {
  (void)arguments;
  uint32_t here = user->crowd->user_count, named = 0;
  demo_user_print(user, "%u user%s here; you are %" PRIu64, here, here == 1 ? "" : "s", user->id);
  const struct list *users = &user->crowd->users;
  for (struct list *node = users->next; node != users && named < WHO_MAX; node = node->next) {
    const struct demo_user *other = LIST_ENTRY(node, struct demo_user, node);
    if (other == user) continue;
    demo_user_print(user, "%s%" PRIu64, named == 0 ? "; the others: " : ", ", other->id);
    named++;
  }
  demo_user_print(user, "%s\n", named + 1 < here ? ", ..." : "");
}

/* One user's text reaches other people's terminals: without control characters, so without escape
 * sequences. */
static void print_said(struct demo_user *to, uint64_t from, struct wsl_span text) {
  demo_user_print(to, "user %" PRIu64 " says: ", from);
  for (size_t i = 0; i < text.len; i++) {
    unsigned char c = (unsigned char)text.at[i];
    demo_user_write(to, c < ' ' || c == 0x7f ? "?" : &text.at[i], 1);
  }
  demo_user_write(to, "\n", 1);
}

/* Who does not read what was said to them before does not hear this: nobody waits for them. */
static void run_say(struct demo_user *user, struct wsl_span arguments) {
  struct wsl_span text = trim(arguments);
  if (text.len == 0) {
    demo_user_print(user, "error: say what?\n");
    return;
  }
  unsigned heard = 0;
  struct list *users = &user->crowd->users, *node, *next;
  for (node = users->next; node != users; node = next) {
    next = node->next; /* a flush may close that user */
    struct demo_user *other = LIST_ENTRY(node, struct demo_user, node);
    if (other == user || other->stage != DEMO_OPEN || !demo_user_has_room(other)) continue;
    print_said(other, user->id, text);
    demo_user_flush(other);
    heard++;
  }
  demo_user_print(user, "said to %u other user%s\n", heard, heard == 1 ? "" : "s");
}

static void run_bye(struct demo_user *user, struct wsl_span arguments) {
  (void)arguments;
  demo_user_print(user, "bye\n");
  demo_user_leave(user);
}

static void run_help(struct demo_user *user, struct wsl_span arguments);

static const struct command commands[] = {
    {"help", "", "this list", run_help},
    {"time", "", "the time here, in UTC", run_time},
    {"echo", "TEXT", "your text, back to you", run_echo},
    {"ping", "", "the shortest answer: pong", run_ping},
    {"count", "N", "the numbers to N, ten a second", run_count},
    {"flood", "BYTES", "that many bytes as fast as you take them: 64K, 5M, 1G", run_flood},
    {"stop", "", "end a count or a flood", run_stop},
    {"who", "", "who is here", run_who},
    {"say", "TEXT", "your text, to everybody else who is here", run_say},
    {"bye", "", "end the connection (so does quit)", run_bye},
    {"quit", NULL, NULL, run_bye}, /* not listed */
};
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static void run_help(struct demo_user *user, struct wsl_span arguments) {
  (void)arguments;
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    const struct command *command = &commands[i];
    if (command->about == NULL) continue;
    demo_user_print(user, "%-6s%-7s%s\n", command->name, command->arguments, command->about);
  }
}

static const struct command *find_command(struct wsl_span name) {
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    if (wsl_span_equal_nocase(wsl_span_of(commands[i].name), name)) return &commands[i];
  }
  return NULL;
}

void demo_command_run(struct demo_user *user, struct wsl_span line) {
  assert(demo_user_has_room(user));
  struct wsl_span rest = line;
  while (rest.len > 0 && is_blank(rest.at[0])) {
    rest.at++;
    rest.len--;
  }
  if (rest.len == 0) return; /* an empty line asks nothing */
  struct wsl_span name = take_word(&rest);
  const struct command *command = find_command(name);
  if (command != NULL) {
    command->run(user, rest);
  } else {
    demo_user_print(user, "error: no such command; type help for the list\n");
  }
}

void demo_command_greet(struct demo_user *user) {
  demo_user_print(user,
                  "Hello. This is a plain TCP line service, and you are its user %" PRIu64 ". Type help.\n",
                  user->id);
}
