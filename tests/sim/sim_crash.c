/* SPDX-License-Identifier: Apache-2.0 */
/* What a crash leaves on the simulated disk: rules D1 to D6 of sim_disk.h. */
#include "sim/sim_node.h"

/* How cruel a machine crash is. */
typedef enum sim_cruelty {
    DROP_ALL = 0, /* nothing that was pending was written */
    KEEP_ALL,     /* everything was */
    UP_TO_MOMENT, /* everything up to some moment, and the change of that moment torn */
    EACH_CHANGE,  /* each change by itself: written, not, or torn */
    EACH_SECTOR,  /* each sector by itself */
    CRUELTY_COUNT
} sim_cruelty;

/* What becomes of the sectors of one change. */
typedef enum sim_fate { DROPPED = 0, KEPT, HEAD_KEPT, TAIL_KEPT, MIXED } sim_fate;

typedef struct crash_draw {
    sim_choice *choice;
    sim_cruelty cruelty;
    uint64_t moment;      /* UP_TO_MOMENT: the ticket of the last change that was begun */
    uint32_t keep_chance; /* of 8, for each change or sector */
    bool may_be_garbage;
    bool keeps_name_order;
    bool names_by_themselves; /* drawn one by one, whatever became of the bytes */
} crash_draw;

/* The smallest ticket that is pending, or the next one to be drawn. */
static uint64_t first_pending_ticket(const sim_disk *disk)
{
    uint64_t first = disk->ticket + 1;
    for (size_t i = 0; i < disk->node_count; i++) {
        const sim_node *node = disk->nodes[i];
        if (node->is_used && node->change_count > 0 && node->changes[0].ticket < first) {
            first = node->changes[0].ticket;
        }
    }
    for (size_t i = 0; i < disk->link_count; i++) {
        if (disk->links[i].ticket < first) {
            first = disk->links[i].ticket;
        }
    }
    return first;
}

static crash_draw draw_begin(const sim_disk *disk, sim_choice *choice)
{
    crash_draw draw = {.choice = choice};
    const uint64_t first = first_pending_ticket(disk);
    if (choice->kind == SIM_CHOICE_EVERY) {
        draw.cruelty = EACH_CHANGE;
        draw.keep_chance = 4;
        return draw;
    }
    draw.cruelty = (sim_cruelty)sim_choose(choice, CRUELTY_COUNT);
    draw.moment = first + sim_choose(choice, disk->ticket + 1 - first + 1);
    draw.keep_chance = (uint32_t)(1 + sim_choose(choice, 7));
    draw.may_be_garbage = sim_chance(choice, 1, 2);
    draw.keeps_name_order = sim_chance(choice, 1, 3);
    draw.names_by_themselves = sim_chance(choice, 1, 2);
    return draw;
}

static sim_fate draw_torn(const crash_draw *draw)
{
    return (sim_fate)(HEAD_KEPT + sim_choose(draw->choice, 3));
}

/* The fate of a change that touches so many sectors. */
static sim_fate draw_fate(const crash_draw *draw, uint64_t ticket, uint64_t sector_count)
{
    switch (draw->cruelty) {
    case DROP_ALL:
        return DROPPED;
    case KEEP_ALL:
        return KEPT;
    case UP_TO_MOMENT:
        return ticket < draw->moment ? KEPT : ticket > draw->moment ? DROPPED : draw_torn(draw);
    case EACH_CHANGE:
        if (draw->choice->kind == SIM_CHOICE_EVERY) {
            return (sim_fate)sim_choose(draw->choice, sector_count > 1 ? MIXED : HEAD_KEPT);
        }
        return sim_chance(draw->choice, 1, 4)                   ? draw_torn(draw)
               : sim_chance(draw->choice, draw->keep_chance, 8) ? KEPT
                                                                : DROPPED;
    case EACH_SECTOR:
    case CRUELTY_COUNT:
        break;
    }
    return MIXED;
}

/* Fills a sector that never held synced bytes with what may be found there. */
static void fill_with_garbage(const crash_draw *draw, sim_node *node, uint64_t at, uint64_t size)
{
    uint8_t sector[SIM_SECTOR_BYTES];
    const uint64_t other = sim_choose(draw->choice, node->durable.size / SIM_SECTOR_BYTES + 1);
    const uint64_t seed = sim_choose(draw->choice, UINT64_C(1) << 32);
    switch (sim_choose(draw->choice, 3)) {
    case 0:
        memset(sector, 0xff, sizeof sector);
        break;
    case 1:
        memcpy(sector, node->durable.bytes + other * SIM_SECTOR_BYTES, sizeof sector);
        break;
    default: {
        stele__prng prng;
        stele__prng_seed(&prng, seed);
        stele__prng_fill(&prng, sector, sizeof sector);
        break;
    }
    }
    sim_image_write(&node->durable, at, sector, size);
}

