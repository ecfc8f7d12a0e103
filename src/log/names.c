/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of names: a merge of the sorted terms of the index files and of the parts. Index files are
 * walked in place; the terms of a part are sorted once, when the list is opened.
 */
#include "log/engine.h"

/* One sorted source of names. */
typedef struct name_source {
    stele__index_terms *terms; /* an index file; or … */
    const stele__tail *tail;   /* … a part */
    stele__tail_handle *handles;
    size_t handle_count;
    size_t next;
    stele_text name; /* the current one; NULL data: at the end */
} name_source;

struct stele__log_names {
    stele__log *log;
    stele__view *view;
    stele_position head;
    stele__term_kind kind;
    name_source *sources;
    size_t source_count;
    stele__buffer prefix;
    stele__buffer name; /* the one last returned; its view in the entry */
    bool has_name;
    bool is_undescribed; /* that one could not be described yet: it is still to be returned */
    stele_name_entry entry;
    stele__locator locator;
    stele__reader reader;
    stele_status failed;
    stele_error failure;
};

static stele__term_kind term_kind(stele_name_kind kind)
{
    switch (kind) {
    case STELE_STREAM_NAMES:
        return STELE_TERM_STREAM;
    case STELE_CATEGORY_NAMES:
        return STELE_TERM_CATEGORY;
    case STELE_TYPE_NAMES:
        return STELE_TERM_TYPE;
    case STELE_TAG_NAMES:
        break;
    }
    return STELE_TERM_TAG;
}

static stele_text as_text(const stele__buffer *buffer)
{
    return (stele_text){(const char *)buffer->data, buffer->size};
}

/* Moves a source on to its next name of the kind. */
static stele_status advance(stele__log_names *names, name_source *source, stele_error *reterr)
{
    source->name = (stele_text){NULL, 0};
    if (source->terms) {
        bool found;
        STELE_TRY(stele__index_terms_next(source->terms, &found, reterr));
        if (found && source->terms->kind == names->kind) {
            source->name = (stele_text){source->terms->name, source->terms->name_size};
        }
    } else if (source->next < source->handle_count) {
        source->name =
            stele__tail_name(source->tail,
                             stele__tail_at(source->tail, source->handles[source->next++]));
    }
    return STELE_OK;
}

/* Stands a source before the first name at or above `from`. */
static stele_status open_source(stele__log_names *names, size_t number, stele_text from,
                                stele_error *reterr)
{
    name_source *source = &names->sources[number];
    const stele__view *view = names->view;
    if (number < view->index_count) {
        source->terms = stele__allocate(names->log->alloc, sizeof *source->terms);
        if (!source->terms) {
            return stele__fail_memory(reterr);
        }
        STELE_TRY(stele__index_terms_seek(source->terms, view->indexes[number], names->kind, from,
                                          reterr));
        return advance(names, source, reterr);
    }
    source->tail = view->parts[number - view->index_count]->tail;
    STELE_TRY(stele__tail_sorted(source->tail, names->log->alloc, (int)names->kind, names->head,
                                 &source->handles, &source->handle_count, reterr));
    do {
        STELE_TRY(advance(names, source, reterr));
    } while (source->name.data && stele__text_compare(source->name, from) < 0);
    return STELE_OK;
}

/* The prefix that all names must have: the one asked for, and the category's if that is longer. */
static stele_status set_prefix(stele__log_names *names, const stele_list *list, bool *ret_empty,
                               stele_error *reterr)
{
    const stele_text prefix = stele__text(list->prefix);
    const stele_text category = stele__text(list->category);
    *ret_empty = false;
    bool good = stele__buffer_append(&names->prefix, "", 0);
    if (list->category) {
        good = stele__buffer_append(&names->prefix, category.data, category.size) &&
               stele__buffer_append(&names->prefix, "-", 1);
        const stele_text both = as_text(&names->prefix);
        /* One of the two must begin with the other, or nothing can match; no stream has a category
         * that is none. */
        *ret_empty =
            good &&
            ((!stele__text_has_prefix(both, prefix) && !stele__text_has_prefix(prefix, both)) ||
             stele_category(both).size != category.size || category.size == 0);
    }
    if (good && prefix.size > names->prefix.size) {
        names->prefix.size = 0;
        good = stele__buffer_append(&names->prefix, prefix.data, prefix.size);
    }
    return good ? STELE_OK : stele__fail_memory(reterr);
}

