/* SPDX-License-Identifier: Apache-2.0 */
/* Domains: opening, closing, counting. */
#include "domain/domain.h"
#include "domain/parts.h"

static stele_status open_cache(stele_domain *domain, const stele_domain_options *options,
                               stele_error *reterr)
{
    if (options->cache) {
        domain->cache = options->cache;
    } else if (options->cache_bytes != SIZE_MAX) {
        domain->cache =
            stele_cache_in_memory(options->cache_bytes ? options->cache_bytes : STELE_CACHE_DEFAULT,
                                  domain->alloc);
        domain->owns_cache = true;
        if (!domain->cache) {
            return stele__fail_memory(reterr);
        }
    }
    return domain->cache && !domain->cache->table->is_local
               ? stele__behind_open(domain, &domain->behind, reterr)
               : STELE_OK;
}

stele_status stele_domain_open(stele_store *store, const stele_domain_options *options,
                               stele_domain **ret_domain, stele_error *reterr)
{
    static const stele_domain_options defaults;
    const stele_domain_options *given = options ? options : &defaults;
    const stele_alloc *alloc = given->alloc ? given->alloc : stele_alloc_default();
    if (!store || !ret_domain) {
        return stele__fail(reterr, STELE_INVALID, "a domain needs a store and a place");
    }
    if (given->version != 0) {
        return stele__fail(reterr, STELE_INVALID,
                           "the options are of version %" PRIu32
                           ", which this library does not know",
                           given->version);
    }
    stele_domain *domain = stele__allocate_zero(alloc, sizeof *domain);
    if (!domain) {
        return stele__fail_memory(reterr);
    }
    domain->store = store;
    domain->alloc = alloc;
    domain->clock = given->clock ? given->clock : stele_clock_system();
    domain->upcasters = given->upcasters;
    domain->snapshots = given->snapshots;
    domain->caching = given->caching;
    const stele_status status = open_cache(domain, given, reterr);
    if (status != STELE_OK) {
        stele_domain_close(domain);
        return status;
    }
    *ret_domain = domain;
    return STELE_OK;
}

void stele_domain_close(stele_domain *domain)
{
    if (domain) {
        stele__behind_close(domain->behind);
        if (domain->owns_cache && domain->cache) {
            domain->cache->table->close(domain->cache);
        }
        stele__release(domain->alloc, domain, sizeof *domain);
    }
}

stele_store *stele_domain_store(stele_domain *domain)
{
    return domain->store;
}

const stele_alloc *stele__domain_alloc(const stele_domain *domain)
{
    return domain->alloc;
}

const stele_clock *stele__domain_clock(const stele_domain *domain)
{
    return domain->clock;
}

const stele_upcasters *stele__domain_upcasters(const stele_domain *domain)
{
    return domain->upcasters;
}

void stele_domain_settle(stele_domain *domain)
{
    if (domain->behind) {
        stele__behind_settle(domain->behind);
    }
}

void stele_domain_describe(stele_domain *domain, stele_domain_counts *ret_counts)
{
    *ret_counts = (stele_domain_counts){0};
#define COUNT(what)                                                                                \
    ret_counts->what = atomic_load_explicit(&domain->counts.what, memory_order_relaxed)
    COUNT(loads);
    COUNT(events_read);
    COUNT(cache_hits);
    COUNT(cache_misses);
    COUNT(cache_puts);
    COUNT(cache_dropped);
    COUNT(cache_failures);
    COUNT(cache_outdated);
    COUNT(snapshots_used);
    COUNT(snapshots_taken);
    COUNT(snapshots_outdated);
    COUNT(snapshot_failures);
    COUNT(commands);
    COUNT(commands_retried);
    COUNT(commands_known);
    COUNT(commands_rejected);
#undef COUNT
    if (domain->cache && domain->cache->table->bytes) {
        ret_counts->cache_bytes = domain->cache->table->bytes(domain->cache);
    }
}
