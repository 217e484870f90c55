/* SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "base/assert.h"
#include "base/error.h"
#include "base/list.h"
#include "base/map.h"
#include "base/queue.h"
#include "base/spare.h"
#include "test.h"
#include "test_heap.h"

/* ---- lists ---- */

TEST(a_list_keeps_the_order_of_appends_and_prepends)
{
    struct pr_list list;
    struct pr_node a, b, c;
    pr_list_init(&list);

    pr_list_append(&list, &b);
    pr_list_append(&list, &c);
    pr_list_prepend(&list, &a);

    CHECK(pr_list_shift(&list) == &a);
    CHECK(pr_list_shift(&list) == &b);
    CHECK(pr_list_shift(&list) == &c);
    CHECK(pr_list_shift(&list) == NULL);
}

TEST(a_list_can_lose_any_node)
{
    for (int removed = 0; removed < 3; removed++) {
        struct pr_list list;
        struct pr_node nodes[3];
        pr_list_init(&list);
        for (int i = 0; i < 3; i++)
            pr_list_append(&list, &nodes[i]);

        pr_list_remove(&list, &nodes[removed]);

        for (int i = 0; i < 3; i++)
            CHECK(i == removed || pr_list_shift(&list) == &nodes[i]);
        CHECK(pr_list_is_empty(&list) && list.tail == NULL);
    }
}

/* ---- the map ---- */

struct element {
    struct pr_map_node node;
    uint64_t key;
};

static struct element *find(const struct pr_map *map, uint64_t key)
{
    uint64_t hash = pr_hash_mix(key);
    for (struct pr_map_node *node = pr_map_first(map, hash); node; node = node->next) {
        struct element *element = PR_CONTAINER_OF(node, struct element, node);
        if (node->hash == hash && element->key == key)
            return element;
    }
    return NULL;
}

enum { N_ELEMENTS = 1000 };

static int insert_all(struct pr_map *map, struct pr_heap *heap, struct element *elements)
{
    for (uint64_t i = 0; i < N_ELEMENTS; i++) {
        int error = pr_map_reserve(map, heap);
        if (error)
            return error;
        elements[i] = (struct element){.node.hash = pr_hash_mix(i), .key = i};
        pr_map_insert(map, &elements[i].node);
    }
    return 0;
}

TEST(a_map_finds_what_was_inserted_and_not_what_was_removed)
{
    struct test_heap heap;
    struct pr_map map;
    static struct element elements[N_ELEMENTS];
    test_heap_init(&heap);
    pr_map_init(&map);
    CHECK(find(&map, 1) == NULL);

    REQUIRE(insert_all(&map, &heap.heap, elements) == 0);
    for (int i = 0; i < N_ELEMENTS; i += 2)
        pr_map_remove(&map, &heap.heap, &elements[i].node);

    for (uint64_t i = 0; i < N_ELEMENTS; i++)
        CHECK(find(&map, i) == (i % 2 ? &elements[i] : NULL));
    pr_map_fini(&map, &heap.heap);
    test_heap_fini(&heap);
}

TEST(a_map_that_empties_gives_memory_back)
{
    struct test_heap heap;
    struct pr_map map;
    static struct element elements[N_ELEMENTS];
    test_heap_init(&heap);
    pr_map_init(&map);
    REQUIRE(insert_all(&map, &heap.heap, elements) == 0);
    int64_t full = pr_heap_live(&heap.heap);

    for (int i = 0; i < N_ELEMENTS; i++)
        pr_map_remove(&map, &heap.heap, &elements[i].node);

    CHECK(pr_heap_live(&heap.heap) <= full / 32);
    pr_map_fini(&map, &heap.heap);
    test_heap_fini(&heap);
}

static void fill_and_drain(struct test_heap *heap)
{
    struct pr_map map;
    static struct element elements[N_ELEMENTS];
    pr_map_init(&map);
    int error = insert_all(&map, &heap->heap, elements);
    CHECK(error == 0 || error == PIERROT_ENOMEM);
    for (uint64_t i = 0; !error && i < N_ELEMENTS; i++) {
        CHECK(find(&map, i) == &elements[i]);
        pr_map_remove(&map, &heap->heap, &elements[i].node);
    }
    pr_map_fini(&map, &heap->heap);
}

