/* fuzz: wrap=read max_len=2048
 *
 * Token files: lines as a reader of whole files would take them, however short each read() is; what an entry
 * says written anew and read as the same; and a file through token_files_read() gives exactly the good lines.
 *
 * The byte 0x01 of an input stands for 4,000 letters, so that lines of more than 16 KB are not far.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/log.h"
#include "fuzz/fuzz.h"
#include "net/address.h"
#include "route/line_reader.h"
#include "route/token/files.h"

#define LONG_MARK  0x01
#define LONG_SIZE  4000u
#define FILE_MAX   100000u
#define LINES_MAX  2048u
#define NO_FILE_FD (-2) /* what is read from it comes from `served` */

/* ---- read(), as short as the input wants --------------------------------------------------------------- */

static struct {
  struct wsl_span rest;
  struct fuzz_cuts cuts;
} served;

ssize_t __real_read(int fd, void *buffer, size_t len);
ssize_t __wrap_read(int fd, void *buffer, size_t len);

ssize_t __wrap_read(int fd, void *buffer, size_t len) {
  if (fd != NO_FILE_FD) return __real_read(fd, buffer, len);
  if (served.rest.len == 0) return 0;
  size_t size = fuzz_cut(&served.cuts, served.rest.len);
  if (size > len) size = len;
  memcpy(buffer, served.rest.at, size);
  served.rest = (struct wsl_span){served.rest.at + size, served.rest.len - size};
  return (ssize_t)size;
}

/* ---- lines --------------------------------------------------------------------------------------------- */

/* The next line as the format has it; false at the end. */
static bool next_line(struct fuzz_input *rest, bool first, struct wsl_span *line) {
  if (rest->len == 0) return false;
  *line = fuzz_piece(rest, '\n');
  bool fits = line->len <= LINE_READER_LINE_MAX;
  if (first && fits && line->len >= 3 && memcmp(line->at, "\xEF\xBB\xBF", 3) == 0)
    *line = (struct wsl_span){line->at + 3, line->len - 3};
  return true;
}

static void check_lines(struct wsl_span file, struct fuzz_cuts cuts) {
  struct line_reader *reader = malloc(sizeof *reader); /* not zeroed: nobody zeroes it in earnest */
  fuzz_check(reader != NULL, "there is memory");
  struct fuzz_input rest = {(const uint8_t *)file.at, file.len};
  struct wsl_span wanted, line;
  served.rest = file;
  served.cuts = cuts;
  line_reader_init(reader, NO_FILE_FD);
  for (uint64_t number = 1; next_line(&rest, number == 1, &wanted); number++) {
    bool fits = wanted.len <= LINE_READER_LINE_MAX;
    enum line_read result = line_reader_next(reader, &line);
    fuzz_check(result == (fits ? LINE_READ : LINE_TOO_LONG), "line %d: result %d", (int)number, (int)result);
    fuzz_check(reader->number == number, "line %d is called %d", (int)number, (int)reader->number);
    fuzz_check(!fits || wsl_span_equal(line, wanted), "line %d: \"%.*s\"", (int)number, (int)line.len,
               line.at);
  }
  fuzz_check(line_reader_next(reader, &line) == LINE_END && line_reader_next(reader, &line) == LINE_END,
             "nothing behind the last line");
  free(reader);
}

/* ---- entries ------------------------------------------------------------------------------------------- */

static bool equal_entries(const struct token_line *a, const struct token_line *b) {
  bool same_place = a->where.unix_path.at != NULL
                        ? wsl_span_equal(a->where.unix_path, b->where.unix_path)
                        : strcmp(a->where.host, b->where.host) == 0 && a->where.port == b->where.port;
  return wsl_span_equal(a->token, b->token) && wsl_span_equal(a->target, b->target) && same_place &&
         (a->where.unix_path.at == NULL) == (b->where.unix_path.at == NULL);
}

static void check_anew(const struct token_line *entry) {
  size_t size = entry->token.len + entry->target.len + sizeof "\t: # x\r";
  char *text = fuzz_memory(size);
  int len = snprintf(text, size, "\t%.*s: %.*s # x\r", (int)entry->token.len, entry->token.at,
                     (int)entry->target.len, entry->target.at);
  char *exact = fuzz_copy(text, (size_t)len);
  struct token_line again;
  const char *why = NULL;
  enum token_line_kind kind = token_line_read((struct wsl_span){exact, (size_t)len}, &again, &why);
  bool hides = entry->token.at[0] == '#'; /* such a line is a comment */
  fuzz_check(hides || (kind == TOKEN_LINE_ENTRY && equal_entries(entry, &again)), "\"%s\" (%s)", text,
             why == NULL ? "read as another" : why);
  free(exact);
  free(text);
}

