/* SPDX-License-Identifier: MIT
 *
 * Descriptors that luv has given to scripts as plain numbers. As in OTP a file closes when the process
 * that opened it ends. */
#ifndef PR_LUA_LUV_FILE_H
#define PR_LUA_LUV_FILE_H

#include "lua/luv_state.h"

/* The process holds the descriptor from now on. Without memory it holds it unnoticed. */
void pr_luv_file_hold(struct pr_luv *luv, struct pr_luv_owner *owner, int fd);

/* Nobody does: it is closed, or a handle's. Nothing happens where nobody did. */
void pr_luv_file_forget(struct pr_luv *luv, int fd);

/* Closes one that nobody holds. */
void pr_luv_file_close(int fd);

/* Closes what the process holds. */
void pr_luv_file_close_all(struct pr_luv *luv, struct pr_luv_owner *owner);

#endif
