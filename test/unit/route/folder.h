/* What the tests of token files share: a folder of their own under /tmp, and the log's lines kept. */
#ifndef TEST_ROUTE_FOLDER_H
#define TEST_ROUTE_FOLDER_H

#include <stddef.h>

/* Fresh and empty; paths below are relative to it. */
void folder_open(void);

/* Removes it and all that lies in it. */
void folder_close(void);

/* The absolute path of `name`; good until the fourth call from now. */
const char *folder_path(const char *name);

/* Makes or rewrites a file in place. Each call gives it another modification time. */
void folder_write_bytes(const char *name, const void *data, size_t len);
void folder_write(const char *name, const char *text);

/* Makes a file aside and renames it over. */
void folder_replace(const char *name, const char *text);

/* From now on lines of the log are kept; begins empty. */
void log_keep(void);

/* How many kept lines hold `piece`. */
size_t log_count(const char *piece);

#endif