static bool is_white(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The token ends at the first colon with white space behind it. */
static void check_separator(struct wsl_span line, struct wsl_span token) {
  for (size_t i = 0; i + 1 < token.len; i++)
    fuzz_check(token.at[i] != ':' || !is_white(token.at[i + 1]), "a token that goes on behind its end");
  const char *at = token.at + token.len, *end = line.at + line.len;
  while (at < end && is_white(*at))
    at++;
  fuzz_check(end - at > 1 && at[0] == ':' && is_white(at[1]), "a token without its end");
}

static enum token_line_kind check_entry(struct wsl_span line, struct token_line *entry) {
  const char *why = NULL;
  enum token_line_kind kind = token_line_read(line, entry, &why);
  fuzz_check((kind == TOKEN_LINE_BAD) == (why != NULL), "a reason for what is bad");
  if (kind != TOKEN_LINE_ENTRY) return kind;
  fuzz_check(fuzz_within(entry->token, line.at, line.len) && fuzz_within(entry->target, line.at, line.len) &&
                 fuzz_within(entry->where.unix_path, line.at, line.len),
             "spans inside the line");
  fuzz_check(entry->token.len > 0 && entry->target.len > 0, "token and target");
  check_separator(line, entry->token);
  if (entry->where.unix_path.at == NULL) {
    fuzz_check(
        entry->where.host[0] != '\0' && strpbrk(entry->where.host, "[] \t/") == NULL && entry->where.port > 0,
        "host and port");
  }
  check_anew(entry);
  return kind;
}

/* ---- the file ------------------------------------------------------------------------------------------ */

/* The entries that are wanted, in order; token_files_read() visits the same. */
struct visits {
  struct wsl_span lines[LINES_MAX];
  size_t count, seen;
};

static bool fits_address(struct wsl_span path) {
  char *text = fuzz_text(path);
  struct address address;
  bool fits = address_unix(text, &address) == 0;
  free(text);
  return fits;
}

static void want_entries(struct visits *visits, struct wsl_span file) {
  struct fuzz_input rest = {(const uint8_t *)file.at, file.len};
  struct wsl_span line;
  for (bool first = true; visits->count < LINES_MAX && next_line(&rest, first, &line); first = false) {
    if (line.len > LINE_READER_LINE_MAX) continue;
    struct token_line entry;
    char *exact = fuzz_copy(line.at, line.len);
    struct wsl_span copy = {exact, line.len};
    bool good = check_entry(copy, &entry) == TOKEN_LINE_ENTRY;
    if (good && (entry.where.unix_path.at == NULL || fits_address(entry.where.unix_path)))
      visits->lines[visits->count++] = line;
    free(exact);
  }
}

static void visit(void *owner, const struct token_line *entry) {
  struct visits *visits = owner;
  fuzz_check(visits->seen < visits->count, "an entry too many");
  struct token_line wanted;
  const char *why = NULL;
  fuzz_check(token_line_read(visits->lines[visits->seen++], &wanted, &why) == TOKEN_LINE_ENTRY &&
                 equal_entries(entry, &wanted),
             "entry %zu", visits->seen);
}

static void no_sink(enum log_level level, uint64_t id, const char *format, const char *text) {
  (void)level;
  (void)id;
  (void)format;
  fuzz_check(strpbrk(text, "\r\n") == NULL, "one line of log");
}

/* A file in memory that is written anew each time. */
static const char *make_file(struct wsl_span file) {
  static int fd = -1;
  static char path[64];
  if (fd < 0) fd = memfd_create("tokens", MFD_CLOEXEC);
  fuzz_check(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, file.at, file.len, 0) == (ssize_t)file.len,
             "a file can be made");
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return path;
}

static void check_file(struct wsl_span file) {
  static struct visits visits_of_one; /* too large to ask for each time */
  struct visits *visits = &visits_of_one;
  struct token_files *files = fuzz_memory(sizeof *files);
  visits->count = visits->seen = 0;
  log_set_sink(no_sink);
  want_entries(visits, file);
  fuzz_check(token_files_init(files, make_file(file)) == 0, "there is memory");
  if (visits->count < LINES_MAX) {
    struct token_reading reading = token_files_read(files, visit, visits);
    fuzz_check(reading.error == 0 && reading.skipped == 0, "errors %d, %d", reading.error, reading.skipped);
    fuzz_check(visits->seen == visits->count, "%zu of %zu entries", visits->seen, visits->count);
  }
  token_files_destroy(files);
  free(files);
}

static char file_text[FILE_MAX];

static struct wsl_span expand(const struct fuzz_input *input) {
  struct wsl_span file = {file_text, 0};
  for (size_t i = 0; i < input->len; i++) {
    size_t size = input->at[i] == LONG_MARK ? LONG_SIZE : 1;
    if (file.len + size > FILE_MAX) break;
    memset(file_text + file.len, input->at[i] == LONG_MARK ? 'x' : input->at[i], size);
    file.len += size;
  }
  return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_input input = {data, size};
  struct fuzz_cuts cuts = fuzz_cuts_of(fuzz_choice_16(&input));
  struct wsl_span file = expand(&input);
  check_lines(file, cuts);
  check_file(file);
  return 0;
}
