/* The media type of a file, by the ending of its name: an own table, since /etc/mime.types is missing
 * in containers and differs from machine to machine. Pure.
 */
#ifndef SERVER_FILES_CONTENT_TYPE_H
#define SERVER_FILES_CONTENT_TYPE_H

#include <stdbool.h>

/* For the name's ending, in any case; "application/octet-stream" when it is unknown. Static. */
const char *content_type_of(const char *path);

/* Whether it is what content_type_of() gives for an unknown ending. */
bool content_type_is_unknown(const char *content_type);

/* Value of Cache-Control for a file of that type, or NULL: pages and scripts are asked for anew, so
 * that an upgrade of a web client shows at once. */
const char *content_type_cache_control(const char *content_type);

#endif