TEST(a_map_survives_every_failed_allocation)
{
    TEST_EACH_FAILURE(fill_and_drain);
}

TEST(hashes_of_bytes_differ_by_content_length_and_seed)
{
    const char zeros[16] = {0};
    CHECK(pr_hash_bytes("abc", 3, 1) == pr_hash_bytes("abc", 3, 1));
    CHECK(pr_hash_bytes("abc", 3, 1) != pr_hash_bytes("abd", 3, 1));
    CHECK(pr_hash_bytes("abc", 3, 1) != pr_hash_bytes("abc", 3, 2));
    CHECK(pr_hash_bytes(zeros, 8, 1) != pr_hash_bytes(zeros, 9, 1));
    CHECK(pr_hash_bytes(zeros, 0, 1) != pr_hash_bytes(zeros, 16, 1));
}

/* ---- the queue ---- */

enum { N_PUSHERS = 3, N_PUSHES = 20000 };

struct item {
    struct pr_node node;
    int pusher, number;
};

struct pusher {
    struct pr_queue *queue;
    struct item *items;
};

static void *push_all(void *arg)
{
    struct pusher *pusher = arg;
    for (int i = 0; i < N_PUSHES; i++)
        pr_queue_push(pusher->queue, &pusher->items[i].node);
    return NULL;
}

/* Takes until everything has come; the number of items out of order. */
static int take_all(struct pr_queue *queue)
{
    int next[N_PUSHERS] = {0}, n_taken = 0, n_wrong = 0;
    while (n_taken < N_PUSHERS * N_PUSHES) {
        struct pr_node *node = pr_queue_take(queue);
        for (; node; node = node->next, n_taken++) {
            struct item *item = PR_CONTAINER_OF(node, struct item, node);
            n_wrong += item->number != next[item->pusher]++;
        }
    }
    return n_wrong;
}

TEST(a_queue_keeps_the_order_of_each_of_several_pushers)
{
    static struct item items[N_PUSHERS][N_PUSHES];
    struct pr_queue queue;
    struct pusher pushers[N_PUSHERS];
    pthread_t threads[N_PUSHERS];
    pr_queue_init(&queue);
    for (int i = 0; i < N_PUSHERS; i++) {
        for (int j = 0; j < N_PUSHES; j++)
            items[i][j] = (struct item){.pusher = i, .number = j};
        pushers[i] = (struct pusher){&queue, items[i]};
        REQUIRE(pthread_create(&threads[i], NULL, push_all, &pushers[i]) == 0);
    }

    int n_wrong = take_all(&queue);

    for (int i = 0; i < N_PUSHERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(n_wrong, 0);
    CHECK(pr_queue_is_empty(&queue));
}

TEST(a_queue_is_taken_whole_and_oldest_first)
{
    struct pr_queue queue;
    struct pr_node a, b;
    pr_queue_init(&queue);
    CHECK(pr_queue_take(&queue) == NULL && pr_queue_seems_empty(&queue));

    pr_queue_push(&queue, &a);
    pr_queue_push(&queue, &b);
    struct pr_node *first = pr_queue_take(&queue);

    CHECK(first == &a && a.next == &b && b.next == NULL);
    CHECK(pr_queue_is_empty(&queue));
}

/* ---- heaps ---- */

TEST(a_heap_counts_its_live_bytes)
{
    struct pr_heap shared, heap;
    pr_heap_init(&shared, NULL, NULL);
    pr_heap_init_own(&heap, &shared);

    void *a = pr_alloc(&heap, 100);
    void *b = pr_zalloc(&heap, 50);
    a = pr_realloc(&heap, a, 100, 300);

    CHECK_INT(pr_heap_live(&heap), 350);
    pr_free(&heap, a, 300);
    pr_free(&heap, b, 50);
    pr_free(&heap, NULL, 10);
    CHECK_INT(pr_heap_live(&heap), 0);
}

TEST(a_heap_that_fails_counts_nothing_and_leaves_the_old_block)
{
    struct test_heap heap;
    test_heap_init(&heap);
    char *block = pr_alloc(&heap.heap, 8);
    REQUIRE(block);
    block[0] = 'x';

    heap.n_until_failure = 1;
    void *larger = pr_realloc(&heap.heap, block, 8, 800);
    heap.n_until_failure = 1;
    void *other = pr_zalloc(&heap.heap, 8);

    CHECK(larger == NULL && other == NULL);
    CHECK(block[0] == 'x');
    CHECK_INT(pr_heap_live(&heap.heap), 8);
    pr_free(&heap.heap, block, 8);
    test_heap_fini(&heap);
}

static void *churn(void *arg)
{
    struct pr_heap *heap = arg;
    for (int i = 0; i < 1000; i++) {
        void *block = pr_alloc(heap, 16);
        pr_free(heap, block, 16);
    }
    return pr_heap_current();
}

TEST(a_shared_heap_counts_right_from_several_threads)
{
    struct pr_heap heap;
    pthread_t threads[2];
    pr_heap_init(&heap, NULL, NULL);
    for (int i = 0; i < 2; i++)
        REQUIRE(pthread_create(&threads[i], NULL, churn, &heap) == 0);

    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);

    CHECK_INT(pr_heap_live(&heap), 0);
}

