// A little server that runs inside a test's namespace: tells everybody which address they came from.
// Arguments: tcp|udp, address, port, name. Ends with its standard input, and after a minute in any case.
const [protocol, hostname = "0.0.0.0", port = "0", name = "server"] = process.argv.slice(2);

if (protocol === "tcp") {
  Bun.listen({
    hostname,
    port: Number(port),
    socket: {
      open(socket) {
        socket.end(`${name} saw ${plain(socket.remoteAddress)}\n`);
      },
      data() {},
    },
  });
} else {
  await Bun.udpSocket({
    hostname,
    port: Number(port),
    socket: {
      data(socket, _data, fromPort, fromAddress) {
        const answer = () => socket.send(`${name} saw ${plain(fromAddress)}\n`, fromPort, fromAddress);
        try {
          answer();
        } catch {
          // Somebody refused an earlier answer, and the kernel tells it now, instead of sending this one.
          answer();
        }
      },
      error() {},
    },
  });
}

console.log("listening");
setTimeout(() => process.exit(0), 60_000);
process.stdin.on("end", () => process.exit(0)).resume();

/** An IPv4 client of a server that listens on `::` is shown as `::ffff:10.1.0.2`. */
function plain(address: string): string {
  return address.replace(/^::ffff:/, "");
}

export {};
