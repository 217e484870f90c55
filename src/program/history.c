/* SPDX-License-Identifier: MIT */
#include "program/history.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct history_file {
    int fd;
};

/* The newest lines, in a ring. */
struct lines {
    char *line[HISTORY_MAX];
    size_t n; /* of all that were read */
};

static void make_folders(const char *path)
{
    char folder[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof folder)
        return;
    memcpy(folder, path, len + 1);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0700) < 0 && errno != EEXIST)
            return;
        *slash = '/';
    }
}

static void read_lines(FILE *file, struct lines *lines)
{
    char *line = NULL;
    size_t n_room = 0;
    ssize_t len;
    while ((len = getline(&line, &n_room, file)) >= 0) {
        if (len > 0 && line[len - 1] == '\n')
            line[--len] = '\0';
        if (len == 0)
            continue;
        char **place = &lines->line[lines->n % HISTORY_MAX];
        char *copy = strdup(line);
        if (!copy)
            break;
        free(*place);
        *place = copy;
        lines->n++;
    }
    free(line);
}

/* The file anew, with the lines that are kept. Where that fails it stays as it is. */
static void cut(const char *path, const struct lines *lines)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid()) >= (int)sizeof beside)
        return;
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (size_t i = lines->n - HISTORY_MAX; i < lines->n; i++)
        fprintf(file, "%s\n", lines->line[i % HISTORY_MAX]);
    int failed = ferror(file);
    if (fclose(file) != 0 || failed || rename(beside, path) < 0)
        unlink(beside);
}

static void load(const char *path, void (*each)(void *ud, const char *line), void *ud)
{
    struct lines *lines = calloc(1, sizeof *lines);
    FILE *file = fopen(path, "re");
    if (lines && file) {
        read_lines(file, lines);
        if (lines->n > 2 * HISTORY_MAX)
            cut(path, lines);
        size_t first = lines->n > HISTORY_MAX ? lines->n - HISTORY_MAX : 0;
        for (size_t i = first; i < lines->n; i++)
            each(ud, lines->line[i % HISTORY_MAX]);
    }
    if (file)
        fclose(file);
    for (size_t i = 0; lines && i < HISTORY_MAX; i++)
        free(lines->line[i]);
    free(lines);
}

struct history_file *history_file_open(const char *path, void (*each)(void *ud, const char *line),
                                       void *ud)
{
    struct history_file *file = malloc(sizeof *file);
    if (!file)
        return NULL;
    make_folders(path);
    load(path, each, ud);
    file->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file->fd < 0 || fchmod(file->fd, 0600) < 0) {
        int why = errno;
        history_file_close(file);
        errno = why;
        return NULL;
    }
    return file;
}

void history_file_add(struct history_file *file, const char *line)
{
    size_t len = strlen(line);
    if (len == 0 || line[0] == ' ' || line[0] == '\t')
        return;
    char *text = malloc(len + 1);
    if (!text)
        return;
    memcpy(text, line, len);
    text[len] = '\n';
    /* One write: sessions side by side do not mix their lines. */
    if (write(file->fd, text, len + 1) < 0)
        errno = 0; /* the session goes on without */
    free(text);
}

void history_file_close(struct history_file *file)
{
    if (file && file->fd >= 0)
        close(file->fd);
    free(file);
}