/* Where the kept head ends, or the kept tail begins, of a change that spans `count` sectors. */
static uint64_t draw_tear(const crash_draw *draw, sim_fate fate, uint64_t count)
{
    if (fate == HEAD_KEPT || fate == TAIL_KEPT) {
        /* An enumeration is content with the middle: the first sector alone, or all but it. */
        return draw->choice->kind == SIM_CHOICE_EVERY ? (count + 1) / 2
                                                      : sim_choose(draw->choice, count + 1);
    }
    return 0;
}

static bool is_sector_kept(const crash_draw *draw, sim_fate fate, uint64_t tear, uint64_t index)
{
    switch (fate) {
    case DROPPED:
        return false;
    case KEPT:
        return true;
    case HEAD_KEPT:
        return index < tear;
    case TAIL_KEPT:
        return index >= tear;
    case MIXED:
        break;
    }
    return sim_chance(draw->choice, draw->keep_chance, 8);
}

/*
 * Writes the sectors of [begin, end) that the disk got hold of while the page cache looked as
 * `live` does now. `end` may lie beyond the end of either image: what is there reads as zero, and
 * D3 decides about the size afterwards.
 */
static void keep_sectors(const crash_draw *draw, sim_node *node, sim_fate fate, uint64_t begin,
                         uint64_t end, bool may_be_garbage)
{
    const uint64_t first = begin / SIM_SECTOR_BYTES;
    const uint64_t count = (end + SIM_SECTOR_BYTES - 1) / SIM_SECTOR_BYTES - first;
    const uint64_t tear = draw_tear(draw, fate, count);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t at = (first + i) * SIM_SECTOR_BYTES;
        if (is_sector_kept(draw, fate, tear, i)) {
            sim_image_write(&node->durable, at, node->live.bytes + at, SIM_SECTOR_BYTES);
        } else if (may_be_garbage && !node->settled.bytes[first + i] &&
                   sim_chance(draw->choice, 1, 4)) {
            fill_with_garbage(draw, node, at, SIM_SECTOR_BYTES);
        }
    }
}

/* D6: the shared page as the disk may have caught it. */
static void crash_shared_page(const crash_draw *draw, sim_node *node, const uint8_t *page,
                              uint64_t size)
{
    sim_image_write(&node->live, 0, page, size);
    const sim_fate fate = draw_fate(draw, draw->moment, 1);
    keep_sectors(draw, node, fate, 0, size, false);
}

/*
 * D1 to D3 for one file. The page cache is played again from the durable image, change by change;
 * after each change the disk takes the sectors that it was given at that moment.
 */
static void crash_file(const crash_draw *draw, sim_node *node)
{
    uint8_t page[SIM_BLOCK_BYTES];
    const uint64_t shared = node->shared_size < sizeof page ? node->shared_size : sizeof page;
    memcpy(page, node->live.bytes, shared);
    uint64_t size = node->durable.size;
    sim_image_copy(&node->live, &node->durable);
    for (size_t i = 0; i < node->change_count; i++) {
        const sim_change *change = &node->changes[i];
        uint64_t begin = change->offset;
        uint64_t end = change->offset + change->size;
        if (change->kind == SIM_CHANGE_WRITE) {
            sim_image_write(&node->live, change->offset, node->change_bytes.data + change->bytes_at,
                            change->size);
        } else {
            begin = change->size_after;
            end = node->live.size > begin ? node->live.size : begin;
            sim_image_set_size(&node->live, change->size_after);
        }
        const uint64_t sectors =
            (end + SIM_SECTOR_BYTES - 1) / SIM_SECTOR_BYTES - begin / SIM_SECTOR_BYTES;
        const sim_fate fate = draw_fate(draw, change->ticket, sectors);
        if (end > begin) {
            keep_sectors(draw, node, fate, begin, end,
                         draw->may_be_garbage && change->kind == SIM_CHANGE_WRITE);
        }
        if (fate == KEPT || (fate != DROPPED && sim_chance(draw->choice, 1, 2))) {
            size = change->size_after;
        }
    }
    if (shared > 0) {
        crash_shared_page(draw, node, page, shared);
        size = size > shared ? size : shared;
    }
    sim_image_set_size(&node->durable, size);
    sim_image_copy(&node->live, &node->durable);
    sim_node_mark_settled(node);
    sim_node_forget_changes(node);
    node->shared_size = 0;
}

static bool is_same_name(const sim_entry *a, const sim_entry *b)
{
    return a->folder == b->folder && strcmp(a->name, b->name) == 0;
}

/* Whether `later` cannot have happened without `earlier`. */
static bool link_depends(const sim_link *later, const sim_link *earlier)
{
    if (later->from.node == earlier->from.node || later->from.folder == earlier->from.node ||
        is_same_name(&later->from, &earlier->from)) {
        return true;
    }
    if (later->kind == SIM_LINK_RENAME && is_same_name(&later->to, &earlier->from)) {
        return true;
    }
    return earlier->kind == SIM_LINK_RENAME &&
           (is_same_name(&later->from, &earlier->to) ||
            (later->kind == SIM_LINK_RENAME && is_same_name(&later->to, &earlier->to)));
}

