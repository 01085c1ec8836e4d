/* The table behind server/files/content_type.h. */
#include "server/files/content_type.h"

#include <string.h>
#include <strings.h>

#define TYPE_UNKNOWN "application/octet-stream"
#define TYPE_HTML    "text/html; charset=utf-8"
#define TYPE_JS      "text/javascript; charset=utf-8" /* RFC 9239 */

static const struct {
  const char *ending, *type;
} types[] = {
    {"html", TYPE_HTML},
    {"htm", TYPE_HTML},
    {"xhtml", "application/xhtml+xml; charset=utf-8"},
    {"js", TYPE_JS},
    {"mjs", TYPE_JS},
    {"css", "text/css; charset=utf-8"},
    {"json", "application/json; charset=utf-8"},
    {"map", "application/json; charset=utf-8"},
    {"webmanifest", "application/manifest+json; charset=utf-8"},
    {"xml", "text/xml; charset=utf-8"},
    {"txt", "text/plain; charset=utf-8"},
    {"log", "text/plain; charset=utf-8"},
    {"md", "text/markdown; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"vtt", "text/vtt; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"svg", "image/svg+xml; charset=utf-8"},
    {"png", "image/png"},
    {"apng", "image/apng"},
    {"jpg", "image/jpeg"},
    {"jpeg", "image/jpeg"},
    {"gif", "image/gif"},
    {"webp", "image/webp"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"ico", "image/x-icon"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"ttf", "font/ttf"},
    {"otf", "font/otf"},
    {"mp3", "audio/mpeg"},
    {"m4a", "audio/mp4"},
    {"ogg", "audio/ogg"},
    {"oga", "audio/ogg"},
    {"opus", "audio/ogg"},
    {"flac", "audio/flac"},
    {"wav", "audio/wav"},
    {"mp4", "video/mp4"},
    {"m4v", "video/mp4"},
    {"webm", "video/webm"},
    {"ogv", "video/ogg"},
    {"pdf", "application/pdf"},
    {"zip", "application/zip"},
    {"gz", "application/gzip"},
    {"tar", "application/x-tar"},
};

const char *content_type_of(const char *path) {
  const char *slash = strrchr(path, '/');
  const char *dot = strrchr(slash == NULL ? path : slash, '.');
  for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
    if (strcasecmp(dot + 1, types[i].ending) == 0) return types[i].type;
  }
  return TYPE_UNKNOWN;
}

bool content_type_is_unknown(const char *content_type) {
  return strcmp(content_type, TYPE_UNKNOWN) == 0;
}

const char *content_type_cache_control(const char *content_type) {
  if (strcmp(content_type, TYPE_HTML) == 0 || strcmp(content_type, TYPE_JS) == 0) return "no-cache";
  return NULL;
}
