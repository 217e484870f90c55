/* SPDX-License-Identifier: MIT */
#include "lua/class.h"

#include <string.h>

static uint64_t hash_of(const void *table)
{
    return pr_hash_mix((uint64_t)(uintptr_t)table);
}

static struct pr_class *find(struct pr_lua *lua, const void *table)
{
    struct pr_map_node *node = pr_map_first(&lua->classes, hash_of(table));
    for (; node; node = node->next) {
        struct pr_class *class_ = PR_CONTAINER_OF(node, struct pr_class, node);
        if (class_->table == table)
            return class_;
    }
    return NULL;
}

static char *copy_name(struct pr_heap *heap, const char *name)
{
    size_t size = name ? strlen(name) + 1 : 0;
    char *copy = size ? pr_alloc(heap, size) : NULL;
    return copy ? memcpy(copy, name, size) : NULL;
}

struct pr_class *pr_class_hold(struct pr_lua *lua, lua_State *L, int index, const char *name)
{
    struct pr_heap *heap = &lua->owner->heap;
    const void *table = lua_topointer(L, index);
    struct pr_class *class_ = find(lua, table);
    if (!class_) {
        pr_store_reserve(lua, L);
        lua_pushvalue(L, index);
        if (pr_map_reserve(&lua->classes, heap) != 0 || !(class_ = pr_zalloc(heap, sizeof *class_)))
            luaL_error(L, "not enough memory");
        class_->table = table;
        class_->place = pr_store_put(lua, L);
        class_->node.hash = hash_of(table);
        pr_map_insert(&lua->classes, &class_->node);
    }
    if (!class_->name)
        class_->name = copy_name(heap, name);
    class_->n_users++;
    return class_;
}

static void free_class(struct pr_lua *lua, struct pr_class *class_)
{
    struct pr_heap *heap = &lua->owner->heap;
    pr_map_remove(&lua->classes, heap, &class_->node);
    if (class_->name)
        pr_free(heap, class_->name, strlen(class_->name) + 1);
    pr_free(heap, class_, sizeof *class_);
}

void pr_class_drop(struct pr_lua *lua, struct pr_class *class_)
{
    if (!class_ || --class_->n_users > 0)
        return;
    pr_store_drop(lua, class_->place);
    free_class(lua, class_);
}

void pr_class_set(struct pr_lua *lua, lua_State *L, struct pr_lua_process *server, int index,
                  const char *name)
{
    struct pr_class *class_ = pr_class_hold(lua, L, index, name);
    pr_class_drop(lua, server->class_);
    server->class_ = class_;
}

void pr_class_close(struct pr_lua *lua)
{
    for (uint32_t i = 0; i < lua->classes.n_buckets; i++)
        while (lua->classes.buckets[i])
            free_class(lua, PR_CONTAINER_OF(lua->classes.buckets[i], struct pr_class, node));
    pr_map_fini(&lua->classes, &lua->owner->heap);
}

void pr_class_push(struct pr_lua *lua, const struct pr_class *class_, lua_State *L)
{
    pr_store_push(lua, L, class_->place);
}

void pr_class_push_callback(struct pr_lua *lua, struct pr_class *class_, lua_State *L,
                            const char *name)
{
    pr_store_push(lua, L, class_->place);
    lua_getfield(L, -1, name);
    lua_replace(L, -2);
}