TEST(the_current_heap_belongs_to_a_thread)
{
    struct pr_heap heap;
    struct pr_heap *host = pr_heap_current();
    pthread_t thread;
    void *other_current = NULL;
    pr_heap_init(&heap, NULL, NULL);

    pr_heap_set_current(&heap);
    REQUIRE(pthread_create(&thread, NULL, churn, &heap) == 0);
    pthread_join(thread, &other_current);

    CHECK(pr_heap_current() == &heap);
    CHECK(other_current == host && pr_heap_is_shared(host));
    pr_heap_set_current(NULL);
    CHECK(pr_heap_current() == host);
}

/* ---- spare pieces ---- */

enum { PIECE = PR_SPARE_MIN + 16 };

struct shelves {
    struct test_heap heap;
    struct pr_depot depot;
    struct pr_shelf sender, receiver;
};

static void shelves_init(struct shelves *shelves)
{
    test_heap_init(&shelves->heap);
    pr_depot_init(&shelves->depot);
    pr_shelf_init(&shelves->sender, &shelves->depot, &shelves->heap.heap);
    pr_shelf_init(&shelves->receiver, &shelves->depot, &shelves->heap.heap);
}

static void shelves_fini(struct shelves *shelves)
{
    pr_shelf_fini(&shelves->sender);
    pr_shelf_fini(&shelves->receiver);
    pr_depot_fini(&shelves->depot, &shelves->heap.heap);
    test_heap_fini(&shelves->heap);
}

/* n pieces that one allocates and another frees; how many could not be had. */
static int pass_pieces(struct shelves *shelves, int n)
{
    static void *pieces[100000];
    int n_missing = 0;
    for (int i = 0; i < n; i++) {
        pieces[i] = pr_spare_alloc(&shelves->sender, PIECE);
        n_missing += pieces[i] == NULL;
    }
    for (int i = 0; i < n; i++)
        if (pieces[i])
            pr_spare_free(&shelves->receiver, pieces[i], PIECE);
    return n_missing;
}

TEST(spare_pieces_count_as_free_and_are_used_again)
{
    struct shelves shelves;
    shelves_init(&shelves);

    void *piece = pr_spare_alloc(&shelves.sender, PIECE);
    CHECK_INT(pr_heap_live(&shelves.heap.heap), PIECE);
    pr_spare_free(&shelves.sender, piece, PIECE);
    CHECK_INT(pr_heap_live(&shelves.heap.heap), 0);

    shelves.heap.n_until_failure = 1;
    CHECK(pr_spare_alloc(&shelves.sender, PIECE) == piece);
    pr_spare_free(&shelves.sender, piece, PIECE);
    shelves_fini(&shelves);
}

TEST(a_sender_gets_the_pieces_that_its_receiver_freed)
{
    struct shelves shelves;
    shelves_init(&shelves);
    CHECK_INT(pass_pieces(&shelves, 10 * PR_MAGAZINE), 0);

    /* What is left with the receiver are at most two magazines. */
    shelves.heap.n_until_failure = 1;
    CHECK_INT(pass_pieces(&shelves, 8 * PR_MAGAZINE), 0);

    CHECK(!shelves.heap.has_failed);
    shelves_fini(&shelves);
}

