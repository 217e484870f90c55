/* SPDX-License-Identifier: MIT */
#include "actor/tcp_output.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* then the sockets have SO_NOSIGPIPE */
#endif

/* Pieces for one call of the system. */
enum { PIECES_MAX = 16 };

/* How many bytes the system took; 0: none for now. */
static long write_some(struct pr_output *output, int fd, struct iovec *parts, int n_parts)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)n_parts};
    ssize_t n;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
    output->n_written += (uint64_t)n;
    return (long)n;
}

long pr_output_try(struct pr_output *output, int fd, const struct pr_parcel *parcel)
{
    struct iovec parts[2] = {{(void *)parcel->header, parcel->header_len},
                             {(void *)parcel->bytes, parcel->len}};
    if (parcel->header_len == 0)
        return write_some(output, fd, parts + 1, 1);
    return write_some(output, fd, parts, 2);
}

/* ------------------------------------------------------------------------------ pieces */

struct pr_rest *pr_rest_new(pierrot *rt, const struct pr_parcel *parcel, size_t done)
{
    size_t of_header = done < parcel->header_len ? done : parcel->header_len;
    size_t header_left = parcel->header_len - of_header;
    size_t left = parcel->len - (done - of_header);
    struct pr_rest *piece = pierrot_shared_alloc(rt, sizeof *piece + header_left + left);
    if (!piece)
        return NULL;
    *piece = (struct pr_rest){.len = header_left + left};
    memcpy(piece->bytes, parcel->header + of_header, header_left);
    memcpy(piece->bytes + header_left, parcel->bytes + (parcel->len - left), left);
    return piece;
}

void pr_rest_free(pierrot *rt, struct pr_rest *piece)
{
    if (piece)
        pierrot_shared_free(rt, piece, sizeof *piece + piece->len);
}

void pr_output_add(struct pr_output *output, struct pr_rest *piece)
{
    if (output->tail)
        output->tail->next = piece;
    else
        output->head = piece;
    output->tail = piece;
    output->n_bytes += piece->len - piece->done;
}

static void drop_first(pierrot *rt, struct pr_output *output)
{
    struct pr_rest *piece = output->head;
    output->head = piece->next;
    if (!output->head)
        output->tail = NULL;
    output->n_bytes -= piece->len - piece->done;
    pr_rest_free(rt, piece);
}

/* ----------------------------------------------------------------------------- writing */

static int fill_parts(const struct pr_output *output, struct iovec *parts)
{
    int n = 0;
    for (struct pr_rest *piece = output->head; piece && n < PIECES_MAX; piece = piece->next)
        parts[n++] = (struct iovec){piece->bytes + piece->done, piece->len - piece->done};
    return n;
}

static void take_away(pierrot *rt, struct pr_output *output, size_t n)
{
    while (n > 0) {
        struct pr_rest *piece = output->head;
        size_t left = piece->len - piece->done;
        if (n < left) {
            piece->done += n;
            output->n_bytes -= n;
            return;
        }
        n -= left;
        drop_first(rt, output);
    }
}

int pr_output_write(pierrot *rt, struct pr_output *output, int fd)
{
    struct iovec parts[PIECES_MAX];
    while (output->head) {
        long n = write_some(output, fd, parts, fill_parts(output, parts));
        if (n <= 0)
            return (int)n;
        take_away(rt, output, (size_t)n);
    }
    return 0;
}

void pr_output_clear(pierrot *rt, struct pr_output *output)
{
    while (output->head)
        drop_first(rt, output);
}
