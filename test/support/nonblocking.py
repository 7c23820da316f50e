"""Starts a plugin whose stdin and stdout have O_NONBLOCK. The configuration (our stdin) comes, and the full pipe of
stdout is emptied, only when the plugin waits for it. Prints the exit status and the plugin's stdout as JSON.

usage: nonblocking.py PLUGIN
"""
import fcntl, json, os, subprocess, sys, termios, time

plugin = sys.argv[1]
configuration = sys.stdin.buffer.read()
LIMIT_S = 20


def pipe_without_waiting():
    ends = os.pipe()
    for end in ends:
        fcntl.fcntl(end, fcntl.F_SETFL, fcntl.fcntl(end, fcntl.F_GETFL) | os.O_NONBLOCK)
    return ends


def waits_in_poll(process):
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end and process.poll() is None:
        with open(f"/proc/{process.pid}/wchan") as file:
            if "poll" in file.read():
                return True
    return False


stdin, to_plugin = pipe_without_waiting()
from_plugin, stdout = pipe_without_waiting()
filled = 0
try:
    while True:
        filled += os.write(stdout, b" " * 512)
except BlockingIOError:
    pass
process = subprocess.Popen([plugin], stdin=stdin, stdout=stdout)
waited = [waits_in_poll(process)]
os.write(to_plugin, configuration)
os.close(to_plugin)
# The plugin has left its first wait when it has read all.
while process.poll() is None and any(fcntl.ioctl(stdin, termios.FIONREAD, bytes(4))):
    pass
os.close(stdin)
waited.append(waits_in_poll(process))
os.close(stdout)
text = b""
while True:
    try:
        part = os.read(from_plugin, 65536)
    except BlockingIOError:
        continue
    if part == b"":
        break
    text += part
print(json.dumps({"status": process.wait(LIMIT_S), "waited": waited, "stdout": text[filled:].decode()}))
