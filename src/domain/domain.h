/* SPDX-License-Identifier: Apache-2.0 */
/* The door of the room: domains, folds and decisions are public (stele/aggregate.h); what a domain
 * was opened with is told here to those who are built on it. */
#ifndef STELE_DOMAIN_DOMAIN_H
#define STELE_DOMAIN_DOMAIN_H

#include <stele/snapshot.h>

const stele_alloc *stele__domain_alloc(const stele_domain *domain);
const struct stele_clock *stele__domain_clock(const stele_domain *domain);
/* NULL: none. */
const stele_upcasters *stele__domain_upcasters(const stele_domain *domain);

#endif