/* Names are returned once, and those above `after` only. */
static stele_status count_as_returned(stele__log_names *names, stele_text after,
                                      stele_error *reterr)
{
    names->has_name = true;
    names->name.size = 0;
    return stele__buffer_append(&names->name, after.data, after.size) ? STELE_OK
                                                                      : stele__fail_memory(reterr);
}

static stele_status open_sources(stele__log_names *names, const stele_list *list,
                                 stele_error *reterr)
{
    bool is_empty;
    STELE_TRY(set_prefix(names, list, &is_empty, reterr));
    const size_t count = names->view->index_count + names->view->part_count;
    if (is_empty || count == 0) {
        return STELE_OK;
    }
    names->sources = stele__allocate_zero(names->log->alloc, count * sizeof *names->sources);
    if (!names->sources) {
        return stele__fail_memory(reterr);
    }
    names->source_count = count;
    stele_text from = as_text(&names->prefix);
    const stele_text after = stele__text(list->after);
    if (list->after && stele__text_compare(after, from) > 0) {
        from = after;
    }
    for (size_t i = 0; i < count; i++) {
        STELE_TRY(open_source(names, i, from, reterr));
    }
    return list->after ? count_as_returned(names, after, reterr) : STELE_OK;
}

static void close_sources(stele__log_names *names)
{
    const stele_alloc *alloc = names->log->alloc;
    for (size_t i = 0; i < names->source_count; i++) {
        name_source *source = &names->sources[i];
        stele__release(alloc, source->terms, sizeof *source->terms);
        stele__release(alloc, source->handles, source->handle_count * sizeof *source->handles);
    }
    stele__release(alloc, names->sources, names->source_count * sizeof *names->sources);
    names->sources = NULL;
    names->source_count = 0;
}

/* Begins again behind the name last returned, after a damaged index file was built again. */
static stele_status reopen(stele__log_names *names, const char *after, stele_error *reterr)
{
    stele_position head;
    stele__view *view = stele__log_view(names->log, &head);
    const size_t count = view->index_count + view->part_count;
    stele_text from = as_text(&names->prefix);
    close_sources(names);
    stele__view_unref(names->view);
    names->view = view;
    names->locator.segment = NULL;
    names->sources = stele__allocate_zero(names->log->alloc, (count + 1) * sizeof *names->sources);
    if (!names->sources) {
        return stele__fail_memory(reterr);
    }
    names->source_count = count + 1;
    if (after && stele__text_compare(stele__text(after), from) > 0) {
        from = stele__text(after);
    }
    for (size_t i = 0; i < count; i++) {
        STELE_TRY(open_source(names, i, from, reterr));
    }
    return after ? count_as_returned(names, stele__text(after), reterr) : STELE_OK;
}

stele_status stele__log_names_open(stele__log *log, const stele_list *list,
                                   stele__log_names **ret_names, stele_error *reterr)
{
    if (!log->is_writer) {
        STELE_TRY(stele__follow(log, reterr));
    }
    stele__log_names *names = stele__allocate_zero(log->alloc, sizeof *names);
    if (!names) {
        return stele__fail_memory(reterr);
    }
    names->log = log;
    names->kind = term_kind(list->kind);
    names->prefix.alloc = log->alloc;
    names->name.alloc = log->alloc;
    names->view = stele__log_view(log, &names->head);
    stele__reader_init(&names->reader, log->alloc);
    stele_status status = open_sources(names, list, reterr);
    for (unsigned heals = 0;
         status == STELE_CORRUPT && stele__maintain_again(log, &heals, reterr);) {
        status = reopen(names, list->after, reterr);
    }
    if (status != STELE_OK) {
        stele__log_names_free(names);
        return status;
    }
    *ret_names = names;
    return STELE_OK;
}

