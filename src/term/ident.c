/* SPDX-License-Identifier: MIT */
#include "term/ident.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int pr_ident_print(uint64_t id, char *buffer, size_t size)
{
    if (!pr_id_is_ref(id)) {
        pierrot_pid pid = {id};
        return snprintf(buffer, size, "%s<0.%" PRIu32 ".%" PRIu64 ">",
                        pr_id_is_socket(id) ? "#Socket" : "", pr_pid_index(pid),
                        pr_pid_generation(pid));
    }
    pierrot_ref ref = {id};
    return snprintf(buffer, size, "#Ref<0.%" PRIu32 ".%" PRIu64 ">", pr_ref_home(ref),
                    pr_ref_number(ref));
}

pierrot_pid pr_pid_parse(const char *text)
{
    uint32_t node, index;
    uint64_t generation;
    int end = 0;
    int bracket = *text == '<';
    if (sscanf(text + bracket, "%" SCNu32 ".%" SCNu32 ".%" SCNu64 "%n", &node, &index, &generation,
               &end) != 3)
        return (pierrot_pid){0};
    if (strcmp(text + bracket + end, bracket ? ">" : "") != 0 || node != 0 ||
        index >= PR_MAX_PROCESSES || generation > PR_GENERATION_MASK)
        return (pierrot_pid){0};
    return pr_pid_make(index, generation);
}
