/* See server/files/directory_listing.h. */
#include "server/files/directory_listing.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codec/http/path.h"
#include "core/error.h"
#include "core/text.h"

#include <wsluice/utf8.h>

/* What a name takes at most: as a link, three bytes for one. */
#define HREF_MAX (3u * NAME_MAX + 2)

/* Left for the page's end. */
#define FOOT_ROOM 128u

/* The names, each with its NUL, behind a mark of its kind. */
struct names {
  char *bytes;
  size_t len;
  uint32_t *at; /* of each name's mark */
  size_t count, cap;
  bool all; /* none was left out */
};

enum mark { MARK_FILE = 'f', MARK_DIRECTORY = 'd' };

/* ---- reading ---- */

static bool is_directory(int fd, const struct dirent *entry) {
  struct stat st;
  if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN) return entry->d_type == DT_DIR;
  return fstatat(fd, entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static int grow(struct names *names) {
  if (names->count < names->cap) return 0;
  size_t cap = names->cap == 0 ? 64 : 2 * names->cap;
  uint32_t *at = realloc(names->at, cap * sizeof(*at));
  if (at == NULL) return WSL_NO_MEMORY;
  names->at = at;
  names->cap = cap;
  return 0;
}

/* WSL_AGAIN: there is no room for it. */
static int add(struct names *names, const char *name, enum mark mark) {
  size_t len = strlen(name) + 1;
  if (len + 1 > LISTING_BYTES_MAX - names->len) return WSL_AGAIN;
  if (grow(names) != 0) return WSL_NO_MEMORY;
  names->at[names->count++] = (uint32_t)names->len;
  names->bytes[names->len] = (char)mark;
  memcpy(names->bytes + names->len + 1, name, len);
  names->len += 1 + len;
  return 0;
}

static int read_names(DIR *dir, struct names *names) {
  int fd = dirfd(dir);
  assert(fd >= 0);
  const struct dirent *entry;
  errno = 0;
  while ((entry = readdir(dir)) != NULL) {
    if (entry->d_name[0] == '.') continue;
    int error = add(names, entry->d_name, is_directory(fd, entry) ? MARK_DIRECTORY : MARK_FILE);
    if (error == WSL_AGAIN) return 0;
    if (error != 0) return error;
    errno = 0;
  }
  names->all = errno == 0;
  return errno == 0 ? 0 : WSL_IO;
}

static int compare(const void *a, const void *b, void *bytes) {
  const char *left = (const char *)bytes + *(const uint32_t *)a + 1;
  const char *right = (const char *)bytes + *(const uint32_t *)b + 1;
  return strcmp(left, right);
}

/* ---- writing ---- */

/* Bytes of the character that `text` begins with; 0: it is no UTF-8. */
static size_t character_len(const char *text) {
  size_t most = strnlen(text, 4);
  for (size_t len = 1; len <= most; len++) {
    if (wsl_utf8_valid((const uint8_t *)text, len)) return len;
  }
  return 0;
}

static const char *entity_of(char byte) {
  switch (byte) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    default:
      return NULL;
  }
}

/* As text. Bytes that are no UTF-8 and control characters become U+FFFD. */
static void put_escaped(struct text *page, const char *name) {
  while (*name != '\0') {
    size_t len = character_len(name);
    bool shown = len > 0 && (unsigned char)*name >= ' ' && *name != 0x7f;
    if (!shown) {
      text_string(page, "\xEF\xBF\xBD");
      len = 1;
    } else if (entity_of(*name) != NULL) {
      text_string(page, entity_of(*name));
    } else {
      text_span(page, (struct wsl_span){name, len});
    }
    name += len;
  }
}

static void put_head(struct text *page, const char *path) {
  text_string(page,
              "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Index of /");
  put_escaped(page, path);
  text_string(page, "</title>\n</head>\n<body>\n<h1>Index of /");
  put_escaped(page, path);
  text_string(page, "</h1>\n<ul>\n");
  if (path[0] != '\0') text_string(page, "<li><a href=\"../\">../</a></li>\n");
}

/* Relative, so that it holds behind a proxy that serves us under another path. path_encode() puts a slash in
 * front, which is left out; it escapes colons, so that no name is taken for a scheme. */
static void put_entry(struct text *page, const char *entry) {
  const char *name = entry + 1, *slash = *entry == MARK_DIRECTORY ? "/" : "";
  char href[HREF_MAX];
  if (path_encode(name, href, sizeof href) != 0) return; /* no file system has such names */
  text_format(page, "<li><a href=\"%s%s\">", href + 1, slash);
  put_escaped(page, name);
  text_format(page, "%s</a></li>\n", slash);
}

/* Entries that do not fit whole are left out. */
static void write_page(struct text *page, const struct names *names, const char *path) {
  bool all = names->all;
  page->cap -= FOOT_ROOM;
  put_head(page, path);
  for (size_t i = 0; i < names->count && !page->overflow; i++) {
    size_t len = page->len;
    put_entry(page, names->bytes + names->at[i]);
    if (page->overflow) page->len = len;
  }
  if (page->overflow) all = false;
  page->overflow = false;
  page->cap += FOOT_ROOM;
  text_string(page, all ? "</ul>\n" : "</ul>\n<p>There are more than are shown here.</p>\n");
  text_string(page, "</body>\n</html>\n");
}

static int list(DIR *dir, const char *path, struct names *names, struct listing *listing) {
  struct text page;
  int error = read_names(dir, names);
  if (error != 0) return error;
  if (names->count > 1) qsort_r(names->at, names->count, sizeof(*names->at), compare, names->bytes);
  listing->html = malloc(LISTING_BYTES_MAX);
  if (listing->html == NULL) return WSL_NO_MEMORY;
  text_init(&page, listing->html, LISTING_BYTES_MAX);
  write_page(&page, names, path);
  listing->len = page.len;
  char *fitting = realloc(listing->html, page.len);
  if (fitting != NULL) listing->html = fitting;
  return 0;
}

int directory_listing_make(int fd, const char *path, struct listing *listing) {
  struct names names = {0};
  int own = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* closedir() closes it */
  if (own < 0) return WSL_NO_DESCRIPTOR;
  DIR *dir = fdopendir(own);
  if (dir == NULL) {
    int error = errno == ENOTDIR ? WSL_NOT_FOUND : WSL_NO_MEMORY;
    close(own);
    return error;
  }
  rewinddir(dir); /* the position is shared with `fd` */
  names.bytes = malloc(LISTING_BYTES_MAX);
  int error = names.bytes == NULL ? WSL_NO_MEMORY : list(dir, path, &names, listing);
  free(names.bytes);
  free(names.at);
  closedir(dir);
  return error;
}
