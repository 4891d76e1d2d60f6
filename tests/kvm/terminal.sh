# SPDX-License-Identifier: GPL-2.0-or-later
# lkvm on a terminal: help on request, and an end on a line of its own. Another terminal hangs up.
command -v python3 >/dev/null || { echo "python3"; exit 77; }
cat >type.py <<'END'
import os, pty, sys

def start(words):
    pid, fd = pty.fork()
    if not pid:
        os.execvp(words[0], words)
    return pid, fd

seen = b""
def expect(fd, text):
    global seen
    while text not in seen:
        try:
            got = os.read(fd, 4096)
        except OSError:
            got = b""
        if not got:
            sys.exit("FAIL no %r in %r" % (text, seen))
        seen += got
    seen = seen[seen.index(text) + len(text):]

def expect_status(pid, status):
    got = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if got != status:
        sys.exit("FAIL status %d, not %d" % (got, status))

words = sys.argv[1:]
pid, fd = start(words)
expect(fd, b"login: ")
os.write(fd, b"ab")
expect(fd, b"ab")
for key in b"?", b"h":
    os.write(fd, b"\1" + key)
    expect(fd, b"\r\nCtrl-A x ends the guest")
    expect(fd, b"lkvm stop --name typed")
    expect(fd, b"\r\n")
os.write(fd, b"c")
expect(fd, b"c")
os.write(fd, b"\1x")
expect(fd, b"\r\n  Info: Guest typed was ended by Ctrl-A x\r")
expect_status(pid, 0)

# The kernel sends SIGHUP, too: which of the two lkvm sees first tells nothing more.
pid, fd = start(words)
seen = b""
expect(fd, b"login: ")
os.close(fd)
got = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if got not in (129, 141):
    sys.exit("FAIL status %d after a hang-up" % got)
END
timeout 60 python3 type.py "$LKVM" run --nodefaults -k "$GUEST" -m 64 -c 1 --name typed 2>&1
