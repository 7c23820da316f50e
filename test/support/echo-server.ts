// A little server that runs inside a test's namespace: tells everybody which address they came from.
// Arguments: tcp|udp, address, port, name. Ends with its standard input, and after a minute in any case.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";

const [protocol, hostname = "0.0.0.0", port = "0", name = "server"] = process.argv.slice(2);

const says = (address = ""): string => `${name} saw ${plain(address)}\n`;
const isListening = (): void => console.log("listening");

if (protocol === "tcp") {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.resume().end(says(socket.remoteAddress));
  });
  server.listen(Number(port), hostname, isListening);
} else {
  const socket = createSocket(hostname.includes(":") ? "udp6" : "udp4");
  socket.on("message", (_data, from) => socket.send(says(from.address), from.port, from.address, () => {}));
  socket.bind(Number(port), hostname, isListening);
}

setTimeout(() => process.exit(0), 60_000);
process.stdin.on("end", () => process.exit(0)).resume();

/** An IPv4 client of a server that listens on `::` is shown as `::ffff:10.1.0.2`. */
function plain(address: string): string {
  return address.replace(/^::ffff:/, "");
}
