/* main() of a fuzz target where libFuzzer is not linked: runs each file named, and each in the folders named,
 * through the target once. Says how many there were; none is an error, since then nothing was tested.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"

#define PATH_SIZE 4096u

static bool read_file(const char *path, uint8_t **data, size_t *size) {
  FILE *file = fopen(path, "rb");
  struct stat status;
  if (file == NULL) return false;
  bool good = fstat(fileno(file), &status) == 0;
  *size = good ? (size_t)status.st_size : 0;
  *data = fuzz_memory(*size);
  good = good && fread(*data, 1, *size, file) == *size;
  (void)fclose(file);
  if (!good) free(*data);
  return good;
}

static int run_file(const char *path) {
  uint8_t *data;
  size_t size;
  if (!read_file(path, &data, &size)) {
    perror(path);
    return -1;
  }
  (void)fprintf(stderr, "%s\n", path); /* so that the last line names the one that failed */
  uint8_t *exact = fuzz_copy(data, size);
  free(data);
  (void)LLVMFuzzerTestOneInput(exact, size);
  free(exact);
  return 1;
}

static bool is_folder(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* How many inputs ran, or -1. */
static int run_folder(const char *folder) {
  DIR *stream = opendir(folder);
  if (stream == NULL) {
    perror(folder);
    return -1;
  }
  int count = 0, one = 0;
  for (struct dirent *entry; one >= 0 && (entry = readdir(stream)) != NULL; count += one) {
    char path[PATH_SIZE];
    if (entry->d_name[0] == '.') continue;
    (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    one = run_file(path);
  }
  (void)closedir(stream);
  return one < 0 ? -1 : count;
}

int main(int argc, char **argv) {
  int count = 0;
  for (int i = 1; i < argc; i++) {
    int here = is_folder(argv[i]) ? run_folder(argv[i]) : run_file(argv[i]);
    if (here < 0) return 1;
    count += here;
  }
  (void)printf("%s: %d inputs\n", argv[0], count);
  return count > 0 ? 0 : 1;
}
