/* Keys and certificates for tests, made at test time with the openssl command line in a folder of their own.
 */
#ifndef TEST_UNIT_NET_PEM_FILES_H
#define TEST_UNIT_NET_PEM_FILES_H

#include <stddef.h>

/* A group's set-up: makes the folder and the files that pem_files.c lists. */
int pem_files_make(void **state);

/* Its teardown: the folder and all in it go. */
int pem_files_remove(void **state);

/* Runs a line of shell inside the folder; fails the test where that fails. */
void pem_files_shell(const char *command);

/* The path of a file there, or NULL for NULL. In one of a few buffers: for one call's arguments. */
const char *pem_file(const char *name);

#endif
