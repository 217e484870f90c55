/* SPDX-License-Identifier: MIT
 *
 * Loaded before the program (LD_PRELOAD): the signal whose number is in EARLY_SIGNAL comes as soon as
 * libuv takes it, before the program could do anything more. */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

int uv_signal_start(uv_signal_t *handle, uv_signal_cb callback, int number)
{
    int (*start)(uv_signal_t *, uv_signal_cb, int);
    void *found = dlsym(RTLD_NEXT, "uv_signal_start");
    memcpy(&start, &found, sizeof start);
    int error = start(handle, callback, number);
    const char *wanted = getenv("EARLY_SIGNAL");
    if (wanted && atoi(wanted) == number)
        raise(number);
    return error;
}
