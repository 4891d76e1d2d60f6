# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # status, out and err are set by lkvm()
# lkvm list, stat, stop, pause and resume: their command lines, and guests that are not there.

# Guests of a folder that nobody else uses.
own_folder() {
	export LKVM_RUNTIME_DIR=$PWD/run
	mkdir -m 700 run
}

# until_it WORDS COMMAND...: waits until it succeeds.
until_it() {
	local words=$1 left=600
	shift
	until "$@"; do
		[ $left -gt 0 ] || fail "$words"
		left=$((left - 1))
		sleep 0.05
	done
}

# A guest that runs until it is ended; its name is in the arguments.
start_guest() {
	local guest=$BUILD/guest/spin.elf
	needs_kvm
	[ -f "$guest" ] || skip "no guests were built"
	rm -f guest.out
	"$LKVM" run --nodefaults -m 64 -c 1 --timeout 60 -k "$guest" "$@" >guest.out 2>guest.err </dev/null &
	guest_pid=$!
	until grep -qs spinning guest.out; do
		[ -d /proc/$guest_pid ] || fail "the guest has ended: $(cat guest.err)"
		sleep 0.05
	done
}

test_guests_help() {
	local command
	for command in list stop pause resume balloon; do
		lkvm help $command
		[ "$status" = 0 ] && [ -z "$err" ] && [[ $out == "Usage: lkvm $command "* ]] || fail "$out$err"
		first=$out
		lkvm $command --help
		[ "$status" = 0 ] && [ "$out" = "$first" ] || fail "lkvm $command --help: $out"
		lkvm $command -h
		[ "$status" = 0 ] && [ "$out" = "$first" ] || fail "lkvm $command -h: $out"
		awk 'length > 100 { print "too wide: " $0; bad = 1 } END { exit bad }' .out || fail "see above"
	done
	# No more is promised than is done.
	lkvm stop --help
	[[ $out == *"within a second"*"as far as that is possible in this time"* ]] || fail "$out"
}

test_guests_usage() {
	local command
	own_folder
	for command in stop pause resume stat balloon; do
		refused 240 "$command: " $command
		refused 240 "-n needs a value: --name NAME" $command -n
		refused 240 "unknown option --nmae; did you mean --name?" $command --nmae x
		refused 240 "--all takes no value" $command --all=yes
		refused 240 "'x' and --all" $command -a x
	done
	refused 240 "which guest? --name NAME or --all; 'lkvm list' shows them" stop
	refused 240 "which guest? --name NAME or --all ('lkvm list' shows them), or --host" stat -m
	refused 240 "--memory is about guests; leave it out with --host" stat --host -m
	refused 240 "unknown option --json" stop --json x
	refused 240 "unknown option --host" pause --host
	refused 240 "unknown option -z" stop -z
	refused 240 "unexpected 'x'" list x
	refused 240 "unknown option --name" list --name x
	refused 240 "--inflate, --deflate, --target and --hint: one at a time" balloon -i 1 -d 1 x
	refused 240 "--inflate 0: too small" balloon --inflate 0 x
	refused 240 "--target much" balloon --target much x
}

test_guests_that_are_not_there() {
	local command word
	own_folder
	for command in stop pause resume stat balloon; do
		for word in x "-n x" -nx --name=x "--name x" "x x" "-n x x"; do
			# shellcheck disable=SC2086 # words
			refused 247 "$command: there is no guest 'x', nor any other" $command $word
		done
		lkvm $command -a
		[ "$status" = 0 ] && [ -z "$out$err" ] || fail "$command -a: status $status, $out$err"
	done
	refused 247 "no guest '../x'" stop ../x
	refused 247 "no guest ''" stop ''
	lkvm list
	[ "$status" = 0 ] && [ -z "$err" ] && [ "$(wc -l <.out)" = 2 ] || fail "status $status, $out$err"
	[[ $out == "   PID NAME "* ]] || fail "$out"
	lkvm list --json
	[ "$status" = 0 ] && [ "$out" = "{}" ] || fail "$out"
	lkvm stat -a --json
	[ "$status" = 0 ] && [ "$out" = "{}" ] || fail "$out"
	[ -z "$(ls -A run)" ] || fail "$(ls -A run)"
}

