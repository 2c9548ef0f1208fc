/* The jobs of a running service. */
#ifndef IG_MAIN_MAIN_JOBS_H
#define IG_MAIN_MAIN_JOBS_H

#include "service/jobs/jobs.h"
#include "service/main/main_courier.h"
#include "service/main/main_options.h"
#include "service/service.h"

struct main_jobs;

/* After the cage is entered. Borrows both. */
enum fault_code main_jobs_start(struct service *service, const struct main_options *options,
                                const struct main_courier *courier, struct main_jobs **out,
                                struct fault *fault) MUST_USE;
void main_jobs_stop(struct main_jobs *taken); /* takes NULL */

#endif
