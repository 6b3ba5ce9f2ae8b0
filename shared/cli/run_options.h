/* run_options.h - the options of `skiff run`, as one table. */
#ifndef SKIFF_RUN_OPTIONS_H
#define SKIFF_RUN_OPTIONS_H

#include "limit_options.h"
#include "options.h"

enum run_option {
	RUN_ROOTFS = 1,
	RUN_NAME,
	RUN_RM,
	RUN_ENV,
	RUN_ENV_FILE,
	RUN_WORKDIR,
	RUN_INIT,
	RUN_PRESERVE_FDS,
	RUN_NO_PIVOT,
	RUN_HOSTNAME,
	RUN_DOMAINNAME,
	RUN_PID,
	RUN_IPC,
	RUN_UTS,
	RUN_NETWORK,
	RUN_CGROUPNS,
	RUN_TIME,
	RUN_USERNS,
	RUN_TIME_OFFSET,
	RUN_UIDMAP,
	RUN_GIDMAP,
	RUN_CGROUP_PARENT,
	RUN_OOM_SCORE_ADJ,
	RUN_CAP_ADD, /* 06 */
	RUN_CAP_DROP,
	RUN_PRIVILEGED,
	RUN_SECURITY_OPT,
	RUN_USER,
	RUN_GROUP_ADD,
	RUN_DEVICE,
	RUN_ULIMIT,
	RUN_SYSCTL,
	RUN_READ_ONLY, /* 05 */
	RUN_HELP,
};

/* What -i and -t of `run` and `exec` say until chapter 10 brings them. */
#define OPTION_TERMINAL "leave it out: the command has your terminal already"

extern const struct option_row run_options[];

#endif