# Nobody listens behind a socket that a killed guest left; somebody who never answers is no guest of ours either.
test_guests_folder_has_other_things() {
	own_folder
	command -v python3 >/dev/null || skip "no python3"
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("run/dead.sock")'
	: >run/file.sock
	mkdir run/folder.sock
	ln -s nowhere run/link.sock
	lkvm list --json
	[ "$status" = 0 ] && [ "$out" = "{}" ] && [ -z "$err" ] || fail "$out$err"
	[ ! -e run/dead.sock ] || fail "the dead guest's socket is still there"
	[ -f run/file.sock ] && [ -d run/folder.sock ] && [ -L run/link.sock ] || fail "$(ls -l run)"
	refused 247 "no guest 'file'" stop file
}

# One that listens under that name and never answers, with $guest_pid.
silent_guest() {
	command -v python3 >/dev/null || skip "no python3"
	python3 - "$1" <<-'END' &
		import os, signal, socket, sys
		os.umask(0o077)
		s = socket.socket(socket.AF_UNIX)
		s.bind("run/%s.sock" % sys.argv[1])
		s.listen(4)
		signal.pause()
	END
	guest_pid=$!
	until_it "nobody listens" [ -S "run/$1.sock" ]
}

# The socket is not the only way to a guest that is to end.
test_guests_that_need_a_signal() {
	own_folder
	silent_guest deaf
	lkvm stop deaf
	[ "$status" = 0 ] && [ "$out" = "Guest deaf has ended" ] || fail "status $status, $out$err"
	[ "$err" = "  Warning: stop: guest deaf, PID $guest_pid, does not answer within 2 seconds on its socket; it is sent SIGTERM instead" ] ||
		fail "$err"
	wait $guest_pid
	[ $? = 143 ] || fail "it was not SIGTERM that ended it"
}

test_guests_that_run() {
	own_folder
	start_guest --name one
	lkvm list
	[[ $out == *"$guest_pid one "*" running" ]] || fail "$out"
	[ "$(stat -c %a run/one.sock)" = 600 ] || fail "the socket's mode is $(stat -c %a run/one.sock)"
	refused 241 "Fatal: --name one: a guest of that name runs already, PID $guest_pid" \
		run --nodefaults -m 64 -c 1 --name one -k "$BUILD/guest/spin.elf"
	refused 247 "there is no guest 'onr'; did you mean one?" stat onr
	lkvm pause one
	[ "$status" = 0 ] && [ "$out" = "Guest one is paused" ] || fail "$out$err"
	lkvm list
	[[ $out == *" paused" ]] || fail "$out"
	lkvm resume -a
	[ "$status" = 0 ] && [ "$out" = "Guest one resumed" ] || fail "$out$err"
	lkvm stat one
	grep -qxE '  state: +running' .out && grep -qxE '  memory: +64 MiB' .out || fail "$out"
	grep -qxE '  (io|mmio): +[1-9][0-9]*' .out || fail "$out"
	awk 'length > 100 { print "too wide: " $0; bad = 1 } END { exit bad }' .out || fail "see above"
	if command -v jq >/dev/null; then
		lkvm stat -a --json
		jq -e --argjson pid "$guest_pid" '.one.pid == $pid and .one.vcpus == 1 and .one.memory == 67108864' .out ||
			fail "$out"
		jq -e '.one | .exits == (.exits_by_vcpu | map_values(add)) and (.exits | add) >= 9' .out || fail "$out"
	fi
	refused 248 "power button; 'lkvm stop' ends it" stop --ask one
	refused 248 "guest one, PID $guest_pid, has not ended within 1 second" wait --timeout 1 one
	refused 247 "there is no guest 'two'" wait two
	"$LKVM" wait one >waited &
	waiter_pid=$!
	lkvm stop one
	[ "$status" = 0 ] && [ "$out" = "Guest one has ended" ] || fail "$out$err"
	wait $guest_pid
	[ $? = 143 ] || fail "run did not end with 143"
	wait $waiter_pid
	[[ $? = 0 && $(cat waited) = "Guest one has ended" ]] || fail "wait: $(cat waited)"
	[ -z "$(ls -A run)" ] || fail "$(ls -A run)"
}

