/* Keys and certificates for tests, made at test time with the openssl command line in a folder of their own.
 */
#ifndef TEST_UNIT_NET_PEM_FILES_H
#define TEST_UNIT_NET_PEM_FILES_H

#include <stddef.h>

/* Makes the folder and the files that pem_files.c lists. For a group's setup. */
void pem_files_make(void);

/* The folder and all in it go. */
void pem_files_remove(void);

/* Runs a line of shell inside the folder; fails the test where that fails. */
void pem_files_shell(const char *command);

/* The path of a file there, or NULL for NULL. In one of a few buffers: for one call's arguments. */
const char *pem_file(const char *name);

#endif
