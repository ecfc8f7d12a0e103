/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Students enrol in courses. A course has so many seats, and a student takes at most three courses:
 * two rules over different events, of which neither course nor student is the owner. So there is no
 * aggregate: a decision asks for the events that matter to it, by their tags, and what it asked for
 * is what must not have changed when it is appended (a dynamic consistency boundary).
 *
 *     course_enrolment [STORE]      a folder or URL; memory: by default
 */
#include <stele/stele.h>

#include <stdio.h>
#include <stdlib.h>

enum { COURSES_MAX = 3 };

/* ---- what can happen */

#define COURSE_DEFINED(F) F(text(20), course) F(u32, capacity)
STELE_EVENT(course_defined, "course.defined", COURSE_DEFINED)
#define STUDENT_ENROLLED(F) F(text(20), course) F(text(20), student)
STELE_EVENT(student_enrolled, "student.enrolled", STUDENT_ENROLLED)

/* ---- what a decision wants to know, each from the events with some tags */

#define COURSE(F) F(bool, is_defined) F(u32, capacity) F(u32, taken)
STELE_SCHEMA(course, COURSE)
STELE_WHEN(course, course_defined)
{
    *state = (course){.is_defined = true, .capacity = event->capacity};
}
STELE_WHEN(course, student_enrolled)
{
    (void)event;
    state->taken++;
}
STELE_FOLD(course, "course", 1, course_defined, student_enrolled)

/* Enrolments of a student, in all courses or in one. */
#define ENROLMENTS(F) F(u32, count)
STELE_SCHEMA(enrolments, ENROLMENTS)
STELE_WHEN(enrolments, student_enrolled)
{
    (void)event;
    state->count++;
}
STELE_FOLD(enrolments, "enrolments", 1, student_enrolled)

/* ---- what can be asked for */

typedef struct command {
    const char *course;
    const char *student;
    uint32_t capacity;
} command;

typedef struct tags {
    char course[32];
    char student[32];
} tags;

static tags tags_of(const command *wanted)
{
    tags it;
    (void)snprintf(it.course, sizeof it.course, "course:%s", wanted->course);
    (void)snprintf(it.student, sizeof it.student, "student:%s",
                   wanted->student ? wanted->student : "");
    return it;
}

/* Events of a course stand in its stream; which does not matter for any rule. */
static stele_status define(stele_decision *d, const void *given, stele_error *reterr)
{
    const command *wanted = given;
    const tags by = tags_of(wanted);
    const stele_query of_course = stele_query_of(stele_any_type(), stele_tags(by.course));
    const void *found;
    course_defined event = {.capacity = wanted->capacity};
    const stele_status status = stele_decision_query(d, &course_fold, &of_course, &found, reterr);
    if (status != STELE_OK) {
        return status;
    }
    if (((const course *)found)->is_defined) {
        return stele_reject(d, "there is a course %s already", wanted->course);
    }
    STELE_SET_TEXT(event.course, wanted->course);
    return stele_decide_payload(d, &course_fold, wanted->course, course_defined_schema(), &event,
                                &stele_tags(by.course), reterr);
}

static stele_status enrol(stele_decision *d, const void *given, stele_error *reterr)
{
    const command *wanted = given;
    const tags by = tags_of(wanted);
    const stele_query of_course = stele_query_of(stele_any_type(), stele_tags(by.course));
    const stele_query of_student = stele_query_of(stele_any_type(), stele_tags(by.student));
    const stele_query of_both = stele_query_of(stele_any_type(), stele_tags(by.course, by.student));
    const void *in_course;
    const void *of_all;
    const void *of_this;
    student_enrolled event = {.course = ""};
    stele_status status = stele_decision_query(d, &course_fold, &of_course, &in_course, reterr);
    status =
        status ? status : stele_decision_query(d, &enrolments_fold, &of_student, &of_all, reterr);
    status =
        status ? status : stele_decision_query(d, &enrolments_fold, &of_both, &of_this, reterr);
    if (status != STELE_OK) {
        return status;
    }
    const course *it = in_course;
    if (!it->is_defined) {
        return stele_reject(d, "there is no course %s", wanted->course);
    }
    if (((const enrolments *)of_this)->count > 0) {
        return stele_reject(d, "%s is in %s already", wanted->student, wanted->course);
    }
    if (it->taken >= it->capacity) {
        return stele_reject(d, "%s is full", wanted->course);
    }
    if (((const enrolments *)of_all)->count >= COURSES_MAX) {
        return stele_reject(d, "%s takes %d courses already", wanted->student, COURSES_MAX);
    }
    STELE_SET_TEXT(event.course, wanted->course);
    STELE_SET_TEXT(event.student, wanted->student);
    return stele_decide_payload(d, &course_fold, wanted->course, student_enrolled_schema(), &event,
                                &stele_tags(by.course, by.student), reterr);
}

static void run(stele_domain *domain, stele_decide decide, command wanted)
{
    stele_error error;
    stele_outcome outcome;
    const stele_status status = stele_execute(domain, decide, &wanted, NULL, &outcome, &error);
    if (status == STELE_OK && wanted.student) {
        (void)printf("%s enrolled in %s\n", wanted.student, wanted.course);
    } else if (status == STELE_OK) {
        (void)printf("%s has %u seats\n", wanted.course, (unsigned)wanted.capacity);
    } else if (status == STELE_REJECTED) {
        (void)printf("rejected: %s\n", outcome.reason);
    } else {
        (void)fprintf(stderr, "course_enrolment: %s\n", error.message);
        exit(1);
    }
}

int main(int argument_count, char **arguments)
{
    STELE_CLEANUP(store) stele_store *store = NULL;
    STELE_CLEANUP(domain) stele_domain *domain = NULL;
    stele_error error;
    if (stele_open(argument_count > 1 ? arguments[1] : "memory:", NULL, &store, &error) ||
        stele_domain_open(store, NULL, &domain, &error)) {
        (void)fprintf(stderr, "course_enrolment: %s\n", error.message);
        return 1;
    }
    run(domain, define, (command){.course = "algebra", .capacity = 2});
    run(domain, define, (command){.course = "biology", .capacity = 10});
    run(domain, define, (command){.course = "chemistry", .capacity = 10});
    run(domain, define, (command){.course = "drawing", .capacity = 10});
    run(domain, define, (command){.course = "algebra", .capacity = 5});
    run(domain, enrol, (command){"algebra", "ann", 0});
    run(domain, enrol, (command){"algebra", "ann", 0});
    run(domain, enrol, (command){"algebra", "bob", 0});
    run(domain, enrol, (command){"algebra", "cem", 0});
    run(domain, enrol, (command){"biology", "ann", 0});
    run(domain, enrol, (command){"chemistry", "ann", 0});
    run(domain, enrol, (command){"drawing", "ann", 0});
    run(domain, enrol, (command){"english", "bob", 0});
    return 0;
}
