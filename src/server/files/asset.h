/* A file that is built into the program (the demo page), served like one from --web. */
#ifndef SERVER_FILES_ASSET_H
#define SERVER_FILES_ASSET_H

#include <stddef.h>
#include <stdint.h>

struct asset {
  const char *path;         /* relative, "index.html"; NULL ends a table */
  const char *content_type; /* NULL: by the path's ending */
  const uint8_t *data;
  size_t len;
};

#endif
