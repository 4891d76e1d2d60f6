# SPDX-License-Identifier: GPL-2.0-or-later
# Runs scenarios one after the other, in the emulated host or natively, and tells check
# about each in a line on stdout:
#	@start NAME
#	@ok NAME SECONDS | @fail NAME SECONDS REASON | @skip NAME SECONDS REASON
# Arguments: NAME:SECONDS... All a scenario prints goes to $LAB_OUT/NAME.log.
# One that hangs is killed with all it started, and the next one runs.

export LAB_TMP=${TMPDIR:-/tmp}/lab.$$
mkdir -p "$LAB_TMP"
trap 'rm -rf "$LAB_TMP"' EXIT

# kill_session ID: every process of the session that setsid gave the scenario.
kill_session() {
	local stat rest
	for stat in /proc/[0-9]*/stat; do
		# "PID (NAME) STATE PPID PGRP SESSION": a name may hold spaces and brackets.
		rest=$(sed 's/.*) //' "$stat" 2>/dev/null) || continue
		set -- "$1" $rest
		[ "${5:-}" != "$1" ] || { stat=${stat#/proc/}; kill -9 "${stat%/stat}" 2>/dev/null; }
	done
}

seconds() {
	cut -d . -f 1 /proc/uptime
}

run_one() {
	local name=$1 limit=$2 begin left status secs
	export T=$LAB_TMP/$name
	mkdir "$T"
	begin=$(seconds)
	echo "@start $name"
	(
		left=$limit
		while [ "$left" -gt 0 ]; do
			sleep 1
			[ -d "$T" ] || exit
			left=$((left - 1))
		done
		echo "not finished after $limit s" >"$T/why"
		kill_session "$(cat "$T/pid")"
	) >/dev/null 2>&1 &
	# In the foreground: a shell's background commands ignore SIGINT, which would be
	# handed down to lkvm. The shell writes its own number, the session's.
	status=0
	setsid sh -c 'echo $$ >"$T/pid"; cd "$T"; . "$LAB_RUN/tests/lib.sh"; . "$LAB_RUN/tests/$1.sh"; exit 0' \
		sh "$name" >"$LAB_OUT/$name.log" 2>&1 </dev/null || status=$?
	kill_session "$(cat "$T/pid")"
	secs=$(($(seconds) - begin))
	case $status in
	0)	echo "@ok $name $secs" ;;
	77)	echo "@skip $name $secs $(cat "$T/why")" ;;
	*)
		[ ! -e "$T/console" ] || grep -qxF "$(tail -n 1 "$T/console")" "$LAB_OUT/$name.log" ||
			cat "$T/console" >>"$LAB_OUT/$name.log"
		echo "@fail $name $secs $(cat "$T/why" 2>/dev/null || echo "status $status")"
		;;
	esac
	rm -rf "$T"
}

# Another host may run the same list: each takes what none has taken.
for each; do
	mkdir "$LAB_OUT/.taken/${each%%:*}" 2>/dev/null || continue
	run_one "${each%%:*}" "${each##*:}"
done