# A guest whose process stands still does not hang who asks.
test_guests_that_do_not_answer() {
	own_folder
	start_guest --name stuck
	kill -STOP $guest_pid
	# All of its threads: the control socket's is one.
	until ! grep -L '^State:.*stopped' /proc/$guest_pid/task/*/status | grep -q .; do sleep 0.01; done
	lkvm list
	[ "$status" = 0 ] && [[ $out == *"$guest_pid stuck "*" not answering" ]] || fail "$out$err"
	refused 248 "guest stuck, PID $guest_pid, does not answer within 10 seconds" stat stuck
	lkvm stop stuck
	[ "$status" = 248 ] && [[ $err == *"is sent SIGTERM instead"*"10 seconds; 'kill -KILL $guest_pid' would end it at once" ]] ||
		fail "status $status, $err"
	# Unlike a pause, the end that was asked for comes even if nobody waited for it.
	kill -CONT $guest_pid
	wait $guest_pid
	[ $? = 143 ] || fail "run did not end with 143"
}

test_guests_after_a_kill() {
	own_folder
	start_guest --name one
	kill -KILL $guest_pid
	wait $guest_pid
	[ -S run/one.sock ] || fail "$(ls -l run)"
	start_guest --name one
	lkvm list
	[[ $out == *"$guest_pid one "* ]] || fail "$out"
	lkvm stop one
	[ "$status" = 0 ] || fail "$err"
	! wait $guest_pid || fail "run did not end with 143"
}

# A guest runs whether there is a place for its socket or not. Who gave it a name is told.
test_guests_without_a_socket() {
	local long
	own_folder
	chmod 777 run
	start_guest --name one
	grep -q "Warning: Guest one has no control socket (others may write to $PWD/run; set LKVM_RUNTIME_DIR" guest.err ||
		fail "$(cat guest.err)"
	lkvm stop one
	[ "$status" = 247 ] && [[ $err == *"Warning: no guest is looked for in a folder that is not safe: others may write"* ]] ||
		fail "$err"
	kill $guest_pid
	wait $guest_pid
	LKVM_RUNTIME_DIR=/proc/nowhere start_guest
	[ ! -s guest.err ] || fail "$(cat guest.err)"
	kill $guest_pid
	wait $guest_pid
	# A path longer than a socket's address can be is no obstacle.
	long=$PWD/$(printf '%0100d' 0)
	mkdir -m 700 "$long"
	export LKVM_RUNTIME_DIR=$long
	start_guest --name one
	[ ! -s guest.err ] || fail "$(cat guest.err)"
	lkvm stop one
	[ "$status" = 0 ] || fail "$err"
	[ -z "$(ls -A "$long")" ] || fail "$(ls -A "$long")"
}

# A guest that starts until `go` is there, with $guest_pid: its network's script takes that long.
start_slowly() {
	needs_kvm
	[ "$(id -u)" = 0 ] && [ -c /dev/net/tun ] || skip "needs root and /dev/net/tun"
	[ -f "$BUILD/guest/spin.elf" ] || skip "no guests were built"
	printf '#!/bin/sh\n: >ready\nuntil [ -e go ]; do sleep 0.05; done\n' >slow
	chmod +x slow
	rm -f ready go guest.out
	"$LKVM" run --nodefaults -m 64 -c 1 --timeout 60 -n mode=tap,script=./slow -k "$BUILD/guest/spin.elf" "$@" \
		>guest.out 2>guest.err </dev/null &
	guest_pid=$!
	until [ -e ready ]; do
		[ -d /proc/$guest_pid ] || skip "no tap here: $(cat guest.err)"
		sleep 0.05
	done
}

# What asks is answered, what needs a guest that runs waits for that, and a pause that is given up is none.
test_guests_that_start() {
	local pause_pid
	own_folder
	start_slowly --name one
	lkvm list
	[[ $out == *"$guest_pid one "*" starting" ]] || fail "$out$err"
	lkvm stat one
	[ "$status" = 0 ] || fail "$err"
	grep -qxE '  state: +starting' .out && grep -qxE '  memory back end: +anonymous' .out || fail "$out"
	[[ $out != *Exits* ]] || fail "$out"
	timeout 1 "$LKVM" pause one
	[ $? = 124 ] || fail "pause did not wait"
	: >go
	until_it "it does not spin" grep -qs spinning guest.out
	lkvm list
	[[ $out == *"$guest_pid one "*" running" ]] || fail "$out$err"
	lkvm stop one
	wait $guest_pid
	start_slowly --name one
	"$LKVM" pause one >pause.out 2>&1 &
	pause_pid=$!
	sleep 0.2
	[ -d /proc/$pause_pid ] || fail "pause did not wait: $(cat pause.out)"
	: >go
	wait $pause_pid || fail "$(cat pause.out)"
	[ "$(cat pause.out)" = "Guest one is paused" ] || fail "$(cat pause.out)"
	lkvm list
	[[ $out == *" paused" ]] || fail "$out"
	lkvm stop one
	[ "$status" = 0 ] || fail "$err"
	! wait $guest_pid || fail "run did not end with 143"
}

test_guests_stopped_before_they_run() {
	local status
	own_folder
	start_slowly --name one
	lkvm stop one
	[ "$status" = 0 ] && [ "$out" = "Guest one has ended" ] || fail "$out$err"
	wait $guest_pid
	status=$?
	: >go
	[ $status = 143 ] || fail "run ended with $status: $(cat guest.err)"
	! grep -q spinning guest.out || fail "it ran"
	start_slowly
	kill $guest_pid
	wait $guest_pid
	status=$?
	: >go
	[ $status = 143 ] && ! grep -q spinning guest.out || fail "run ended with $status: $(cat guest.err)"
}

# The last of its output waits for a reader who does not read: it is shown, and can be stopped.
test_guests_whose_output_is_not_read() {
	own_folder
	needs_kvm
	[ -f "$BUILD/guest/console.elf" ] || skip "no guests were built"
	command -v python3 >/dev/null || skip "no python3"
	mkfifo fifo
	exec 8<>fifo
	# F_SETPIPE_SZ: of a page the pipe takes less than the guest prints, however the pieces are.
	python3 -c 'import fcntl; fcntl.fcntl(8, 1031, 4096)' || fail "the pipe's size"
	printf P >input
	"$LKVM" run --nodefaults -m 64 -c 1 --name one -k "$BUILD/guest/console.elf" <input >fifo 2>guest.err &
	guest_pid=$!
	is_ending() {
		lkvm list
		[[ $out == *"$guest_pid one "*" ending" ]]
	}
	until_it "it is not ending" is_ending
	lkvm stat one
	[ "$status" = 0 ] && grep -qxE '  state: +ending' .out || fail "$out$err"
	refused 248 "pause: guest one: the guest is about to end" pause one
	lkvm stop one
	[ "$status" = 0 ] && [ "$out" = "Guest one has ended" ] || fail "$out$err"
	wait $guest_pid
	status=$?
	# It had ended by itself.
	[ $status = 0 ] || fail "run ended with $status: $(cat guest.err)"
}

# A folder that nobody knows where to look for is told, and is not taken for another one.
test_guests_folder_is_relative() {
	local command words="LKVM_RUNTIME_DIR is 'run', which is not an absolute path"
	own_folder
	LKVM_RUNTIME_DIR=run
	for command in list "stat -a" "stop x" "pause -a" "resume x"; do
		# shellcheck disable=SC2086 # words
		refused 240 "$words" $command
	done
	lkvm stop --help
	[ "$status" = 0 ] && [ -z "$err" ] || fail "$err"
	start_guest
	kill $guest_pid
	wait $guest_pid
	grep -q "Warning: $words: guest guest-$guest_pid has no control socket" guest.err || fail "$(cat guest.err)"
	[ "$(wc -l <guest.err)" = 1 ] && [ -z "$(ls -A run)" ] || fail "$(cat guest.err; ls -A run)"
}

# The next place is taken when the first is on a file system that is read-only.
test_guests_folder_is_read_only() {
	needs_guest
	[ "$(id -u)" = 0 ] || skip "needs root"
	unshare -m true 2>/dev/null || skip "no namespaces here"
	mkdir -m 700 xdg
	# shellcheck disable=SC2016 # the inner shell's
	unshare -m sh -c 'mount -t tmpfs none /run && mkdir -m 700 /run/lkvm &&
		mount -t tmpfs -o ro,mode=700 none /run/lkvm &&
		unset LKVM_RUNTIME_DIR && XDG_RUNTIME_DIR=$PWD/xdg && export XDG_RUNTIME_DIR || exit 99
		"$0" run --nodefaults -m 64 -c 1 --timeout 60 --name one -k "$1" >guest.out 2>guest.err </dev/null &
		until grep -qs spinning guest.out; do
			[ -d /proc/$! ] || exit 98
			sleep 0.05
		done
		"$0" stop one && wait' "$LKVM" "$BUILD/guest/spin.elf" >.out 2>.err
	status=$? out=$(cat .out) err=$(cat .err)
	[ "$status" != 99 ] || skip "no mounts here: $err"
	[ "$status" = 0 ] && [ "$out" = "Guest one has ended" ] || fail "status $status, $out$err$(cat guest.err)"
	[ ! -s guest.err ] || fail "$(cat guest.err)"
}

# One that ended while it was paused is neither paused nor does it go on.
test_guests_that_end_meanwhile() {
	own_folder
	command -v python3 >/dev/null || skip "no python3"
	python3 - <<'END' &
import socket
server = socket.socket(socket.AF_UNIX)
server.bind("run/one.sock")
server.listen(8)
open("ready", "w")
while True:
    client, _ = server.accept()
    if client.recv(4096):
        client.send(b'{"ok": true, "state": "ending"}\n')
END
	guest_pid=$!
	until [ -f ready ]; do
		[ -d /proc/$guest_pid ] || fail "no server"
		sleep 0.05
	done
	lkvm pause one
	kill $guest_pid
	[ "$status" = 0 ] && [ "$out" = "Guest one is ending" ] || fail "$out$err"
}

# answering JSON: who answers that to every request plays guest "one"; $guest_pid.
answering() {
	command -v python3 >/dev/null || skip "no python3"
	printf '%s\n' "$1" >answer
	python3 - <<'END' &
import socket
server = socket.socket(socket.AF_UNIX)
server.bind("run/one.sock")
server.listen(8)
open("ready", "w")
while True:
    client, _ = server.accept()
    if client.recv(4096):
        client.send(open("answer", "rb").read())
END
	guest_pid=$!
	until_it "no server" [ -f ready ]
}

# What never happened is not told to people, and nobody's words become an escape sequence.
test_guests_stat_for_people() {
	own_folder
	answering '{"ok": true, "name": "one", "state": "\u001b[2J\u009bx", "\u001b]0;y\u0007\u000az": 7, "memory": 0, "counters": {"hypercalls": 0,
"conversions_private": 0, "prefaulted_pages": 3}, "exits": {"io": 2}}'
	tr -d '\n' <answer >answer.line && echo >>answer.line && mv answer.line answer
	lkvm stat one
	kill $guest_pid
	[ "$status" = 0 ] && [ -z "$err" ] || fail "$out$err"
	! grep -qiE 'hypercalls|private' .out || fail "$out"
	grep -qE ': +3$' .out && grep -qE '^  memory: +0 MiB$' .out && grep -qE '^  io: +2$' .out || fail "$out"
	! grep -q "$(printf '\033')" .out && grep -q 'state: .*?\[2J??x' .out || fail "$(od -c .out)"
	grep -qE '^  \?\]0;y\?\?z: +7$' .out || fail "$(od -c .out)"
}

# with_users SCRIPT: runs it as root in a place where /run and /tmp are empty but for the folders of two users. In it
# `guest UID FOLDER/NAME` starts what answers as a guest of that user's does, until it is told to stop.
with_users() {
	[ "$(id -u)" = 0 ] || skip "needs root"
	command -v python3 >/dev/null || skip "no python3"
	unshare --mount true 2>/dev/null || skip "no mount namespaces"
	cat >guest.py <<'END'
import json, os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1] + ".sock")
server.listen(8)
os.write(1, b"ready\n")
while True:
    client, _ = server.accept()
    request = client.recv(4096)
    if request:
        stop = json.loads(request)["request"] == "stop"
        client.send(b'{"ok": true, "state": "running", "memory": 1048576}\n')
        if stop:
            os.unlink(sys.argv[1] + ".sock")
            break
END
	cat >users.sh <<'END'
	unset LKVM_RUNTIME_DIR XDG_RUNTIME_DIR
	# Here others may not come.
	mkdir /run/test && cp guest.py script /run/test && cd /run/test || exit 99
	for user in 65531 65532; do
		mkdir -p /run/user/$user/lkvm /tmp/lkvm-$user
		chmod 700 /run/user/$user /run/user/$user/lkvm /tmp/lkvm-$user
		chown -R $user /run/user/$user /tmp/lkvm-$user
	done
	guest() {
		rm -f ready
		python3 guest.py "$2" "$1" >ready &
		until grep -qs ready ready; do
			[ -d /proc/$! ] || fail "no guest"
			sleep 0.02
		done
		pid=$!
	}
	lkvm() {
		timeout 20 "$LKVM" "$@" >.out 2>.err
		status=$? out=$(cat .out) err=$(cat .err)
	}
END
	# The program may lie in /tmp itself.
	LKVM=$LKVM unshare --mount bash -c 'mount -t tmpfs -o mode=755 none /run || exit 99
		mkdir /run/program && cp "$LKVM" /run/program/lkvm && LKVM=/run/program/lkvm || exit 99
		mount -t tmpfs -o mode=1777 none /tmp || exit 99
		fail() { printf "%s\n" "$*"; exit 1; }
		. ./users.sh && . ./script' >.users 2>&1 </dev/null
	status=$?
	[ $status != 99 ] || skip "no mounts here: $(cat .users)"
	[ $status = 0 ] || fail "$(cat .users)"
}

# Root sees everybody's, by their own names as long as that is clear, and tells whose they are.
test_guests_of_other_users() {
	cat >script <<'END'
	guest 65531 /run/user/65531/lkvm/web
	web=$pid
	guest 65532 /tmp/lkvm-65532/db
	db=$pid
	lkvm list
	[ "$status" = 0 ] && [ -z "$err" ] || fail "$out$err"
	grep -qxE " *PID NAME +STATE +USER" .out && grep -qxE " *$web web +running +65531" .out &&
		grep -qxE " *$db db +running +65532" .out || fail "$out"
	lkvm list --json
	[[ $out == *'"65531/web"'* && $out == *'"user": "65531"'* ]] || fail "$out"
	lkvm stat web
	[ "$status" = 0 ] && [[ $out == "Guest 65531/web"* ]] || fail "$out$err"
	lkvm stat -a
	[[ $out == *"Guest 65531/web"*"Guest 65532/db"* ]] || fail "$out$err"
	# What ends guests ends those of others only by their names.
	lkvm stop -a
	[ "$status" = 0 ] && [ -z "$out$err" ] || fail "$out$err"
	guest 65532 /run/user/65532/lkvm/web
	other=$pid
	lkvm stop web
	[ "$status" = 247 ] && [ "$err" = "  Error: stop: more than one user has a guest 'web': 65531/web, 65532/web; which one?" ] ||
		fail "$err"
	lkvm stop 65532/web db
	[ "$status" = 0 ] && [ "$out" = "Guest 65532/web has ended
Guest 65532/db has ended" ] || fail "$out$err"
	[ -d /proc/$web ] || fail "the other user's web has ended"
	lkvm stop nobody/web
	[ "$status" = 247 ] || fail "$err"
	kill $web
	# A user sees only his own.
	setpriv --reuid 65532 --regid 65532 --clear-groups "$LKVM" list >.out 2>&1
	[ "$(wc -l <.out)" = 2 ] || fail "$(cat .out)"
END
	with_users
}

# Nothing that a user puts there leads root anywhere, or onto root's terminal.
test_guests_of_other_users_are_not_trusted() {
	cat >script <<'END'
	guest 0 /run/root
	root=$pid
	guest 65531 /run/user/65531/lkvm/true
	# Links to root's sockets and to another user's folder, root's socket in the folder, names that are escape sequences.
	ln -s /run/root.sock /run/user/65532/lkvm/link.sock
	ln /run/root.sock /run/user/65532/lkvm/hard.sock
	rmdir /tmp/lkvm-65532
	ln -s /run/user/65531/lkvm /tmp/lkvm-65532
	guest 65532 "/run/user/65532/lkvm/$(printf 'a\233b')"
	lkvm list
	[ "$status" = 0 ] && [ "$(wc -l <.out)" = 3 ] && grep -q " true " .out || fail "$(od -c .out) $err"
	for name in link hard 65532/link 65532/hard 65532/true; do
		lkvm stop $name
		[ "$status" = 247 ] || fail "$name: $out$err"
	done
	[ -d /proc/$root ] || fail "root's own has ended"
	# A listener's own socket must be its user's, too: this one is root's, with the file given away.
	guest 0 /run/user/65532/lkvm/given
	chown 65532 /run/user/65532/lkvm/given.sock
	lkvm stop 65532/given
	[ "$status" = 248 ] && [ -d /proc/$pid ] || fail "$out$err"
	lkvm list
	! grep given .out || fail "$out"
	# A folder that somebody else made, or may write to.
	chown 65532 /tmp/lkvm-65531
	chmod 777 /run/user/65532/lkvm
	lkvm list
	grep -q "Warning: /tmp/lkvm-65531 belongs to user 65532 instead of 65531, so no guest is looked for in it; remove it" .err &&
		grep -q "Warning: others than 65532 may write to /run/user/65532/lkvm," .err && [ "$(wc -l <.err)" = 2 ] || fail "$err"
	# There is an end to it.
	for user in 1 2 3 4 5 6 7 8 9; do
		mkdir /tmp/lkvm-7000$user
	done
	lkvm list
	[ "$(wc -l <.err)" = 4 ] || fail "$err"
	# The user is told as well, and by `run`.
	setpriv --reuid 65531 --regid 65531 --clear-groups "$LKVM" list >.out 2>.err
	grep -q "Warning: no guest is looked for in a folder that is not safe: /tmp/lkvm-65531 belongs to user 65532; have root" .err ||
		fail "$(cat .err)"
	for pid in $(jobs -p); do
		kill "$pid" || :
	done
END
	with_users
}

# Nobody makes root wait for ever, whatever he puts there and however he answers; nor does root send signals to what is root's.
test_guests_of_other_users_take_long() {
	cat >script <<'END'
	cat >slow.py <<'PYTHON'
import os, select, socket, time
folder, nr = "/run/user/65531/lkvm/", 40
os.setegid(65531)
os.seteuid(65531)
servers = {}
for i in range(nr):
    server = socket.socket(socket.AF_UNIX)
    server.bind(folder + "g%02d.sock" % i)
    server.listen(8)
    servers[server] = i
os.seteuid(0)
os.write(1, b"ready\n")
clients = {}
while True:
    for ready in select.select([*servers, *clients], [], [])[0]:
        if ready in servers:
            clients[ready.accept()[0]] = servers[ready]
            continue
        request = ready.recv(4096)
        if not request:
            del clients[ready]
            continue
        with open("/run/test/asked", "a") as asked:
            asked.write("%d\n" % clients[ready])
        # Each is in time, all of them together are not.
        if b"stop" not in request:
            time.sleep(0.5)
            try:
                ready.send(b'{"ok": true, "state": "running", "x\x7f\xc2\x9by": 1}\n')
            except OSError:
                pass
PYTHON
	rm -f ready asked
	python3 slow.py >ready &
	slow=$!
	until grep -qs ready ready; do
		[ -d /proc/$slow ] || fail "no guests"
		sleep 0.02
	done
	guest 65532 /run/user/65532/lkvm/db
	lkvm list
	[ "$status" = 0 ] && grep -qxE " *$pid db +running +65532" .out || fail "$out$err"
	shown=$(grep -c " g[0-9][0-9] .*65531" .out) nr=$(wc -l <asked)
	[ "$nr" -ge 4 ] && [ "$nr" -lt 10 ] && [ "$shown" -ge "$nr" ] || fail "$nr asked, $out"
	lkvm stat 65531/g00 --json
	! LC_ALL=C grep -q "$(printf '[\177\233]')" .out && [[ $out == *'x\u007f\u009By'* ]] || fail "$(od -c .out)"
	# The process has been root's ever since it began to listen.
	lkvm stop 65531/g00
	[ "$status" = 248 ] && [[ $err == *"SIGTERM cannot be sent: Operation not permitted"* ]] && [ -d /proc/$slow ] ||
		fail "$status $out$err"
	# No more than so many files are looked at, whatever they are: those of one of these two come too late.
	kill -9 $slow
	guest 65532 /run/user/65532/lkvm/before
	for i in $(seq 1100); do
		: >/run/user/65532/lkvm/$i
	done
	guest 65532 /run/user/65532/lkvm/behind
	lkvm list
	[ "$(grep -cE " (before|behind) .*65532" .out)" = 1 ] || fail "$out$err"
	for pid in $(jobs -p); do
		kill "$pid" || :
	done
END
	with_users
}

# One that hangs up because it ends has done what stop asks for, and nothing of what others do.
test_guests_that_end_before_they_answer() {
	local command
	own_folder
	command -v python3 >/dev/null || skip "no python3"
	for command in stop pause stat; do
		rm -f ready
		python3 - <<'END' &
import os, socket
server = socket.socket(socket.AF_UNIX)
server.bind("run/one.sock")
server.listen(8)
open("ready", "w")
client, _ = server.accept()
client.recv(4096)
os.unlink("run/one.sock")
END
		until_it "no server" [ -f ready ]
		lkvm $command one
		wait
		if [ $command = stop ]; then
			[ "$status" = 0 ] && [ "$out$err" = "Guest one has ended" ] || fail "status $status, $out$err"
		else
			one_line 247 "$command: guest one has ended meanwhile" "lkvm $command"
		fi
	done
}

# Ten seconds are no reason to think that it hangs.
test_guests_that_start_for_long() {
	own_folder
	start_slowly --name one
	refused 248 "pause: guest one is still starting after 10 seconds; nothing was done" pause one
	lkvm stop one
	[ "$status" = 0 ] || fail "$err"
	! wait $guest_pid || fail "run did not end with 143"
	: >go
}

# What fails before a guest runs takes its socket with it.
test_guests_that_do_not_start() {
	own_folder
	needs_kvm
	refused 241 "Fatal: Unable to open kernel /nowhere" run -m 64 --name one -k /nowhere
	[ -z "$(ls -A run)" ] || fail "$(ls -A run)"
}

test_guests_output_that_cannot_be_written() {
	[ -w /dev/full ] || skip "no /dev/full"
	own_folder
	"$LKVM" list >/dev/full 2>.err
	status=$? out='' err=$(cat .err)
	one_line 246 "standard output: " "lkvm list >/dev/full"
}

# Every option of the commands is in their page.
test_guests_man_page() {
	local command
	sed 's/\\-/-/g; s/\\f[BIR]//g' "$BUILD/man/lkvm-list.1" "$BUILD/man/lkvm-stat.1" >pages
	for command in list stop pause resume stat; do
		lkvm $command --help
		sed -n 's/^  \(-[a-z],\|   \) \(--[a-z]*\).*/\2/p' .out
	done | sort -u >in-help
	[ "$(wc -l <in-help)" = 8 ] || fail "$(cat in-help)"
	while read -r option; do
		grep -qE "^(-[a-z], |\.B )?$option\b" pages || fail "$option is in no page"
	done <in-help
}
