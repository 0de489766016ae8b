/* The exports of a policy in C. Nothing here knows what the policy decides. */

#include "samara_policy.h"

#define CONTRACT "samara:policy/strategy@1.0.0#"
#define EXPORT(name) __attribute__((export_name(name)))

/* The linker puts it behind data and stack. */
extern unsigned char __heap_base;
static uintptr_t used;

/* Memory is handed out upwards and forgotten as a whole after each question. */
static void *reserve(size_t size, size_t align) {
    const size_t page = 65536;
    uintptr_t start = used ? used : (uintptr_t)&__heap_base;
    start = (start + align - 1) & ~(uintptr_t)(align - 1);
    uint64_t end = (uint64_t)start + size;
    uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) * page;
    if (end > UINT32_MAX)
        __builtin_trap();
    if (end > have && __builtin_wasm_memory_grow(0, (size_t)((end - have + page - 1) / page)) == SIZE_MAX)
        __builtin_trap();
    used = (uintptr_t)end;
    return (void *)start;
}

static void forget(void) { used = 0; }

void *allocate(size_t count, size_t size) {
    if ((uint64_t)count * size > UINT32_MAX)
        __builtin_trap();
    return reserve(count * size, 8);
}

EXPORT("cabi_realloc") void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    if (size == 0)
        return (void *)align;
    unsigned char *new = reserve(size, align);
    for (size_t i = 0; i < old_size && i < size; i++)
        new[i] = ((unsigned char *)old)[i];
    return new;
}

EXPORT(CONTRACT "describe") const description *describe(void) { return &policy_description; }

#define HOOK(hook)                                                                       \
    EXPORT(CONTRACT #hook) hook##_answer *hook(const hook##_view *view) {                \
        static hook##_answer answer;                                                     \
        answer = (hook##_answer){0};                                                     \
        policy_##hook(view, &answer);                                                    \
        return &answer;                                                                  \
    }                                                                                    \
    EXPORT("cabi_post_" CONTRACT #hook) void post_##hook(void *answer) { (void)answer; forget(); }

HOOK(neighbours)
HOOK(offers)
HOOK(requests)
HOOK(overdue)
