/* igdoctor: what stands between this search head and IntelGraph, a row a check, each with its cure.
 */
#ifndef IG_NATIVE_IGDOCTOR_H
#define IG_NATIVE_IGDOCTOR_H

#include "integrations/splunk-app/native/doctor/doctor.h"
#include "integrations/splunk-app/native/frame/generating.h"

struct igdoctor {
    struct arena arena; /* lives as long as the command */
    const struct scp_getinfo *info;
    struct places places;
    struct {
        struct str instance;
    } args;
    struct str *names; /* of the instances to look at; NULL until the first rows are asked for */
    size_t count;
    size_t at;
    struct doctor *doctor; /* of the instance at hand; its rows are put as splunkd takes them */
    int row;
    int64_t until_us;
};

void igdoctor_init(struct igdoctor *igdoctor);
void igdoctor_done(struct igdoctor *igdoctor);
struct generating_source igdoctor_source(struct igdoctor *igdoctor);

#endif