TEST(an_allocation_behind_a_free_never_fails)
{
    struct shelves shelves;
    shelves_init(&shelves);
    for (int n = 1; n <= 3 * PR_MAGAZINE; n++) {
        pass_pieces(&shelves, n);
        shelves.heap.n_until_failure = 1;
        void *piece = pr_spare_alloc(&shelves.receiver, PIECE);
        CHECK(piece != NULL);
        if (piece)
            pr_spare_free(&shelves.receiver, piece, PIECE);
        shelves.heap.n_until_failure = 0;
    }
    shelves_fini(&shelves);
}

/* Allocated blocks as the heap below sees them: spare ones too. */
static long n_blocks;

static void *counting_alloc(void *ud, void *ptr, size_t old_size, size_t new_size)
{
    (void)ud;
    (void)old_size;
    if (new_size == 0) {
        n_blocks -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    n_blocks += ptr == NULL;
    return realloc(ptr, new_size);
}

TEST(what_a_burst_took_goes_back_to_the_heap_but_for_a_bounded_rest)
{
    struct shelves shelves;
    shelves_init(&shelves);
    shelves.heap.heap.fn = counting_alloc;

    pass_pieces(&shelves, 100000);

    CHECK(n_blocks > 0 && n_blocks < 20000);
    CHECK_INT(pr_heap_live(&shelves.heap.heap), 0);
    shelves_fini(&shelves);
    CHECK_INT(n_blocks, 0);
}

TEST(sizes_become_those_of_pieces)
{
    for (size_t size = 1; size <= PR_SPARE_MAX; size++) {
        size_t piece = pr_spare_size(size);
        CHECK(piece >= size && piece < size + PR_SPARE_MIN && pr_spare_is_size(piece));
        CHECK(size < PR_SPARE_MIN || piece - size < 16);
        CHECK(pr_spare_class(piece) < PR_SPARE_CLASSES);
    }
    CHECK_INT(pr_spare_size(PR_SPARE_MAX + 1), PR_SPARE_MAX + 1);
    CHECK(!pr_spare_is_size(PR_SPARE_MAX + 16) && !pr_spare_is_size(PR_SPARE_MIN + 1));
}

/* One thread sends pieces to another through a queue, as schedulers do. */
struct traffic {
    struct pr_depot depot;
    struct pr_queue queue;
    struct pr_heap heaps[2];
    atomic_int is_done;
};

static void *send_pieces(void *arg)
{
    struct traffic *traffic = arg;
    struct pr_shelf shelf;
    pr_shelf_init(&shelf, &traffic->depot, &traffic->heaps[0]);
    for (int i = 0; i < 100000; i++)
        pr_queue_push(&traffic->queue, pr_spare_alloc(&shelf, PIECE));
    atomic_store(&traffic->is_done, 1);
    pr_shelf_fini(&shelf);
    return NULL;
}

TEST(pieces_travel_between_threads_and_back)
{
    struct traffic traffic;
    struct pr_shelf shelf;
    pthread_t sender;
    int n_taken = 0, is_done;
    pr_depot_init(&traffic.depot);
    pr_queue_init(&traffic.queue);
    atomic_init(&traffic.is_done, 0);
    for (int i = 0; i < 2; i++)
        pr_heap_init_own(&traffic.heaps[i], pr_heap_current());
    pr_shelf_init(&shelf, &traffic.depot, &traffic.heaps[1]);
    REQUIRE(pthread_create(&sender, NULL, send_pieces, &traffic) == 0);

    do {
        is_done = atomic_load(&traffic.is_done);
        struct pr_node *node = pr_queue_take(&traffic.queue);
        while (node) {
            struct pr_node *next = node->next;
            pr_spare_free(&shelf, node, PIECE);
            node = next;
            n_taken++;
        }
    } while (!is_done);

    pthread_join(sender, NULL);
    CHECK_INT(n_taken, 100000);
    pr_shelf_fini(&shelf);
    pr_depot_fini(&traffic.depot, &traffic.heaps[1]);
    CHECK_INT(pr_heap_live(&traffic.heaps[0]) + pr_heap_live(&traffic.heaps[1]), 0);
}

/* ---- errors ---- */

TEST(each_error_has_its_text)
{
    CHECK_TEXT(pr_error_text(PIERROT_ENOMEM), "out of memory");
    CHECK_TEXT(pr_error_text(PIERROT_EEXITED), "the server ended before it answered");
    CHECK(pr_error_text(0) == NULL);
    CHECK(pr_error_text(-1) == NULL);
}