/* D4. */
static void crash_names(const crash_draw *draw, sim_disk *disk)
{
    bool *is_dropped = sim_allocate(disk->link_count * sizeof *is_dropped);
    bool has_dropped = false;
    for (size_t i = 0; i < disk->link_count; i++) {
        const sim_link *link = &disk->links[i];
        const sim_fate fate = draw->names_by_themselves ? MIXED : draw_fate(draw, link->ticket, 1);
        bool drop =
            fate == DROPPED || (fate != KEPT && !sim_chance(draw->choice, draw->keep_chance, 8));
        drop = drop || (has_dropped && draw->keeps_name_order);
        for (size_t k = 0; k < i && !drop; k++) {
            drop = is_dropped[k] && link_depends(link, &disk->links[k]);
        }
        is_dropped[i] = drop;
        has_dropped = has_dropped || drop;
        if (!drop) {
            sim_names_apply(&disk->durable, link);
        }
    }
    sim_release(is_dropped, disk->link_count * sizeof *is_dropped);
    disk->link_count = 0;
    sim_names_copy(&disk->live, &disk->durable);
}

/* Names in folders that are themselves gone cannot be reached any more. */
static void drop_unreachable_names(sim_disk *disk)
{
    for (bool has_changed = true; has_changed;) {
        has_changed = false;
        for (size_t i = 0; i < disk->live.count && !has_changed; i++) {
            const sim_entry entry = disk->live.entries[i];
            bool is_reachable = entry.folder == 0;
            for (size_t k = 0; k < disk->live.count && !is_reachable; k++) {
                is_reachable = disk->live.entries[k].node == entry.folder;
            }
            if (!is_reachable) {
                sim_names_drop(&disk->live, entry.folder, entry.name);
                has_changed = true;
            }
        }
    }
    sim_names_copy(&disk->durable, &disk->live);
}

/* What the file system has allocated after a crash: no more than what the sizes say. */
static void settle_usage(sim_disk *disk)
{
    disk->used = 0;
    for (size_t i = 0; i < disk->node_count; i++) {
        sim_node *node = disk->nodes[i];
        if (node->is_used) {
            node->allocated =
                (node->live.size + SIM_BLOCK_BYTES - 1) / SIM_BLOCK_BYTES * SIM_BLOCK_BYTES;
            disk->used += node->allocated;
        }
    }
}

static void crash_machine(sim_disk *disk, sim_choice *choice)
{
    const crash_draw draw = draw_begin(disk, choice);
    for (size_t i = 0; i < disk->node_count; i++) {
        if (disk->nodes[i]->is_used && !disk->nodes[i]->is_folder) {
            crash_file(&draw, disk->nodes[i]);
        }
    }
    crash_names(&draw, disk);
    drop_unreachable_names(disk);
    settle_usage(disk);
    sim_clock_restart(disk->clock);
}

void sim_disk_power_on(sim_disk *disk, sim_choice *choice)
{
    STELE_ASSERT(disk->crash.has_happened);
    if (disk->crash.kind == SIM_MACHINE_CRASH) {
        STELE_ASSERT(sim_disk_open_things(disk) == 0);
        crash_machine(disk, choice);
        for (unsigned i = 0; i < SIM_PROCESSES; i++) {
            disk->processes[i].is_dead = false;
        }
    } else {
        disk->processes[0].is_dead = false;
    }
    sim_node_collect(disk);
    memset(&disk->crash, 0, sizeof disk->crash);
    sim_disk_forget_plan(disk);
}

void sim_disk_kill(sim_disk *disk, sim_crash_kind kind)
{
    for (unsigned i = 0; i < SIM_PROCESSES; i++) {
        disk->processes[i].is_dead =
            disk->processes[i].is_dead || i == 0 || kind == SIM_MACHINE_CRASH;
    }
}

void sim_disk_crash_now(sim_disk *disk, sim_crash_kind kind, int place)
{
    STELE_ASSERT(!disk->crash.has_happened);
    disk->crash = (sim_crash){.has_happened = true,
                              .kind = kind,
                              .place = place,
                              .is_between_calls = true,
                              .pending = sim_disk_pending(disk)};
    sim_disk_kill(disk, kind);
}

const sim_crash *sim_disk_crash(const sim_disk *disk)
{
    return &disk->crash;
}

void sim_disk_plan_crash(sim_disk *disk, const sim_crash_plan *plan)
{
    disk->plan = *plan;
}

bool sim_disk_is_crash_planned(const sim_disk *disk)
{
    return disk->plan.is_armed;
}

void sim_disk_forget_plan(sim_disk *disk)
{
    memset(&disk->plan, 0, sizeof disk->plan);
}
