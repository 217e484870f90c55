/* SPDX-License-Identifier: MIT
 *
 * A host in C++17: the handles in types that free themselves, an actor whose state is a C++ object. No
 * exception may leave a callback: C code called it. */
#include <pierrot.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>

namespace {

struct free_runtime {
    void operator()(pierrot *rt) const
    {
        pierrot_stop(rt, 1000);
        pierrot_free(rt);
    }
};
struct free_term {
    void operator()(pierrot_term *term) const { pierrot_term_free(term); }
};
using runtime = std::unique_ptr<pierrot, free_runtime>;
using term = std::unique_ptr<pierrot_term, free_term>;

void check(int error)
{
    if (error != 0)
        throw std::runtime_error(pierrot_strerror(error));
}

runtime open_runtime()
{
    pierrot_options options;
    pierrot *rt = nullptr;
    pierrot_options_init(&options);
    options.schedulers = 2;
    check(pierrot_new(&options, &rt));
    return runtime(rt);
}

/* ---------------------------------------------------------- an actor that counts words */

using words = std::map<std::string, std::int64_t>;

int init(pierrot_context *, void *state, const pierrot_term *)
{
    static_assert(alignof(words) <= alignof(std::max_align_t), "the state is aligned for any type");
    new (state) words;
    return PIERROT_OK;
}

int handle_call(pierrot_context *, void *state, const pierrot_term *request, pierrot_from from)
try {
    std::size_t len = 0;
    const char *bytes = pierrot_as_string(request, &len);
    return pierrot_reply(from, pierrot_int(++(*static_cast<words *>(state))[{bytes, len}]));
} catch (const std::bad_alloc &) {
    return PIERROT_ENOMEM;
}

void terminate(pierrot_context *, void *state, const pierrot_term *)
{
    static_cast<words *>(state)->~words();
}

pierrot_behaviour make_behaviour()
{
    pierrot_behaviour behaviour = {};
    behaviour.size = sizeof behaviour;
    behaviour.name = "words";
    behaviour.state_size = sizeof(words);
    behaviour.init = init;
    behaviour.handle_call = handle_call;
    behaviour.terminate = terminate;
    return behaviour;
}

std::int64_t count(pierrot *rt, pierrot_pid pid, const std::string &word)
{
    pierrot_term *reply = nullptr;
    check(pierrot_call(rt, pid, pierrot_string(word.data(), word.size()), 5000, &reply));
    return pierrot_as_int(term(reply).get());
}

void run()
{
    static const pierrot_behaviour behaviour = make_behaviour();
    runtime rt = open_runtime();
    pierrot_pid pid;
    check(pierrot_spawn(rt.get(), &behaviour, nullptr, nullptr, &pid));
    for (const char *word : {"moon", "pierrot", "moon"})
        std::printf("%s: %lld\n", word, static_cast<long long>(count(rt.get(), pid, word)));
}

} // namespace

int main()
try {
    run();
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
