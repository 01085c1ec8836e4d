/* Formatting, filtering and escaping of log lines; what happens to a line is the sink's business.
 *
 * The level and the sink are relaxed atomics: they are set once at start, and a thread that sees a
 * new level a line late does no harm.
 */
#include "core/log.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

static const char cut_mark[] = "...";
#define CUT_MARK_LEN (sizeof cut_mark - 1)

/* The least buffer in which one escaped byte and the cut mark fit: "\xNN" "..." NUL. */
#define ESCAPE_CAP_MIN 8

/* The longest form of one escaped byte, with its NUL. */
#define ESCAPED_BYTE_SIZE sizeof "\\xNN"

static const char *const level_names[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
#define LEVELS (sizeof level_names / sizeof level_names[0])

static _Atomic(log_sink) current_sink;
static atomic_int current_level = LOG_INFO;

void log_set_sink(log_sink sink) {
  atomic_store_explicit(&current_sink, sink, memory_order_relaxed);
}

void log_set_level(enum log_level level) {
  atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

bool log_level_parse(const char *word, enum log_level *level) {
  for (size_t i = 0; i < LEVELS; i++) {
    if (strcmp(word, level_names[i]) == 0) {
      *level = (enum log_level)i;
      return true;
    }
  }
  return false;
}

const char *log_level_name(enum log_level level) {
  assert((size_t)level < LEVELS);
  return level_names[level];
}

bool log_enabled(enum log_level level) {
  return (int)level <= atomic_load_explicit(&current_level, memory_order_relaxed);
}

/* One writev, so that lines of several threads do not mix. A failure has nowhere to be reported. */
static void write_to_stderr(const char *text) {
  struct iovec parts[] = {{(void *)(uintptr_t)text, strlen(text)}, {(void *)(uintptr_t)"\n", 1}};
  ssize_t ignored = writev(STDERR_FILENO, parts, 2);
  (void)ignored;
}

static bool is_control(char c) {
  return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Keeps the promise of one event a line even where a caller forgot log_escape(): a client that can
 * write line ends into the log can forge events. */
static void blank_controls(char *text) {
  for (; *text; text++) {
    if (is_control(*text)) *text = '?';
  }
}

void log_event(enum log_level level, uint64_t id, const char *format, ...) {
  if (!log_enabled(level)) return;
  int errno_of_caller = errno; /* callers log first and look at errno afterwards */

  char text[LOG_TEXT_MAX];
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (len < 0) text[0] = '\0';
  if (len >= (int)sizeof text) memcpy(text + sizeof text - sizeof cut_mark, cut_mark, sizeof cut_mark);
  blank_controls(text);

  log_sink sink = atomic_load_explicit(&current_sink, memory_order_relaxed);
  if (sink) {
    sink(level, id, format, text);
  } else {
    write_to_stderr(text);
  }
  errno = errno_of_caller;
}

/* Writes the printable form of one byte, not terminated; returns its length. */
static size_t escape_byte(char c, char out[ESCAPED_BYTE_SIZE]) {
  static const char hex[] = "0123456789abcdef";
  static const char named[] = "\"\\\r\n\t", letters[] = "\"\\rnt";
  const char *name = c ? strchr(named, c) : NULL;
  if (name) {
    out[0] = '\\';
    out[1] = letters[name - named];
    return 2;
  }
  unsigned char byte = (unsigned char)c;
  if (byte >= 0x20 && byte <= 0x7e) {
    out[0] = c;
    return 1;
  }
  out[0] = '\\';
  out[1] = 'x';
  out[2] = hex[byte >> 4];
  out[3] = hex[byte & 0xf];
  return 4;
}

const char *log_escape(struct wsl_span raw, char *out, size_t cap) {
  assert(cap >= ESCAPE_CAP_MIN);
  size_t len = 0;
  size_t cut_at = 0; /* the last end of a whole escape behind which the cut mark still fits */
  for (size_t i = 0; i < raw.len; i++) {
    char escaped[ESCAPED_BYTE_SIZE];
    size_t escaped_len = escape_byte(raw.at[i], escaped);
    if (len + escaped_len >= cap) {
      memcpy(out + cut_at, cut_mark, sizeof cut_mark);
      return out;
    }
    memcpy(out + len, escaped, escaped_len);
    len += escaped_len;
    if (len + CUT_MARK_LEN < cap) cut_at = len;
  }
  out[len] = '\0';
  return out;
}
