/* SPDX-License-Identifier: MIT
 * The smallest host: a runtime, a piece of Lua in it, its result. */
#include <pierrot.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    static const char code[] = "local p = require 'pierrot'\n"
                               "local pid, ref = p.spawn_monitor(function(n) p.exit(n * n) end, 6)\n"
                               "return p.receive({ 'DOWN', ref })[5]";
    pierrot_options options;
    pierrot *rt;
    pierrot_term *result = NULL;
    pierrot_options_init(&options);
    int error = pierrot_new(&options, &rt);
    if (error)
        return fprintf(stderr, "%s\n", pierrot_strerror(error)), 1;
    error = pierrot_eval(rt, code, strlen(code), "=minimal", NULL, NULL, 5000, &result);
    printf("%lld\n", (long long)pierrot_as_int(result));
    pierrot_term_free(result);
    pierrot_stop(rt, 1000);
    pierrot_free(rt);
    return error != 0;
}
