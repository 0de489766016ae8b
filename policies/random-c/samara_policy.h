/* The contract samara:policy/strategy@1.0.0 for C: the records of plugins/wit/v1/policy.wit as they lie in
 * memory (the component model's canonical ABI), the exports, and memory that lives as long as one question.
 *
 * A policy defines the five functions at the end. The host allocates a view with cabi_realloc, calls, reads
 * the answer, and calls cabi_post_..., after which everything is forgotten at once. */

#ifndef SAMARA_POLICY_H
#define SAMARA_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A list of elements of one type: where it starts, and how many there are. */
#define LIST(type) struct { type *at; size_t len; }
typedef LIST(uint32_t) u32_list;
typedef LIST(uint64_t) u64_list;
typedef LIST(const char) text;

typedef struct { uint32_t id; u64_list values; } column;
typedef LIST(column) more;

/* The asking node. */
typedef struct {
    uint64_t now_us, age_us, random_seed, zone, rack;
    u64_list labels;
    uint32_t origin, first_pass, chunks, held, chunk_bytes, free_slots, slots, per_peer;
    u64_list upload_times_us, download_times_us;
    uint64_t download_mean_us, upload_rate, download_rate, upload_cap, download_cap;
    u64_list parameters;
} me;

typedef struct {
    u64_list id, zone, rack;
    u32_list relation;
    u64_list labels;
    u32_list origin, inbound, age_ms, connected_ms, outstanding, incoming, sent, received, held, lacks, offers;
    u64_list send_time_us, receive_time_us;
    u32_list failures, rejected;
} peer_columns;

typedef struct { u32_list index, holders, in_flight, sent; } chunk_columns;
typedef struct { uint32_t words; u64_list bits; } holdings;
typedef struct { u32_list peer, chunk; u64_list age_us; u32_list started; } inbound_columns;
typedef struct {
    u64_list id, zone, rack;
    u32_list relation;
    u64_list labels;
    u32_list connected, permille, connected_ms, failures;
} candidate_columns;

typedef struct { me me; peer_columns peers; chunk_columns chunks; holdings unavailable; more more; } offers_view;
typedef struct { me me; peer_columns peers; chunk_columns chunks; holdings available; more more; } requests_view;
typedef struct { me me; peer_columns peers; inbound_columns inbound; holdings alternatives; more more; } overdue_view;
typedef struct { me me; candidate_columns peers; uint32_t target; more more; } neighbours_view;

/* Answers: row i of each list is one decision. Zeroed, they decide nothing. */
typedef struct { u32_list peer, push, count, reason, chunks; more more; } offers_answer;
typedef struct { u32_list peer, chunk, reason; more more; } requests_answer;
typedef struct { u32_list transfer, action, other, reason; more more; } overdue_answer;
typedef struct { u32_list connect, drop, connect_reason, drop_reason; more more; } neighbours_answer;

enum { NUMBER, FLAG, PERMILLE, BYTES, MICROS };
enum { WAIT, DUPLICATE, GIVE_UP };
enum { NEIGHBOURS = 1, OFFERS = 2, REQUESTS = 4, OVERDUE = 8 };
enum { RAREST, LOWEST_INDEX };

typedef struct { text name, help; uint32_t kind; uint64_t standard, min, max; } parameter;
typedef struct {
    text name, version;
    uint32_t hooks, window;
    LIST(text) labels;
    LIST(parameter) parameters;
    more more;
} description;

#define TEXT(literal) { literal, sizeof(literal) - 1 }

/* Memory for `count` elements, until the answer has been read. Never null: without room the module traps, and
 * the node asks the built-in policy. */
void *allocate(size_t count, size_t size);

/* Appends to a list that has room. */
#define PUSH(list, value) ((list).at[(list).len++] = (value))
/* Gives an empty list room. */
#define ROOM(list, count) ((list).at = allocate((count), sizeof *(list).at), (list).len = 0)

/* The value of a column in a row; 0 where the column is too short. */
static inline uint32_t at32(u32_list column, size_t row) { return row < column.len ? column.at[row] : 0; }
static inline uint64_t at64(u64_list column, size_t row) { return row < column.len ? column.at[row] : 0; }

/* Whether the bit of a row and a position is set; false outside. */
static inline bool bit(const holdings *of, size_t row, size_t position) {
    uint64_t word = (uint64_t)row * of->words + position / 64;
    return position / 64 < of->words && word < of->bits.len && (of->bits.at[word] >> (position % 64) & 1);
}

/* The SDK's random numbers, so that the same view gives the same picks in every language: SplitMix64. */
static inline uint64_t random_next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
static inline uint32_t random_below(uint64_t *state, uint32_t end) {
    return (uint32_t)((random_next(state) >> 32) * end >> 32);
}
static inline void shuffle(uint64_t *state, uint32_t *items, size_t len) {
    for (size_t end = len; end-- > 1;) {
        size_t other = random_below(state, (uint32_t)end + 1);
        uint32_t kept = items[end];
        items[end] = items[other];
        items[other] = kept;
    }
}

/* What a policy defines. `answer` is zeroed. */
extern const description policy_description;
void policy_neighbours(const neighbours_view *view, neighbours_answer *answer);
void policy_offers(const offers_view *view, offers_answer *answer);
void policy_requests(const requests_view *view, requests_answer *answer);
void policy_overdue(const overdue_view *view, overdue_answer *answer);

#endif
