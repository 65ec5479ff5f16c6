import { createServer } from "node:http";

/** What the host is compared with: node's server and nothing else, in a process of its own. */
const server = createServer((_request, response) => {
  response.setHeader("content-type", "application/json");
  response.end('{"ok":true}');
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as { port: number };
  process.send?.(`http://127.0.0.1:${port}/`);
});
process.on("disconnect", () => process.exit(0));
