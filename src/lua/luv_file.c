/* SPDX-License-Identifier: MIT
 *
 * A number may be closed by other means than luv's and then stand for another file, which must not be
 * closed: so it is noted what file it was. */
#include "lua/luv_file.h"

#include <sys/stat.h>
#include <unistd.h>

struct file {
    struct pr_map_node node;
    struct pr_node of_owner;
    struct pr_luv_owner *owner;
    int fd;
    dev_t device;
    ino_t inode;
};

static struct file *find(struct pr_luv *luv, int fd)
{
    uint64_t hash = pr_hash_mix((uint64_t)fd + 1);
    struct pr_map_node *node = pr_map_first(&luv->files, hash);
    for (; node; node = node->next) {
        struct file *file = PR_CONTAINER_OF(node, struct file, node);
        if (file->fd == fd)
            return file;
    }
    return NULL;
}

static void forget(struct pr_luv *luv, struct file *file)
{
    pr_list_remove(&file->owner->files, &file->of_owner);
    pr_map_remove(&luv->files, &luv->lua->owner->heap, &file->node);
    pr_pool_free(&luv->lua->scheduler->pool, file, sizeof *file);
}

void pr_luv_file_forget(struct pr_luv *luv, int fd)
{
    struct file *file = find(luv, fd);
    if (file)
        forget(luv, file);
}

void pr_luv_file_hold(struct pr_luv *luv, struct pr_luv_owner *owner, int fd)
{
    struct stat stat;
    pr_luv_file_forget(luv, fd); /* it was closed by other means, or the system would not reuse it */
    if (fd < 0 || fstat(fd, &stat) != 0 ||
        pr_map_reserve(&luv->files, &luv->lua->owner->heap) != 0)
        return;
    struct file *file = pr_pool_alloc(&luv->lua->scheduler->pool, sizeof *file);
    if (!file)
        return;
    *file = (struct file){.node.hash = pr_hash_mix((uint64_t)fd + 1),
                          .owner = owner,
                          .fd = fd,
                          .device = stat.st_dev,
                          .inode = stat.st_ino};
    pr_map_insert(&luv->files, &file->node);
    pr_list_append(&owner->files, &file->of_owner);
}

void pr_luv_file_close(int fd)
{
    (void)close(fd);
}

void pr_luv_file_close_all(struct pr_luv *luv, struct pr_luv_owner *owner)
{
    while (!pr_list_is_empty(&owner->files)) {
        struct file *file = PR_CONTAINER_OF(owner->files.head, struct file, of_owner);
        struct stat stat;
        if (fstat(file->fd, &stat) == 0 && stat.st_dev == file->device &&
            stat.st_ino == file->inode)
            (void)close(file->fd);
        forget(luv, file);
    }
}
