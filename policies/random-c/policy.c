/* Chance alone, in C: the same picks as the policy `random` in Rust. */

#include "samara_policy.h"

enum { CANDIDATES = 8, MAX_DECISIONS = 1024 };
enum { REASON_HEDGE = 4, REASON_GIVE_UP = 5, REASON_ROOM = 6, REASON_CHANCE = 16 };

static parameter parameters[] = {
    {TEXT("candidates"), TEXT("chunks in one offer"), NUMBER, CANDIDATES, 1, CANDIDATES},
};

const description policy_description = {
    .name = TEXT("random-c"),
    .version = TEXT("0.1.0"),
    .hooks = NEIGHBOURS | OFFERS | REQUESTS | OVERDUE,
    .window = RAREST,
    .parameters = {parameters, 1},
};

static size_t least(size_t a, size_t b) { return a < b ? a : b; }
static uint64_t most(uint64_t a, uint64_t b) { return a > b ? a : b; }

static uint64_t times(uint64_t a, uint64_t b) {
    return a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

/* Random chunks that the peer lacks go to the end of `chunks`; how many. */
static uint32_t candidates_for(const offers_view *view, uint32_t peer, size_t wanted, uint64_t *random,
                               uint32_t *lacking, u32_list *chunks) {
    uint64_t words = view->unavailable.words;
    if (((uint64_t)peer + 1) * words > view->unavailable.bits.len)
        return 0;
    size_t positions = (size_t)(words * 64 < view->chunks.holders.len ? words * 64 : view->chunks.holders.len);
    size_t count = 0;
    for (size_t position = 0; position < positions; position++)
        if (!bit(&view->unavailable, peer, position))
            lacking[count++] = (uint32_t)position;
    shuffle(random, lacking, count);
    count = least(count, wanted);
    for (size_t i = 0; i < count; i++)
        PUSH(*chunks, lacking[i]);
    return (uint32_t)count;
}

void policy_offers(const offers_view *view, offers_answer *answer) {
    uint64_t candidates = view->me.parameters.len ? view->me.parameters.at[0] : CANDIDATES;
    candidates = candidates < 1 ? 1 : candidates > CANDIDATES ? CANDIDATES : candidates;
    size_t peers = view->peers.id.len, slots = least(least(view->me.free_slots, MAX_DECISIONS), peers);
    uint64_t random = view->me.random_seed;
    u32_list receivers;
    ROOM(receivers, peers);
    for (size_t row = 0; row < peers; row++)
        if (at32(view->peers.outstanding, row) < view->me.per_peer)
            PUSH(receivers, (uint32_t)row);
    shuffle(&random, receivers.at, receivers.len);
    ROOM(answer->peer, slots);
    ROOM(answer->push, slots);
    ROOM(answer->count, slots);
    ROOM(answer->reason, slots);
    ROOM(answer->chunks, slots * CANDIDATES);
    uint32_t *lacking = allocate(view->chunks.holders.len, sizeof *lacking);
    for (size_t i = 0; i < receivers.len && answer->peer.len < slots; i++) {
        uint32_t peer = receivers.at[i];
        uint32_t count = candidates_for(view, peer, (size_t)candidates, &random, lacking, &answer->chunks);
        if (count == 0)
            continue;
        PUSH(answer->peer, peer);
        PUSH(answer->push, 0);
        PUSH(answer->count, count);
        PUSH(answer->reason, REASON_CHANCE);
    }
}

void policy_requests(const requests_view *view, requests_answer *answer) {
    size_t peers = view->peers.id.len, chunks = view->chunks.index.len;
    size_t slots = least(least(view->me.free_slots, MAX_DECISIONS), chunks);
    uint64_t random = view->me.random_seed;
    uint32_t *order = allocate(chunks, sizeof *order);
    for (size_t i = 0; i < chunks; i++)
        order[i] = (uint32_t)i;
    shuffle(&random, order, chunks);
    uint32_t *load = allocate(peers, sizeof *load);
    for (size_t row = 0; row < peers; row++)
        load[row] = at32(view->peers.incoming, row);
    uint32_t *sources = allocate(peers, sizeof *sources);
    ROOM(answer->peer, slots);
    ROOM(answer->chunk, slots);
    ROOM(answer->reason, slots);
    for (size_t i = 0; i < chunks && answer->peer.len < slots; i++) {
        uint32_t count = 0;
        for (size_t row = 0; row < peers; row++)
            if (load[row] < view->me.per_peer && bit(&view->available, row, order[i]))
                sources[count++] = (uint32_t)row;
        uint32_t chosen = random_below(&random, count);
        if (count == 0)
            continue;
        load[sources[chosen]]++;
        PUSH(answer->peer, sources[chosen]);
        PUSH(answer->chunk, order[i]);
        PUSH(answer->reason, REASON_CHANCE);
    }
}

/* Another holder of a transfer's chunk: the one asked least often in this answer, then a random one. */
static bool other_source(const overdue_view *view, size_t transfer, const uint32_t *asked, uint64_t *random,
                         uint32_t *other) {
    uint64_t lowest = 0;
    bool found = false;
    for (uint32_t row = 0; row < view->peers.id.len; row++) {
        if (!bit(&view->alternatives, transfer, row) || row == at32(view->inbound.peer, transfer))
            continue;
        uint64_t number = random_next(random);
        if (found && (asked[row] > asked[*other] || (asked[row] == asked[*other] && number >= lowest)))
            continue;
        found = true;
        lowest = number;
        *other = row;
    }
    return found;
}

void policy_overdue(const overdue_view *view, overdue_answer *answer) {
    size_t transfers = view->inbound.chunk.len;
    uint64_t usual = most(view->me.download_mean_us, 1), random = view->me.random_seed;
    uint64_t hedge_us = most(times(usual, 6), 250000), give_up_us = most(times(usual, 16), 1000000);
    uint32_t *asked = allocate(view->peers.id.len, sizeof *asked);
    for (size_t row = 0; row < view->peers.id.len; row++)
        asked[row] = 0;
    ROOM(answer->transfer, transfers);
    ROOM(answer->action, transfers);
    ROOM(answer->other, transfers);
    ROOM(answer->reason, transfers);
    for (size_t transfer = 0; transfer < transfers; transfer++) {
        uint64_t age = at64(view->inbound.age_us, transfer);
        bool gives_up = age > give_up_us && !at32(view->inbound.started, transfer);
        uint32_t other = 0;
        if (!gives_up && (age <= hedge_us || !other_source(view, transfer, asked, &random, &other)))
            continue;
        if (!gives_up)
            asked[other]++;
        PUSH(answer->transfer, (uint32_t)transfer);
        PUSH(answer->action, gives_up ? GIVE_UP : DUPLICATE);
        PUSH(answer->other, other);
        PUSH(answer->reason, gives_up ? REASON_GIVE_UP : REASON_HEDGE);
    }
}

/* Sorts rows by their failures and keeps the order of equals: merges runs of doubled length. */
static void sort_by_failures(const neighbours_view *view, uint32_t *rows, size_t len) {
    uint32_t *from = rows, *to = allocate(len, sizeof *to);
    for (size_t run = 1; run < len; run *= 2) {
        for (size_t start = 0; start < len; start += 2 * run) {
            size_t left = start, middle = least(start + run, len), right = middle;
            size_t end = least(start + 2 * run, len);
            for (size_t i = start; i < end; i++) {
                bool takes_left = left < middle && (right == end || at32(view->peers.failures, from[left]) <=
                                                                        at32(view->peers.failures, from[right]));
                to[i] = takes_left ? from[left++] : from[right++];
            }
        }
        uint32_t *kept = from;
        from = to;
        to = kept;
    }
    for (size_t i = 0; i < len && from != rows; i++)
        rows[i] = from[i];
}

void policy_neighbours(const neighbours_view *view, neighbours_answer *answer) {
    uint64_t random = view->me.random_seed;
    size_t connected = 0, candidates = view->peers.id.len;
    for (size_t i = 0; i < view->peers.connected.len; i++)
        connected += view->peers.connected.at[i] != 0;
    size_t room = least(view->target > connected ? view->target - connected : 0, MAX_DECISIONS);
    ROOM(answer->connect, candidates);
    for (size_t row = 0; row < candidates; row++)
        if (!at32(view->peers.connected, row))
            PUSH(answer->connect, (uint32_t)row);
    shuffle(&random, answer->connect.at, answer->connect.len);
    sort_by_failures(view, answer->connect.at, answer->connect.len);
    answer->connect.len = least(answer->connect.len, room);
    ROOM(answer->connect_reason, answer->connect.len);
    for (size_t i = 0; i < answer->connect.len; i++)
        PUSH(answer->connect_reason, REASON_ROOM);
}
