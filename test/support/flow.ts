// One end of a TCP connection that runs as fast as it can, inside a test's namespace. `sink ADDRESS PORT`
// says "listening" and then, for its one connection, how many bit/s it received from its first byte to its
// last. `source ADDRESS PORT MILLISECONDS` sends for that long.
import { connect, createServer, type Socket } from "node:net";

const [role, hostname = "", port = "0", milliseconds = "0"] = process.argv.slice(2);

if (role === "sink") {
  createServer(count).listen(Number(port), hostname, () => console.log("listening"));
} else {
  const block = new Uint8Array(64 * 1024);
  const end = performance.now() + Number(milliseconds);
  const socket = connect(Number(port), hostname);
  const fill = (): void => {
    while (performance.now() < end) if (!socket.write(block)) return;
    socket.resetAndDestroy();
  };
  socket
    .on("connect", fill)
    .on("drain", fill)
    .on("error", () => {})
    .on("close", () => process.exit(0));
}

setTimeout(() => process.exit(1), 20_000);

/** Says how fast the bytes of a connection came, when it has ended. */
function count(socket: Socket): void {
  let [bytes, first, last] = [0, 0, 0];
  socket.on("data", (chunk) => {
    last = performance.now();
    // What came together with the first byte was sent before it.
    if (first === 0) first = last;
    else bytes += chunk.length;
  });
  socket
    .on("error", () => {})
    .on("close", () => {
      console.log(`received ${Math.round((bytes * 8) / ((last - first) / 1000))}`);
      process.exit(0);
    });
}
