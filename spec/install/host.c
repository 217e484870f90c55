/* SPDX-License-Identifier: MIT
 *
 * The smallest host: what a project outside of this tree writes. */
#include <pierrot.h>
#include <stdio.h>

int main(void)
{
    pierrot_options options;
    pierrot *rt;
    pierrot_options_init(&options);
    int error = pierrot_new(&options, &rt);
    if (error < 0) {
        fprintf(stderr, "%s\n", pierrot_strerror(error));
        return 1;
    }
    error = pierrot_run_string(rt, "assert(require 'pierrot')", "=host");
    pierrot_stop(rt, 1000);
    pierrot_free(rt);
    return error < 0;
}
