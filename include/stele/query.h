/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stele/query.h
 * @brief Queries over types and tags, and the conditions made of them (dynamic consistency boundaries).
 *
 * The semantics are those of the DCB specification (dcb.events): an event matches a *query* when it matches one of its
 * items; it matches an *item* when its type is one of the item's types (none given: any type) and its tags contain all
 * of the item's tags (none given: any). A query without items is refused; the query that every event matches has
 * `everything` set.
 */
#ifndef STELE_QUERY_H
#define STELE_QUERY_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A borrowed list of NUL-terminated names. */
typedef struct stele_names {
    const char *const *names;
    size_t count;
} stele_names;

/** Types are OR-ed, tags AND-ed. At most ::STELE_QUERY_TERMS_MAX of each. */
typedef struct stele_query_item {
    stele_names types;
    stele_names tags;
} stele_query_item;

/** Items are OR-ed, at most ::STELE_QUERY_ITEMS_MAX. Everything is borrowed by whoever is given the query. */
typedef struct stele_query {
    const stele_query_item *items;
    size_t item_count;
    int everything; /**< not 0: every event matches, and there are no items */
} stele_query;

/** "No event matching this query stands at a position above `after`." 0: none at all. */
typedef struct stele_condition {
    const stele_query *no_event_matching;
    stele_position after;
} stele_condition;

#ifndef __cplusplus
/*
 * Queries in one expression. They are compound literals: valid until the end of the enclosing block.
 *
 *     stele_query seats = stele_query_of(stele_types("StudentEnrolled", "StudentLeft"), stele_tags("course:c1"));
 */
#define STELE_NAMES_(...)                                                                                              \
    ((stele_names){(const char *const[]){__VA_ARGS__},                                                                 \
                   sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)})
#define stele_types(...) STELE_NAMES_(__VA_ARGS__)
#define stele_tags(...) STELE_NAMES_(__VA_ARGS__)
#define stele_any_type() ((stele_names){0, 0})
#define stele_any_tags() ((stele_names){0, 0})
#define stele_item(type_names, tag_names) ((stele_query_item){type_names, tag_names})
#define stele_query_of(type_names, tag_names)                                                                          \
    ((stele_query){.items = (const stele_query_item[]){{type_names, tag_names}}, .item_count = 1})
#define stele_query_any_of(...)                                                                                        \
    ((stele_query){.items = (const stele_query_item[]){__VA_ARGS__},                                                   \
                   .item_count = sizeof((const stele_query_item[]){__VA_ARGS__}) / sizeof(stele_query_item)})
#define stele_query_everything() ((stele_query){.everything = 1})
#endif

#ifdef __cplusplus
}
#endif
#endif
