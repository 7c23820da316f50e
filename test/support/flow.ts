// One end of a TCP connection that runs as fast as it can, inside a test's namespace.
// `sink ADDRESS PORT` says "listening" and then, for its one connection, how many bit/s it received from its first byte to
// its last. `source ADDRESS PORT MILLISECONDS` sends for that long.
const [role, hostname = "", port = "0", milliseconds = "0"] = process.argv.slice(2);

if (role === "sink") {
  let [bytes, first, last] = [0, 0, 0];
  Bun.listen({
    hostname,
    port: Number(port),
    socket: {
      data(_socket, chunk) {
        last = performance.now();
        // What came together with the first byte was sent before it.
        if (first === 0) first = last;
        else bytes += chunk.length;
      },
      close() {
        console.log(`received ${Math.round((bytes * 8) / ((last - first) / 1000))}`);
        process.exit(0);
      },
    },
  });
  console.log("listening");
} else {
  const block = new Uint8Array(64 * 1024);
  const end = performance.now() + Number(milliseconds);
  const fill = (socket: { write(data: Uint8Array): number; terminate(): void }): void => {
    while (performance.now() < end) if (socket.write(block) < block.length) return;
    socket.terminate();
  };
  await Bun.connect({ hostname, port: Number(port), socket: { open: fill, drain: fill, data() {}, close: () => process.exit(0) } });
}

setTimeout(() => process.exit(1), 20_000);
export {};
