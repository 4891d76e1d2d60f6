# SPDX-License-Identifier: GPL-2.0-or-later
# A serial port on a pty of its own: its path is said at every log level and has a link, clients come and go, bytes pass as they are.
fail() {
	echo "FAIL $*"
	exit 1
}

"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --timeout 20 --loglevel warning --tty 1=modem </dev/null >output 2>errors &
pid=$!
n=0
until path=$(sed -n 's,^  Info: Assigned terminal 1 to pty \(/dev/pts/[0-9]*\)$,\1,p' errors) && [ -n "$path" ]; do
	n=$((n + 1))
	[ $n -lt 100 ] || fail "no path was said: $(cat errors)"
	sleep 0.05
done

[ "$(readlink modem)" = "$path" ] || fail "the link: $(ls -l modem)"
path=modem

# talk TEXT BYTES: what comes back.
talk() {
	exec 5<>"$path"
	printf "$1" >&5
	timeout 20 head -c "$2" <&5
	exec 5>&-
}

# Ctrl-A x, Ctrl-C and line ends mean nothing here.
talk 'hello\r\n\001x\003 ' 11 >got
printf 'HELLO\r\n\001X\003 ' | cmp - got || fail "the first client got: $(od -c got)"
talk 'again' 5 >got
[ "$(cat got)" = AGAIN ] || fail "the second client got: $(od -c got)"
talk '.' 1 >got
wait $pid
status=$?
[ "$status" = 0 ] || fail "status $status"
# 17 of ours.
[ "$(cat output)" = "bytes: 00000011" ] || fail "the guest counted: $(cat output)"
[ ! -L modem ] || fail "the link is still there"
# A link that somebody needs, and what is no link at all.
for other in /etc/passwd "$(tty || echo /dev/null)"; do
	rm -f modem
	ln -s "$other" modem
	"$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --timeout 20 --tty 1=modem </dev/null >output 2>errors
	status=$?
	[ "$status" = 241 ] || fail "status $status with a link to $other"
	[ "$(readlink modem)" = "$other" ] || fail "the link to $other is gone"
	grep -q "^  Fatal: Unable to make the link modem to /dev/pts/[0-9]*: there is a link to" errors || fail "$(cat errors)"
done
exit 0