void stele__log_names_free(stele__log_names *names)
{
    if (!names) {
        return;
    }
    const stele_alloc *alloc = names->log->alloc;
    close_sources(names);
    stele__buffer_done(&names->prefix);
    stele__buffer_done(&names->name);
    stele__reader_done(&names->reader);
    stele__view_unref(names->view);
    stele__release(alloc, names, sizeof *names);
}

/* The lowest name of all sources. NULL data: none. */
static stele_text lowest(const stele__log_names *names)
{
    stele_text best = {NULL, 0};
    for (size_t i = 0; i < names->source_count; i++) {
        const stele_text name = names->sources[i].name;
        if (name.data && (!best.data || stele__text_compare(name, best) < 0)) {
            best = name;
        }
    }
    return best;
}

/* Moves every source that stands at the name last returned, or below it, behind it. */
static stele_status skip_returned(stele__log_names *names, stele_error *reterr)
{
    for (size_t i = 0; names->has_name && i < names->source_count; i++) {
        name_source *source = &names->sources[i];
        while (source->name.data && stele__text_compare(source->name, as_text(&names->name)) <= 0) {
            STELE_TRY(advance(names, source, reterr));
        }
    }
    return STELE_OK;
}

static stele_status describe(stele__log_names *names, stele_error *reterr)
{
    const stele_text name = as_text(&names->name);
    const stele__hash_key *key = &names->log->hash_key;
    if (names->kind == STELE_TERM_STREAM) {
        stele__stream_facts facts;
        STELE_TRY(stele__view_stream(names->view, &names->locator, &names->reader, key, name,
                                     names->head, NULL, &facts, reterr));
        stele__describe_facts(name, &facts, &names->entry);
        return STELE_OK;
    }
    stele__postings postings;
    names->entry = (stele_name_entry){.name = name};
    stele__postings_init(&postings, names->view, names->kind, name,
                         stele__term_hash(key, names->kind, name), names->head);
    return stele__postings_last(&postings, &names->entry.last_position, &names->entry.event_count,
                                reterr);
}

static stele_status next_name(stele__log_names *names, bool *ret_found, stele_error *reterr)
{
    *ret_found = names->is_undescribed;
    if (names->is_undescribed) {
        names->is_undescribed = false;
        return describe(names, reterr);
    }
    STELE_TRY(skip_returned(names, reterr));
    const stele_text name = lowest(names);
    if (!name.data || !stele__text_has_prefix(name, as_text(&names->prefix))) {
        return STELE_OK;
    }
    names->name.size = 0;
    if (!stele__buffer_append(&names->name, name.data, name.size)) {
        return stele__fail_memory(reterr);
    }
    names->has_name = true;
    *ret_found = true;
    const stele_status status = describe(names, reterr);
    names->is_undescribed = status != STELE_OK;
    return status;
}

const stele_name_entry *stele__log_names_next(stele__log_names *names, stele_error *reterr)
{
    bool found = false;
    if (names->failed == STELE_OK) {
        names->failed = next_name(names, &found, &names->failure);
        for (unsigned heals = 0; names->failed == STELE_CORRUPT &&
                                 stele__maintain_again(names->log, &heals, &names->failure);) {
            names->failed = reopen(names, NULL, &names->failure);
            if (names->failed == STELE_OK) {
                names->failed = next_name(names, &found, &names->failure);
            }
        }
    }
    if (names->failed == STELE_OK) {
        (void)stele__succeed(reterr);
        return found ? &names->entry : NULL;
    }
    if (reterr) {
        *reterr = names->failure;
    }
    return NULL;
}
